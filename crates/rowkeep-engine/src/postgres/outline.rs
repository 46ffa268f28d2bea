//! A schema of PostgreSQL in the words of a translation.
//!
//! Tables, columns, types and references are those of the schema; what it does not say itself (keys, indexes,
//! defaults, actions, labels of enumerations) is read in what `pg_dump` wrote.

mod columns;
mod cursor;
mod others;

use std::collections::{BTreeMap, HashMap};

use rowkeep_format::{ForeignKey, Schema, Table, TableKind, TableName};

use super::ddl;
use super::split::statements;
use crate::translate::outline::{
    ColumnOutline, IndexOutline, Numbered, Outline, ReferenceOutline, TableOutline, action,
};
use crate::translate::{Note, NoteKind, Survey};
use crate::{EngineError, ErrorKind};
use columns::{Line, default, line, next_value};
use cursor::Cursor;

/// Reads a schema.
pub(crate) fn outline(schema: &Schema, survey: &Survey) -> Result<Outline, EngineError> {
    if schema.ddl(ddl::BEFORE).is_empty() {
        let message = "a schema without DDL cannot be translated: the backup is one of data alone";
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let mut reading = Reading::new(schema);
    for part in [ddl::BEFORE, ddl::AFTER] {
        for statement in statements(schema.ddl(part)) {
            if reading.understand(statement).is_none() {
                others::note(statement, &mut reading);
            }
        }
    }
    Ok(reading.outline(survey))
}

/// A schema that is being read.
struct Reading<'a> {
    schema: &'a Schema,
    tables: HashMap<TableName, Found>,
    /// Types that are enumerations, with their labels; domains, with the types they are made of.
    labels: HashMap<String, Vec<String>>,
    domains: HashMap<String, String>,
    sequences: Vec<TableName>,
    notes: Vec<Note>,
    /// Kinds of statements that concern nobody by name, with how many there are.
    counted: BTreeMap<&'static str, u64>,
}

/// What was found of a table.
#[derive(Default)]
struct Found {
    lines: Vec<Line>,
    defaults: HashMap<String, String>,
    /// Columns with an identity, and the sequences of these.
    identities: HashMap<String, TableName>,
    primary_key: Vec<String>,
    unique: Vec<Vec<String>>,
    indexes: Vec<FoundIndex>,
    references: HashMap<String, Actions>,
}

/// An index over columns, each with whether it descends.
struct FoundIndex {
    name: String,
    unique: bool,
    columns: Vec<(String, bool)>,
}

/// What a reference says beside its columns.
#[derive(Default, Clone)]
struct Actions {
    on_update: Option<&'static str>,
    on_delete: Option<&'static str>,
    deferred: bool,
}

impl<'a> Reading<'a> {
    fn new(schema: &'a Schema) -> Self {
        let tables = schema.tables.iter().filter(|table| table.kind == TableKind::Table);
        Self {
            schema,
            tables: tables.map(|table| (table.name.clone(), Found::default())).collect(),
            labels: HashMap::new(),
            domains: HashMap::new(),
            sequences: Vec::new(),
            notes: Vec::new(),
            counted: BTreeMap::new(),
        }
    }

    /// Takes what a statement says, if it is one of those that a translation goes by.
    fn understand(&mut self, statement: &str) -> Option<()> {
        let mut cursor = Cursor::new(statement);
        if cursor.takes(&["create", "table"]) || cursor.takes(&["create", "unlogged", "table"]) {
            self.table(&mut cursor)
        } else if cursor.takes(&["create", "type"]) {
            let name = type_name(&cursor.qualified()?);
            if !cursor.takes(&["as", "enum"]) {
                return None;
            }
            let labels = cursor.list()?.into_iter().map(|label| Cursor::new(label).literal());
            self.labels.insert(name, labels.collect::<Option<_>>()?);
            Some(())
        } else if cursor.takes(&["create", "domain"]) {
            let name = type_name(&cursor.qualified()?);
            cursor.takes(&["as"]);
            let base = cursor.until(|cursor| {
                ["default", "not", "constraint", "collate", "check"].iter().any(|word| cursor.sees(&[word]))
            });
            self.domains.insert(name.clone(), base.to_owned());
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
        found.indexes.push(FoundIndex { name, unique, columns: columns? });
        Some(())
    }

    fn outline(mut self, survey: &Survey) -> Outline {
        let schema = self.schema;
        let mut tables = Vec::new();
        for table in schema.tables.iter().filter(|table| table.kind == TableKind::Table) {
            let found = self.tables.remove(&table.name).unwrap_or_default();
            let outlined = self.table_outline(table, found, survey);
            tables.push(outlined);
        }
        for sequence in std::mem::take(&mut self.sequences) {
            let value = survey
                .numbers
                .get(&sequence)
                .map_or("not used yet".to_owned(), |value| format!("at {value}"));
            let detail = format!("sequence {sequence}, {value}, is left out");
            self.notes.push(Note::new(NoteKind::Sequence, detail));
        }
        let counted = std::mem::take(&mut self.counted);
        self.notes.extend(counted.into_iter().map(|(what, count)| {
            let kind = if what.contains("privileges") { NoteKind::Privilege } else { NoteKind::Other };
            Note::new(kind, format!("{what} are left out: {count}"))
        }));
        Outline { tables, notes: self.notes }
    }

    fn table_outline(&mut self, table: &Table, found: Found, survey: &Survey) -> TableOutline {
        let name = &table.name;
        for line in &found.lines {
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
        let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
        let columns = columns.map(|(source, column)| {
            let line = found.lines.iter().find(|line| line.name == column.name);
            let default_sql =
                found.defaults.get(&column.name).or_else(|| line.and_then(|line| line.default.as_ref()));
            let sequence = match found.identities.get(&column.name) {
                Some(sequence) => Some(sequence.clone()),
                None => default_sql
                    .and_then(|sql| next_value(sql))
                    .and_then(|name| Cursor::new(&name).qualified()),
            };
            // What a sequence gives is the column's own where nobody else has it.
            if let Some(sequence) = &sequence {
                self.sequences.retain(|known| known != sequence);
            }
            let base = self.base(&column.type_name);
            ColumnOutline {
                source,
                name: column.name.clone(),
                declared: column.type_name.clone(),
                labels: self.labels.get(&base).cloned().unwrap_or_default(),
                base,
                not_null: column.not_null,
                default: default_sql.filter(|_| sequence.is_none()).and_then(|sql| default(sql)),
                numbered: sequence.map(|sequence| Numbered { given: survey.numbers.get(&sequence).copied() }),
            }
        });
        let mut outline = TableOutline {
            name: name.clone(),
            columns: columns.collect(),
            primary_key: Vec::new(),
            unique: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
        };
        let places = |outline: &TableOutline, names: &[String]| -> Option<Vec<usize>> {
            names.iter().map(|name| outline.columns.iter().position(|column| &column.name == name)).collect()
        };
        let mut computed = |what: &str| {
            let detail = format!("{what} is left out: a column of it is computed");
            self.notes.push(Note::of_table(name, NoteKind::Index, detail));
        };
        match places(&outline, &found.primary_key) {
            Some(key) => outline.primary_key = key,
            None => computed("the primary key"),
        }
        for names in &found.unique {
            match places(&outline, names) {
                Some(unique) => outline.unique.push(unique),
                None => computed("a UNIQUE constraint"),
            }
        }
        for FoundIndex { name: index, unique, columns: parts } in found.indexes {
            let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
            match places(&outline, &names) {
                Some(found) => outline.indexes.push(IndexOutline {
                    name: index,
                    unique,
                    columns: found
                        .into_iter()
                        .zip(parts)
                        .map(|(place, (_, descends))| (place, descends))
                        .collect(),
                }),
                None => computed(&format!("index {index}")),
            }
        }
        let references =
            table.foreign_keys.iter().filter_map(|key| self.reference(&outline, key, &found.references));
        outline.references = references.collect();
        outline
    }

    /// The type that values of a type have: that of a domain, or what the domain is made of.
    fn base(&self, declared: &str) -> String {
        let mut base = declared.to_owned();
        // Domains over domains are few; a schema that says otherwise does not come from a server.
        for _ in 0..32 {
            match self.domains.get(&base) {
                Some(below) => base.clone_from(below),
                None => break,
            }
        }
        base
    }

    fn reference(
        &self,
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

/// A type as the schema prints it.
fn type_name(name: &TableName) -> String {
    let part = |part: &str| {
        let plain = part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain { part.to_owned() } else { super::sql::ident(part) }
    };
    match &name.schema {
        Some(schema) => format!("{}.{}", part(schema), part(&name.name)),
        None => part(&name.name),
    }
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "outline/tests.rs"]
mod tests;
