//! Diff: two states are compared row by row.

use rowkeep_engine::Meant;
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::outcome::DifferenceSummary;
use super::rows_wanted::RowsWanted;
use super::workspace::Workspace;
use crate::diff::{Changeset, DiffOptions, Filter, Related, StoredBy, as_stored, diff};
use crate::state::State;
use crate::{Context, Error};

/// Which states are to be compared.
///
/// ```no_run
/// use rowkeep::jobs::diff::DiffRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = DiffRequest::of("latest:shop", "live:shop");
/// let (outcome, _rows) = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert_eq!(outcome.difference.rows.total(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffRequest {
    /// The first state: a snapshot, `live`, or a database.
    pub before: super::DatabaseRef,
    /// The second state.
    pub after: super::DatabaseRef,
    /// The tables and rows that are meant.
    #[serde(default)]
    pub wanted: RowsWanted,
    /// Whether definitions (views, indexes, constraints, triggers, privileges) are left out. They are in any case where only
    /// some tables or rows are meant.
    #[serde(default)]
    pub rows_only: bool,
    /// What the format of one of them cannot tell is equal: then states may be of different engines, and only rows are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_stored_by: Option<StoredBy>,
}

/// How two states differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffOutcome {
    /// The difference, without the rows.
    #[serde(flatten)]
    pub difference: DifferenceSummary,
}

impl DiffOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.difference.equal { Verdict::Done } else { Verdict::Differences }
    }
}

impl DiffRequest {
    /// A request to compare all of two states.
    pub fn of(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self {
            before: before.into().into(),
            after: after.into().into(),
            wanted: RowsWanted::default(),
            rows_only: false,
            as_stored_by: None,
        }
    }

    /// Compares the states; the rows that differ are beside the outcome, as long as the process lives.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
    ) -> Result<(DiffOutcome, Changeset), Error> {
        let (rows, selection) = (self.wanted.rows()?, self.wanted.selection(workspace));
        let with_definitions =
            !self.rows_only && self.as_stored_by.is_none() && rows.is_none() && selection.is_all();
        let open = async |name: &str, meant: Meant| {
            workspace.state(context, name, with_definitions, &meant).await.map(|(_, state)| state)
        };
        // What a snapshot does not have is not looked at in a database.
        let beside = |state: &State| selection.meant().without_definitions_of(state.undefined());
        let (before, after) = match workspace.live(&self.before)? {
            Some(_) => {
                let after = open(&self.after, selection.meant()).await?;
                (open(&self.before, beside(&after)).await?, after)
            }
            None => {
                let before = open(&self.before, selection.meant()).await?;
                let after = open(&self.after, beside(&before)).await?;
                (before, after)
            }
        };
        let (before, after, mut notes) = match self.as_stored_by {
            None => (before, after, Vec::new()),
            Some(by) => as_stored(context, &before, &after, by)?,
        };
        let options = DiffOptions {
            filter: Filter { rows, ..Filter::default() },
            related: self.wanted.with_related.then_some(Related::Whole),
            selection,
            with_definitions,
            ..DiffOptions::default()
        };
        let mut found = diff(context, &workspace.comparing_keys(), &before, &after, &options).await?;
        found.definitions.notes.append(&mut notes);
        let difference = DifferenceSummary::of(&found, before.describe(), after.describe());
        Ok((DiffOutcome { difference }, found.changes))
    }
}
