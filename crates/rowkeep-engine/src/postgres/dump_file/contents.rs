//! What a dump holds of one database, whatever its format.

use rowkeep_format::TableName;

use super::place::Place;

/// What a dump holds of one database.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The name of the database, where the dump says it.
    pub(super) name: Option<String>,
    /// What makes the database, where the dump has it: `CREATE DATABASE ...`.
    pub(super) create: Option<String>,
    /// The statements before rows, those after them, and those that fill materialised views.
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) refresh: Vec<String>,
    /// The rows of tables, in the order of the dump.
    pub(super) data: Vec<TableData>,
    /// Tables that the dump has rows of, if there are any.
    pub(super) mentioned: Vec<TableName>,
    /// Statements that say where sequences stand.
    pub(super) sequences: Vec<String>,
    /// Statements that make large objects and say whose they are.
    pub(super) objects: Vec<String>,
    /// The contents of large objects.
    pub(super) object_data: Vec<ObjectData>,
    /// What is said of it for people.
    pub(super) notes: Vec<String>,
    /// The version of the server, and of the program that wrote the dump.
    pub(super) server: Option<String>,
    pub(super) program: Option<String>,
    /// The encoding of its text.
    pub(super) encoding: Option<String>,
}

/// Rows of a table.
#[derive(Debug, Clone)]
pub(super) struct TableData {
    /// The table that the rows are put into.
    pub(super) table: TableName,
    /// The table that they are of where the dump says so: of a partition that is loaded through its root.
    pub(super) announced: Option<TableName>,
    /// The columns in the order of the values, where the dump says it.
    pub(super) columns: Option<Vec<String>>,
    pub(super) form: Form,
    pub(super) place: Place,
    /// Where it begins, in words for errors.
    pub(super) begins: String,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the lines of `COPY`.
    Copy,
    /// As `INSERT` statements.
    Inserts,
}

/// The contents of a large object.
#[derive(Debug, Clone)]
pub(super) struct ObjectData {
    /// Its number.
    pub(super) oid: String,
    pub(super) place: Place,
    /// Whether the place holds statements that write it, instead of its bytes.
    pub(super) is_script: bool,
}
