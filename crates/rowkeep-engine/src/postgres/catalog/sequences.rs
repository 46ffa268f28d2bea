//! Sequences, whose values are rows of a table of settings.

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, Table, TableKind, TableName};

use crate::EngineError;
use crate::postgres::connect::row::{text, truth};
use crate::postgres::connect::session::Session;

/// The table's name.
pub(crate) const NAME: &str = "sequences";

/// A sequence of the database.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    /// Its name.
    pub(crate) name: TableName,
    /// Whether it may be read.
    pub(crate) readable: bool,
    /// Whether its value is lost in a crash, and is not on a standby.
    pub(crate) unlogged: bool,
}

/// The table that stands for all sequences: schema, name, last value, whether it was used.
pub(crate) fn table() -> Table {
    let columns = [("schema", "name"), ("name", "name"), ("last_value", "bigint"), ("is_called", "boolean")];
    Table {
        name: TableName::plain(NAME),
        kind: TableKind::Settings,
        columns: columns.map(|(name, type_name)| column(name, type_name)).to_vec(),
        key: Key {
            columns: vec![
                KeyColumn { column: 0, form: KeyForm::Native },
                KeyColumn { column: 1, form: KeyForm::Native },
            ],
            unique: true,
        },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// A column that is never null.
pub(crate) fn column(name: &str, type_name: &str) -> Column {
    Column { name: name.into(), type_name: type_name.into(), not_null: true, hidden: false }
}

/// All sequences in the order of their names; of those of extensions only what they mark as configuration.
pub(crate) async fn list(session: &Session) -> Result<Vec<Sequence>, EngineError> {
    let rows = session
        .rows(
            "cannot list the sequences",
            "SELECT n.nspname, c.relname, \
                    coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT'), false), \
                    c.relpersistence = 'u' \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'S' AND c.relpersistence <> 't' \
             AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
             AND (NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                              AND d.objsubid = 0 AND d.deptype = 'e') \
                  OR EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)))",
        )
        .await?;
    let sequence = |row| {
        Ok(Sequence {
            name: TableName::qualified(text(row, 0), text(row, 1)),
            readable: truth(row, 2, "whether a sequence may be read")?,
            unlogged: truth(row, 3, "whether a sequence is unlogged")?,
        })
    };
    let mut sequences = rows.iter().map(sequence).collect::<Result<Vec<_>, EngineError>>()?;
    sequences.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sequences)
}
