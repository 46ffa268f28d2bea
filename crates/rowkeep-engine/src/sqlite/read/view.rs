use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, PagesHash, RowBatch, Schema, Table, TableName, Value};
use rusqlite::Connection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::find::{Search, Wanted};
use super::pages;
use super::readers::{Reader, Readers, Sent};
use super::scan::{Between, Next, index_agrees, scan};
use crate::sort::{SortOptions, sort};
use crate::sqlite::catalog::properties::{Properties, SETTINGS, SETTINGS_TABLE, pragma, read_settings};
use crate::sqlite::catalog::{identity, tables};
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::connect::connection::Access;
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::patience::Patience;
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::readable_tables::{Order, Readable, readable_tables_but, schema};
use crate::{Consistency, EngineError, ErrorKind, Estimate, FILE_MODE, RowStream, View, ViewOptions, worker};

/// One state of an SQLite database.
pub(crate) struct SqliteView {
    /// The path, for messages.
    shown: String,
    schema: Schema,
    identity: Identity,
    tables: HashMap<TableName, Arc<Readable>>,
    properties: Arc<Properties>,
    settings: RowBatch,
    environment: Vec<(String, String)>,
    estimates: HashMap<TableName, Estimate>,
    sort: SortOptions,
    reads_all: bool,
    readers: Arc<Readers>,
}

impl SqliteView {
    /// Opens a view; blocks.
    pub(crate) fn open(
        path: &Path,
        host: Option<&str>,
        temporary: Option<PathBuf>,
        patience: &Patience,
        options: &ViewOptions,
        doubtful_keys: &[TableName],
    ) -> Result<Self, EngineError> {
        let folder = temporary.clone().unwrap_or_else(std::env::temp_dir);
        let readers = Arc::new(Readers::open(path, &folder, patience)?);
        let reader = readers.try_reader()?;
        let connection = reader.connection()?;
        let named = || path.display();

        let properties = Properties::read(connection).map_err(when(named()))?;
        let objects = tables::objects(connection)?;
        let facts = tables::tables(connection, &objects)?;
        let tables = readable_tables_but(&facts, &properties, doubtful_keys);
        let ddl = options.with_ddl.then_some((&properties, &objects[..]));
        let file_bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
        let schema = schema(&tables, ddl);
        Ok(Self {
            shown: named().to_string(),
            identity: identity::of_database(path, host, &schema),
            schema,
            settings: read_settings(connection).map_err(when(named()))?,
            environment: environment(connection, &properties, readers.access(), path)
                .map_err(when(named()))?,
            estimates: estimates(connection, &tables, file_bytes),
            tables: tables.into_iter().map(|table| (table.table.name.clone(), Arc::new(table))).collect(),
            properties: Arc::new(properties),
            sort: SortOptions { folder: temporary, ..SortOptions::default() },
            reads_all: false,
            readers: {
                drop(reader);
                readers
            },
        })
    }

    /// The same, which says that all rows are to be read.
    pub(crate) fn reading_all(self, reads_all: bool) -> Self {
        Self { reads_all, ..self }
    }

    fn readable(&self, table: &Table) -> Result<Arc<Readable>, EngineError> {
        self.tables.get(&table.name).cloned().ok_or_else(|| {
            EngineError::new(ErrorKind::NotFound, format!("there is no table {} in this view", table.name))
        })
    }
}

#[async_trait]
impl View for SqliteView {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
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
        &[]
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.estimates.get(table).copied().unwrap_or_default()
    }

    fn parallelism(&self) -> usize {
        self.readers.count()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        if table.name == TableName::plain(SETTINGS_TABLE) {
            return Ok(stream::iter([Ok(self.settings.clone())]).boxed());
        }
        let readable = self.readable(table)?;
        let reader = self.readers.reader().await?;
        let (reader, order) = match &readable.order {
            Order::StoredIfIndexAgrees { index } => {
                let (readable, index) = (Arc::clone(&readable), index.clone());
                let check = move || {
                    let agrees = index_agrees(reader.connection()?, &readable, &index)?;
                    Ok((reader, if agrees { Order::Stored } else { Order::Sorted }))
                };
                blocking(check).await?
            }
            order => (reader, order.clone()),
        };
        let properties = Arc::clone(&self.properties);
        let target = Arc::clone(&readable);
        let shown = self.shown.clone();
        let rows = worker::rows_of(move |output| {
            read(reader, &target, Between::default(), &properties, &output).map_err(|error| error.of(&shown))
        });
        Ok(if order == Order::Sorted { sort(rows, &readable.table, &self.sort) } else { rows })
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        if table.name == TableName::plain(SETTINGS_TABLE) {
            return Ok(None);
        }
        let readable = self.readable(table)?;
        let [part] = readable.table.key.columns[..] else { return Ok(None) };
        // What is no integer may be compared otherwise.
        let number = |row: Option<&RowBatch>| match row.map(|row| row.value(0, part.column)) {
            None => Some(None),
            Some(Value::Integer(number)) => Some(Some(number)),
            Some(_) => None,
        };
        let (Some(after), Some(before), Order::Stored) = (number(after), number(before), &readable.order)
        else {
            return Ok(None);
        };
        let reader = self.readers.reader().await?;
        let (properties, shown) = (Arc::clone(&self.properties), self.shown.clone());
        Ok(Some(worker::rows_of(move |output| {
            let between = Between { after, before };
            read(reader, &readable, between, &properties, &output).map_err(|error| error.of(&shown))
        })))
    }

    fn has_pages(&self) -> bool {
        true
    }

    async fn pages_hash(&self, table: &Table) -> Result<Option<PagesHash>, EngineError> {
        if table.name == TableName::plain(SETTINGS_TABLE) {
            return Ok(None);
        }
        let reader = self.readers.reader().await?;
        let (table, properties) = (table.clone(), Arc::clone(&self.properties));
        let stop = CancellationToken::new();
        let _stops_when_dropped = stop.clone().drop_guard();
        blocking(move || {
            // A writer that waits is let through; the rows are read from the copy then.
            let go_on = || !reader.is_in_the_way() && !stop.is_cancelled();
            let hash = pages::hash(reader.connection()?, &table, &properties.encoding, &go_on);
            reader.check_unchanged()?;
            Ok(hash)
        })
        .await
    }

    fn reads_all(&self) -> bool {
        self.reads_all
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let wanted = Wanted::new(table, columns, values)?;
        if table.name == TableName::plain(SETTINGS_TABLE) {
            let mut found = RowBatch::new(self.settings.columns().len());
            for row in (0..self.settings.rows()).filter(|row| wanted.place(&self.settings, *row).is_some()) {
                found.extend(&self.settings, row..row + 1);
            }
            return Ok(stream::iter((!found.is_empty()).then_some(Ok(found))).boxed());
        }
        let readable = self.readable(table)?;
        let mut reader = self.readers.reader().await?;
        let utf16 = self.properties.utf16();
        let shown = self.shown.clone();
        Ok(worker::rows_of(move |output| {
            let search = Search::new(&readable, &wanted, utf16);
            search.run(&mut reader, &output).map_err(|error| error.of(&shown))
        }))
    }
}

/// Sends all rows of a table, going to the copy on the way when one is made.
fn read(
    mut reader: Reader,
    readable: &Readable,
    between: Between,
    properties: &Properties,
    output: &mpsc::Sender<RowBatch>,
) -> Result<(), EngineError> {
    let mut done = 0;
    loop {
        let (mut held, mut refused) = (None, false);
        let ended = scan(reader.connection()?, readable, between, properties.utf16(), done, &mut |batch| {
            done += batch.rows() as u64;
            match reader.send(output, batch) {
                Sent::Delivered => {}
                Sent::Refused => refused = true,
                Sent::Held(batch) => held = Some(batch),
            }
            if refused || reader.is_in_the_way() { Next::Stop } else { Next::Continue }
        })?;
        reader.make_way()?;
        if let Some(batch) = held {
            refused = output.blocking_send(batch).is_err();
        }
        if refused {
            return Ok(());
        }
        if ended {
            return reader.check_unchanged();
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

/// Facts about a database.
pub(crate) fn environment(
    connection: &Connection,
    properties: &Properties,
    access: Access,
    path: &Path,
) -> rusqlite::Result<Vec<(String, String)>> {
    let access = match access {
        Access::Shared => "shared",
        Access::ReadOnly => "read only",
        Access::Immutable => "without locks",
    };
    let mut facts = vec![
        ("sqlite_version".to_owned(), rusqlite::version().to_owned()),
        ("encoding".to_owned(), properties.encoding.clone()),
        ("journal_mode".to_owned(), pragma::<String>(connection, "journal_mode")?),
        ("auto_vacuum".to_owned(), properties.auto_vacuum.clone()),
        ("page_size_bytes".to_owned(), properties.page_size.to_string()),
    ];
    for name in ["page_count", "freelist_count", "schema_version"].into_iter().chain(SETTINGS) {
        facts.push((name.to_owned(), pragma::<i64>(connection, name)?.to_string()));
    }
    let metadata = fs::metadata(path).ok();
    let file_bytes = metadata.as_ref().map_or(0, fs::Metadata::len);
    facts.push(("file_bytes".to_owned(), file_bytes.to_string()));
    facts.extend(metadata.as_ref().and_then(mode).map(|mode| (FILE_MODE.to_owned(), format!("{mode:04o}"))));
    facts.push(("access".to_owned(), access.to_owned()));
    Ok(facts)
}

/// Rows by the highest rowid, which nothing but a look at the last page tells; bytes by their share of the file. Of tables without
/// rowid nothing tells how many rows they have, and each counts as an average table.
fn estimates(connection: &Connection, tables: &[Readable], file_bytes: u64) -> HashMap<TableName, Estimate> {
    let rows = |readable: &Readable| {
        let sql = format!("SELECT max(rowid) FROM main.{}", quoted(&readable.table.name.name));
        let highest = connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0)).ok()?;
        // Rowids chosen at random tell nothing.
        let highest = highest.and_then(|highest| u64::try_from(highest).ok()).unwrap_or(0);
        Some(highest.min(file_bytes / 4))
    };
    let rows: Vec<_> = tables.iter().map(|table| (table.table.name.clone(), rows(table))).collect();
    let average = file_bytes / rows.len().max(1) as u64;
    let unknown = average * rows.iter().filter(|(_, rows)| rows.is_none()).count() as u64;
    let known_bytes = u128::from(file_bytes - unknown);
    let all = u128::from(rows.iter().filter_map(|(_, rows)| *rows).sum::<u64>().max(1));
    let estimate = |rows: Option<u64>| match rows {
        Some(rows) => Estimate { rows, bytes: (known_bytes * u128::from(rows) / all) as u64 },
        None => Estimate { rows: 0, bytes: average },
    };
    rows.into_iter().map(|(name, rows)| (name, estimate(rows))).collect()
}
