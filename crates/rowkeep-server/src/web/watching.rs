//! A job is watched: how far it comes, until it is over.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Error;
use crate::queue::{Progress, Queue};
use crate::state::jobs::Job;

/// How long it is between two looks at the progress, so that nobody is told of each row.
const PAUSE: Duration = Duration::from_millis(250);

/// What happens to a job.
pub(crate) enum Happened {
    /// It has come further.
    Advanced(Progress),
    /// It is over, and nothing more happens.
    Over(Box<Job>),
}

/// Somebody who watches a job.
pub(crate) struct Watch {
    queue: Queue,
    id: String,
    ended: Receiver<String>,
    looks: Interval,
    seen: Option<Progress>,
    /// Whether the job may be over.
    is_to_look: bool,
    is_over: bool,
}

impl Watch {
    /// Watches a job from now on.
    pub(crate) fn new(queue: Queue, id: String) -> Self {
        let mut looks = interval(PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = queue.ended();
        Self { queue, id, ended, looks, seen: None, is_to_look: true, is_over: false }
    }

    /// What happens next; nothing after the job's end, or the service's.
    pub(crate) async fn next(&mut self) -> Result<Option<Happened>, Error> {
        let ending = self.queue.ending().clone();
        while !self.is_over {
            if std::mem::take(&mut self.is_to_look) {
                match self.queue.job(&self.id).await? {
                    Some(job) if !job.state.is_over() => {}
                    gone_or_over => {
                        self.is_over = true;
                        return Ok(gone_or_over.map(|job| Happened::Over(Box::new(job))));
                    }
                }
            }
            tokio::select! {
                () = ending.cancelled() => self.is_over = true,
                ended = self.ended.recv() => match ended {
                    // Who falls behind has missed some, so that it is looked again.
                    Ok(id) => self.is_to_look = id == self.id,
                    Err(RecvError::Lagged(_)) => self.is_to_look = true,
                    Err(RecvError::Closed) => self.is_over = true,
                },
                _ = self.looks.tick() => {
                    let progress = self.queue.progress(&self.id);
                    if progress.is_some() && progress != self.seen {
                        self.seen.clone_from(&progress);
                        return Ok(progress.map(Happened::Advanced));
                    }
                }
            }
        }
        Ok(None)
    }
}
