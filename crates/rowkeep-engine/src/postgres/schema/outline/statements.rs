//! What the statements of a schema say of tables, types and sequences.

use rowkeep_format::TableName;

use super::columns::line;
use super::reading::{Actions, IndexDefinition, Reading};
use crate::outline::note::{Note, NoteKind};
use crate::outline::tables::{action, one_line};
use crate::postgres::schema::cursor::Cursor;

impl Reading<'_> {
    /// Takes what a statement says, if it is one of those that a translation goes by.
    pub(super) fn understand(&mut self, statement: &str) -> Option<()> {
        let mut cursor = Cursor::new(statement);
        if cursor.takes(&["create", "table"]) || cursor.takes(&["create", "unlogged", "table"]) {
            self.table(&mut cursor)
        } else if cursor.takes(&["create", "type"]) {
            self.types.take_enumeration(&mut cursor)
        } else if cursor.takes(&["create", "domain"]) {
            let (name, base) = self.types.take_domain(&mut cursor)?;
            let rest = cursor.until(|_| false);
            if !rest.is_empty() {
                let detail = format!("domain {name} becomes {base}, without {}", one_line(rest));
                self.notes.push(Note::new(NoteKind::Check, detail));
            }
            Some(())
        } else if cursor.takes(&["create", "sequence"]) || cursor.takes(&["create", "unlogged", "sequence"]) {
            self.sequences.push(cursor.qualified()?);
            Some(())
        } else if cursor.takes(&["alter", "table"]) {
            cursor.takes(&["only"]);
            let table = cursor.qualified()?;
            self.alteration(&table, &mut cursor)
        } else if cursor.takes(&["create", "index"]) {
            self.index(false, &mut cursor)
        } else if cursor.takes(&["create", "unique", "index"]) {
            self.index(true, &mut cursor)
        } else {
            None
        }
    }

    fn table(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let name = cursor.qualified()?;
        let list = cursor.list()?;
        let rest = cursor.until(|_| false);
        let Some(found) = self.tables.get_mut(&name) else {
            let how =
                if rest.to_ascii_uppercase().contains("PARTITION BY") { "partitions" } else { "tables" };
            let detail = format!("its rows are in its {how}, which become tables of their own");
            self.notes.push(Note::of_table(&name, NoteKind::Table, detail));
            return Some(());
        };
        for part in list {
            let mut inner = Cursor::new(part);
            if inner.takes(&["constraint"]) {
                inner.name()?;
                if inner.sees(&["check"]) {
                    let detail = format!("{} is left out", one_line(inner.until(|_| false)));
                    self.notes.push(Note::of_table(&name, NoteKind::Check, detail));
                }
            } else {
                found.lines.extend(line(part));
            }
        }
        if rest.to_ascii_uppercase().starts_with("INHERITS") {
            let detail = format!("it no longer {}", one_line(rest).to_lowercase());
            self.notes.push(Note::of_table(&name, NoteKind::Table, detail));
        }
        Some(())
    }

    fn alteration(&mut self, table: &TableName, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.takes(&["alter", "column"]) {
            let column = cursor.name()?;
            let found = self.tables.get_mut(table);
            if cursor.takes(&["set", "default"]) {
                let default = cursor.until(|_| false).to_owned();
                found.map(|found| found.defaults.insert(column, default));
                return Some(());
            }
            if cursor.takes(&["add", "generated"]) {
                cursor.until(|cursor| cursor.sees_symbol('('));
                cursor.takes_symbol('(');
                let named = cursor.takes(&["sequence", "name"]);
                let sequence = cursor.qualified().filter(|_| named)?;
                found.map(|found| found.identities.insert(column, sequence));
                return Some(());
            }
            // How values are stored, and what the planner knows of them.
            return ["storage", "statistics", "compression"]
                .iter()
                .any(|word| cursor.sees(&["set", word]))
                .then_some(());
        }
        if !cursor.takes(&["add", "constraint"]) {
            return None;
        }
        let constraint = cursor.name()?;
        // A constraint of a partitioned table is one of its partitions too, and theirs are written as well.
        let Some(found) = self.tables.get_mut(table) else { return Some(()) };
        if cursor.takes(&["primary", "key"]) {
            let names = cursor.names()?;
            found.primary_key = names;
        } else if cursor.takes(&["unique"]) {
            let names = cursor.names()?;
            let rest = cursor.until(|_| false);
            if !rest.is_empty() {
                let detail = format!("UNIQUE ({}) is without {}", names.join(", "), one_line(rest));
                self.notes.push(Note::of_table(table, NoteKind::Index, detail));
            }
            found.unique.push(names);
        } else if cursor.takes(&["foreign", "key"]) {
            found.references.insert(constraint, actions(cursor));
        } else if cursor.sees(&["not", "null"]) {
            // The schema's own columns say so.
        } else {
            return None;
        }
        Some(())
    }

    fn index(&mut self, unique: bool, cursor: &mut Cursor<'_>) -> Option<()> {
        let name = cursor.name()?;
        if !cursor.takes(&["on"]) {
            return None;
        }
        cursor.takes(&["only"]);
        let table = cursor.qualified()?;
        let Some(found) = self.tables.get_mut(&table) else { return Some(()) };
        let known = cursor.takes(&["using", "btree"]) || cursor.takes(&["using", "hash"]);
        let columns: Option<Vec<(String, bool)>> =
            cursor.list().filter(|_| known)?.into_iter().map(index_column).collect();
        // A condition, columns that are only carried along, storage.
        if !cursor.is_done() {
            return None;
        }
        found.indexes.push(IndexDefinition { name, unique, columns: columns? });
        Some(())
    }
}

/// What follows the columns of a reference.
fn actions(cursor: &mut Cursor<'_>) -> Actions {
    let mut found = Actions::default();
    while !cursor.is_done() {
        if cursor.takes(&["on", "update"]) {
            found.on_update = taken_action(cursor);
        } else if cursor.takes(&["on", "delete"]) {
            found.on_delete = taken_action(cursor);
        } else if cursor.takes(&["initially", "deferred"]) {
            found.deferred = true;
        } else if !cursor.skip() {
            break;
        }
    }
    found
}

fn taken_action(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    for words in [&["cascade"][..], &["restrict"], &["set", "null"], &["set", "default"]] {
        if cursor.takes(words) {
            return action(&words.join(" "));
        }
    }
    None
}

/// A column of an index, and whether it descends; nothing for an expression or another class of operators.
fn index_column(text: &str) -> Option<(String, bool)> {
    let mut cursor = Cursor::new(text);
    let name = cursor.name()?;
    let descends = cursor.takes(&["desc"]);
    // Where NULL comes in the order of an index, nothing but its speed depends on.
    let _ = cursor.takes(&["nulls", "first"]) || cursor.takes(&["nulls", "last"]);
    cursor.is_done().then_some((name, descends))
}
