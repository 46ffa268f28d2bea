//! The configuration that counts: it is made anew when the file or what stands beside it changes, and jobs go on with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rowkeep::config::{Addition, Combined, LeftOut, ServiceSettings, Subject};
use rowkeep::jobs::workspace::Workspace;
use secrecy::SecretString;

use super::configuration::Configuration;
use super::kept::{Kept, read, usable};
use crate::Error;
use crate::queue::Queue;
use crate::state::failure;
use crate::state::transaction::Transaction;
use crate::state::{State, additions};

/// The configuration that counts, shared by all who hold it.
#[derive(Clone)]
pub(crate) struct Settings(Arc<Inner>);

struct Inner {
    configuration: Configuration,
    /// What cannot change while the service runs.
    fixed: ServiceSettings,
    /// Held by whoever changes it.
    changing: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

/// What counts, and what does not.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The text of the file, if there is one.
    text: Option<SecretString>,
    kept: Vec<Kept>,
    left_out: Vec<LeftOut>,
    /// Why the file does not count as it is now.
    problem: Option<String>,
    /// What it says that counts from the next start on.
    waiting: Vec<&'static str>,
}

/// What was changed on pages, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) subject: String,
    pub(crate) who: String,
    pub(crate) time: Timestamp,
    /// Where it is, without what is secret.
    pub(crate) place: Option<String>,
    /// Why it does not count.
    pub(crate) problem: Option<String>,
}

/// Why something cannot be added.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It does not hold, for this reason.
    DoesNotHold(String),
    /// The state cannot be used.
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Settings {
    /// What a file and the state say, and what jobs work in by it. Fails where the file does not hold.
    pub(crate) async fn open(
        configuration: Configuration,
        state: &State,
    ) -> Result<(Self, Arc<Workspace>), Error> {
        let kept = read(state).await?;
        let text = configuration.text()?;
        let Combined { config, left_out } = configuration.combined(text.as_ref(), &usable(&kept))?;
        let fixed = config.service.clone();
        let known = Known { text, kept, left_out, ..Known::default() };
        let workspace = configuration.workspace(config);
        let (changing, known) = (tokio::sync::Mutex::default(), Mutex::new(known));
        let settings = Self(Arc::new(Inner { configuration, fixed, changing, known }));
        settings.warn();
        Ok((settings, workspace))
    }

    /// The text of the file, if there is one.
    pub(crate) fn text(&self) -> Option<SecretString> {
        self.known().text.clone()
    }

    /// Why the file does not count as it is now.
    pub(crate) fn problem(&self) -> Option<String> {
        self.known().problem.clone()
    }

    /// What the file says that counts from the next start on.
    pub(crate) fn waiting(&self) -> Vec<&'static str> {
        self.known().waiting.clone()
    }

    /// What was changed on pages.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let known = self.known();
        let shown = |kept: &Kept| {
            let addition = kept.addition.as_ref();
            let of_it = |left: &&LeftOut| left.subject.name() == kept.subject;
            let left_out = known.left_out.iter().find(of_it).map(|left| left.problem.clone());
            Shown {
                subject: kept.subject.clone(),
                who: kept.who.clone(),
                time: kept.time,
                place: addition.ok().map(Addition::place),
                problem: addition.err().cloned().or(left_out),
            }
        };
        known.kept.iter().map(shown).collect()
    }

    /// What was said of a subject on a page.
    pub(crate) fn addition(&self, subject: &Subject) -> Option<Addition> {
        let (known, name) = (self.known(), subject.name());
        known.kept.iter().find(|kept| kept.subject == name)?.addition.clone().ok()
    }

    /// All that was said on pages and can be had.
    pub(crate) fn additions(&self) -> Vec<Addition> {
        usable(&self.known().kept)
    }

    /// Reads the file again, and has jobs go on with it. Where it does not hold, what counted before goes on, and that is said.
    pub(crate) async fn reload(&self, queue: &Queue) -> Result<(), String> {
        let _alone = self.0.changing.lock().await;
        let known = self.known().clone();
        let made = self.0.configuration.text().and_then(|text| {
            let combined = self.0.configuration.combined(text.as_ref(), &usable(&known.kept))?;
            Ok((text, combined))
        });
        let made = match made {
            Ok((None, _)) if known.text.is_some() => {
                Err(format!("{} is not there any more", self.0.configuration.path().display()))
            }
            other => other.map_err(|error| error.in_one_line()),
        };
        match made {
            Ok((text, combined)) => {
                self.go_on(queue, text, known.kept, combined);
                Ok(())
            }
            Err(problem) => {
                self.known().problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// What jobs would work in if this were added, which is not kept.
    pub(crate) fn tried(&self, addition: &Addition) -> Result<Arc<Workspace>, Refused> {
        let known = self.known().clone();
        let mut additions = usable(&known.kept);
        additions.retain(|other| other.subject() != addition.subject());
        additions.push(addition.clone());
        let combined = self.holding(&known, &additions, addition.subject())?;
        Ok(self.0.configuration.workspace(combined.config))
    }

    /// Adds something, in place of what was added of the same subject, and has jobs go on with it. `also` is done with it, or nothing is.
    pub(crate) async fn add(
        &self,
        queue: &Queue,
        addition: Addition,
        who: String,
        also: impl FnOnce(&Transaction<'_>) -> failure::Result<()> + Send + 'static,
    ) -> Result<(), Refused> {
        let _alone = self.0.changing.lock().await;
        let mut known = self.known().clone();
        let (subject, name) = (addition.subject().clone(), addition.subject().name());
        let kept = Kept { subject: name.clone(), addition: Ok(addition), who, time: queue.now() };
        let sealed = kept.sealed(queue.state().key()?)?;
        known.kept.retain(|other| other.subject != name);
        known.kept.push(kept);
        known.kept.sort_by(|one, other| one.subject.cmp(&other.subject));
        let combined = self.holding(&known, &usable(&known.kept), &subject)?;
        let keep = move |state: &Transaction<'_>| {
            additions::set(state, &sealed)?;
            also(state)
        };
        queue.state().transaction(keep).await?;
        self.go_on(queue, known.text, known.kept, combined);
        Ok(())
    }

    /// Takes back what was added of a subject, and has jobs go on without it; whether there was something.
    pub(crate) async fn remove(
        &self,
        queue: &Queue,
        subject: &Subject,
        also: impl FnOnce(&Transaction<'_>) -> failure::Result<()> + Send + 'static,
    ) -> Result<bool, Refused> {
        let _alone = self.0.changing.lock().await;
        let mut known = self.known().clone();
        let name = subject.name();
        known.kept.retain(|other| other.subject != name);
        let combined = self.0.configuration.combined(known.text.as_ref(), &usable(&known.kept));
        let combined = combined.map_err(|error| Refused::DoesNotHold(error.in_one_line()))?;
        let forget = move |state: &Transaction<'_>| match additions::remove(state, &name)? {
            true => also(state).map(|()| true),
            false => Ok(false),
        };
        let removed = queue.state().transaction(forget).await?;
        self.go_on(queue, known.text, known.kept, combined);
        Ok(removed)
    }

    /// What counts with additions, of which that of a subject has to.
    fn holding(&self, known: &Known, all: &[Addition], subject: &Subject) -> Result<Combined, Refused> {
        let combined = self.0.configuration.combined(known.text.as_ref(), all);
        let combined = combined.map_err(|error| Refused::DoesNotHold(error.in_one_line()))?;
        match combined.left_out.iter().find(|left| left.subject == *subject) {
            Some(left) => Err(Refused::DoesNotHold(left.problem.clone())),
            None => Ok(combined),
        }
    }

    /// Has jobs go on with a configuration; what cannot change stays as it is.
    fn go_on(&self, queue: &Queue, text: Option<SecretString>, kept: Vec<Kept>, combined: Combined) {
        let Combined { mut config, left_out } = combined;
        let waiting = config.service.keep_fixed(&self.0.fixed);
        let workspace = self.0.configuration.workspace(config);
        *self.known() = Known { text, kept, left_out, problem: None, waiting };
        queue.go_on_with(workspace);
        self.warn();
    }

    /// Says in the log what does not count.
    fn warn(&self) {
        for left in &self.known().left_out {
            tracing::warn!("what a page says of {} does not count: {}", left.subject, left.problem);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
