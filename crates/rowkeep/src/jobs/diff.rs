//! Diff: two states are compared row by row.

use std::sync::Arc;

use rowkeep_engine::{Engine, Meant};
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::outcome::DifferenceSummary;
use super::rows_wanted::RowsWanted;
use super::workspace::Workspace;
use crate::diff::{Changeset, DiffOptions, Filter, Related, StoredBy, as_stored, diff};
use crate::restore::in_types::{CalledTables, in_types, is_possible};
use crate::state::State;
use crate::{Context, Error, RequestError};

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
    /// What tables of a database are called in the other state, where that is of a file or of another engine.
    #[serde(default, skip_serializing_if = "CalledTables::is_empty")]
    pub called: CalledTables,
}

/// How two states differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffOutcome {
    /// The difference, without the rows.
    #[serde(flatten)]
    pub difference: DifferenceSummary,
    /// The engine in whose forms the rows beside it are; whoever has no rows is not told.
    #[serde(skip)]
    pub engine: String,
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
            called: CalledTables::new(),
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
        let of_others = self.as_stored_by.is_none() && before.engine() != after.engine();
        let (before, after, mut notes) = match self.as_stored_by {
            None => self.in_types(context, workspace, before, after).await?,
            Some(by) => as_stored(context, &before, &after, by, &self.called)?,
        };
        if selection.is_all() {
            let lacking = [&before, &after].into_iter().filter_map(State::not_asked_for);
            notes.extend(lacking.map(|lacking| format!("not compared: {lacking}")));
        }
        let options = DiffOptions {
            filter: Filter { rows, ..Filter::default() },
            related: self.wanted.with_related.then_some(Related::Whole),
            selection,
            with_definitions,
            across_partitions: true,
            ..DiffOptions::default()
        };
        let mut found = diff(context, &workspace.comparing_keys(), &before, &after, &options).await?;
        if of_others {
            // What a file does not know of a table is no difference.
            notes.extend(found.schema.drain(..).map(|unknown| format!("not compared: {unknown}")));
        }
        found.definitions.notes.append(&mut notes);
        let difference = DifferenceSummary::of(&found, before.describe(), after.describe());
        Ok((DiffOutcome { difference, engine: before.engine().to_owned() }, found.changes))
    }

    /// The states, of which that of a file or of another engine is in the types of the other, where that is a database; with what is
    /// not compared.
    async fn in_types(
        &self,
        context: &Context,
        workspace: &Workspace,
        before: State,
        after: State,
    ) -> Result<(State, State, Vec<String>), Error> {
        let engine = |name: &str| -> Result<Option<Arc<dyn Engine>>, Error> {
            let name = workspace.live(name)?;
            name.map(|name| Ok(workspace.source(&name)?.engine)).transpose()
        };
        if let Some(engine) = engine(&self.before)?
            && is_possible(after.engine(), engine.as_ref())
        {
            let after = in_types(context, &after, &engine, &self.called).await?;
            let notes = after.notes().to_vec();
            return Ok((before, after, notes));
        }
        if let Some(engine) = engine(&self.after)?
            && is_possible(before.engine(), engine.as_ref())
        {
            let before = in_types(context, &before, &engine, &self.called).await?;
            let notes = before.notes().to_vec();
            return Ok((before, after, notes));
        }
        if self.called.is_empty() {
            return Ok((before, after, Vec::new()));
        }
        Err(RequestError::CalledAlike.into())
    }
}
