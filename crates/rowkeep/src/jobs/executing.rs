//! Executing plans on behalf of a caller: shown, asked for, within hooks; or kept for later.

pub(super) mod change;
pub(super) mod replace;

use rowkeep_repository::Repository;

use super::caller::Caller;
use super::workspace::{Source, Workspace};
use crate::Context;
use crate::apply::plan::Safety;
use crate::apply::superseded::enter_superseded;
use crate::state::snapshots::Snapshot;

/// A snapshot on its way into a database.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) context: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) caller: &'a dyn Caller,
    pub(super) repository: &'a Repository,
    pub(super) snapshot: &'a Snapshot,
    pub(super) to: &'a Source,
}

impl Scene<'_> {
    /// How the safety snapshot is to be called.
    pub(super) fn safety(&self) -> Safety {
        let Source { name, configured, .. } = self.to;
        let program = self.workspace.program().to_owned();
        Safety { database: name.clone(), configured: *configured, program }
    }

    /// Notes that the snapshot is in the database now and nothing was kept by which that could be undone.
    pub(super) async fn nothing_kept(&self) {
        let owner = self.to.owner().await;
        enter_superseded(self.context, self.repository, &owner, self.snapshot.id).await;
    }
}
