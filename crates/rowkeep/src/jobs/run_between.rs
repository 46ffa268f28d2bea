//! Around: running a command between two snapshots, so that its changes can be seen and undone.

use std::collections::BTreeMap;

use rowkeep_engine::Engine;
use rowkeep_format::{Counts, Schema, TableName};
use rowkeep_repository::Repository;

use super::unrecorded::{UnrecordedChange, changes};
use crate::capture::{CaptureOptions, capture};
use crate::diff::{
    Changeset, Defined, DefinitionDifference, DiffOptions, Difference, all_schema_differences,
    definition_changes, diff,
};
use crate::state::State;
use crate::state::selection::Selection;
use crate::state::snapshots::{AFTER, BEFORE, Snapshot};
use crate::state::table_pattern::pattern_of;
use crate::{Context, Error, Event};

/// A command that was run between two snapshots.
pub struct Around {
    /// The state before it.
    pub before: Snapshot,
    /// Why the command failed, in words; nothing when it did not.
    pub problem: Option<String>,
    /// What it did. An error when the database could not be read after it.
    pub effect: Result<Effect, Error>,
    /// What it changed that no snapshot tells.
    pub unrecorded: Vec<UnrecordedChange>,
}

/// What a command did to a database.
pub struct Effect {
    /// The state after it.
    pub after: Snapshot,
    /// How the two states differ.
    pub difference: Difference,
    /// Tables whose rows cannot be compared, for the columns that they are known by are gone.
    pub not_compared: Vec<TableName>,
    /// Whether the schemas are the same.
    pub same_schema: bool,
    /// Whether all rows are the same.
    pub same_rows: bool,
}

impl Effect {
    /// Whether anything was changed.
    pub fn is_nothing(&self) -> bool {
        self.same_schema && self.same_rows
    }

    /// How many rows were changed.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.difference.changes.tables().iter().for_each(|table| counts += table.counts);
        counts
    }
}

/// Captures, has a command run, captures again, and compares.
///
/// Both snapshots are of the whole database and have the tag `label`, with `before` and `after`. The command is given the
/// first, and answers why it failed, if it did. When somebody stops the operation, that is for the command to notice: what
/// comes after it is done in any case.
pub async fn around(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &CaptureOptions,
    label: &str,
    command: impl AsyncFnOnce(&Snapshot) -> Option<String>,
) -> Result<Around, Error> {
    let before = capture(context, repository, engine, &whole(options, label, BEFORE)).await?;
    let unrecorded = engine.unrecorded().await;
    context.observe(Event::Pause);
    let problem = command(&before).await;
    let context = context.sheltered();
    let after = capture(&context, repository, engine, &whole(options, label, AFTER)).await;
    let effect = match after {
        Ok(after) => effect(&context, repository, &before, after).await,
        Err(error) => Err(error),
    };
    let unrecorded = match (unrecorded, engine.unrecorded().await) {
        (Ok(then), Ok(now)) => changes(&then, now),
        (Err(error), _) | (_, Err(error)) => {
            context.warn(format!("what no snapshot tells cannot be compared: {error}"));
            Vec::new()
        }
    };
    Ok(Around { before, problem, effect, unrecorded })
}

/// Everything, as it is: what is to be taken back has to be there.
fn whole(options: &CaptureOptions, label: &str, when: &str) -> CaptureOptions {
    let mut options = options.clone();
    options.tags.insert(label.to_owned(), when.to_owned());
    CaptureOptions {
        selection: Selection::default(),
        mask: None,
        with_schema: true,
        with_data: true,
        ..options
    }
}

async fn effect(
    context: &Context,
    repository: &Repository,
    before: &Snapshot,
    after: Snapshot,
) -> Result<Effect, Error> {
    let first = State::snapshot(repository, before.clone()).await?;
    let second = State::snapshot(repository, after.clone()).await?;
    let not_compared = keys_gone(first.schema(), second.schema());
    let exclude = not_compared.iter().map(pattern_of).collect();
    let selection = Selection { exclude, ..Selection::default() };
    let options = DiffOptions { selection, across_partitions: true, ..DiffOptions::default() };
    let mut difference = match diff(context, repository.content_keys(), &first, &second, &options).await {
        Err(Error::NothingSelected) => Difference {
            schema: Vec::new(),
            definitions: DefinitionDifference::default(),
            changes: Changeset::nothing(),
            related: BTreeMap::new(),
            by_relation: BTreeMap::new(),
            only_before: Vec::new(),
            only_after: Vec::new(),
        },
        other => other?,
    };
    difference.schema = all_schema_differences(first.schema(), second.schema());
    difference.definitions = definition_changes(&Defined::of(&first), &Defined::of(&second));
    let hashes = |snapshot: &Snapshot| -> Vec<_> {
        let tables = snapshot.manifest.tables.iter();
        tables.map(|table| (table.name.clone(), table.root.hash)).collect()
    };
    Ok(Effect {
        same_schema: difference.schema.is_empty() && difference.definitions.changes.is_empty(),
        same_rows: hashes(before) == hashes(&after),
        after,
        difference,
        not_compared,
    })
}

/// Tables that both have, of which the second lacks a column that the first knows rows by.
fn keys_gone(before: &Schema, after: &Schema) -> Vec<TableName> {
    let is_gone = |table: &&rowkeep_format::Table| {
        let Some(other) = after.table(&table.name) else { return false };
        let has = |place: usize| other.columns.iter().any(|column| column.name == table.columns[place].name);
        table.key.unique && !table.key.columns.iter().all(|key| has(key.column))
    };
    before.tables.iter().filter(is_gone).map(|table| table.name.clone()).collect()
}
