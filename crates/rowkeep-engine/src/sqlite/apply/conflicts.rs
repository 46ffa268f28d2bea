use std::fmt::Write;

use rowkeep_format::{RowBatch, Table, TableName, Value};

use super::refusal::shortened;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// How many rows of a table are named.
const NAMED: usize = 3;

/// Rows that are not as the changeset says they were.
#[derive(Debug, Default)]
pub(super) struct Conflicts(Vec<(TableName, u64, Vec<String>)>);

impl Conflicts {
    /// Adds a row, whose key is told by a batch of the changeset.
    pub(super) fn add(&mut self, table: &Table, batch: &RowBatch, row: usize) {
        if self.0.last().is_none_or(|(name, _, _)| *name != table.name) {
            self.0.push((table.name.clone(), 0, Vec::new()));
        }
        if let Some((_, count, named)) = self.0.last_mut() {
            *count += 1;
            if named.len() < NAMED {
                named.push(key_words(table, batch, row));
            }
        }
    }

    /// Fails when there are some and they are to stop everything.
    pub(super) fn check(&self, stop: bool) -> Result<(), EngineError> {
        if !stop || self.0.is_empty() {
            return Ok(());
        }
        let mut message = String::new();
        for (table, count, named) in &self.0 {
            if !message.is_empty() {
                message.push_str("; ");
            }
            let (rows, are, they) =
                if *count == 1 { ("row", "is", "it was") } else { ("rows", "are", "they were") };
            let _ =
                write!(message, "{count} {rows} of table {table} {are} not as the changeset says {they}: ");
            message.push_str(&named.join("; "));
            if *count > named.len() as u64 {
                let _ = write!(message, "; and {} more", count - named.len() as u64);
            }
        }
        Err(EngineError::new(ErrorKind::Conflict, message))
    }
}

/// A row's key for people: `id = 5, name = 'x'`.
pub(super) fn key_words(table: &Table, batch: &RowBatch, row: usize) -> String {
    let columns = table.key.telling(batch, row).take(8);
    let words = columns.map(|part| {
        format!("{} = {}", table.columns[part.column].name, value_words(batch.value(row, part.column)))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn value_words(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => f64::from_bits(bits).to_string(),
        Value::Text(text) => {
            let text = shortened(&String::from_utf8_lossy(text), 40);
            // Quoted as names are, but for the kind of quotes.
            quoted(&text.replace('"', "\u{1}")).replace('"', "'").replace('\u{1}', "\"")
        }
        Value::Blob(blob) => format!("a blob of {} bytes", blob.len()),
    }
}
