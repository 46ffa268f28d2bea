//! States: anything that can be read as tables of rows in key order.

pub mod by_time;
pub mod devices;
pub(crate) mod ids;
pub(crate) mod key_lookup;
pub(crate) mod key_set;
pub(crate) mod named_table;
pub(crate) mod needs;
pub mod owner;
pub(crate) mod places;
pub(crate) mod reader;
pub(crate) mod repeated_lookup;
pub mod selection;
pub mod snapshots;
pub(crate) mod table_pattern;
pub mod times;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::dialect::Dialect;
use rowkeep_engine::{Consistency, Engine, Meant, View, ViewOptions, dialect_of};
use rowkeep_format::manifest::{Unread, Why};
use rowkeep_format::{Schema, Table, TableEntry, TableName};
use rowkeep_repository::{Reader, Repository};

use crate::Error;
use crate::state::snapshots::{Snapshot, read_schema};

/// Anything that can be read as tables of rows in key order.
#[derive(Clone)]
pub enum State {
    /// One consistent state of a live database.
    Live(LiveState),
    /// A snapshot.
    Snapshot(SnapshotState),
}

/// One consistent state of a live database.
#[derive(Clone)]
pub struct LiveState {
    pub(crate) view: Arc<dyn View>,
    engine: &'static str,
    dialect: &'static dyn Dialect,
    description: String,
    /// When it was, where that is not now.
    pub(crate) time: Option<Timestamp>,
    /// Where each table is in the view's schema.
    places: Arc<Places>,
}

/// A snapshot, opened for reading.
#[derive(Clone)]
pub struct SnapshotState {
    pub(crate) reader: Arc<Reader>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) dialect: &'static dyn Dialect,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Where each table is in the schema, and its entry in the manifest.
    places: Arc<Places>,
    entries: Arc<Places>,
}

/// The place in a list of each table by its name, for there may be thousands.
type Places = HashMap<TableName, usize>;

fn places_of(schema: &Schema) -> Arc<Places> {
    places(schema.tables.iter().map(|table| &table.name))
}

fn places<'n>(names: impl DoubleEndedIterator<Item = &'n TableName> + ExactSizeIterator) -> Arc<Places> {
    // Of two of one name the first counts.
    Arc::new(names.enumerate().rev().map(|(at, name)| (name.clone(), at)).collect())
}

impl State {
    /// The present state of a database.
    pub async fn live(engine: &dyn Engine) -> Result<Self, Error> {
        Self::live_of(engine, &ViewOptions { with_ddl: false }, &Meant::default()).await
    }

    /// The present state of a database, of which not all has to be readable, with its DDL where that is wanted.
    pub async fn live_of(engine: &dyn Engine, options: &ViewOptions, meant: &Meant) -> Result<Self, Error> {
        let view = engine.open_of(options, meant).await?;
        Ok(Self::Live(LiveState::of(engine, view)?))
    }

    /// The same, of which it is known when it was.
    pub(crate) fn of_time(self, time: Option<Timestamp>) -> Self {
        match self {
            State::Live(live) => State::Live(LiveState { time, ..live }),
            stored @ State::Snapshot(_) => stored,
        }
    }

    /// The state that a snapshot holds.
    pub async fn snapshot(repository: &Repository, snapshot: Snapshot) -> Result<Self, Error> {
        let reader = Arc::new(repository.reader().await?);
        Self::snapshot_by(reader, snapshot).await
    }

    /// The state that a snapshot holds, read by a reader that is there already.
    pub(crate) async fn snapshot_by(reader: Arc<Reader>, snapshot: Snapshot) -> Result<Self, Error> {
        Ok(Self::Snapshot(SnapshotState::open(reader, snapshot).await?))
    }

    /// What it is made of.
    pub fn schema(&self) -> &Schema {
        match self {
            State::Live(live) => live.view.schema(),
            State::Snapshot(stored) => &stored.schema,
        }
    }

    /// The table of a name.
    pub(crate) fn table(&self, name: &TableName) -> Option<&Table> {
        let places = match self {
            State::Live(live) => &live.places,
            State::Snapshot(stored) => &stored.places,
        };
        places.get(name).map(|at| &self.schema().tables[*at])
    }

    /// The engine that its rows are of.
    pub fn engine(&self) -> &str {
        match self {
            State::Live(live) => live.engine,
            State::Snapshot(stored) => &stored.snapshot.manifest.engine,
        }
    }

    /// What the values and names of its tables mean.
    pub fn dialect(&self) -> &'static dyn Dialect {
        match self {
            State::Live(live) => live.dialect,
            State::Snapshot(stored) => stored.dialect,
        }
    }

    /// How far its rows belong together.
    pub fn consistency(&self) -> Consistency {
        match self {
            State::Live(live) => live.view.consistency(),
            State::Snapshot(stored) => {
                let facts = stored.snapshot.manifest.environment.iter();
                Consistency::of(facts.map(|(name, value)| (name.as_str(), value.as_str())))
            }
        }
    }

    /// What it is, in words for people.
    pub fn describe(&self) -> String {
        match self {
            State::Live(live) => live.description.clone(),
            State::Snapshot(stored) => format!("snapshot {}", stored.snapshot.short_id()),
        }
    }

    /// Whether it has the rows of a table: a snapshot may have been asked for some tables only, and a standby does not have all.
    pub fn holds(&self, table: &TableName) -> bool {
        match self {
            State::Live(live) => {
                let is_unread = live.view.unread().iter().any(|unread| &unread.name == table);
                live.places.contains_key(table) && !is_unread
            }
            State::Snapshot(stored) => stored.entry(table).is_some(),
        }
    }

    /// The tables of which it has no rows because none were asked for, in words; nothing where it has those of all. What could not be
    /// read is told of by itself.
    pub(crate) fn not_asked_for(&self) -> Option<String> {
        const SHOWN: usize = 12;
        let State::Snapshot(stored) = self else { return None };
        let is_unread = |name: &TableName| self.unread().iter().any(|unread| &unread.name == name);
        let tables = stored.schema.tables.iter().filter(|table| table.kind.is_user_table());
        let lacking: Vec<String> = tables
            .filter(|table| !self.holds(&table.name) && !is_unread(&table.name))
            .map(|table| table.name.to_string())
            .collect();
        let more = lacking.len().saturating_sub(SHOWN);
        let named = lacking.get(..SHOWN).unwrap_or(&lacking).join(", ");
        match (lacking.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(format!("{} has no rows of {named}", self.describe())),
            (false, more) => Some(format!("{} has no rows of {named} and {more} more", self.describe())),
        }
    }

    /// What it says nothing of, for it could not be read.
    pub fn unread(&self) -> &[Unread] {
        match self {
            State::Live(live) => live.view.unread(),
            State::Snapshot(stored) => &stored.snapshot.manifest.unread,
        }
    }

    /// What of it is not known or could not be read, in words for people; of a snapshot nothing is kept but what is unread.
    pub(crate) fn notes(&self) -> &[String] {
        match self {
            State::Live(live) => live.view.notes(),
            State::Snapshot(_) => &[],
        }
    }

    /// The tables of which it does not have even the definitions.
    pub(crate) fn undefined(&self) -> Vec<TableName> {
        let denied = self.unread().iter().filter(|unread| unread.why == Why::Denied);
        denied.map(|unread| unread.name.clone()).collect()
    }

    /// A fact about its database and server.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        match self {
            State::Live(live) => {
                let mut facts = live.view.environment().into_iter();
                facts.find(|(fact, _)| fact == name).map(|(_, value)| value)
            }
            State::Snapshot(stored) => stored.snapshot.manifest.environment.get(name).cloned(),
        }
    }

    /// About how many rows a table has; exact for snapshots.
    pub(crate) fn estimated_rows(&self, table: &TableName) -> u64 {
        match self {
            State::Live(live) => live.view.estimate(table).rows,
            State::Snapshot(stored) => stored.entry(table).map_or(0, |entry| entry.root.rows),
        }
    }

    /// How many tables are worth reading at once.
    pub(crate) fn parallelism(&self) -> usize {
        match self {
            State::Live(live) => live.view.parallelism(),
            State::Snapshot(_) => 2,
        }
    }
}

impl LiveState {
    pub(crate) fn of(engine: &dyn Engine, view: Arc<dyn View>) -> Result<Self, Error> {
        let dialect = dialect_of(engine.name())?;
        Ok(Self::named(engine.name(), dialect, engine.describe(), view))
    }

    /// A state that is told by these words.
    pub(crate) fn named(
        engine: &'static str,
        dialect: &'static dyn Dialect,
        description: String,
        view: Arc<dyn View>,
    ) -> Self {
        let places = places_of(view.schema());
        Self { view, engine, dialect, description, time: None, places }
    }
}

impl SnapshotState {
    /// Opens a snapshot for reading; refuses one of an engine that this program does not know.
    pub(crate) async fn open(reader: Arc<Reader>, snapshot: Snapshot) -> Result<Self, Error> {
        let schema = Arc::new(read_schema(&reader, &snapshot.manifest).await?);
        let dialect = dialect_of(&schema.engine)?;
        let entries = places(snapshot.manifest.tables.iter().map(|entry| &entry.name));
        let places = places_of(&schema);
        Ok(Self { reader, schema, dialect, snapshot: Arc::new(snapshot), places, entries })
    }

    pub(crate) fn entry(&self, table: &TableName) -> Option<&TableEntry> {
        self.entries.get(table).map(|at| &self.snapshot.manifest.tables[*at])
    }
}
