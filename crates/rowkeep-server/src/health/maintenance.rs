//! What was done last for each repository as a whole.

use rowkeep::config::Work;
use rowkeep::jobs::request::Request;
use rowkeep::jobs::workspace::Workspace;

use crate::Error;
use crate::queue::Queue;
use crate::state::jobs::{self, Filter, Job, TELLING};
use crate::state::transaction::Transaction;

/// So many of the jobs that ended last are looked through, where there are several repositories.
const LOOKED_AT: u32 = 500;

/// The job that ended last of a kind of work, for one of several repositories, or for the only one.
pub(crate) struct LastWork {
    pub(crate) work: Work,
    /// The repository, if it is one of several.
    pub(crate) repository: Option<String>,
    pub(crate) job: Option<Job>,
}

/// The work that is done for repositories as a whole: each for itself, but for copies.
pub(crate) fn works(workspace: &Workspace) -> Vec<(Work, Option<String>)> {
    match workspace.repositories() {
        [] => [Work::Check, Work::Prune].map(|work| (work, None)).to_vec(),
        several => {
            let names = several.iter().map(|repository| repository.name.clone());
            let each =
                names.flat_map(|name| [Work::Check, Work::Prune].map(|work| (work, Some(name.clone()))));
            each.chain([(Work::Copy, None)]).collect()
        }
    }
}

/// What was done last of all of that.
pub(crate) async fn last_works(queue: &Queue) -> Result<Vec<LastWork>, Error> {
    let works = works(&queue.workspace());
    let last = move |state: &Transaction<'_>| {
        let last = works.into_iter().map(|(work, repository)| {
            let job = match &repository {
                None => jobs::last_of(state, work.name(), None, &TELLING)?,
                Some(name) => {
                    let kind = Some(work.name().to_owned());
                    let ended = jobs::list(state, &Filter { kind, limit: LOOKED_AT, ..Filter::default() })?;
                    ended.into_iter().find(|job| TELLING.contains(&job.state) && is_for(job, name))
                }
            };
            Ok(LastWork { work, repository, job })
        });
        last.collect()
    };
    queue.state().transaction(last).await
}

/// Whether a job is for one of several repositories.
fn is_for(job: &Job, repository: &str) -> bool {
    let named = match serde_json::from_str(&job.request) {
        Ok(Request::Check(request)) => request.repository,
        Ok(Request::Prune(request)) => request.repository,
        _ => None,
    };
    named.as_deref() == Some(repository)
}
