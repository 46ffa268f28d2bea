//! Sequences, whose values are rows of a table of settings.

use std::collections::BTreeMap;

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, Table, TableKind, TableName};

use crate::EngineError;
use crate::postgres::connect::row::{Row, number, text, truth};
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
    /// By how much it goes on.
    pub(crate) step: i64,
    /// The number of the table of whose column it is.
    pub(crate) owner: Option<u32>,
}

/// The fact among those of a standby that tells by how much its sequences go on, where that is not one: a value that was read there
/// may be up to 32 steps ahead of the primary's.
pub(crate) const STEPS: &str = "sequence_steps";

/// The steps of sequences that do not go on by one, as JSON by schema and name.
pub(crate) fn steps(sequences: &[Sequence]) -> Option<(String, String)> {
    let mut steps: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for sequence in sequences.iter().filter(|sequence| sequence.step != 1) {
        let schema = sequence.name.schema.as_deref().unwrap_or_default();
        steps.entry(schema).or_default().insert(&sequence.name.name, sequence.step);
    }
    let json = serde_json::to_string(&steps).expect("names and numbers are JSON");
    (!steps.is_empty()).then(|| (STEPS.to_owned(), json))
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
                    c.relpersistence = 'u', q.seqincrement, \
                    (SELECT d.refobjid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') LIMIT 1) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence q ON q.seqrelid = c.oid \
             WHERE c.relkind = 'S' AND c.relpersistence <> 't' \
             AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
             AND (NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                              AND d.objsubid = 0 AND d.deptype = 'e') \
                  OR EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)))",
        )
        .await?;
    let sequence = |row: &Row| {
        Ok(Sequence {
            name: TableName::qualified(text(row, 0), text(row, 1)),
            readable: truth(row, 2, "whether a sequence may be read")?,
            unlogged: truth(row, 3, "whether a sequence is unlogged")?,
            step: number(row, 4, "the step of a sequence")?,
            owner: row[5].as_ref().map(|_| number(row, 5, "the table of a sequence")).transpose()?,
        })
    };
    let mut sequences = rows.iter().map(sequence).collect::<Result<Vec<_>, EngineError>>()?;
    sequences.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sequences)
}
