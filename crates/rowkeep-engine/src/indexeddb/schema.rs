//! Schemas of databases, from what files say of them, and back.

use rowkeep_format::schema::{Ddl, KeyColumn};
use rowkeep_format::{Column, Key, KeyForm, Schema, Table, TableKind, TableName};
use serde::{Deserialize, Serialize};

use super::record::table;
use super::store::{Header, Store};
use super::survey::Shape;
use crate::Definition;

/// The engine, as manifests name it.
pub(super) const NAME: &str = "indexeddb";

/// The parts of the DDL: what the database is, and each of its stores; JSON as in the first line of a file.
const DATABASE: &str = "database";
const STORE: &str = "store";

/// The type of bytes that stand apart from records, and of what names them.
pub(super) const BYTES_TYPE: &str = "bytes";
pub(super) const NAME_TYPE: &str = "sha256";

/// What a database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    pub(super) database: String,
    pub(super) database_version: u64,
}

/// The name of the table of parts of contents. No store is in a schema.
pub(super) fn parts_name() -> TableName {
    TableName::qualified("$", "parts")
}

/// The schema of a database whose stores have records that look so.
pub(super) fn schema(header: &Header, shapes: &[Shape]) -> Schema {
    let tables = header.stores.iter().zip(shapes).map(|(store, shape)| table(store, shape));
    let database = Database { database: header.database.clone(), database_version: header.database_version };
    let ddl = |part: &str, sql: String| Ddl { part: part.to_owned(), sql };
    let stores = header.stores.iter().map(|store| ddl(STORE, json(store)));
    Schema {
        engine: NAME.to_owned(),
        tables: tables.chain([parts()]).collect(),
        inherits: Vec::new(),
        ddl: [ddl(DATABASE, json(&database))].into_iter().chain(stores).collect(),
    }
}

/// The table of parts of contents.
fn parts() -> Table {
    let column = |name: &str, type_name: &str| Column {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        not_null: true,
        hidden: false,
    };
    Table {
        name: parts_name(),
        kind: TableKind::LargeObjects,
        columns: vec![column("sha256", NAME_TYPE), column("bytes", BYTES_TYPE)],
        key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The stores of a schema.
pub(super) fn stores(schema: &Schema) -> Vec<Store> {
    let parts = schema.ddl.iter().filter(|ddl| ddl.part == STORE);
    parts.filter_map(|ddl| serde_json::from_str(&ddl.sql).ok()).collect()
}

/// The database of a schema; nothing where the schema is without DDL.
pub(super) fn database(schema: &Schema) -> Option<Database> {
    serde_json::from_str(schema.ddl(DATABASE)).ok()
}

/// What a schema is made of. The numbers that generators give next are no part of it, for they go on with the records.
pub(super) fn definitions(schema: &Schema) -> Vec<Definition> {
    let version = database(schema).map(|database| json(&database));
    let stores = stores(schema).into_iter().map(|store| json(&Store { next: None, ..store }));
    version.into_iter().chain(stores).map(Definition::object).collect()
}

/// A part of the DDL.
fn json(part: &impl Serialize) -> String {
    // Texts, numbers and lists have a form in JSON.
    serde_json::to_string(part).unwrap_or_default()
}
