//! Work that a request waits for: it takes its turn, ends in time, and is given up when whoever asked goes away.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rowkeep::Context;
use rowkeep::jobs::workspace::Workspace;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use super::service::Service;

/// The longest that it may take, with the time that it waits for its turn.
const LONGEST: Duration = Duration::from_secs(120);

/// Does something in its turn. `what` says what it is, `instead` what to do when it takes too long.
pub(crate) async fn bounded<T, W>(
    service: &Service,
    turns: &Arc<Semaphore>,
    (what, instead): (&str, &str),
    work: impl FnOnce(Context, Arc<Workspace>) -> W + Send + 'static,
) -> Result<T, Problem>
where
    W: Future<Output = Result<T, rowkeep::Error>>,
    T: Send + 'static,
{
    let cancel = CancellationToken::new();
    let _given_up = cancel.clone().drop_guard();
    let done = async {
        let turn = Arc::clone(turns).acquire_owned().await;
        let (workspace, runtime) = (service.queue().workspace(), Handle::current());
        let context = Context::new(Arc::new(|_| {}), cancel.clone()).frugal();
        let context = context.with_clock(service.queue().clock());
        let queue = service.queue().clone();
        // Not all that it waits for can go from thread to thread.
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let done = runtime.block_on(async {
                tokio::select! {
                    done = work(context, workspace) => Some(done),
                    () = cancel.cancelled() => None,
                }
            });
            queue.relief().give_back();
            done
        })
        .await
    };
    let done = tokio::time::timeout(LONGEST, done).await.map_err(|_| {
        Problem::busy(format!("{what} takes longer than {} seconds; {instead}", LONGEST.as_secs()))
    })?;
    match done {
        Ok(Some(done)) => Ok(done?),
        Ok(None) | Err(_) => Err(Problem::broken(format!("{what} broke off"))),
    }
}
