//! What the snapshots and plans of a repository lack.

use std::collections::{BTreeSet, HashSet};

use rowkeep_format::{ChunkId, SnapshotId};
use rowkeep_repository::{PlanId, Repository};

use crate::Error;
use crate::jobs::plans::{self, Action};
use crate::jobs::repository_check::{Loss, Walk};
use crate::state::snapshots;

/// What is lost, as far as what is left tells.
pub(super) struct Lost {
    /// Chunks that snapshots need and that cannot be read.
    pub(super) chunks: HashSet<ChunkId>,
    /// What each snapshot lacks.
    pub(super) losses: Vec<Loss>,
    /// Plans that cannot be executed.
    pub(super) plans: Vec<PlanId>,
}

/// Looks for every chunk that snapshots and plans need, but for snapshots that are passed over. What is damaged itself, a
/// check tells of.
pub(super) async fn find(
    repository: &Repository,
    damaged: &BTreeSet<ChunkId>,
    passed_over: &BTreeSet<SnapshotId>,
) -> Result<Lost, Error> {
    let reader = repository.reader().await?;
    let mut walk = Walk::new(&reader, damaged);
    let mut losses = Vec::new();
    for id in repository.snapshots().await?.into_iter().filter(|id| !passed_over.contains(id)) {
        match snapshots::open(repository, id).await {
            Ok(snapshot) => losses.extend(walk.snapshot(&snapshot).await?),
            Err(error) if error.is_of_one_object() || plans::is_deleted(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let mut lost_plans = Vec::new();
    for id in repository.plans().await? {
        match plans::read(repository, id).await {
            Ok(plan) => {
                if let Action::Rows { changes, .. } = plan.action
                    && !walk.changes(changes).await?
                {
                    lost_plans.push(id);
                }
            }
            Err(error) if error.is_of_one_object() || plans::is_deleted(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Lost { chunks: walk.into_lost(), losses, plans: lost_plans })
}
