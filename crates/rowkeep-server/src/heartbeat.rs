//! Notes again and again that the service runs, how much its repository holds, and whether its state can be relied on.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::queue::{Queue, tell};
use crate::size::RepositorySize;
use crate::state::transaction::Transaction;
use crate::state::trouble::Trouble;
use crate::state::{runs, storage};

/// How often it is looked whether the file of the state is still there.
const LOOK: Duration = Duration::from_secs(2);

/// After so many looks it is noted that the service runs.
const LOOKS_A_NOTE: u32 = 10;

/// After so many looks it is seen whether the repository is to be measured.
const LOOKS_A_MEASURE: u32 = 150;

/// How often the repository is measured: its store has to be listed for that.
const MEASURED: SignedDuration = SignedDuration::from_hours(24);

/// Does that until it is to stop, and once more then.
pub(crate) async fn run(queue: &Queue, size: &RepositorySize, stop: &CancellationToken) {
    let (mut looks, mut known): (u32, Option<Trouble>) = (0, None);
    while !stop.is_cancelled() {
        if looks % LOOKS_A_NOTE == 0 {
            note(queue).await;
        }
        // Not in the first minutes, when there is enough to do.
        if looks % LOOKS_A_MEASURE == LOOKS_A_MEASURE / 2
            && let Err(error) = measure(queue, size).await
        {
            tell(&error);
        }
        let trouble = queue.state().trouble();
        if trouble != known {
            match trouble {
                Some(trouble) => tracing::error!("the state cannot be relied on: {}", trouble.words()),
                None => tracing::info!("the state can be relied on again"),
            }
            known = trouble;
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    note(queue).await;
}

async fn note(queue: &Queue) {
    let now = queue.now();
    match queue.state().transaction(move |state| runs::note(state, now)).await {
        // That its disk is full is said once.
        Ok(()) | Err(Error::StateFull { .. }) => {}
        Err(error) => tell(&error),
    }
}

/// Measures the repository, where that was not done for a day.
async fn measure(queue: &Queue, size: &RepositorySize) -> Result<(), Error> {
    let now = queue.now();
    let last = queue.state().transaction(move |state| storage::last_until(state, now)).await?;
    if last.is_some_and(|(time, _)| now.duration_since(time) < MEASURED) {
        return Ok(());
    }
    let Some(bytes) = size.bytes(queue).await else { return Ok(()) };
    queue.state().transaction(move |state: &Transaction<'_>| storage::note(state, now, bytes)).await
}
