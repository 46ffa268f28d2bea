//! The tables of two states that are compared.

use rowkeep_format::{Table, TableKind};

use super::schema::{SchemaDifference, schema_differences};
use crate::Error;
use crate::state::State;
use crate::state::selection::Selection;

/// Whether a state cannot tell even whether it has a table.
fn is_unread(state: &State, table: &Table) -> bool {
    state.unread().iter().any(|unread| unread.name == table.name)
}

/// The tables that are meant.
pub(super) struct Chosen<'s> {
    /// Those that both states have and hold, as either has them.
    pub(super) pairs: Vec<(&'s Table, &'s Table)>,
    pub(super) only_before: Vec<&'s Table>,
    pub(super) only_after: Vec<&'s Table>,
}

impl<'s> Chosen<'s> {
    pub(super) fn new(before: &'s State, after: &'s State, selection: &Selection) -> Result<Self, Error> {
        let of = |state: &'s State| (state.schema(), state.unread());
        let (chosen_before, chosen_after) = selection.choose_of_two(of(before), of(after))?;
        let mut chosen = Self { pairs: Vec::new(), only_before: Vec::new(), only_after: Vec::new() };
        for table in chosen_before {
            match after.table(&table.name) {
                Some(other) if before.holds(&table.name) && after.holds(&table.name) => {
                    chosen.pairs.push((table, other));
                }
                Some(_) => {}
                None if is_unread(after, table) => {}
                None => chosen.only_before.push(table),
            }
        }
        let is_new = |table: &&Table| before.table(&table.name).is_none() && !is_unread(before, table);
        for table in chosen_after.into_iter().filter(is_new) {
            // What a database keeps beside its tables is no table of its own, though it is only listed where there is any.
            let is_beside = matches!(table.kind, TableKind::Settings | TableKind::LargeObjects);
            match is_beside && after.holds(&table.name) {
                true => chosen.pairs.push((table, table)),
                false => chosen.only_after.push(table),
            }
        }
        Ok(chosen)
    }

    /// Asks whichever state is live, where the other is a snapshot, at once what it is then asked about each table.
    pub(super) async fn ask_what_changed(&self, before: &State, after: &State) {
        let (live, stored) = match (before, after) {
            (State::Live(live), State::Snapshot(stored)) | (State::Snapshot(stored), State::Live(live)) => {
                (live, stored)
            }
            _ => return,
        };
        if let Some(instant) = &stored.snapshot.manifest.instant {
            let tables: Vec<&Table> = self.pairs.iter().map(|(table, _)| *table).collect();
            live.view.ask_changed_since(&tables, instant).await;
        }
    }

    /// How the tables differ in themselves.
    pub(super) fn schema_differences(&self) -> Vec<SchemaDifference> {
        let mut found: Vec<SchemaDifference> =
            self.pairs.iter().flat_map(|(before, after)| schema_differences(before, after)).collect();
        found.extend(self.only_before.iter().map(|table| SchemaDifference::TableGone(table.name.clone())));
        found.extend(self.only_after.iter().map(|table| SchemaDifference::TableNew(table.name.clone())));
        found
    }
}
