//! Indexes of full-text tables: made of their text again, never changed row by row.
//!
//! How an index is divided into pages is D1's own affair: it is another after the same text was put in otherwise. So what a changeset
//! says of pages may be of others than those that are there.

use std::path::Path;
use std::sync::Arc;

use rowkeep_format::{TableChanges, TableKind};
use rusqlite::Connection;

use crate::d1::compose::virtual_tables::{Filling, Virtual};
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::when;
use crate::sqlite::full_text::FullText;
use crate::sqlite::quote::quoted;
use crate::{Applied, AppliedTable, ChangeSource, ChangeStream, EngineError};

/// The text of a full-text table, where it keeps one.
const CONTENT: &str = "_content";

/// Changes without those to pages of indexes.
pub(super) struct WithoutIndexes {
    source: Arc<dyn ChangeSource>,
    tables: Vec<TableChanges>,
    /// The place of each of these tables in the source.
    places: Vec<usize>,
    /// The full-text tables whose indexes change.
    full_text: Vec<String>,
}

impl WithoutIndexes {
    /// Leaves those to the indexes of full-text tables out that can be made again of what the database has.
    pub(super) fn of(source: &Arc<dyn ChangeSource>, objects: &[Object]) -> Self {
        let is_there = |name: &str| objects.iter().any(|object| object.name.eq_ignore_ascii_case(name));
        let all: Vec<(Virtual, bool)> = objects
            .iter()
            .filter_map(|object| {
                let table = Virtual::of(object, is_there)?;
                let is_full_text = FullText::of(&object.name, &object.sql).is_some();
                let can_be_made = is_full_text && table.filling != Filling::Impossible;
                Some((table, can_be_made))
            })
            .collect();
        let mut without = Self {
            source: Arc::clone(source),
            tables: Vec::new(),
            places: Vec::new(),
            full_text: Vec::new(),
        };
        for (place, changes) in source.tables().iter().enumerate() {
            let name = &changes.table.name.name;
            let is_page =
                changes.table.kind == TableKind::Shadow && !name.to_ascii_lowercase().ends_with(CONTENT);
            match whose(&all, name).filter(|(_, can_be_made)| is_page && *can_be_made) {
                None => {
                    without.tables.push(changes.clone());
                    without.places.push(place);
                }
                Some((table, _)) if !without.full_text.contains(&table.name) => {
                    without.full_text.push(table.name.clone())
                }
                Some(_) => {}
            }
        }
        without
    }

    /// The full-text tables whose indexes are to be made again.
    pub(super) fn full_text(&self) -> Vec<String> {
        self.full_text.clone()
    }

    /// What was done, with the indexes among it as they were wanted.
    pub(super) fn with_indexes(&self, mut applied: Applied) -> Applied {
        let all = self.source.tables().iter().enumerate();
        let left_out = all.filter(|(place, _)| !self.places.contains(place));
        applied.tables.extend(left_out.map(|(_, changes)| AppliedTable {
            done: changes.counts,
            ..AppliedTable::untouched(&changes.table.name)
        }));
        applied
    }
}

/// The virtual table that keeps something in a table: that of the longest name, for `docs_title_data` is of `docs_title`, not of `docs`.
fn whose<'t>(all: &'t [(Virtual, bool)], name: &str) -> Option<&'t (Virtual, bool)> {
    all.iter().filter(|(table, _)| table.keeps(name)).max_by_key(|(table, _)| table.name.len())
}

impl ChangeSource for WithoutIndexes {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        self.source.read(self.places[table])
    }
}

/// Makes the indexes of full-text tables in a file again; blocks.
pub(super) fn rebuild(file: &Path, full_text: &[String]) -> Result<(), EngineError> {
    if full_text.is_empty() {
        return Ok(());
    }
    let rebuilding = || -> rusqlite::Result<()> {
        let connection = Connection::open(file)?;
        full_text.iter().map(|name| quoted(name)).try_for_each(|name| {
            connection.execute_batch(&format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"))
        })
    };
    rebuilding().map_err(when(format!("making indexes of full-text tables again: {}", full_text.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_the_table_with_the_longest_name() {
        let table = |name: &str| {
            let (name, sql) = (name.to_owned(), String::new());
            (Virtual { name, sql, filling: Filling::Rebuild }, true)
        };
        for all in [[table("docs"), table("docs_title")], [table("docs_title"), table("docs")]] {
            for (name, expected) in [
                ("docs_data", Some("docs")),
                ("DOCS_title_data", Some("docs_title")),
                ("docs_title", Some("docs")),
                ("docs", None),
                ("other_data", None),
            ] {
                assert_eq!(whose(&all, name).map(|(table, _)| table.name.as_str()), expected, "{name}");
            }
        }
    }
}
