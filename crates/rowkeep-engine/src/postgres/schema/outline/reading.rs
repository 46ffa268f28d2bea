//! What has been read of a schema so far.

use std::collections::{BTreeMap, HashMap};

use rowkeep_format::{Schema, TableKind, TableName};

use super::columns::Line;
use crate::outline::note::Note;
use crate::postgres::schema::own_types::OwnTypes;

/// A schema that is being read.
pub(super) struct Reading<'a> {
    pub(super) schema: &'a Schema,
    pub(super) tables: HashMap<TableName, TableDefinition>,
    pub(super) types: OwnTypes,
    pub(super) sequences: Vec<TableName>,
    pub(super) notes: Vec<Note>,
    /// Kinds of statements that concern nobody by name, with how many there are.
    pub(super) counted: BTreeMap<&'static str, u64>,
}

/// What was found of a table.
#[derive(Default)]
pub(super) struct TableDefinition {
    pub(super) lines: Vec<Line>,
    pub(super) defaults: HashMap<String, String>,
    /// Columns with an identity, and the sequences of these.
    pub(super) identities: HashMap<String, TableName>,
    pub(super) primary_key: Vec<String>,
    pub(super) unique: Vec<Vec<String>>,
    pub(super) indexes: Vec<IndexDefinition>,
    pub(super) references: HashMap<String, Actions>,
}

/// An index over columns, each with whether it descends.
pub(super) struct IndexDefinition {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) columns: Vec<(String, bool)>,
}

/// What a reference says beside its columns.
#[derive(Default, Clone)]
pub(super) struct Actions {
    pub(super) on_update: Option<&'static str>,
    pub(super) on_delete: Option<&'static str>,
    pub(super) deferred: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        let tables = schema.tables.iter().filter(|table| table.kind == TableKind::Table);
        Self {
            schema,
            tables: tables.map(|table| (table.name.clone(), TableDefinition::default())).collect(),
            types: OwnTypes::default(),
            sequences: Vec::new(),
            notes: Vec::new(),
            counted: BTreeMap::new(),
        }
    }
}
