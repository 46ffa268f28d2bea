//! States whose rows arrive instead of being fetched: from a browser, from another program.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName, chunk};

use crate::sort::{SortOptions, sort};
use crate::view::Consistency;
use crate::worker::rows_of;
use crate::{EngineError, ErrorKind, Estimate, RowStream, View};

/// How many tables are read at once, which all lie in files.
const TABLES_AT_ONCE: usize = 2;

/// What is known of a state beside its rows.
#[derive(Debug, Clone)]
pub struct PushedState {
    /// Its tables.
    pub schema: Schema,
    /// What the database is.
    pub identity: Identity,
    /// Facts about it, names in snake case.
    pub environment: Vec<(String, String)>,
    /// What of it is not known, in words for people.
    pub notes: Vec<String>,
    /// How far its rows belong together, as whoever pushes them says.
    pub consistency: Consistency,
}

/// A state of which rows arrive, in any order. What is there lies in temporary files without names.
#[derive(Debug)]
pub struct Pushed {
    state: PushedState,
    tables: HashMap<TableName, Arrived>,
    temporary: Option<PathBuf>,
}

/// The rows of a table that are there: batches one after the other, each behind its length in 8 bytes.
#[derive(Debug)]
struct Arrived {
    file: File,
    end: u64,
    rows: u64,
    bytes: u64,
}

/// A state that is whole.
#[derive(Debug)]
pub struct PushedView {
    state: PushedState,
    tables: HashMap<TableName, Arc<Arrived>>,
    sort: SortOptions,
}

impl Pushed {
    /// A state of which no row is there yet. Temporary files are made in that folder, or in the system's.
    pub fn new(state: PushedState, temporary: Option<PathBuf>) -> Self {
        Self { state, tables: HashMap::new(), temporary }
    }

    /// Takes rows of a table; blocks until they are written.
    ///
    /// Fails for a table that the schema does not have, and for rows with more or fewer columns than it has.
    pub fn push(&mut self, table: &TableName, rows: &RowBatch) -> Result<(), EngineError> {
        let known = self.state.schema.table(table);
        let columns = known.ok_or_else(|| no_table(table))?.columns.len();
        if rows.columns().len() != columns {
            let message =
                format!("rows of table {table} have {} columns instead of {columns}", rows.columns().len());
            return Err(EngineError::new(ErrorKind::Unstorable, message));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let folder = self.temporary.clone().unwrap_or_else(std::env::temp_dir);
        let arrived = match self.tables.get_mut(table) {
            Some(arrived) => arrived,
            None => {
                let file = tempfile::tempfile_in(&folder).map_err(|error| cannot_keep(&folder, error))?;
                self.tables.entry(table.clone()).or_insert(Arrived { file, end: 0, rows: 0, bytes: 0 })
            }
        };
        let encoded = chunk::encode_rows(rows);
        let length = encoded.len() as u64;
        let written = arrived.file.write_all(&length.to_le_bytes());
        written
            .and_then(|()| arrived.file.write_all(&encoded))
            .map_err(|error| cannot_keep(&folder, error))?;
        arrived.end += LENGTH + length;
        arrived.rows += rows.rows() as u64;
        arrived.bytes += rows.bytes() as u64;
        Ok(())
    }

    /// The state, all of whose rows are there.
    pub fn finish(self) -> PushedView {
        let tables = self.tables.into_iter().map(|(name, arrived)| (name, Arc::new(arrived))).collect();
        let sort = SortOptions { folder: self.temporary, ..SortOptions::default() };
        PushedView { state: self.state, tables, sort }
    }
}

/// How many bytes a length takes.
const LENGTH: u64 = 8;

impl Arrived {
    /// Reads the batch at a place, and says where the next one is.
    fn read(&self, at: u64) -> Result<(RowBatch, u64), EngineError> {
        let mut length = [0; LENGTH as usize];
        let unread = |error: std::io::Error| {
            EngineError::new(ErrorKind::Other, "cannot read rows that have arrived").with_source(error)
        };
        self.file.read_exact_at(&mut length, at).map_err(unread)?;
        let length = u64::from_le_bytes(length);
        let mut encoded = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut encoded, at + LENGTH).map_err(unread)?;
        Ok((chunk::decode_rows(&encoded)?, at + LENGTH + length))
    }
}

fn no_table(table: &TableName) -> EngineError {
    EngineError::new(ErrorKind::NotFound, format!("there is no table {table}"))
}

fn cannot_keep(folder: &Path, error: std::io::Error) -> EngineError {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::Other,
    };
    EngineError::new(kind, format!("cannot keep rows that arrive in {}", folder.display())).with_source(error)
}

#[async_trait]
impl View for PushedView {
    fn schema(&self) -> &Schema {
        &self.state.schema
    }

    fn identity(&self) -> Identity {
        self.state.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.state.environment.clone()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &[]
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &self.state.notes
    }

    fn consistency(&self) -> Consistency {
        self.state.consistency
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let arrived = self.tables.get(table);
        arrived
            .map_or_else(Estimate::default, |arrived| Estimate { rows: arrived.rows, bytes: arrived.bytes })
    }

    fn parallelism(&self) -> usize {
        TABLES_AT_ONCE
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let known = self.state.schema.table(&table.name).ok_or_else(|| no_table(&table.name))?;
        let Some(arrived) = self.tables.get(&table.name).cloned() else {
            return Ok(Box::pin(futures::stream::empty()));
        };
        let rows = rows_of(move |output| {
            let mut at = 0;
            while at < arrived.end {
                let (batch, next) = arrived.read(at)?;
                at = next;
                if output.blocking_send(batch).is_err() {
                    break;
                }
            }
            Ok(())
        });
        Ok(sort(rows, known, &self.sort))
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use rowkeep_format::schema::KeyColumn;
    use rowkeep_format::{Column, Key, KeyForm, TableKind, Value};

    use super::*;

    #[tokio::test]
    async fn rows_come_in_the_order_of_their_key_as_often_as_they_are_read() {
        let column = Column { name: "k".into(), type_name: String::new(), not_null: true, hidden: false };
        let key = Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true };
        let named = |name: &str| Table {
            name: TableName::plain(name),
            kind: TableKind::Table,
            columns: vec![column.clone()],
            key: key.clone(),
            identity: None,
            foreign_keys: Vec::new(),
        };
        let schema = Schema {
            engine: "test".to_owned(),
            tables: vec![named("a"), named("b")],
            inherits: Vec::new(),
            ddl: Vec::new(),
        };
        let state = PushedState {
            schema: schema.clone(),
            identity: Identity::default(),
            environment: Vec::new(),
            notes: Vec::new(),
            consistency: Consistency::Moving,
        };
        let mut pushed = Pushed::new(state, None);
        let rows = |numbers: &[i64]| {
            let mut batch = RowBatch::new(1);
            numbers.iter().for_each(|number| batch.push_row([Value::Integer(*number)]));
            batch
        };
        let (a, b) = (&schema.tables[0], &schema.tables[1]);
        pushed.push(&a.name, &rows(&[3, 1])).expect("it is kept");
        pushed.push(&b.name, &RowBatch::new(1)).expect("nothing is kept");
        pushed.push(&a.name, &rows(&[2])).expect("it is kept");
        let other = pushed.push(&TableName::plain("c"), &rows(&[1])).expect_err("there is no such table");
        assert_eq!(other.kind(), ErrorKind::NotFound);
        let wide = pushed.push(&a.name, &RowBatch::new(2)).expect_err("it has one column");
        assert_eq!(wide.kind(), ErrorKind::Unstorable);
        let view = pushed.finish();
        for _ in 0..2 {
            let read: Vec<RowBatch> =
                view.rows(a).await.expect("it is there").try_collect().await.expect("it is read");
            let read: Vec<Value<'_>> =
                read.iter().flat_map(|batch| (0..batch.rows()).map(|row| batch.value(row, 0))).collect();
            assert_eq!(read, [1, 2, 3].map(Value::Integer));
        }
        let none: Vec<RowBatch> =
            view.rows(b).await.expect("it is there").try_collect().await.expect("it is read");
        assert_eq!(none, []);
        assert_eq!(view.estimate(&a.name).rows, 3);
        assert_eq!(view.consistency(), Consistency::Moving);
    }
}
