//! A state of a database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};
use tokio::sync::OnceCell;

use super::copy::{Copied, Lowest, Oneness, copy, copy_some, look, make};
use super::promised::{self, Highest, Promised};
use super::skeleton::Skeleton;
use crate::d1::address::ChangedBy;
use crate::d1::catalog::changes::Changes;
use crate::d1::catalog::objects::Found;
use crate::d1::connect::remote::Remote;
use crate::sqlite::connect::blocking::blocking;
use crate::{
    ChangeCount, Consistency, EngineError, ErrorKind, Estimate, RowStream, Surroundings, View, ViewOptions,
};

/// A state of a D1 database: its definitions, and a copy of its rows as soon as there is one.
pub(crate) struct D1View {
    remote: Arc<Remote>,
    surroundings: Surroundings,
    with_ddl: bool,
    found: Found,
    identity: Identity,
    /// The same database without rows.
    empty: Arc<dyn View>,
    copied: OnceCell<Rows>,
    /// A copy with all rows, where they are wanted after all and that one has not.
    whole: OnceCell<Rows>,
    promised: Vec<Promised>,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
    /// Whether what was read of it is one state.
    is_moving: AtomicBool,
}

/// The rows of a state.
struct Rows {
    view: Arc<dyn View>,
    /// The tables of which some rows are there alone, with what is known of the others.
    some: HashMap<TableName, Option<ChangeCount>>,
    highest: Highest,
    as_of: Changes,
}

impl D1View {
    /// Opens a state with all of its rows.
    pub(crate) async fn with_rows(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        options: &ViewOptions,
    ) -> Result<Self, EngineError> {
        let Copied { skeleton, found, oneness, bytes, as_of, .. } = copy(remote, surroundings).await?;
        let identity = found.identity(remote);
        let mut facts = facts(remote, bytes);
        let read_as = match oneness {
            Oneness::Transaction => "one transaction",
            Oneness::Unchanged => "unchanged while it was read",
            Oneness::None => "not one state",
        };
        facts.push(("read_as".to_owned(), read_as.to_owned()));
        let mut notes = Vec::new();
        if oneness == Oneness::None {
            notes.push(format!(
                "{} was changed while it was read: this is not a state that it ever had as a whole",
                remote.shown()
            ));
        }
        notes.extend(half_changed(&found, remote));
        let (with_ddl, temporary, of) = (options.with_ddl, surroundings.temporary.clone(), identity.clone());
        let (view, more) = blocking(move || skeleton.finish(with_ddl, temporary.as_deref(), of)).await?;
        notes.extend(more);
        Ok(Self {
            remote: Arc::clone(remote),
            surroundings: surroundings.clone(),
            with_ddl,
            found,
            identity,
            empty: Arc::clone(&view),
            copied: OnceCell::new_with(Some(Rows {
                view,
                some: HashMap::new(),
                highest: Highest::default(),
                as_of,
            })),
            whole: OnceCell::new(),
            promised: Vec::new(),
            facts,
            notes,
            is_moving: AtomicBool::new(oneness == Oneness::None),
        })
    }

    /// Opens a state of which the rows are read when the first of them are asked for, and of tables with a promise perhaps not all.
    pub(crate) async fn without_rows(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        options: &ViewOptions,
        promises: &[ChangedBy],
    ) -> Result<Self, EngineError> {
        let (found, bytes) = look(remote).await?;
        let skeleton = make(&found, surroundings.temporary.as_deref()).await?;
        let identity = found.identity(remote);
        let (with_ddl, temporary, of) = (options.with_ddl, surroundings.temporary.clone(), identity.clone());
        let (empty, mut notes) =
            blocking(move || skeleton.finish(with_ddl, temporary.as_deref(), of)).await?;
        notes.extend(half_changed(&found, remote));
        let promised = promised::found(promises, empty.schema(), remote.shown())?;
        let mut facts = facts(remote, bytes);
        if !promises.is_empty() {
            let named: Vec<String> =
                promises.iter().map(|ChangedBy { table, column }| format!("{table}.{column}")).collect();
            facts.push(("changed_by".to_owned(), named.join(", ")));
        }
        Ok(Self {
            remote: Arc::clone(remote),
            surroundings: surroundings.clone(),
            with_ddl,
            found,
            identity,
            empty,
            copied: OnceCell::new(),
            whole: OnceCell::new(),
            promised,
            facts,
            notes,
            is_moving: AtomicBool::new(false),
        })
    }

    /// What was read, or else all rows.
    async fn copied(&self) -> Result<&Rows, EngineError> {
        self.copied.get_or_try_init(|| self.read(Lowest::new())).await
    }

    /// What has all rows of a table.
    async fn with(&self, table: &TableName) -> Result<&Arc<dyn View>, EngineError> {
        let copied = self.copied().await?;
        if !copied.some.contains_key(table) {
            return Ok(&copied.view);
        }
        let read = || async {
            let per_request = Changes::per_request(&self.remote).await?;
            let whole = self.read(Lowest::new()).await?;
            let is_same = per_request.is_some_and(|added| copied.as_of.stay(&whole.as_of, added));
            if !is_same && !self.surroundings.allow_moving {
                let message = format!(
                    "{}: it was changed between reading what had changed and reading all rows of table {table}, which turned out to \
                     be needed: back up again, with --read-all",
                    self.remote.shown()
                );
                return Err(EngineError::new(ErrorKind::Busy, message));
            }
            self.is_moving.fetch_or(!is_same, Ordering::Relaxed);
            Ok(whole)
        };
        self.whole.get_or_try_init(read).await.map(|rows| &rows.view)
    }

    /// Reads the rows, of some tables those alone that have no lower value in a column.
    async fn read(&self, lowest: Lowest) -> Result<Rows, EngineError> {
        let copied = copy_some(&self.remote, &self.surroundings, &lowest).await?;
        let Copied { skeleton, found, oneness, some, as_of, .. } = copied;
        self.is_moving.fetch_or(oneness == Oneness::None, Ordering::Relaxed);
        if found != self.found {
            let message =
                format!("{}: its tables were changed before their rows were read", self.remote.shown());
            return Err(EngineError::new(ErrorKind::Conflict, message));
        }
        let (with_ddl, temporary) = (self.with_ddl, self.surroundings.temporary.clone());
        let (identity, promised) = (self.identity.clone(), self.promised.clone());
        let finish = move || {
            let highest = Highest::look(Skeleton::connection(&skeleton), &promised)?;
            Ok((skeleton.finish(with_ddl, temporary.as_deref(), identity)?.0, highest))
        };
        let (view, highest) = blocking(finish).await?;
        // Where not even the row is there that had the highest mark, nothing can be said of the others.
        let has_mark = |table: &TableName| {
            let promised = self.promised.iter().find(|promised| promised.table == *table);
            promised.is_some_and(|promised| highest.of(promised).is_some())
        };
        let counted = |(table, (rows, changed))| {
            let is_known = oneness != Oneness::None && has_mark(&table);
            (table, is_known.then_some(ChangeCount { rows, changed }))
        };
        let some = some.into_iter().map(counted).collect();
        Ok(Rows { view, some, highest, as_of })
    }
}

#[async_trait]
impl View for D1View {
    fn schema(&self) -> &Schema {
        self.empty.schema()
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.facts.clone()
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
        &self.notes
    }

    fn consistency(&self) -> Consistency {
        if self.is_moving.load(Ordering::Relaxed) { Consistency::Moving } else { Consistency::State }
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.copied.get().map_or(&self.empty, |rows| &rows.view).estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.empty.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        self.with(&table.name).await?.rows(table).await
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        self.with(&table.name).await?.rows_between(table, after, before).await
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        self.with(&table.name).await?.find(table, columns, values).await
    }

    fn reads_all(&self) -> bool {
        self.surroundings.read_all
    }

    /// The highest values, as far as rows were read.
    fn horizon(&self) -> Option<String> {
        let is_one = !self.promised.is_empty() && !self.is_moving.load(Ordering::Relaxed);
        // Both are of the same state then.
        let rows = self.whole.get().or_else(|| self.copied.get());
        is_one.then(|| rows.map(|rows| rows.highest.text()).unwrap_or_default())
    }

    async fn read_promised(&self, tables: &[&Table], horizon: &str) -> Result<(), EngineError> {
        let kept = Highest::parse(horizon);
        let is_wanted = |promised: &&Promised| tables.iter().any(|table| table.name == promised.table);
        let lowest = self.promised.iter().filter(is_wanted).filter_map(|promised| {
            Some((promised.table.clone(), (promised.column, kept.of(promised)?.to_owned())))
        });
        let lowest: Lowest = lowest.collect();
        self.copied.get_or_try_init(|| self.read(lowest)).await.map(|_| ())
    }

    async fn changed_since(&self, table: &Table, _horizon: &str) -> Result<Option<ChangeCount>, EngineError> {
        Ok(self.copied.get().and_then(|rows| *rows.some.get(&table.name)?))
    }

    async fn rows_changed_since(&self, table: &Table, _horizon: &str) -> Result<RowStream, EngineError> {
        self.copied().await?.view.rows(table).await
    }
}

/// What whoever looks at a database has to know where a change of it was cut off.
fn half_changed(found: &Found, remote: &Remote) -> Option<String> {
    found.is_half_changed().then(|| {
        format!(
            "{} was being changed by rowkeep, and that was cut off: a part of its rows is changed; the same restore again ends \
             that, an undo by its safety snapshot takes it back",
            remote.shown()
        )
    })
}

/// What is worth keeping of the database. Which SQLite is behind D1 nobody is told.
fn facts(remote: &Remote, bytes: Option<u64>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("server".to_owned(), "Cloudflare D1".to_owned()),
        ("reached_over".to_owned(), remote.way().to_owned()),
        ("encoding".to_owned(), "UTF-8".to_owned()),
    ];
    facts.extend(bytes.map(|bytes| ("database_bytes".to_owned(), bytes.to_string())));
    facts
}

/// The definitions of a database, and what is worth knowing of it.
pub(crate) async fn looked_at(remote: &Remote) -> Result<(Found, Vec<(String, String)>), EngineError> {
    let (found, bytes) = look(remote).await?;
    Ok((found, facts(remote, bytes)))
}
