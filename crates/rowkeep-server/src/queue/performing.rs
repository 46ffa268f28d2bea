//! Jobs as they are done: begun, performed, judged, and noted.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use rowkeep::Context;
use rowkeep::async_trait;
use rowkeep::config::KeepState;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::backup::BackupOutcome;
use rowkeep::jobs::caller::{RunCommand, Unattended};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::snapshots;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::progress::{Progress, advance};
use super::{JOB_TAG, LOOK, Queue, Running, arriving, exporting, in_one_line, object, tell};
use crate::Error;
use crate::audit::HEAD_TAG;
use crate::state::audit::{self, Deed};
use crate::state::jobs::{self, Ended, Job, JobState};
use crate::state::kept;
use crate::state::transaction::Transaction;

/// How many jobs are done at once.
const AT_ONCE: usize = 2;

/// How long it is waited before what a schedule wanted is begun again, after it failed the first time, the second, ...; then it is not.
const AGAIN: [SignedDuration; 4] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
];

/// Nobody runs commands over a network.
struct NoCommands;

#[async_trait]
impl RunCommand for NoCommands {
    async fn run(&self, _: &[std::ffi::OsString], _: &[(&str, std::ffi::OsString)]) -> Option<String> {
        Some("the service runs no commands that somebody sends".to_owned())
    }
}

impl Queue {
    /// Begins one job; whether there was one.
    pub(super) async fn begin(&self) -> Result<bool, Error> {
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
                    // What was not noted is begun again.
                    if !queue.0.ending.is_cancelled() {
                        arriving::end(&queue.0.arrivals, &job);
                    }
                }
                queue.relief().give_back();
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
        // Somebody waits for it on a page, as others do.
        let context = if matches!(request, Request::Diff(_)) { context.frugal() } else { context };
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
        if !matches!(request, Request::Init(_) | Request::Backup(_) | Request::Import(_)) {
            self.usable().await.map_err(|told| Failure { told, is_passing: true })?;
        }
        let workspace = self.workspace();
        if let Request::Export(export) = &mut request {
            let began = exporting::begin(&self.0.export_files, &job.id, export);
            began.map_err(|told| Failure { told, is_passing: false })?;
        }
        if let Request::Import(import) = &mut request {
            arriving::begin(&self.0.arrivals, import);
            import.resumed = job.attempt > 1;
        }
        let done = request.run(&context, &workspace, &Unattended, &NoCommands).await;
        match done.map_err(|error| Failure::of(&error))? {
            Outcome::Export(outcome) => Ok(Outcome::Export(exporting::without_folder(outcome))),
            Outcome::Import(outcome) => Ok(Outcome::Import(arriving::without_folder(outcome))),
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
