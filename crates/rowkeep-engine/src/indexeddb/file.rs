//! Files that the module for pages captured: states, each of one database.

use std::collections::HashSet;
use std::sync::Arc;

use rowkeep_format::{Identity, RowBatch, Schema, TableName, Value};

use super::key::Key;
use super::lines::{Line, each, header};
use super::record::Layout;
use super::references::parts;
use super::schema::{NAME, parts_name, schema};
use super::store::{Header, Store};
use super::survey::Shape;
use crate::file_source::{About, Damage, FileOptions, FileTime, Format, Head, Place, Source};
use crate::{Consistency, EngineError, FILE_PART, Pushed, PushedState, PushedView, View};

/// A file in the form of `clients/indexeddb/FORMAT.md`.
pub(crate) struct StateFile;

/// What stands in a value in the place of what could not leave its browser.
const UNPORTABLE: &str = r#""$":"unportable""#;

impl Format for StateFile {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        if head.is_folder || !Header::begins(head.bytes) {
            return None;
        }
        // It may be longer than what is looked at.
        let line = head.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let said = std::str::from_utf8(line).ok().and_then(|line| Header::read(line).ok());
        Some(About {
            engine: NAME,
            what: "an IndexedDB database, captured in its browser".to_owned(),
            written_by: said.as_ref().map(|said| said.program.clone()),
            database: said.as_ref().map(|said| said.database.clone()),
            time: said.map(|said| FileTime::Exact(said.time)),
        })
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        let header = header(file)?;
        options.refuse_another(file, Some(&header.database))?;
        let seen = look(file, &header)?;
        let mut schema = schema(&header, &seen.shapes);
        if !options.with_ddl {
            schema.ddl.clear();
        }
        let layouts = schema.tables.iter().map(Layout::of).collect();
        let state = PushedState {
            identity: identity(&schema, options),
            environment: facts(&header, options),
            notes: seen.notes(),
            consistency: Consistency::State,
            schema,
        };
        let names = header.stores.iter().map(|store| TableName::plain(&store.name)).collect();
        let mut rows =
            Rows { pushed: Pushed::new(state, options.temporary.clone()), names, layouts, gathered: None };
        let mut known = HashSet::new();
        each(file, &mut |place, line| match line {
            Line::Record { store, key, value } => {
                let wrong = |what: String| file.damaged(&Damage { place: place.to_string(), what });
                let known = header.stores.get(store).ok_or_else(|| wrong("of no store".to_owned()))?;
                rows.record(store, &key_of(known, key, value).map_err(wrong)?, value, wrong)
            }
            Line::Part { name, bytes } if known.insert(name.to_owned()) => rows.part(name, bytes),
            Line::Part { .. } => Ok(()),
        })?;
        Ok(Arc::new(rows.finish()?))
    }
}

/// What was seen of a file before its rows are taken.
#[derive(Default)]
struct Seen {
    shapes: Vec<Shape>,
    /// How many records hold something that could not leave their browser.
    unportable: u64,
}

impl Seen {
    fn notes(&self) -> Vec<String> {
        let told = match self.unportable {
            0 => return Vec::new(),
            1 => "1 record holds something that could not leave its browser: its place is kept, and what it was".to_owned(),
            count => format!(
                "{count} records hold something that could not leave their browser: its place is kept, and what it was"
            ),
        };
        vec![told]
    }
}

/// Reads all of a file for what its records look like.
fn look(file: &Source, header: &Header) -> Result<Seen, EngineError> {
    let mut seen = Seen::default();
    seen.shapes.resize_with(header.stores.len(), Shape::default);
    let mut known = HashSet::new();
    each(file, &mut |place: Place, line| {
        match line {
            Line::Part { name, .. } => {
                known.insert(name.to_owned());
            }
            Line::Record { store, value, .. } => {
                // No sum in the file is of that.
                if parts(value).iter().any(|name| !known.contains(name)) {
                    let what = "a part of a content that the record holds is not in it".to_owned();
                    return Err(file.damaged(&Damage { place: place.to_string(), what }));
                }
                if let (Some(shape), Some(store)) = (seen.shapes.get_mut(store), header.stores.get(store)) {
                    shape.see(store, value);
                    seen.unportable += u64::from(value.contains(UNPORTABLE));
                }
            }
        }
        Ok(())
    })?;
    Ok(seen)
}

/// The key of a record, which stands beside it or in it; else says what is wrong.
fn key_of(store: &Store, beside: Option<&str>, value: &str) -> Result<Key, String> {
    let key = match (&store.key_path, beside) {
        (None, Some(key)) => Key::of_json(key),
        (Some(path), None) => path.key_of(value),
        _ => None,
    };
    key.ok_or_else(|| format!("the record of store {} has no key that can be read", store.name))
}

fn identity(schema: &Schema, options: &FileOptions) -> Identity {
    let stores = schema.tables.iter().filter(|table| table.kind.is_user_table());
    let mark = Identity::mark(stores.map(|table| table.name.name.as_str()));
    Identity { mark, ..options.identity.clone() }
}

fn facts(header: &Header, options: &FileOptions) -> Vec<(String, String)> {
    let mut facts = options.facts.clone();
    facts.push(("database".to_owned(), header.database.clone()));
    facts.push(("database_version".to_owned(), header.database_version.to_string()));
    facts.extend(header.part.iter().map(|part| (FILE_PART.to_owned(), part.clone())));
    facts
}

/// Rows on their way into a state.
struct Rows {
    pushed: Pushed,
    /// The tables of the stores, and where their columns are.
    names: Vec<TableName>,
    layouts: Vec<Layout>,
    /// The rows that come next, and the store that they are of.
    gathered: Option<(usize, RowBatch)>,
}

impl Rows {
    fn record(
        &mut self,
        store: usize,
        key: &Key,
        value: &str,
        wrong: impl Fn(String) -> EngineError,
    ) -> Result<(), EngineError> {
        if self
            .gathered
            .as_ref()
            .is_some_and(|(other, rows)| *other != store || rows.bytes() >= RowBatch::TARGET_BYTES)
        {
            self.push()?;
        }
        let layout = self.layouts.get(store);
        let row = layout.and_then(|layout| layout.row(key, value));
        let row = row.ok_or_else(|| {
            wrong("the record is another than before: the file was changed meanwhile".to_owned())
        })?;
        let (_, rows) = self.gathered.get_or_insert_with(|| (store, RowBatch::new(row.len())));
        rows.push_row(row.iter().map(|value| value.as_ref().map_or(Value::Null, |value| value.borrowed())));
        Ok(())
    }

    fn part(&mut self, name: &str, bytes: &[u8]) -> Result<(), EngineError> {
        let mut rows = RowBatch::new(2);
        rows.push_row([Value::Text(name.as_bytes()), Value::Blob(bytes)]);
        self.pushed.push(&parts_name(), &rows)
    }

    /// Hands on what was gathered.
    fn push(&mut self) -> Result<(), EngineError> {
        match self.gathered.take().and_then(|(store, rows)| Some((self.names.get(store)?, rows))) {
            Some((name, rows)) => self.pushed.push(name, &rows),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<PushedView, EngineError> {
        self.push()?;
        Ok(self.pushed.finish())
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
