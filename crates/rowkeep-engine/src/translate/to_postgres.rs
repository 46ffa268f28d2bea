//! An outline of SQLite as a schema of PostgreSQL.

mod default;
mod types;

use std::collections::HashMap;

use rowkeep_format::{Column, Schema, Table, TableKind, TableName};

use super::names::Names;
use super::translation::{ColumnTranslation, TableTranslation, Translation};
use super::value::{RowMap, column};
use crate::EngineError;
use crate::outline::note::{Note, NoteKind};
use crate::outline::profile::{ColumnProfile, TableProfile};
use crate::outline::survey::Survey;
use crate::outline::tables::{ColumnOutline, Outline, ReferenceOutline, TableOutline};
use crate::postgres::schema::compose::{ForeignKey, Statements, identifier, key, sequence_values};
use types::Chosen;

/// The schema that all tables come into.
const SCHEMA: &str = "public";

/// Columns that every table of PostgreSQL has (manual, "System Columns").
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What the rows of a table have to be looked at for.
pub(super) fn wanted(table: &Table) -> TableProfile {
    TableProfile::new(table.columns.iter().map(|column| types::shape(&column.type_name)))
}

/// Writes an outline as a schema of PostgreSQL.
pub(super) fn translate(outline: Outline, survey: &Survey) -> Result<Translation, EngineError> {
    let mut making = Builder {
        names: Names::postgres(),
        statements: Statements::default(),
        notes: outline.notes,
        sequences: Vec::new(),
    };
    let named: Vec<TableName> = outline.tables.iter().map(|table| making.name_table(table)).collect();
    making.note_capitals(&outline.tables);
    let made: Vec<Made<'_>> = outline
        .tables
        .iter()
        .zip(named)
        .map(|(table, name)| making.table(table, name, survey.profile(&table.name)))
        .collect();
    for table in &made {
        making.keys(table);
    }
    let by_source: HashMap<&TableName, &Made<'_>> =
        made.iter().map(|table| (&table.outline.name, table)).collect();
    let mut references = Vec::new();
    for table in &made {
        let of_table: Vec<_> = table
            .outline
            .references
            .iter()
            .filter_map(|reference| making.reference(table, reference, &by_source))
            .collect();
        references.push(of_table);
    }
    let tables: Vec<TableTranslation> =
        made.into_iter().zip(references).map(|(made, references)| made.finish(references)).collect();
    let beside: Vec<_> =
        (!making.sequences.is_empty()).then(|| sequence_values(&making.sequences)).into_iter().collect();
    let all = tables.iter().map(|table| table.target.clone());
    let all = all.chain(beside.iter().map(|(table, _)| table.clone())).collect();
    let schema: Schema = making.statements.schema(all);
    Ok(Translation { schema, tables, beside, notes: making.notes })
}

/// A database that is being made up.
struct Builder {
    names: Names,
    statements: Statements,
    notes: Vec<Note>,
    /// Sequences with the highest number that each has given.
    sequences: Vec<(TableName, Option<i64>)>,
}

/// A table that is made up.
struct Made<'a> {
    outline: &'a TableOutline,
    name: TableName,
    columns: Vec<Column>,
    chosen: Vec<Chosen>,
    /// Whether columns hold NULL.
    nulls: Vec<bool>,
}

impl Builder {
    fn note(&mut self, table: &TableName, kind: NoteKind, detail: String) {
        self.notes.push(Note::of_table(table, kind, detail));
    }

    fn name_table(&mut self, table: &TableOutline) -> TableName {
        let name = self.names.give(&table.name.name);
        if name != table.name.name {
            self.note(&table.name, NoteKind::Name, format!("the table becomes {name}"));
        }
        TableName::qualified(SCHEMA, name)
    }

    /// Notes names that SQL reaches only in quotes now, in one note for all.
    fn note_capitals(&mut self, tables: &[TableOutline]) {
        const SHOWN: usize = 6;
        let has_capitals = |name: &str| name.chars().any(char::is_uppercase);
        let mut names: Vec<&str> = Vec::new();
        for table in tables {
            names.push(&table.name.name);
            names.extend(table.columns.iter().map(|column| column.name.as_str()));
        }
        names.retain(|name| has_capitals(name));
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return;
        }
        let more = names.len().saturating_sub(SHOWN);
        let shown = names[..names.len().min(SHOWN)].join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!(
            "names with capitals stay as they are, and SQL has to put them in double quotes: {shown}{more}"
        );
        self.notes.push(Note::new(NoteKind::Name, detail));
    }

    fn table<'a>(
        &mut self,
        outline: &'a TableOutline,
        name: TableName,
        profile: Option<&TableProfile>,
    ) -> Made<'a> {
        let mut names = Names::postgres();
        SYSTEM_COLUMNS.iter().for_each(|name| names.reserve(name));
        let mut made = Made { outline, name, columns: Vec::new(), chosen: Vec::new(), nulls: Vec::new() };
        let mut parts = Vec::new();
        for (place, from) in outline.columns.iter().enumerate() {
            let nothing = ColumnProfile::new(types::shape(&from.declared));
            let profile = profile.and_then(|profile| profile.columns.get(from.source)).unwrap_or(&nothing);
            let column_name = names.give(&from.name);
            let mut note = |kind: NoteKind, detail: String| {
                self.notes.push(Note::of_column(&outline.name, &from.name, kind, detail));
            };
            if column_name != from.name {
                note(NoteKind::Name, format!("the column becomes {column_name}"));
            }
            let chosen = types::choose(&from.declared, profile);
            if let Some(detail) = &chosen.note {
                note(NoteKind::Type, detail.clone());
            }
            let nulls = profile.nulls > 0;
            if from.not_null && nulls {
                note(NoteKind::Other, format!("NOT NULL is left out: {} rows hold NULL", profile.nulls));
            }
            let in_key = outline.primary_key.contains(&place);
            let not_null = !nulls && (from.not_null || in_key);
            let mut part = format!("{} {}", identifier(&column_name), chosen.type_name);
            if let Some(default) = from.default.as_ref().filter(|_| from.numbered.is_none()) {
                match default::expression(default, &chosen) {
                    Ok(expression) => part += &format!(" DEFAULT {expression}"),
                    Err(detail) => note(NoteKind::Default, detail),
                }
            }
            part += if not_null { " NOT NULL" } else { "" };
            if from.numbered.is_some() && chosen.type_name == "bigint" {
                part += &self.identity(from, &made.name, &column_name, profile);
            }
            parts.push(part);
            made.columns.push(column(&column_name, &chosen.type_name, not_null));
            made.nulls.push(nulls);
            made.chosen.push(chosen);
        }
        self.statements.table(&made.name, &parts);
        made
    }

    /// Makes a column give fresh numbers, past all that there are.
    fn identity(
        &mut self,
        from: &ColumnOutline,
        table: &TableName,
        column: &str,
        profile: &ColumnProfile,
    ) -> String {
        let sequence = TableName::qualified(SCHEMA, self.names.give(&format!("{}_{column}_seq", table.name)));
        let highest = (profile.integers > 0).then_some(profile.highest);
        let given = from.numbered.and_then(|numbered| numbered.given).max(highest).filter(|given| *given > 0);
        let name = format!("{}.{}", identifier(SCHEMA), identifier(&sequence.name));
        self.sequences.push((sequence, given));
        format!(" GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {name})")
    }

    fn keys(&mut self, made: &Made<'_>) {
        let outline = made.outline;
        let names = |places: &[usize]| -> Vec<&str> {
            places.iter().map(|place| made.columns[*place].name.as_str()).collect()
        };
        if !outline.primary_key.is_empty() {
            let primary = made.has_primary_key();
            if !primary {
                let detail = "the primary key becomes UNIQUE, for rows hold NULL in it".to_owned();
                self.note(&outline.name, NoteKind::Index, detail);
            }
            let constraint = self.names.give(&format!("{}_pkey", made.name.name));
            self.statements.key(&made.name, &constraint, primary, &names(&outline.primary_key));
        }
        for places in &outline.unique {
            let names = names(places);
            let constraint = self.names.give(&format!("{}_{}_key", made.name.name, names.join("_")));
            self.statements.key(&made.name, &constraint, false, &names);
        }
        for index in &outline.indexes {
            let name = self.names.give(&index.name);
            if name != index.name {
                self.note(&outline.name, NoteKind::Name, format!("index {} becomes {name}", index.name));
            }
            let columns: Vec<(&str, bool)> = index
                .columns
                .iter()
                .map(|(place, descending)| (made.columns[*place].name.as_str(), *descending))
                .collect();
            self.statements.index(&made.name, &name, index.unique, &columns);
        }
    }

    /// Adds a reference; notes one that cannot be.
    fn reference(
        &mut self,
        made: &Made<'_>,
        reference: &ReferenceOutline,
        tables: &HashMap<&TableName, &Made<'_>>,
    ) -> Option<rowkeep_format::ForeignKey> {
        let columns: Vec<&str> =
            reference.columns.iter().map(|place| made.columns[*place].name.as_str()).collect();
        let what = format!("the reference {} to {}", columns.join(", "), reference.references);
        let mut leave = |why: String| {
            self.notes.push(Note::of_table(
                &made.outline.name,
                NoteKind::Reference,
                format!("{what} is left out: {why}"),
            ));
        };
        let Some(parent) = tables.get(&reference.references) else {
            leave("there is no such table".to_owned());
            return None;
        };
        let places: Option<Vec<usize>> =
            reference.referenced_columns.iter().map(|name| parent.outline.place(name)).collect();
        let places = places.filter(|places| places.len() == columns.len() && !places.is_empty());
        let Some(places) = places.filter(|places| parent.outline.is_unique(places)) else {
            leave("what it refers to is not unique there".to_owned());
            return None;
        };
        for (from, to) in reference.columns.iter().zip(&places) {
            let (from, to) = (&made.chosen[*from].type_name, &parent.chosen[*to].type_name);
            if types::family(from) != types::family(to) {
                leave(format!("{from} cannot be compared with {to}"));
                return None;
            }
        }
        let referenced: Vec<&str> = places.iter().map(|place| parent.columns[*place].name.as_str()).collect();
        let constraint = self.names.give(&format!("{}_{}_fkey", made.name.name, columns.join("_")));
        if reference.orphans > 0 {
            let detail = format!("{what} is NOT VALID: {} rows refer to none", reference.orphans);
            self.note(&made.outline.name, NoteKind::Reference, detail);
        }
        self.statements.foreign_key(
            &made.name,
            &ForeignKey {
                constraint: &constraint,
                columns: columns.clone(),
                references: &parent.name,
                referenced: referenced.clone(),
                on_update: reference.on_update,
                on_delete: reference.on_delete,
                deferred: reference.deferred,
                unchecked: reference.orphans > 0,
            },
        );
        Some(rowkeep_format::ForeignKey {
            name: Some(constraint),
            columns: reference.columns.clone(),
            references: parent.name.clone(),
            referenced_columns: referenced.into_iter().map(str::to_owned).collect(),
        })
    }
}

impl Made<'_> {
    fn has_primary_key(&self) -> bool {
        let key = &self.outline.primary_key;
        !key.is_empty() && key.iter().all(|place| !self.nulls[*place])
    }

    fn finish(self, foreign_keys: Vec<rowkeep_format::ForeignKey>) -> TableTranslation {
        let key_columns: &[usize] = if self.has_primary_key() { &self.outline.primary_key } else { &[] };
        let key = key(&self.columns, key_columns);
        let from = self.outline.columns.iter();
        let columns = from.clone().zip(&self.columns).map(|(from, to)| ColumnTranslation {
            column: from.name.clone(),
            from: from.declared.clone(),
            becomes: to.name.clone(),
            to: to.type_name.clone(),
        });
        let rows = from.zip(&self.chosen).map(|(from, chosen)| (from.source, chosen.map));
        TableTranslation {
            source: self.outline.name.clone(),
            columns: columns.collect(),
            rows: RowMap { source: self.outline.name.clone(), columns: rows.collect() },
            target: Table {
                name: self.name,
                kind: TableKind::Table,
                columns: self.columns,
                key,
                identity: None,
                foreign_keys,
            },
        }
    }
}
