//! Jobs are begun when they are due, watched, stopped, begun again.

mod arriving;
mod exporting;
mod kind;
mod looking;
mod performing;
mod progress;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rowkeep::Context;
use rowkeep::clock::Clock;
use rowkeep::jobs::request::Request;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::Randomness;
use rowkeep::state::snapshots::EVENT;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::arrivals::Arrivals;
use crate::export_files::ExportFiles;
use crate::relief::Relief;
use crate::state::State;
use crate::state::audit::{self, Deed};
use crate::state::jobs::{self, Asked, Job, NewJob};
use crate::state::transaction::Transaction;
use kind::kind;
pub(crate) use progress::Progress;

/// How long it is waited before it is looked whether something is due: clocks may be set meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// What a job is known by in the tags of the snapshots that it makes.
pub(crate) const JOB_TAG: &str = "rowkeep-job";

/// What is done again when a process ended in the middle of it: it changes no database, or makes all of it again.
const REPEATABLE: [&str; 9] =
    ["backup", "check", "check_data", "copy", "drill", "export", "import", "prune", "refresh"];

/// The jobs of a service.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Inner>);

struct Inner {
    state: State,
    workspace: RwLock<Arc<Workspace>>,
    export_files: ExportFiles,
    arrivals: Arrivals,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    wake: Notify,
    running: Mutex<HashMap<String, Running>>,
    ended: broadcast::Sender<String>,
    /// Told when a job begins or ends.
    changed: Notify,
    tasks: TaskTracker,
    /// Cancelled when the service ends.
    ending: CancellationToken,
    looked: tokio::sync::Mutex<Option<Looked>>,
    /// When it was last looked what the repository holds.
    seen: Mutex<Option<Instant>>,
    /// Held by the one who looks.
    looking: Arc<tokio::sync::Mutex<()>>,
    keeping: tokio::sync::Mutex<()>,
    relief: Relief,
}

/// When the repository was last looked at, and what was wrong with it.
struct Looked {
    of: Arc<Workspace>,
    at: Instant,
    problem: Option<String>,
}

struct Running {
    cancel: CancellationToken,
    /// Whether somebody wants the job to stop, and not the service.
    is_unwanted: bool,
    progress: Arc<Mutex<Progress>>,
}

/// A job that is asked for.
pub(crate) struct Wanted {
    pub(crate) request: Request,
    pub(crate) database: Option<String>,
    pub(crate) asked_by: String,
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) idempotency: Option<(String, Vec<u8>)>,
}

impl Queue {
    /// The jobs of a state, of which those that another process left in the middle are done again or have failed.
    pub(crate) async fn open(
        state: State,
        workspace: Arc<Workspace>,
        (export_files, arrivals): (ExportFiles, Arrivals),
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, Error> {
        let now = clock.now();
        let again = state.transaction(move |state| jobs::recover(state, &REPEATABLE, now)).await?;
        if again > 0 {
            tracing::info!("{again} jobs that were cut off are begun again");
        }
        let (ended, _) = broadcast::channel(256);
        Ok(Self(Arc::new(Inner {
            state,
            workspace: RwLock::new(workspace),
            export_files,
            arrivals,
            clock,
            randomness,
            wake: Notify::new(),
            running: Mutex::default(),
            ended,
            changed: Notify::new(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            looked: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            looking: Arc::default(),
            keeping: tokio::sync::Mutex::default(),
            relief: Relief::default(),
        })))
    }

    /// What jobs work in that begin now. Whoever has it goes on with it when the configuration is another.
    pub(crate) fn workspace(&self) -> Arc<Workspace> {
        Arc::clone(&self.0.workspace.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has jobs that begin from now on work in another workspace; those that are being done end with theirs.
    pub(crate) fn go_on_with(&self, workspace: Arc<Workspace>) {
        *self.0.workspace.write().unwrap_or_else(PoisonError::into_inner) = workspace;
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.changed.notify_one();
        self.wake();
    }

    /// Where states are that pages send.
    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    /// Where the files of exports are.
    pub(crate) fn export_files(&self) -> &ExportFiles {
        &self.0.export_files
    }

    /// The state.
    pub(crate) fn state(&self) -> &State {
        &self.0.state
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// Something random that is used once, in hexadecimal.
    pub(crate) fn random<const N: usize>(&self) -> Result<String, Error> {
        Ok(hex::encode(self.random_bytes::<N>()?))
    }

    /// The same as bytes.
    pub(crate) fn random_bytes<const N: usize>(&self) -> Result<[u8; N], Error> {
        random_bytes(&*self.0.randomness)
    }

    /// What is stored for a job that is wanted.
    pub(crate) fn new_job(&self, wanted: Wanted) -> Result<NewJob, Error> {
        let id = self.random::<16>()?;
        let mut request = wanted.request;
        let tags = match &mut request {
            Request::Backup(backup) => Some(&mut backup.tags),
            Request::Import(import) => Some(&mut import.tags),
            _ => None,
        };
        if let Some(tags) = tags {
            tags.insert(JOB_TAG.to_owned(), id.clone());
        }
        let stored = serde_json::to_string(&request).map_err(|error| Error::Content(error.to_string()))?;
        let now = self.now();
        Ok(NewJob {
            id,
            kind: kind(&request),
            database: wanted.database,
            request: stored,
            asked_by: wanted.asked_by,
            scheduled: wanted.scheduled,
            now,
            due: now,
            idempotency: wanted.idempotency,
        })
    }

    /// Asks for a job, and notes that somebody did.
    pub(crate) async fn ask(&self, wanted: Wanted, mut deed: Deed) -> Result<Asked, Error> {
        let event = match &wanted.request {
            Request::Backup(backup) => backup.tags.get(EVENT).map(|event| format!(", for event {event}")),
            _ => None,
        };
        let new = self.new_job(wanted)?;
        let asked = self
            .0
            .state
            .transaction(move |state| {
                let asked = jobs::add(state, &new)?;
                // One that was asked for before is noted already.
                if matches!(&asked, Asked::Job(job) if job.id == new.id) {
                    deed.object = object(new.kind, new.database.as_deref(), &new.id);
                    deed.object.extend(event);
                    audit::note(state, new.now, &deed)?;
                }
                Ok(asked)
            })
            .await?;
        self.wake();
        Ok(asked)
    }

    /// Says that there may be something to do.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Comes when a job began or ended since it was asked the last time, by the one who watches that.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// One job.
    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>, Error> {
        let id = id.to_owned();
        self.0.state.transaction(move |state| jobs::by_id(state, &id)).await
    }

    /// The same once it is over, or when it was waited so long for.
    pub(crate) async fn job_when_over(&self, id: &str, patience: Duration) -> Result<Option<Job>, Error> {
        let mut ended = self.0.ended.subscribe();
        let over = async {
            loop {
                match self.job(id).await? {
                    Some(job) if !job.state.is_over() => {}
                    other => return Ok(other),
                }
                // Who falls behind has missed some, so that it is looked again.
                while matches!(ended.recv().await, Ok(other) if other != id) {}
            }
        };
        tokio::select! {
            job = over => job,
            () = tokio::time::sleep(patience) => self.job(id).await,
            () = self.0.ending.cancelled() => self.job(id).await,
        }
    }

    /// How far a job has come that is being done.
    pub(crate) fn progress(&self, id: &str) -> Option<Progress> {
        let running = self.running();
        running.get(id).map(|running| running.progress.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The ids of jobs that come to an end from now on; of one that is tried again, too.
    pub(crate) fn ended(&self) -> broadcast::Receiver<String> {
        self.0.ended.subscribe()
    }

    /// Cancelled when the service ends.
    pub(crate) fn ending(&self) -> &CancellationToken {
        &self.0.ending
    }

    /// Stops a job, and notes that somebody did; whether there was one to stop.
    pub(crate) async fn stop(&self, id: &str, deed: Deed) -> Result<bool, Error> {
        let (of, now) = (id.to_owned(), self.now());
        let stop = move |state: &Transaction<'_>| {
            let stopped = jobs::stop(state, &of, now)?;
            if stopped {
                audit::note(state, now, &deed)?;
            }
            Ok(stopped)
        };
        let stopped = self.0.state.transaction(stop).await?;
        if let Some(running) = self.running().get_mut(id) {
            running.is_unwanted = true;
            running.cancel.cancel();
        }
        if stopped {
            let _ = self.0.ended.send(id.to_owned());
        }
        Ok(stopped)
    }

    /// Does jobs until that is to stop; those in the middle are then stopped, and done again by the next process. Calls `pulse` each time
    /// that it was looked whether something is due.
    pub(crate) async fn run(&self, stop: &CancellationToken, pulse: &(dyn Fn() + Send + Sync)) {
        while !stop.is_cancelled() {
            match self.begin().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    self.stop_where_lost(&error);
                    tell(&error);
                }
            }
            pulse();
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        self.0.ending.cancel();
        self.running().values().for_each(|running| running.cancel.cancel());
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Stops what is being done where another service has the state, and does it too.
    fn stop_where_lost(&self, error: &Error) {
        if matches!(error, Error::StateLost { .. }) {
            self.running().values().for_each(|running| running.cancel.cancel());
        }
    }

    /// Held by whoever puts the state into the repository.
    pub(crate) async fn keeping(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.keeping.lock().await
    }

    /// How memory is given back after work that took much of it.
    pub(crate) fn relief(&self) -> &Relief {
        &self.0.relief
    }

    /// What jobs run in that are done beside the queue.
    pub(crate) fn context(&self, cancel: CancellationToken) -> Context {
        Context::new(Arc::new(|_| {}), cancel)
            .with_clock(Arc::clone(&self.0.clock))
            .with_randomness(Arc::clone(&self.0.randomness))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something random that is used once.
pub(crate) fn random_bytes<const N: usize>(randomness: &dyn Randomness) -> Result<[u8; N], Error> {
    let bytes: Result<[u8; N], _> = randomness.bytes();
    bytes.map_err(|error| Error::Content(format!("no random bytes: {error}")))
}

/// What the audit says of a job.
fn object(kind: &str, database: Option<&str>, id: &str) -> String {
    match database {
        Some(name) => format!("{kind} of {name}: {id}"),
        None => format!("{kind}: {id}"),
    }
}

/// Says in the log what went wrong, unless that is said already where it happens: of a state that is away, once.
pub(crate) fn tell(error: &Error) {
    if !matches!(error, Error::StateAway { .. } | Error::StateLost { .. }) {
        tracing::error!("{}", in_one_line(error));
    }
}

/// An error with its causes.
pub(crate) fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    rowkeep::format::in_one_line(error)
}
