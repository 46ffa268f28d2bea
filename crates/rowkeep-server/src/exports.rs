//! Exports that wait to be downloaded, and are removed after a day.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::queue::{Queue, in_one_line};
use crate::state::jobs::{Job, JobState};

/// For how long the files of an export are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How often it is looked for those that are to be removed.
const LOOK: Duration = Duration::from_secs(30);

/// When the files of an export are removed; of one that is not done, there are none to keep.
pub(crate) fn expires(job: &Job) -> Option<Timestamp> {
    let ended = job.ended.filter(|_| job.state == JobState::Done)?;
    ended.checked_add(KEPT).ok()
}

/// Removes files of exports when their time is over, and what those left that were cut off; until that is to stop.
pub(crate) async fn sweep(queue: &Queue, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(problem) = sweep_once(queue).await {
            tracing::error!("the files of exports cannot be removed: {problem}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn sweep_once(queue: &Queue) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    for id in queue.export_files().ids().map_err(failed)? {
        let job = queue.job(&id).await.map_err(|error| in_one_line(&error))?;
        let is_kept = job.is_some_and(|job| match expires(&job) {
            Some(expires) => queue.now() < expires,
            None => !job.state.is_over(),
        });
        if !is_kept {
            queue.export_files().remove(&id).map_err(failed)?;
        }
    }
    Ok(())
}
