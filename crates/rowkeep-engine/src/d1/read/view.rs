//! A state of a database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};
use tokio::sync::OnceCell;

use super::copy::{Copied, Oneness, copy, look, make};
use crate::d1::catalog::objects::Found;
use crate::d1::connect::remote::Remote;
use crate::sqlite::connect::blocking::blocking;
use crate::{Consistency, EngineError, ErrorKind, Estimate, RowStream, Surroundings, View, ViewOptions};

/// A state of a D1 database: its definitions, and a copy of its rows as soon as there is one.
pub(crate) struct D1View {
    remote: Arc<Remote>,
    surroundings: Surroundings,
    with_ddl: bool,
    found: Found,
    identity: Identity,
    /// The same database without rows.
    empty: Arc<dyn View>,
    copied: OnceCell<Arc<dyn View>>,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
    /// Whether what was read of it is one state.
    is_moving: AtomicBool,
}

impl D1View {
    /// Opens a state with all of its rows.
    pub(crate) async fn with_rows(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        options: &ViewOptions,
    ) -> Result<Self, EngineError> {
        let Copied { skeleton, found, oneness, bytes, .. } = copy(remote, surroundings).await?;
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
            copied: OnceCell::new_with(Some(view)),
            facts,
            notes,
            is_moving: AtomicBool::new(oneness == Oneness::None),
        })
    }

    /// Opens a state of which the rows are read when the first of them are asked for.
    pub(crate) async fn without_rows(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        options: &ViewOptions,
    ) -> Result<Self, EngineError> {
        let (found, bytes) = look(remote).await?;
        let skeleton = make(&found, surroundings.temporary.as_deref()).await?;
        let identity = found.identity(remote);
        let (with_ddl, temporary, of) = (options.with_ddl, surroundings.temporary.clone(), identity.clone());
        let (empty, mut notes) =
            blocking(move || skeleton.finish(with_ddl, temporary.as_deref(), of)).await?;
        notes.extend(half_changed(&found, remote));
        Ok(Self {
            remote: Arc::clone(remote),
            surroundings: surroundings.clone(),
            with_ddl,
            found,
            identity,
            empty,
            copied: OnceCell::new(),
            facts: facts(remote, bytes),
            notes,
            is_moving: AtomicBool::new(false),
        })
    }

    /// The copy with all rows.
    async fn copied(&self) -> Result<&Arc<dyn View>, EngineError> {
        let fetch = || async {
            let Copied { skeleton, found, oneness, .. } = copy(&self.remote, &self.surroundings).await?;
            self.is_moving.store(oneness == Oneness::None, Ordering::Relaxed);
            if found != self.found {
                let message =
                    format!("{}: its tables were changed before their rows were read", self.remote.shown());
                return Err(EngineError::new(ErrorKind::Conflict, message));
            }
            let (with_ddl, temporary) = (self.with_ddl, self.surroundings.temporary.clone());
            let identity = self.identity.clone();
            let finish = move || skeleton.finish(with_ddl, temporary.as_deref(), identity);
            blocking(finish).await.map(|(view, _)| view)
        };
        self.copied.get_or_try_init(fetch).await
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
        self.copied.get().unwrap_or(&self.empty).estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.empty.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        self.copied().await?.rows(table).await
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        self.copied().await?.rows_between(table, after, before).await
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        self.copied().await?.find(table, columns, values).await
    }

    fn reads_all(&self) -> bool {
        self.surroundings.read_all
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
