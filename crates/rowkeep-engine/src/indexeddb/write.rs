//! States as files that the module restores.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt};
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Schema, Table, TableKind, TableName, Value};

use super::cell::marked;
use super::key::Key as StoreKey;
use super::key_path::KeyPath;
use super::record::Layout;
use super::references;
use super::scan::quoted_text;
use super::schema::{Database, database, parts_name, stores};
use super::store::Store;
use crate::dialect::{FileAbout, OwnFile};
use crate::sort::{SortOptions, sort};
use crate::{EngineError, ErrorKind, RowStream};

/// A file that is being written.
pub(super) struct Writing {
    first: String,
    stores: Vec<Store>,
    about: Context,
    own: Context,
    records: u64,
    /// The parts of contents that records may refer to.
    parts: HashSet<String>,
    /// Those that they hold and that are not written, and the store of one such record each.
    lacking: BTreeMap<String, String>,
}

impl Writing {
    /// A file with these tables of a state. Fails where nobody says how their stores are made.
    pub(super) fn of(schema: &Schema, tables: &[&Table], about: &FileAbout) -> Result<Self, EngineError> {
        let known = stores(schema);
        let is_wanted =
            |store: &Store| tables.iter().any(|table| table.name == TableName::plain(&store.name));
        let has_store = |table: &Table| known.iter().any(|store| TableName::plain(&store.name) == table.name);
        let (Some(database), None) =
            (database(schema), tables.iter().find(|table| table.kind.is_user_table() && !has_store(table)))
        else {
            let message =
                "the state has no schema, and the module has to know how stores are made: export another";
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        };
        let is_part = !known.iter().all(is_wanted);
        let some = is_part.then(|| "some stores".to_owned());
        let stores: Vec<Store> = known.iter().filter(|store| is_wanted(store)).cloned().collect();
        let first = first_line(&database, &stores, about, about.part.clone().or(some));
        let mut sum = Context::new(&SHA256);
        sum.update(first.as_bytes());
        let (own, parts, lacking) = (Context::new(&SHA256), HashSet::new(), BTreeMap::new());
        Ok(Self { first, stores, about: sum, own, records: 0, parts, lacking })
    }

    fn store(&self, table: &Table) -> Option<&Store> {
        self.stores.iter().find(|store| TableName::plain(&store.name) == table.name)
    }

    /// Why no page would take the file.
    fn lacks_parts(&self) -> EngineError {
        let stores: BTreeSet<&str> = self.lacking.values().map(String::as_str).collect();
        let stores = stores.into_iter().collect::<Vec<_>>().join(", ");
        let parts = match self.lacking.len() {
            1 => "1 part is".to_owned(),
            number => format!("{number} parts are"),
        };
        let message = format!(
            "records of {stores} hold contents of which {parts} not there, and their page would refuse the file: leave out {stores}, or take another state"
        );
        EngineError::new(ErrorKind::Unsupported, message)
    }
}

/// What the line of a part begins with.
const PART: &[u8] = br#"{"part":""#;

fn first_line(database: &Database, stores: &[Store], about: &FileAbout, part: Option<String>) -> String {
    // Texts, numbers and lists have a form in JSON.
    let stores: Vec<String> =
        stores.iter().map(|store| serde_json::to_string(store).unwrap_or_default()).collect();
    let part = part.map(|part| format!(",\"part\":{}", quoted_text(&part))).unwrap_or_default();
    format!(
        "{{\"format\":\"rowkeep-indexeddb\",\"version\":1,\"database\":{},\"databaseVersion\":{},\"time\":\"{}\",\"program\":{},\
         \"stores\":[{}]{part}}}\n",
        quoted_text(&database.database),
        database.database_version,
        about.time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        quoted_text(&about.program),
        stores.join(",")
    )
}

impl OwnFile for Writing {
    fn head(&mut self) -> String {
        self.first.clone()
    }

    fn looks_at<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table> {
        tables.iter().filter(|table| table.kind.is_user_table()).copied().collect()
    }

    fn look(&mut self, table: &Table, rows: &RowBatch) {
        for column in 0..rows.columns().len() {
            for row in 0..rows.rows() {
                if let Value::Text(value) = rows.value(row, column)
                    && let Some(json) = marked(value)
                {
                    self.parts.extend(parts_in(json).map(str::to_owned));
                    let held = references::parts(json).into_iter();
                    self.lacking.extend(held.map(|part| (part, table.name.to_string())));
                }
            }
        }
    }

    fn order<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table> {
        // Parts of contents come before what they are of.
        let of = |wanted: &TableName| tables.iter().find(|table| table.name == *wanted).copied();
        let stores = self.stores.iter().filter_map(|store| of(&TableName::plain(&store.name)));
        of(&parts_name()).into_iter().chain(stores).collect()
    }

    fn lines(&self, table: &Table, rows: RowStream) -> Result<RowStream, EngineError> {
        let Some(store) = self.store(table) else {
            let wanted = Arc::new(self.parts.clone());
            return Ok(rows.map_ok(move |batch| part_lines(&batch, &wanted)).boxed());
        };
        let lines = Lines {
            layout: Layout::of(table),
            before: format!("{{\"store\":{},", quoted_text(&store.name)),
            name: store.name.clone(),
            key_path: store.key_path.clone(),
        };
        let lines = rows.map(move |batch| lines.of(&batch?)).boxed();
        Ok(sort(lines, &by_key(table), &SortOptions::default()))
    }

    fn see(&mut self, lines: &[u8]) {
        self.own.update(lines);
        let parts = lines.split(|byte| *byte == b'\n').map_while(|line| line.strip_prefix(PART));
        for part in parts {
            let name =
                part.split(|byte| *byte == b'"').next().and_then(|name| std::str::from_utf8(name).ok());
            self.lacking.remove(name.unwrap_or_default());
        }
    }

    fn end(&mut self, table: &Table, lines: u64) -> String {
        let sum = std::mem::replace(&mut self.own, Context::new(&SHA256));
        let Some(store) = self.store(table) else { return String::new() };
        let (name, sum) = (quoted_text(&store.name), hex::encode(sum.finish()));
        let line = format!("{{\"end\":{name},\"records\":{lines},\"sha256\":\"{sum}\"}}\n");
        self.about.update(line.as_bytes());
        self.records += lines;
        line
    }

    fn tail(&mut self) -> Result<String, EngineError> {
        if !self.lacking.is_empty() {
            return Err(self.lacks_parts());
        }
        let sum = std::mem::replace(&mut self.about, Context::new(&SHA256));
        let sum = hex::encode(sum.finish());
        Ok(format!("{{\"complete\":true,\"records\":{},\"sha256\":\"{sum}\"}}\n", self.records))
    }
}

/// The lines of records of one store, each behind the bytes of its key.
struct Lines {
    layout: Layout,
    before: String,
    name: String,
    key_path: Option<KeyPath>,
}

impl Lines {
    fn of(&self, rows: &RowBatch) -> Result<RowBatch, EngineError> {
        let mut out = RowBatch::new(2);
        let (mut value, mut line) = (String::new(), String::new());
        for row in 0..rows.rows() {
            value.clear();
            line.clear();
            line.push_str(&self.before);
            self.layout.put_value(rows, row, &mut value);
            let key = match &self.key_path {
                Some(path) => path.key_of(&value),
                None => {
                    let json = self.layout.key_json(rows, row).unwrap_or_default();
                    line.push_str(&format!("\"key\":{json},"));
                    StoreKey::of_json(&json)
                }
            };
            let key = key.ok_or_else(|| {
                let message = format!(
                    "a record of store {} has no key any more that IndexedDB takes: a mask may have taken it away",
                    self.name
                );
                EngineError::new(ErrorKind::Unsupported, message)
            })?;
            line.push_str(&format!("\"value\":{value}}}\n"));
            out.push_row([Value::Blob(&key.bytes()), Value::Text(line.as_bytes())]);
        }
        Ok(out)
    }
}

/// A table of lines that stand in the order of keys.
fn by_key(table: &Table) -> Table {
    let column = |name: &str| Column {
        name: name.to_owned(),
        type_name: String::new(),
        not_null: true,
        hidden: false,
    };
    Table {
        name: table.name.clone(),
        kind: TableKind::Table,
        columns: vec![column("key"), column("line")],
        key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The names of parts of contents in a value, and of what looks like them.
fn parts_in(json: &str) -> impl Iterator<Item = &str> {
    let lists = json.match_indices(r#""parts":["#).filter_map(|(at, begin)| json.get(at + begin.len()..));
    let lists = lists.filter_map(|rest| rest.split_once(']'));
    lists.flat_map(|(names, _)| names.split(',').map(|name| name.trim_matches('"')))
}

/// The lines of those parts of contents that are wanted.
fn part_lines(rows: &RowBatch, wanted: &HashSet<String>) -> RowBatch {
    let mut out = RowBatch::new(1);
    for row in 0..rows.rows() {
        if let (Value::Text(name), Value::Blob(bytes)) = (rows.value(row, 0), rows.value(row, 1)) {
            let name = String::from_utf8_lossy(name);
            if !wanted.contains(&*name) {
                continue;
            }
            let bytes = STANDARD.encode(bytes);
            let line = format!("{{\"part\":\"{name}\",\"bytes\":\"{bytes}\"}}\n");
            out.push_row([Value::Text(line.as_bytes())]);
        }
    }
    out
}
