//! Jobs are begun when they are due, watched, stopped, begun again.

mod exporting;
mod kind;
mod progress;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use rowkeep::Context;
use rowkeep::async_trait;
use rowkeep::clock::Clock;
use rowkeep::config::KeepState;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::backup::BackupOutcome;
use rowkeep::jobs::caller::{RunCommand, Unattended};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::snapshots;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::{Catalog, Randomness};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::audit::HEAD_TAG;
use crate::export_files::ExportFiles;
use crate::state::State;
use crate::state::audit::{self, Deed};
use crate::state::jobs::{self, Asked, Ended, Job, JobState, NewJob};
use crate::state::kept;
use crate::state::transaction::Transaction;
use kind::kind;
pub(crate) use progress::Progress;
use progress::advance;

/// How many jobs are done at once.
const AT_ONCE: usize = 2;

/// How long it is waited before it is looked whether something is due: clocks may be set meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// How long it is waited before what a schedule wanted is begun again, after it failed the first time, the second, ...; then it is not.
const AGAIN: [SignedDuration; 4] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
];

/// For how long the repository is taken to be as it was found.
const FRESH: Duration = Duration::from_secs(10);

/// For how long nobody looks again what others have put into it; what jobs here did is known at once.
const MOMENTS: Duration = Duration::from_secs(2);

/// For so long what is known of it is told while it is looked again: to list very many snapshots takes a while.
const KNOWN: Duration = Duration::from_secs(60);

/// What a job is known by in the tags of the snapshots that it makes.
pub(crate) const JOB_TAG: &str = "rowkeep-job";

/// What is done again when a process ended in the middle of it: it changes no database, or makes all of it again.
const REPEATABLE: [&str; 8] =
    ["backup", "check", "check_data", "copy", "drill", "export", "prune", "refresh"];

/// The jobs of a service.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Inner>);

struct Inner {
    state: State,
    workspace: RwLock<Arc<Workspace>>,
    export_files: ExportFiles,
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

/// Nobody runs commands over a network.
struct NoCommands;

#[async_trait]
impl RunCommand for NoCommands {
    async fn run(&self, _: &[std::ffi::OsString], _: &[(&str, std::ffi::OsString)]) -> Option<String> {
        Some("the service runs no commands that somebody sends".to_owned())
    }
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
        export_files: ExportFiles,
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

    /// Where the files of exports are.
    pub(crate) fn export_files(&self) -> &ExportFiles {
        &self.0.export_files
    }

    /// The workspace, whose repository was there a moment ago; or why that cannot be used.
    pub(crate) async fn usable(&self) -> Result<Arc<Workspace>, String> {
        let mut looked = self.0.looked.lock().await;
        let (workspace, now) = (self.workspace(), self.0.clock.instant());
        let problem = match &*looked {
            Some(known)
                if Arc::ptr_eq(&known.of, &workspace) && now.saturating_duration_since(known.at) < FRESH =>
            {
                known.problem.clone()
            }
            _ => {
                let problem = look(&workspace).await.err();
                *looked = Some(Looked { of: Arc::clone(&workspace), at: now, problem: problem.clone() });
                problem
            }
        };
        problem.map_or(Ok(workspace), Err)
    }

    /// What the repository holds, or why it cannot be read: what jobs here have made and deleted, and what others had put there when
    /// it was looked, at most a minute ago and mostly moments.
    pub(crate) async fn catalog(&self) -> Result<Arc<Catalog>, String> {
        let workspace = self.usable().await?;
        let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
        let Some(age) = self.catalog_age().filter(|age| *age < KNOWN) else { return self.look_again().await };
        if age >= MOMENTS
            && let Ok(looking) = Arc::clone(&self.0.looking).try_lock_owned()
        {
            let queue = self.clone();
            tokio::spawn(async move {
                // Whoever asks next is told what is wrong.
                let _ = queue.look_into_it().await;
                drop(looking);
            });
        }
        match repository.known_catalog().await {
            Some(catalog) => Ok(catalog),
            None => self.look_again().await,
        }
    }

    /// What is known already of what the repository holds.
    async fn known_catalog(&self) -> Option<Arc<Catalog>> {
        let workspace = self.workspace();
        workspace.repository().await.ok()?.known_catalog().await
    }

    /// How long ago it was looked what the repository holds.
    fn catalog_age(&self) -> Option<Duration> {
        let seen = *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.map(|seen| self.0.clock.instant().saturating_duration_since(seen))
    }

    /// Looks what the repository holds, unless somebody else just did.
    async fn look_again(&self) -> Result<Arc<Catalog>, String> {
        let _looking = self.0.looking.lock().await;
        if self.catalog_age().is_some_and(|age| age < MOMENTS)
            && let Some(catalog) = self.known_catalog().await
        {
            return Ok(catalog);
        }
        self.look_into_it().await
    }

    async fn look_into_it(&self) -> Result<Arc<Catalog>, String> {
        let began = self.0.clock.instant();
        let found = async {
            let workspace = self.usable().await?;
            let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
            repository.catalog().await.map_err(|error| error.to_string())
        };
        let found = found.await;
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = found.is_ok().then_some(began);
        found
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
        if let Request::Backup(backup) = &mut request {
            backup.tags.insert(JOB_TAG.to_owned(), id.clone());
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
        let new = self.new_job(wanted)?;
        let asked = self
            .0
            .state
            .transaction(move |state| {
                let asked = jobs::add(state, &new)?;
                // One that was asked for before is noted already.
                if matches!(&asked, Asked::Job(job) if job.id == new.id) {
                    deed.object = object(new.kind, new.database.as_deref(), &new.id);
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

    /// Begins one job; whether there was one.
    async fn begin(&self) -> Result<bool, Error> {
        if self.running().len() >= AT_ONCE {
            return Ok(false);
        }
        let now = self.now();
        let Some(job) = self.0.state.transaction(move |state| jobs::begin(state, now)).await? else {
            return Ok(false);
        };
        self.0.changed.notify_one();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let cancel = CancellationToken::new();
        let running = Running { cancel: cancel.clone(), is_unwanted: false, progress: Arc::clone(&progress) };
        self.running().insert(job.id.clone(), running);
        let (queue, runtime) = (self.clone(), Handle::current());
        // Not all that jobs wait for can go from thread to thread.
        self.0.tasks.spawn_blocking(move || {
            runtime.block_on(async {
                let performed = AssertUnwindSafe(queue.perform(&job, progress, cancel)).catch_unwind().await;
                // Else the job would be taken for one that is being done, for ever.
                let broken = |_| {
                    Err(Failure {
                        told: "it broke off by a fault of rowkeep's".to_owned(),
                        is_passing: false,
                    })
                };
                let done = performed.unwrap_or_else(broken);
                // What was wrong with the repository may be over by that: a first backup makes it.
                *queue.0.looked.lock().await = None;
                let was_unwanted = queue.running().get(&job.id).is_some_and(|running| running.is_unwanted);
                // What the service's end cut off is left as what a kill cuts off: the next start goes on with it.
                if done.is_ok() || was_unwanted || !queue.0.ending.is_cancelled() {
                    let ended = queue.judge(&job, done, was_unwanted);
                    queue.note(&job, ended).await;
                }
                queue.running().remove(&job.id);
                let _ = queue.0.ended.send(job.id);
                queue.0.changed.notify_one();
                queue.wake();
            });
        });
        Ok(true)
    }

    async fn perform(
        &self,
        job: &Job,
        progress: Arc<Mutex<Progress>>,
        cancel: CancellationToken,
    ) -> Result<Outcome, Failure> {
        let mut request: Request = serde_json::from_str(&job.request).map_err(|error| Failure {
            told: format!("the request cannot be read: {error}"),
            is_passing: false,
        })?;
        let context = Context::new(Arc::new(move |event| advance(&progress, &event)), cancel.clone())
            .with_clock(Arc::clone(&self.0.clock))
            .with_randomness(Arc::clone(&self.0.randomness));
        if let (Request::Backup(_), 2..) = (&request, job.attempt)
            && let Some(done) = self.already_done(&job.id).await?
        {
            return Ok(Outcome::Backup(done));
        }
        if let Request::Backup(backup) = &mut request {
            let (number, hash) =
                self.kept_head_when_there(&cancel).await.map_err(|error| Failure::passing(&error))?;
            backup.tags.insert(HEAD_TAG.to_owned(), format!("{number}:{}", hex::encode(hash)));
        }
        *self.0.looked.lock().await = None;
        if !matches!(request, Request::Init(_) | Request::Backup(_)) {
            self.usable().await.map_err(|told| Failure { told, is_passing: true })?;
        }
        let workspace = self.workspace();
        if let Request::Export(export) = &mut request {
            let began = exporting::begin(&self.0.export_files, &job.id, export);
            began.map_err(|told| Failure { told, is_passing: false })?;
        }
        let done = request.run(&context, &workspace, &Unattended, &NoCommands).await;
        match done.map_err(|error| Failure::of(&error))? {
            Outcome::Export(outcome) => Ok(Outcome::Export(exporting::without_folder(outcome))),
            outcome => Ok(outcome),
        }
    }

    /// What a snapshot is to know of the audit, once the state is there: that it is away is no fault of a job.
    async fn kept_head_when_there(&self, stop: &CancellationToken) -> Result<(i64, Vec<u8>), Error> {
        loop {
            match self.kept_head().await {
                Err(Error::StateAway { .. }) if !stop.is_cancelled() => tokio::time::sleep(LOOK).await,
                known => return known,
            }
        }
    }

    /// The last entry of the audit that is in the repository; of a state that is not kept there, the last that there is. So what
    /// snapshots know is never more than what a recovery brings back.
    async fn kept_head(&self) -> Result<(i64, Vec<u8>), Error> {
        // One that is being put there for the first time may be older than the last entry.
        let _keeping = self.0.keeping.lock().await;
        let is_kept = self.workspace().config().service.keep_state != KeepState::Off;
        let head = move |state: &Transaction<'_>| match kept::last(state)? {
            Some(kept) if is_kept => Ok((kept.number, kept.hash)),
            _ => audit::head(state),
        };
        self.0.state.transaction(head).await
    }

    /// Held by whoever puts the state into the repository.
    pub(crate) async fn keeping(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.keeping.lock().await
    }

    /// What jobs run in that are done beside the queue.
    pub(crate) fn context(&self, cancel: CancellationToken) -> Context {
        Context::new(Arc::new(|_| {}), cancel)
            .with_clock(Arc::clone(&self.0.clock))
            .with_randomness(Arc::clone(&self.0.randomness))
    }

    /// The snapshots that a job made, before the process ended that had begun it.
    async fn already_done(&self, id: &str) -> Result<Option<BackupOutcome>, Failure> {
        let listed = snapshots::list(&self.workspace(), None).await.map_err(|error| Failure::of(&error))?;
        let own = listed
            .snapshots
            .into_iter()
            .filter(|snapshot| snapshot.tags.get(JOB_TAG).is_some_and(|tag| tag == id));
        let snapshots: Vec<_> = own.collect();
        Ok((!snapshots.is_empty()).then(|| BackupOutcome {
            snapshots,
            failed: Vec::new(),
            behind: Vec::new(),
            hooks_failed: Vec::new(),
        }))
    }

    /// What becomes of a job.
    fn judge(&self, job: &Job, done: Result<Outcome, Failure>, was_unwanted: bool) -> Ended {
        let over = |state, outcome, error| Ended::Over { state, outcome, error };
        match done {
            Ok(outcome) => {
                let state = match outcome.verdict() {
                    Verdict::Done => JobState::Done,
                    Verdict::Differences => JobState::Differences,
                    Verdict::Refused => JobState::Refused,
                    Verdict::Failed => JobState::Failed,
                };
                over(state, serde_json::to_string(&outcome).ok(), None)
            }
            Err(_) if was_unwanted => over(JobState::Stopped, None, None),
            Err(failure) => {
                let again = AGAIN.get(job.failures as usize);
                match again.filter(|_| failure.is_passing && job.scheduled.is_some()) {
                    Some(pause) => {
                        let due = self.now().saturating_add(*pause).unwrap_or(Timestamp::MAX);
                        Ended::Again { due, error: failure.told }
                    }
                    None => over(JobState::Failed, None, Some(failure.told)),
                }
            }
        }
    }

    async fn note(&self, job: &Job, ended: Ended) {
        let (id, now) = (job.id.clone(), self.now());
        let what =
            job.database.as_ref().map_or_else(|| job.kind.clone(), |name| format!("{} of {name}", job.kind));
        match &ended {
            Ended::Over { state, error: None, .. } => tracing::info!("{what}: {}", state.name()),
            Ended::Over { state, error: Some(error), .. } => {
                tracing::warn!("{what}: {}: {error}", state.name())
            }
            Ended::Again { error, .. } => tracing::warn!("{what}: it is tried again: {error}"),
        }
        let deed = Deed {
            who: job.asked_by.clone(),
            address: String::new(),
            action: "job.end",
            object: object(&job.kind, job.database.as_deref(), &job.id),
            outcome: match &ended {
                Ended::Over { state, .. } => state.name().to_owned(),
                Ended::Again { .. } => "failed, to be tried again".to_owned(),
            },
        };
        // A job that is over and does not say so would keep its database from everything else. The disk may be full, and is not for
        // ever.
        loop {
            let (id, ended, deed) = (id.clone(), ended.clone(), deed.clone());
            let end = move |state: &Transaction<'_>| {
                jobs::end(state, &id, now, &ended)?;
                audit::note(state, now, &deed)
            };
            match self.0.state.transaction(end).await {
                Ok(()) => return,
                // Whoever has the state now has judged the job already.
                Err(Error::StateLost { .. }) => return,
                Err(error) => tell(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // The next start finds it in the middle.
                () = self.0.ending.cancelled() => return,
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks whether the repository is there, and is the one that was opened.
async fn look(workspace: &Workspace) -> Result<(), String> {
    let repository = workspace.repository().await.map_err(|error| error.in_one_line())?;
    let there = repository.still_there().await.map_err(rowkeep::Error::from);
    there.map_err(|error| {
        format!(
            "{}; if another repository is meant, start the service again or have it read rowkeep.toml again",
            error.in_one_line()
        )
    })
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

/// Why a job failed.
struct Failure {
    told: String,
    /// Whether it may be over by itself.
    is_passing: bool,
}

impl Failure {
    fn passing(error: &Error) -> Self {
        Self { told: in_one_line(error), is_passing: true }
    }

    fn of(error: &rowkeep::Error) -> Self {
        let is_passing = !matches!(error.kind(), rowkeep::ErrorKind::Usage | rowkeep::ErrorKind::Damage);
        Self { told: error.in_one_line(), is_passing }
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
