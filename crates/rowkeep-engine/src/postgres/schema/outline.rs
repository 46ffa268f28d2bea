//! A schema of PostgreSQL in the words of a translation.
//!
//! Tables, columns, types and references are those of the schema; what it does not say itself (keys, indexes,
//! defaults, actions, labels of enumerations) is read in what `pg_dump` wrote.

mod columns;
mod others;
mod reading;
mod statements;
mod table;

use rowkeep_format::{Schema, TableKind};

use super::ddl;
use super::split::statements;
use crate::outline::note::{Note, NoteKind};
use crate::outline::survey::Survey;
use crate::outline::tables::Outline;
use crate::{EngineError, ErrorKind};
use reading::Reading;

/// Reads a schema.
pub(crate) fn outline(schema: &Schema, survey: &Survey) -> Result<Outline, EngineError> {
    if schema.ddl(ddl::BEFORE).is_empty() {
        let message = "a schema without DDL cannot be translated: the backup is one of data alone";
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let mut reading = Reading::new(schema);
    for part in [ddl::BEFORE, ddl::AFTER] {
        for statement in statements(schema.ddl(part)) {
            if reading.understand(statement).is_none() {
                others::note(statement, &mut reading);
            }
        }
    }
    Ok(reading.outline(survey))
}

impl Reading<'_> {
    fn outline(mut self, survey: &Survey) -> Outline {
        let schema = self.schema;
        let mut tables = Vec::new();
        for table in schema.tables.iter().filter(|table| table.kind == TableKind::Table) {
            let found = self.tables.remove(&table.name).unwrap_or_default();
            tables.push(self.table_outline(table, &found, survey));
        }
        for sequence in std::mem::take(&mut self.sequences) {
            let value = survey
                .numbers
                .get(&sequence)
                .map_or("not used yet".to_owned(), |value| format!("at {value}"));
            let detail = format!("sequence {sequence}, {value}, is left out");
            self.notes.push(Note::new(NoteKind::Sequence, detail));
        }
        let counted = std::mem::take(&mut self.counted);
        self.notes.extend(counted.into_iter().map(|(what, count)| {
            let kind = if what.contains("privileges") { NoteKind::Privilege } else { NoteKind::Other };
            Note::new(kind, format!("{what} are left out: {count}"))
        }));
        Outline { tables, notes: self.notes }
    }
}

#[cfg(test)]
#[path = "outline/tests.rs"]
mod tests;
