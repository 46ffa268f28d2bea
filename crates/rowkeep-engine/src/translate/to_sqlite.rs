//! An outline of PostgreSQL as a schema of SQLite.

mod default;
mod types;

use std::collections::{HashMap, HashSet};

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value};

use super::names::Names;
use super::translation::{ColumnTranslation, TableTranslation, Translation};
use super::value::{RowMap, column};
use crate::outline::note::{Note, NoteKind};
use crate::outline::profile::{ColumnProfile, Shape, TableProfile};
use crate::outline::survey::Survey;
use crate::outline::tables::{ColumnOutline, Outline, ReferenceOutline, TableOutline};
use crate::sqlite::schema::compose::{Definitions, identifier, literal, sequences};
use crate::{EngineError, ErrorKind};
use types::Chosen;

/// What the rows of a table have to be looked at for; nothing when no type of it asks for that.
pub(super) fn wanted(table: &Table) -> Option<TableProfile> {
    let shapes: Vec<Shape> = table.columns.iter().map(|column| types::shape(&column.type_name)).collect();
    // A domain may be of a type that asks.
    let asks =
        |column: &Column| column.type_name.contains('.') || types::shape(&column.type_name) != Shape::Any;
    table.columns.iter().any(asks).then(|| TableProfile::new(shapes))
}

/// Writes an outline as a schema of SQLite.
///
/// Fails where two tables would have one name.
pub(super) fn translate(outline: Outline, survey: &Survey) -> Result<Translation, EngineError> {
    let names = table_names(&outline.tables)?;
    let mut making =
        Builder { names: Names::sqlite(), definitions: Definitions::default(), notes: outline.notes };
    names.values().for_each(|name| making.names.reserve(name));
    let by_source: HashMap<&TableName, &TableOutline> =
        outline.tables.iter().map(|table| (&table.name, table)).collect();
    let mut tables = Vec::new();
    let mut given = Vec::new();
    for table in &outline.tables {
        let name = &names[&table.name];
        if table.name.schema.as_deref().is_some_and(|schema| schema != "public") {
            let detail = format!("the table becomes {name}, for SQLite has no schemas");
            making.notes.push(Note::of_table(&table.name, NoteKind::Name, detail));
        }
        let profile = survey.profile(&table.name);
        let (translated, number) = making.table(table, name, profile, &by_source, &names);
        given.extend(number.map(|number| (name.clone(), number)));
        tables.push(translated);
    }
    let beside: Vec<(Table, RowBatch)> = (!given.is_empty()).then(|| numbers(&given)).into_iter().collect();
    let all = tables.iter().map(|table| table.target.clone());
    let all = all.chain(beside.iter().map(|(table, _)| table.clone())).collect();
    let schema = making.definitions.schema(all);
    Ok(Translation { schema, tables, beside, notes: making.notes })
}

/// The name of every table, with its schema before it where that is not `public`.
fn table_names(tables: &[TableOutline]) -> Result<HashMap<TableName, String>, EngineError> {
    let refused = |message: String| Err(EngineError::new(ErrorKind::Unsupported, message));
    let mut given: HashMap<String, &TableName> = HashMap::new();
    let mut names = HashMap::new();
    for TableOutline { name, .. } in tables {
        let plain = match name.schema.as_deref() {
            None | Some("public") => name.name.clone(),
            Some(schema) => format!("{schema}_{}", name.name),
        };
        if plain.to_ascii_lowercase().starts_with("sqlite_") {
            return refused(format!(
                "table {name} cannot be made: names that begin with sqlite_ are SQLite's own"
            ));
        }
        if let Some(other) = given.insert(plain.to_ascii_lowercase(), name) {
            return refused(format!(
                "tables {other} and {name} would both be {plain} in SQLite, which has no schemas and does not tell \
                 names apart by case: leave one out, or rename it"
            ));
        }
        names.insert(name.clone(), plain);
    }
    Ok(names)
}

/// Where AUTOINCREMENT goes on.
fn numbers(given: &[(String, i64)]) -> (Table, RowBatch) {
    let mut batch = RowBatch::new(2);
    for (name, number) in given {
        batch.push_row([Value::Text(name.as_bytes()), Value::Integer(*number)]);
    }
    let table = Table {
        name: sequences(),
        kind: TableKind::Settings,
        columns: vec![column("name", "", false), column("seq", "", false)],
        key: Key::whole_row(2),
        identity: None,
        foreign_keys: Vec::new(),
    };
    (table, batch)
}

/// A database that is being made up.
struct Builder {
    names: Names,
    definitions: Definitions,
    notes: Vec<Note>,
}

impl Builder {
    fn table(
        &mut self,
        outline: &TableOutline,
        name: &str,
        profile: Option<&TableProfile>,
        tables: &HashMap<&TableName, &TableOutline>,
        table_names: &HashMap<TableName, String>,
    ) -> (TableTranslation, Option<i64>) {
        let mut column_names = Names::sqlite();
        let mut columns = Vec::new();
        let mut chosen = Vec::new();
        for from in &outline.columns {
            let column_name = column_names.give(&from.name);
            if column_name != from.name {
                let detail = format!("the column becomes {column_name}");
                self.notes.push(Note::of_column(&outline.name, &from.name, NoteKind::Name, detail));
            }
            let nothing = ColumnProfile::new(types::shape(&from.base));
            let profile = profile.and_then(|profile| profile.columns.get(from.source)).unwrap_or(&nothing);
            let choice = types::choose(from, profile);
            if let Some(detail) = &choice.note {
                self.notes.push(Note::of_column(&outline.name, &from.name, NoteKind::Type, detail.clone()));
            }
            columns.push(column(&column_name, choice.type_name, from.not_null));
            chosen.push(choice);
        }
        let numbered = self.numbered(outline, &chosen);
        let mut parts: Vec<String> = outline
            .columns
            .iter()
            .zip(&columns)
            .zip(&chosen)
            .enumerate()
            .map(|(place, ((from, to), choice))| {
                self.part(outline, from, to, choice, numbered == Some(place))
            })
            .collect();
        let names = |places: &[usize]| {
            let names = places.iter().map(|place| identifier(&columns[*place].name));
            names.collect::<Vec<_>>().join(", ")
        };
        // A single integer is another name for the rowid.
        let is_rowid = |key: &[usize]| matches!(key, [only] if columns[*only].type_name == "INTEGER");
        if numbered.is_none() && !outline.primary_key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", names(&outline.primary_key)));
        }
        parts.extend(outline.unique.iter().map(|places| format!("UNIQUE ({})", names(places))));
        for reference in &outline.references {
            let why = format!("{} to {}", names(&reference.columns), reference.references);
            match referenced(reference, tables) {
                Some(parent_columns) => {
                    let parent = identifier(&table_names[&reference.references]);
                    parts.push(format!(
                        "FOREIGN KEY ({}) REFERENCES {parent} ({parent_columns}){}",
                        names(&reference.columns),
                        actions(reference)
                    ));
                }
                None => {
                    let detail = format!("the reference {why} is left out: its rows are in no one table");
                    self.notes.push(Note::of_table(&outline.name, NoteKind::Reference, detail));
                }
            }
        }
        self.definitions.table(name, &parts);
        for index in &outline.indexes {
            let index_name = self.names.give(&index.name);
            if index_name != index.name {
                let detail = format!("index {} becomes {index_name}", index.name);
                self.notes.push(Note::of_table(&outline.name, NoteKind::Name, detail));
            }
            let over: Vec<(&str, bool)> = index
                .columns
                .iter()
                .map(|(place, descending)| (columns[*place].name.as_str(), *descending))
                .collect();
            self.definitions.index(&index_name, name, index.unique, &over);
        }
        let key = match &outline.primary_key[..] {
            key if is_rowid(key) => {
                Key { columns: vec![KeyColumn { column: key[0], form: KeyForm::Native }], unique: true }
            }
            _ => Key::whole_row(columns.len()),
        };
        let translated = outline.columns.iter().zip(&columns).map(|(from, to)| ColumnTranslation {
            column: from.name.clone(),
            from: from.declared.clone(),
            becomes: to.name.clone(),
            to: to.type_name.clone(),
        });
        let rows = outline.columns.iter().zip(&chosen).map(|(from, choice)| (from.source, choice.map));
        let number = numbered.and_then(|place| outline.columns[place].numbered?.given);
        let translation = TableTranslation {
            source: outline.name.clone(),
            columns: translated.collect(),
            rows: RowMap { source: outline.name.clone(), columns: rows.collect() },
            target: Table {
                name: TableName::plain(name),
                kind: TableKind::Table,
                key,
                identity: None,
                foreign_keys: Vec::new(),
                columns,
            },
        };
        (translation, number)
    }

    /// The column that gives fresh numbers: SQLite has that for a primary key of one integer alone.
    fn numbered(&mut self, outline: &TableOutline, chosen: &[Chosen]) -> Option<usize> {
        let alone = match outline.primary_key[..] {
            [only] if chosen[only].type_name == "INTEGER" && outline.columns[only].numbered.is_some() => {
                Some(only)
            }
            _ => None,
        };
        for (place, column) in outline.columns.iter().enumerate() {
            if column.numbered.is_some() && alone != Some(place) {
                let detail =
                    "it gives no fresh numbers any more: it is not the whole primary key, or no integer";
                self.notes.push(Note::of_column(&outline.name, &column.name, NoteKind::Sequence, detail));
            }
        }
        alone
    }

    fn part(
        &mut self,
        table: &TableOutline,
        from: &ColumnOutline,
        to: &Column,
        chosen: &Chosen,
        numbered: bool,
    ) -> String {
        let mut part = format!("{} {}", identifier(&to.name), chosen.type_name);
        if numbered {
            return part + " PRIMARY KEY AUTOINCREMENT";
        }
        if let Some(default) = &from.default {
            match default::expression(default, from, chosen) {
                Ok(expression) => part += &format!(" DEFAULT {expression}"),
                Err(detail) => {
                    self.notes.push(Note::of_column(&table.name, &from.name, NoteKind::Default, detail))
                }
            }
        }
        if from.not_null {
            part += " NOT NULL";
        }
        if !from.labels.is_empty() {
            let labels = from.labels.iter().map(|label| literal(label)).collect::<Vec<_>>().join(", ");
            part += &format!(" CHECK ({} IN ({labels}))", identifier(&to.name));
        }
        part
    }
}

/// The columns that a reference refers to, as SQL; nothing when its table is not there or they are not unique.
fn referenced(reference: &ReferenceOutline, tables: &HashMap<&TableName, &TableOutline>) -> Option<String> {
    let parent = tables.get(&reference.references)?;
    let places: Option<Vec<usize>> =
        reference.referenced_columns.iter().map(|name| parent.place(name)).collect();
    let places = places.filter(|places| parent.is_unique(places))?;
    let mut names = Names::sqlite();
    let given: Vec<String> = parent.columns.iter().map(|column| names.give(&column.name)).collect();
    let distinct: HashSet<&usize> = places.iter().collect();
    (distinct.len() == places.len())
        .then(|| places.iter().map(|place| identifier(&given[*place])).collect::<Vec<_>>().join(", "))
}

fn actions(reference: &ReferenceOutline) -> String {
    let mut actions = String::new();
    for (event, action) in [("UPDATE", reference.on_update), ("DELETE", reference.on_delete)] {
        if let Some(action) = action {
            actions += &format!(" ON {event} {action}");
        }
    }
    if reference.deferred {
        actions += " DEFERRABLE INITIALLY DEFERRED";
    }
    actions
}
