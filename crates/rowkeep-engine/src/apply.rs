//! Changing the rows of a database that is in use.

use futures::stream::BoxStream;
use rowkeep_format::left_alone::Numbers;
use rowkeep_format::manifest::Dangled;
use rowkeep_format::{Changes, Counts, TableChanges, TableName};
use tokio_util::sync::CancellationToken;

use crate::EngineError;

/// Changes in key order, in batches.
pub type ChangeStream = BoxStream<'static, Result<Changes, EngineError>>;

/// A changeset that an engine reads as often as it needs to: once for the deletes, once for the inserts.
pub trait ChangeSource: Send + Sync {
    /// The changed tables. One whose counts are zero is not read; the database only has to have it.
    fn tables(&self) -> &[TableChanges];

    /// All changes to the table at this place of [`tables`](Self::tables), in key order.
    fn read(&self, table: usize) -> ChangeStream;
}

/// How changes are to be made.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// Whether the database's own triggers act on the changed rows. Rows that come out of a backup already are what
    /// triggers made of them, so usually not.
    pub fire_triggers: bool,
    /// Whether other connections to the database are ended first, where the engine can do that.
    pub end_connections: bool,
    /// What to do where a row is not as the changeset says it was.
    pub on_conflict: OnConflict,
    /// SQL to run in the same transaction after all changes, such as a row for the application's own log.
    pub statements: Vec<String>,
    /// Which references may dangle that did not, where the engine does not see to that at all times.
    pub may_dangle: MayDangle,
    /// Whether sequences end up as the changes say, also behind the highest value that was put in: the database becomes
    /// what it was at some time, and they were behind then.
    pub keep_sequences: bool,
    /// Asks to stop. What the database is doing then is cancelled there and undone, and the call returns
    /// [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) when that is done, or after some seconds if the database does not
    /// answer. A commit that has begun is waited for.
    pub stop: CancellationToken,
}

/// What a call returns that was asked to stop before it committed.
pub(crate) fn stopped() -> EngineError {
    EngineError::new(crate::ErrorKind::Stopped, "stopped; nothing was changed")
}

/// Which references may dangle after a change that did not before.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MayDangle {
    /// None.
    #[default]
    Nothing,
    /// So many rows of these foreign keys, for they did in the state that comes back.
    These(Vec<Dangled>),
    /// Any, for the database becomes wholly what a state is.
    Anything,
}

impl MayDangle {
    /// Whether none may.
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// How many rows of a foreign key.
    pub(crate) fn rows(&self, is_of: impl Fn(&Dangled) -> bool) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::These(these) => these.iter().filter(|these| is_of(these)).map(|these| these.rows).sum(),
            Self::Anything => u64::MAX,
        }
    }
}

/// Says that rows refer to nothing, as they did.
pub(crate) fn dangling_as_before(
    rows: u64,
    child: &dyn std::fmt::Display,
    parent: &dyn std::fmt::Display,
) -> String {
    let (rows, refer) = match rows {
        1 => ("1 row".to_owned(), "refers"),
        rows => (format!("{rows} rows"), "refer"),
    };
    format!(
        "{rows} of table {child} {refer} to rows of table {parent} that are not there, as in the state that came back"
    )
}

/// What to do where a row is not as the changeset says it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Change nothing at all: [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    #[default]
    Stop,
    /// Leave that row as it is, and go on.
    Skip,
}

/// What was done to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedTable {
    /// The table.
    pub table: TableName,
    /// Rows that were changed.
    pub done: Counts,
    /// Rows that already were as they were to become.
    pub already: u64,
    /// Rows that were left, for they were not as the changeset says ([`OnConflict::Skip`]).
    pub skipped: u64,
    /// Which changes these two are, counted from 0 in the order in which the changeset gives them.
    pub left: Numbers,
}

impl AppliedTable {
    /// Nothing was done to a table.
    pub(crate) fn untouched(table: &TableName) -> Self {
        let done = Counts::default();
        Self { table: table.clone(), done, already: 0, skipped: 0, left: Numbers::default() }
    }
}

/// What was done to a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Every table of the changeset, in its order.
    pub tables: Vec<AppliedTable>,
    /// What people should know, in their words: sequences that were moved on, settings that cannot be changed.
    pub notes: Vec<String>,
}
