use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::sqlite::connect::utf16::Endian;

/// What is true of a database file as a whole and has to be said before its first table: the DDL part `database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Properties {
    /// `UTF-8`, `UTF-16le` or `UTF-16be`.
    pub(crate) encoding: String,
    /// Size of a page in bytes.
    pub(crate) page_size: u32,
    /// `none`, `full` or `incremental`.
    pub(crate) auto_vacuum: String,
    /// `wal` or `rollback`; other journal modes are not the file's but a connection's.
    pub(crate) journal: String,
}

impl Default for Properties {
    /// Those of a new database.
    fn default() -> Self {
        Self {
            encoding: "UTF-8".into(),
            page_size: 4096,
            auto_vacuum: "none".into(),
            journal: "rollback".into(),
        }
    }
}

impl Properties {
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let auto_vacuum = match pragma::<i64>(connection, "auto_vacuum")? {
            1 => "full",
            2 => "incremental",
            _ => "none",
        };
        let wal = pragma::<String>(connection, "journal_mode")?.eq_ignore_ascii_case("wal");
        Ok(Self {
            encoding: pragma(connection, "encoding")?,
            page_size: pragma(connection, "page_size")?,
            auto_vacuum: auto_vacuum.into(),
            journal: if wal { "wal" } else { "rollback" }.into(),
        })
    }

    /// Sets all but the journal mode, on a database in which nothing is yet.
    pub(crate) fn set(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "encoding", &self.encoding)?;
        connection.pragma_update(None, "page_size", self.page_size)?;
        connection.pragma_update(None, "auto_vacuum", &self.auto_vacuum)
    }

    /// The order of bytes when text is UTF-16.
    pub(crate) fn utf16(&self) -> Option<Endian> {
        match self.encoding.as_str() {
            "UTF-16le" => Some(Endian::Little),
            "UTF-16be" => Some(Endian::Big),
            _ => None,
        }
    }
}

/// The value of a pragma that gives one.
pub(crate) fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<T> {
    connection.query_row(&format!("PRAGMA main.{name}"), [], |row| row.get(0))
}

/// The numbers that an application keeps in a database's header, as rows of a table that SQLite does not have. Its
/// name cannot be that of any other: names that begin so are SQLite's own.
pub(crate) const SETTINGS_TABLE: &str = "sqlite_settings";

/// The settings, in the order of the table's key.
pub(crate) const SETTINGS: [&str; 2] = ["application_id", "user_version"];

/// The table of the settings.
pub(crate) fn settings_table() -> Table {
    let column = |name: &str, type_name: &str| Column {
        name: name.into(),
        type_name: type_name.into(),
        not_null: true,
        hidden: false,
    };
    Table {
        name: TableName::plain(SETTINGS_TABLE),
        kind: TableKind::Settings,
        columns: vec![column("name", "TEXT"), column("value", "INTEGER")],
        key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The rows of the table of settings.
pub(crate) fn read_settings(connection: &Connection) -> rusqlite::Result<RowBatch> {
    let mut batch = RowBatch::new(2);
    for name in SETTINGS {
        let value: i64 = pragma(connection, name)?;
        batch.push_row([Value::Text(name.as_bytes()), Value::Integer(value)]);
    }
    Ok(batch)
}
