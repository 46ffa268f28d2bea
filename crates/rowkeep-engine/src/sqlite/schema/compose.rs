//! Tables that come from elsewhere as SQL of SQLite.

use rowkeep_format::Schema;
use rowkeep_format::schema::Ddl;
use rowkeep_format::{Table, TableName};

use super::ddl::{DATABASE, ENGINE, POST_DATA, PRE_DATA};
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::quote::quoted;

/// Definitions of tables and indexes that are being put together.
#[derive(Default)]
pub(crate) struct Definitions {
    tables: Vec<Object>,
    indexes: Vec<Object>,
}

impl Definitions {
    /// Adds a table of these columns and constraints, each as SQL.
    pub(crate) fn table(&mut self, name: &str, parts: &[String]) {
        let sql = format!("CREATE TABLE {} (\n    {}\n)", quoted(name), parts.join(",\n    "));
        self.tables.push(Object {
            kind: "table".into(),
            name: name.into(),
            table: name.into(),
            sql,
            stored: true,
        });
    }

    /// Adds an index over columns, each with whether it descends.
    pub(crate) fn index(&mut self, name: &str, table: &str, unique: bool, columns: &[(&str, bool)]) {
        let columns = columns.iter().map(|(column, descending)| {
            format!("{}{}", quoted(column), if *descending { " DESC" } else { "" })
        });
        let unique = if unique { "UNIQUE " } else { "" };
        let columns = columns.collect::<Vec<_>>().join(", ");
        let sql = format!("CREATE {unique}INDEX {} ON {} ({columns})", quoted(name), quoted(table));
        self.indexes.push(Object {
            kind: "index".into(),
            name: name.into(),
            table: table.into(),
            sql,
            stored: true,
        });
    }

    /// The schema of a new database with these definitions.
    pub(crate) fn schema(&self, tables: Vec<Table>) -> Schema {
        let part = |part: &str, sql: serde_json::Result<String>| Ddl {
            part: part.into(),
            sql: sql.expect("definitions have no map with keys that are not text"),
        };
        Schema {
            engine: ENGINE.into(),
            tables,
            inherits: Vec::new(),
            ddl: vec![
                part(DATABASE, serde_json::to_string(&Properties::default())),
                part(PRE_DATA, serde_json::to_string(&self.tables)),
                part(POST_DATA, serde_json::to_string(&self.indexes)),
            ],
        }
    }
}

/// The table of the highest numbers that AUTOINCREMENT has given.
pub(crate) fn sequences() -> TableName {
    TableName::plain("sqlite_sequence")
}

/// A name as an identifier.
pub(crate) fn identifier(name: &str) -> String {
    quoted(name)
}

/// A text as a literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
