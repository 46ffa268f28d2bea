//! Merge: what one snapshot changed since a common one comes into another, as a new snapshot.

use std::collections::BTreeMap;

use rowkeep_format::manifest::Scope;
use rowkeep_format::{Counts, SnapshotId, TableName};
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::outcome::SnapshotSummary;
use super::workspace::Workspace;
use crate::capture::CaptureOptions;
use crate::diff::{Conflicts, Prefer};
use crate::merge::{AFTER, Merged, Merging, capture_merged, common_ancestor, merge};
use crate::state::devices::{DEVICE_TAG, device};
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, RequestError};

/// Which snapshots are merged.
///
/// ```no_run
/// use rowkeep::jobs::merge::MergeRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = MergeRequest { base: Some("monday".into()), ..MergeRequest::of("laptop", "desk") };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.snapshot.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// The snapshot whose changes come.
    pub from: String,
    /// The snapshot that they come into.
    pub into: String,
    /// The snapshot that both come from; the last one by what their tags say when not given.
    #[serde(default)]
    pub base: Option<String>,
    /// What is done with rows that both changed since, in different ways. The database is the snapshot that changes come into.
    #[serde(default)]
    pub prefer: Prefer,
    /// Whether only what would come of it is wanted.
    #[serde(default)]
    pub plan_only: bool,
    /// A name for the new snapshot.
    #[serde(default)]
    pub name: Option<String>,
    /// Labels for it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeOutcome {
    /// The snapshot that both come from.
    pub base: SnapshotId,
    /// The snapshot whose changes come.
    pub from: SnapshotId,
    /// The snapshot that they come into.
    pub into: SnapshotId,
    /// Rows that come, change and go in it, by table.
    pub tables: Vec<MergedTable>,
    /// Tables that only the snapshot has whose changes come: they are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<TableName>,
    /// Rows that both changed, in different ways.
    #[serde(default, skip_serializing_if = "Conflicts::is_empty")]
    pub conflicts: Conflicts,
    /// What was done with these.
    #[serde(default, skip_serializing_if = "Prefer::is_neither")]
    pub prefer: Prefer,
    /// The new snapshot; none where nothing comes, where only the plan was wanted, and where conflicts are undecided.
    pub snapshot: Option<Box<SnapshotSummary>>,
}

/// How much of a table changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedTable {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// Its rows.
    #[serde(flatten)]
    pub rows: Counts,
}

impl MergeOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.is_undecided() { Verdict::Refused } else { Verdict::Done }
    }

    /// Whether there are conflicts, and nobody has said which side counts.
    pub fn is_undecided(&self) -> bool {
        self.prefer.is_neither() && !self.conflicts.is_empty()
    }
}

impl MergeRequest {
    /// A request to merge the changes of one snapshot into another, with every choice as it is when nobody makes it.
    pub fn of(from: impl Into<String>, into: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            into: into.into(),
            base: None,
            prefer: Prefer::default(),
            plan_only: false,
            name: None,
            tags: BTreeMap::new(),
        }
    }

    /// Merges.
    ///
    /// The new snapshot is one of the database of the snapshot that changes come into. Its tags say what it comes from, so that the next merge
    /// knows what it has in common with others.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<MergeOutcome, Error> {
        if let Some(name) = &self.name {
            workspace.check_name(name)?;
        }
        let repository = workspace.repository().await?;
        let from = workspace.snapshot(context, &self.from).await?;
        let into = workspace.snapshot(context, &self.into).await?;
        let base = match &self.base {
            Some(base) => workspace.snapshot(context, base).await?,
            None => {
                let catalog = repository.catalog().await?;
                let common = common_ancestor(catalog.snapshots(), from.id, into.id);
                let unknown =
                    || RequestError::NoCommonSnapshot { from: from.short_id(), into: into.short_id() };
                crate::state::snapshots::open(repository, common.ok_or_else(unknown)?).await?
            }
        };
        if into.manifest.scope != Scope::Full {
            let lack = "is not of a whole database, so there would be none of the merged one";
            return Err(Error::Lacks { state: format!("snapshot {}", into.short_id()), lack });
        }
        let merging = Merging { base: &base, into: &into, from: &from, prefer: self.prefer };
        let merged = merge(context, repository, &merging).await?;
        let mut outcome = outcome(&base, &from, &into, self.prefer, &merged);
        if outcome.is_undecided() || self.plan_only || merged.counts().total() == 0 {
            return Ok(outcome);
        }
        let mut tags = self.tags.clone();
        tags.insert(AFTER.to_owned(), format!("{} {}", into.id, from.id));
        let options = options(workspace, &into, self.name.clone(), tags);
        let snapshot = capture_merged(context, repository, &merged, &options).await?;
        outcome.snapshot = Some(Box::new(SnapshotSummary::of(&snapshot)));
        Ok(outcome)
    }
}

/// How a snapshot is made of what became of the state of another.
pub(super) fn options(
    workspace: &Workspace,
    of: &Snapshot,
    name: Option<String>,
    mut tags: BTreeMap<String, String>,
) -> CaptureOptions {
    let manifest = &of.manifest;
    if let Some(device) = device(&manifest.tags) {
        tags.entry(DEVICE_TAG.to_owned()).or_insert_with(|| device.to_owned());
    }
    CaptureOptions {
        database: manifest.database.clone(),
        configured: manifest.identity.as_ref().is_some_and(|identity| identity.configured),
        name,
        tags,
        environment: None,
        selection: Selection::default(),
        mask: None,
        with_schema: true,
        with_data: true,
        trusts_marks: false,
        suspicion: None,
        program: workspace.program().to_owned(),
        repository_folder: None,
    }
}

fn outcome(
    base: &Snapshot,
    from: &Snapshot,
    into: &Snapshot,
    prefer: Prefer,
    merged: &Merged,
) -> MergeOutcome {
    let changed = merged.changes.tables().iter().filter(|table| table.counts.total() > 0);
    MergeOutcome {
        base: base.id,
        from: from.id,
        into: into.id,
        tables: changed
            .map(|table| MergedTable { table: table.table.name.clone(), rows: table.counts })
            .collect(),
        left_out: merged.left_out.clone(),
        conflicts: merged.conflicts.clone(),
        prefer,
        snapshot: None,
    }
}
