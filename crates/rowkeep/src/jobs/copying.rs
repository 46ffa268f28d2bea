//! What one repository lacks of another, found out and copied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rowkeep_format::{SnapshotId, Summary};
use rowkeep_repository::{Catalog, Repository};

use super::caller::{Caller, News};
use super::holds::Holds;
use super::keep::{decide_all, marks};
use super::outcome::{CopySummary, UnreadableSnapshot};
use super::workspace::Workspace;
use crate::capture::copy::{Copied, Copier};
use crate::state::needs::complete_left;
use crate::state::owner::Owner;
use crate::{Context, Error};

/// Which snapshots are to be copied.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Which<'a> {
    /// Those of these databases; of all when not given.
    pub(super) databases: Option<&'a [Owner]>,
    /// Those too that no rule keeps.
    pub(super) expired: bool,
    /// Only those that are later than all of their database that the other repository has: it may have deleted others.
    pub(super) only_later: bool,
    /// Only these, whatever rules keep.
    pub(super) only: Option<&'a [SnapshotId]>,
}

/// The snapshots of a repository that are meant.
pub(super) struct Source<'a> {
    from: &'a Repository,
    pub(super) catalog: Arc<Catalog>,
    holds: Holds,
    meant: BTreeMap<SnapshotId, Meant>,
    only_later: bool,
}

struct Meant {
    /// Of which database it is.
    database: usize,
    is_kept: bool,
}

/// What the other repository lacks.
#[derive(Default)]
pub(super) struct Lacking {
    pub(super) snapshots: Vec<Arc<Summary>>,
    /// Snapshots that are there, with their copies.
    pub(super) there: Vec<(Arc<Summary>, SnapshotId)>,
    /// How many are left out because no rule keeps them.
    pub(super) expired: u64,
}

/// What was copied.
#[derive(Default)]
pub(super) struct Done {
    pub(super) copied: Vec<CopySummary>,
    /// How many somebody else has copied meanwhile.
    pub(super) there: u64,
    pub(super) failed: Vec<UnreadableSnapshot>,
}

impl<'a> Source<'a> {
    /// Reads which snapshots there are, and decides which are meant.
    pub(super) async fn read(
        context: &Context,
        workspace: &Workspace,
        from: &'a Repository,
        which: Which<'_>,
    ) -> Result<Self, Error> {
        let (holds, unreadable) = Holds::readable(from).await?;
        for (_, error) in &unreadable {
            context.warn(format!("a hold is not copied: {}", error.in_one_line()));
        }
        let catalog = from.catalog().await?;
        let marks = marks(from, holds.clone()).await?;
        let decided =
            decide_all(workspace, &catalog, which.databases, None, &marks, context.now(), &|_| true);
        // Where a hold cannot be read, nobody knows which snapshot is to stay.
        let is_all = which.expired || which.only.is_some() || !unreadable.is_empty();
        let is_meant = |id: &SnapshotId| which.only.is_none_or(|only| only.contains(id));
        let mut meant = BTreeMap::new();
        for (database, decided) in decided.into_iter().enumerate() {
            for one in decided.snapshots.into_iter().filter(|one| is_meant(&one.summary.id)) {
                let is_kept = is_all || one.decision.is_kept();
                meant.insert(one.summary.id, Meant { database, is_kept });
            }
        }
        Ok(Self { from, catalog, holds, meant, only_later: which.only_later })
    }

    /// Snapshots of which nobody can tell whose they are.
    pub(super) fn unreadable(&self) -> Vec<UnreadableSnapshot> {
        let unreadable = self.catalog.unreadable().iter();
        unreadable.map(|one| UnreadableSnapshot { id: one.id, error: one.error.to_string() }).collect()
    }

    /// What a repository lacks of them, by what says which snapshots it has.
    pub(super) fn lacking(&self, copy_of: impl Fn(&Summary) -> Option<SnapshotId>) -> Lacking {
        let mut lacking = Lacking::default();
        let mut later: BTreeSet<usize> = BTreeSet::new();
        for summary in self.catalog.snapshots().rev() {
            let Some(Meant { database, is_kept }) = self.meant.get(&summary.id) else { continue };
            match copy_of(summary) {
                Some(copy) => {
                    later.insert(*database);
                    lacking.there.push((Arc::clone(summary), copy));
                }
                None if self.only_later && later.contains(database) => {}
                None if *is_kept => lacking.snapshots.push(Arc::clone(summary)),
                None => lacking.expired += 1,
            }
        }
        lacking.snapshots.reverse();
        lacking
    }

    /// Copies what a repository lacks, one snapshot after the other, the oldest first. One that is damaged keeps no other from being
    /// copied; the caller is told. `begun` is given what is lacking before anything is copied.
    pub(super) async fn copy(
        &self,
        context: &Context,
        workspace: &Workspace,
        to: &Repository,
        caller: &dyn Caller,
        begun: impl FnOnce(&Lacking),
    ) -> Result<Done, Error> {
        let now = context.now();
        complete_left(context, to).await.map_err(Error::of_other)?;
        let mut copier = Copier::new(self.from, to, workspace.program()).await?;
        let (held, _) = Holds::readable(to).await.map_err(Error::of_other)?;
        let lacking = self.lacking(|summary| copier.copy_of(summary));
        begun(&lacking);
        copier.bring_up_to_date(&lacking.there).await?;
        for (summary, copy) in &lacking.there {
            self.holds.copy_of(summary.id, &held, *copy, to, now).await?;
        }
        let mut done = Done::default();
        for summary in lacking.snapshots {
            match copier.copy(context, &summary).await? {
                Copied::Made(copy) => {
                    let copied = CopySummary::of(&copy);
                    self.holds.copy_of(summary.id, &held, copied.copy.id, to, now).await?;
                    caller.tell(News::Copied(&copied));
                    done.copied.push(copied);
                }
                Copied::There => done.there += 1,
                Copied::Gone => {}
                Copied::Unreadable(error) => {
                    let failed = UnreadableSnapshot { id: summary.id, error: error.in_one_line() };
                    caller.tell(News::NotCopied(&failed));
                    done.failed.push(failed);
                }
            }
        }
        Ok(done)
    }
}
