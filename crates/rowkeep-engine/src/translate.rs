//! Translation: the schema of one engine as a schema of another, and a map for the values of each column.
//!
//! What is translated is an outline: tables with columns, keys, references, indexes and defaults, which each engine reads
//! out of its own schema and writes into it. Types are chosen so that they hold every value that is there, exactly; what
//! has no place, or another one, is noted. `docs/across-engines.md` has the rules.

mod names;
mod to_postgres;
mod to_sqlite;
mod translation;
mod value;

use rowkeep_format::{Schema, Table, TableKind};

pub use crate::outline::note::{Note, NoteKind};
pub use crate::outline::profile::TableProfile;
pub use crate::outline::survey::Survey;
use crate::{EngineError, ErrorKind, postgres, sqlite};
pub use translation::{ColumnTranslation, TableTranslation, Translation};
pub use value::RowMap;

impl Survey {
    /// What a table's rows have to be looked at for; nothing when its types alone say what becomes of it.
    pub fn wanted(schema: &Schema, table: &Table) -> Option<TableProfile> {
        match (table.kind, schema.engine.as_str()) {
            (TableKind::Table, sqlite::NAME) => Some(to_postgres::wanted(table)),
            (TableKind::Table, _) => to_sqlite::wanted(table),
            _ => None,
        }
    }
}

/// Whether a schema of one engine can become a database of another.
pub fn is_known(from: &str, to: &str) -> bool {
    matches!((from, to), (sqlite::NAME, postgres::NAME) | (postgres::NAME, sqlite::NAME))
}

/// Translates a schema for another engine. Blocks for some milliseconds.
///
/// Fails where two engines do not know each other, where the schema is without DDL, and where two tables would have one
/// name.
pub fn translate(schema: &Schema, to: &str, survey: &Survey) -> Result<Translation, EngineError> {
    let unknown = || {
        let message = format!("a database of {} cannot become one of {to}", schema.engine);
        EngineError::new(ErrorKind::Unsupported, message)
    };
    let mut translation = match (schema.engine.as_str(), to) {
        (sqlite::NAME, postgres::NAME) => to_postgres::translate(sqlite::outline(schema, survey)?, survey)?,
        (postgres::NAME, sqlite::NAME) => to_sqlite::translate(postgres::outline(schema, survey)?, survey)?,
        _ => return Err(unknown()),
    };
    translation.notes.extend(survey.notes());
    translation.notes.sort();
    translation.notes.dedup();
    Ok(translation)
}
