//! A table, put together from the schema and what its statements said.

use std::collections::HashMap;

use rowkeep_format::{Column, ForeignKey, Table, TableName};

use super::columns::{Line, default, next_value};
use super::reading::{Actions, IndexDefinition, Reading, TableDefinition};
use crate::dialect::ValueType;
use crate::outline::note::{Note, NoteKind};
use crate::outline::survey::Survey;
use crate::outline::tables::{
    ColumnOutline, IndexOutline, Numbered, ReferenceOutline, TableOutline, one_line,
};
use crate::postgres::schema::cursor::Cursor;

impl Reading<'_> {
    pub(super) fn table_outline(
        &mut self,
        table: &Table,
        found: &TableDefinition,
        survey: &Survey,
    ) -> TableOutline {
        self.note_columns(&table.name, &found.lines);
        let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
        let columns = columns.map(|(source, column)| self.column(source, column, found, survey));
        let mut outline = TableOutline::new(table.name.clone(), columns.collect());
        self.keys(&mut outline, found);
        let references = table.foreign_keys.iter();
        let references = references.filter_map(|key| reference(&outline, key, &found.references));
        outline.references = references.collect();
        outline
    }

    /// Notes what columns have that nothing stands for.
    fn note_columns(&mut self, name: &TableName, lines: &[Line]) {
        for line in lines {
            if let Some(expression) = &line.generated {
                let detail = format!(
                    "the column is computed, by {}, and left out: its values are not in the snapshot",
                    one_line(expression)
                );
                self.notes.push(Note::of_column(name, &line.name, NoteKind::Generated, detail));
            }
            if let Some(collation) = &line.collation {
                let detail = format!("text is compared and sorted byte by byte, no longer by {collation}");
                self.notes.push(Note::of_column(name, &line.name, NoteKind::Collation, detail));
            }
        }
    }

    fn column(
        &mut self,
        source: usize,
        column: &Column,
        found: &TableDefinition,
        survey: &Survey,
    ) -> ColumnOutline {
        let line = found.lines.iter().find(|line| line.name == column.name);
        let default_sql =
            found.defaults.get(&column.name).or_else(|| line.and_then(|line| line.default.as_ref()));
        let sequence = match found.identities.get(&column.name) {
            Some(sequence) => Some(sequence.clone()),
            None => {
                default_sql.and_then(|sql| next_value(sql)).and_then(|name| Cursor::new(&name).qualified())
            }
        };
        // What a sequence gives is the column's own where nobody else has it.
        if let Some(sequence) = &sequence {
            self.sequences.retain(|known| known != sequence);
        }
        let ValueType { name: base, labels } = self.types.value_type(&column.type_name);
        ColumnOutline {
            source,
            name: column.name.clone(),
            declared: column.type_name.clone(),
            labels,
            base,
            not_null: column.not_null,
            default: default_sql.filter(|_| sequence.is_none()).and_then(|sql| default(sql)),
            numbered: sequence.map(|sequence| Numbered { given: survey.numbers.get(&sequence).copied() }),
        }
    }

    /// Takes over the primary key, what is unique, and indexes, as far as all their columns are there.
    fn keys(&mut self, outline: &mut TableOutline, found: &TableDefinition) {
        let mut leave = |outline: &TableOutline, what: &str| {
            self.notes.push(outline.left_out(what, "a column of it is computed"));
        };
        match places(outline, &found.primary_key) {
            Some(key) => outline.primary_key = key,
            None => leave(outline, "the primary key"),
        }
        for names in &found.unique {
            match places(outline, names) {
                Some(unique) => outline.unique.push(unique),
                None => leave(outline, "a UNIQUE constraint"),
            }
        }
        for IndexDefinition { name, unique, columns } in &found.indexes {
            match places(outline, columns.iter().map(|(name, _)| name)) {
                Some(places) => outline.indexes.push(IndexOutline {
                    name: name.clone(),
                    unique: *unique,
                    columns: places.into_iter().zip(columns.iter().map(|(_, descends)| *descends)).collect(),
                }),
                None => leave(outline, &format!("index {name}")),
            }
        }
    }
}

/// The places of columns by their names, if all of them are there.
fn places<'n>(outline: &TableOutline, names: impl IntoIterator<Item = &'n String>) -> Option<Vec<usize>> {
    let place = |name: &String| outline.columns.iter().position(|column| &column.name == name);
    names.into_iter().map(place).collect()
}

/// A reference, if all its columns are there.
fn reference(
    outline: &TableOutline,
    key: &ForeignKey,
    actions: &HashMap<String, Actions>,
) -> Option<ReferenceOutline> {
    let Actions { on_update, on_delete, deferred } =
        key.name.as_ref().and_then(|name| actions.get(name)).cloned().unwrap_or_default();
    let columns = key.columns.iter().map(|column| outline.place_of_source(*column));
    Some(ReferenceOutline {
        columns: columns.collect::<Option<_>>()?,
        references: key.references.clone(),
        referenced_columns: key.referenced_columns.clone(),
        on_update,
        on_delete,
        deferred,
        orphans: 0,
    })
}
