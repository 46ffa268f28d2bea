//! Replay: what an application's own log says of a time after a snapshot is done to the snapshot's rows, and a snapshot is made of what
//! comes of it: the state at that time.
//!
//! Entries of the log that the snapshot has are in its rows already, whatever clocks say; those that only a later state of the log has
//! are replayed, in the order of their times, up to the one that is wanted.

mod content;
mod entry;
mod log;
mod members;
mod order;
mod problems;
mod removed;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::stream::TryStreamExt;
use jiff::Timestamp;
use rowkeep_engine::{Consistency, View};
use rowkeep_format::{Change, Counts, RowBatch, Table, TableName, key};
use rowkeep_repository::Repository;

pub use log::{ChangeLog, Part};
pub use problems::{Problem, ProblemKind};

use crate::capture::CaptureOptions;
use crate::diff::collect::Composing;
use crate::diff::{Changeset, DiffOptions, Difference, Filter, diff};
use crate::merge::{AlikeView, read_changed, together};
use crate::state::named_table::find;
use crate::state::reader::Cause;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::state::table_pattern::pattern_of;
use crate::state::{SnapshotState, State};
use crate::{Context, Error};
use entry::{Entries, Entry};
use order::in_order;
use problems::{Flaw, Problems};
use rows::Rows;

pub use rowkeep_format::summary::REPLAYED;

/// What is to be replayed.
pub struct Replaying<'a> {
    /// The snapshot whose rows it begins with.
    pub base: &'a Snapshot,
    /// A later state that has the log.
    pub log: &'a State,
    /// What the log looks like.
    pub of: &'a ChangeLog,
    /// The time of the state that is wanted.
    pub until: Timestamp,
}

/// What comes of a replay.
pub struct Replayed {
    /// Rows that come, change and go in the snapshot that it begins with, those of the log too.
    pub changes: Changeset,
    /// How many entries are about rows, up to the time that is wanted.
    pub entries: u64,
    /// How many entries of that time are about no row.
    pub others: u64,
    /// How many entries are later than the time that is wanted.
    pub later: u64,
    /// When the last entry was written that was replayed.
    pub last: Option<Timestamp>,
    /// When the newest entry of the log was written that says a time.
    pub newest: Option<Timestamp>,
    /// Entries that do not fit: they were done as far as they can be.
    pub problems: Vec<Problem>,
    /// What is not certain of the log as a whole, in words for people.
    pub notes: Vec<String>,
    /// The state that the changes come into.
    into: Arc<AlikeView>,
    cause: Cause,
}

/// Finds out what comes of a replay; nothing is stored.
///
/// Fails where the log is not whole: its entries were deleted beyond the last that the snapshot has, or the snapshot has entries of a
/// later time.
pub async fn replay(
    context: &Context,
    repository: &Repository,
    replaying: &Replaying<'_>,
) -> Result<Replayed, Error> {
    context.until_cancelled(replay_now(context, repository, replaying)).await
}

async fn replay_now(
    context: &Context,
    repository: &Repository,
    replaying: &Replaying<'_>,
) -> Result<Replayed, Error> {
    let (state, of, until) = (replaying.log, replaying.of, replaying.until);
    let reader = Arc::new(repository.reader().await?);
    let base = SnapshotState::open(reader, replaying.base.clone()).await?;
    let cause = Cause::default();
    let log = log_table(&base, state, of)?;
    let view = AlikeView::with(context, &base, std::slice::from_ref(&log), &cause);
    let entries = Entries::new(of, &log, base.dialect)?;
    let newest = newest(&view, &log, &entries).await.map_err(|error| cause.of_either(error))?;
    if newest.as_ref().is_some_and(|newest| newest.time > until) {
        return Err(not_whole(&log, "the base has entries that are later than that time"));
    }
    let difference = compared(context, repository, &base, &view, &log, state).await;
    let difference = difference.map_err(|error| cause.of_either(error))?;
    let mut found = Found::default();
    let mut changes = difference.changes.emptied();
    for (at, table) in difference.changes.tables().iter().enumerate() {
        let mut kept = Composing::new(context, &difference.changes, table.table.clone());
        let mut runs = std::pin::pin!(difference.changes.changes(at));
        while let Some(run) = runs.try_next().await? {
            for change in run.iter() {
                let is_kept = match change {
                    _ if table.table.name != log.name => matches!(change, Change::Update { .. }),
                    Change::Insert { after } => {
                        found.take(&entries, &log, run.after(), after, newest.as_ref(), until)
                    }
                    Change::Update { after, .. } => {
                        let flaw = Flaw::plain(ProblemKind::Altered);
                        found.problems.add(&log.name.to_string(), &entries.called(run.after(), after), flaw);
                        false
                    }
                    Change::Delete { before } => {
                        let mut encoded = Vec::new();
                        let failed = |source| Error::Table { table: log.name.to_string(), source };
                        key::encode(log.identified_by(), run.before(), before, &mut encoded)
                            .map_err(failed)?;
                        if newest.as_ref().is_some_and(|newest| newest.key == encoded) {
                            let why = "its last entry that the base has is no more in it, so later ones may be missing too";
                            return Err(not_whole(&log, why));
                        }
                        false
                    }
                };
                if is_kept {
                    kept.push(|changes| changes.push(&run, change)).await?;
                }
            }
        }
        kept.finish(&mut changes).await?;
    }
    let notes = notes(&base, state, newest.as_ref(), until, &found);
    let tables = found.replay(context, &base, &view, (of, &log), &mut changes).await;
    let mut tables = tables.map_err(|error| cause.of_either(error))?;
    tables.push(log);
    Ok(Replayed {
        changes,
        entries: found.entries.len() as u64,
        others: found.others,
        later: found.later,
        last: found.entries.last().map(|entry| entry.time),
        newest: found.newest.max(newest.map(|newest| newest.time)),
        problems: std::mem::take(&mut found.problems).listed(),
        notes,
        into: AlikeView::with(context, &base, &tables, &cause),
        cause,
    })
}

/// The table of the log; where it is of documents, with what these have in either state.
fn log_table(base: &SnapshotState, state: &State, of: &ChangeLog) -> Result<Table, Error> {
    let known = find(&base.schema, base.dialect.names(), &of.table)?;
    let known = known.filter(|table| base.entry(&table.name).is_some());
    let lacks = |state: String| Error::Lacks { state, lack: "does not hold the log" };
    let known = known.ok_or_else(|| lacks(base.snapshot.told()))?;
    let later = state.table(&known.name).filter(|table| state.holds(&table.name));
    let later = later.ok_or_else(|| lacks(state.describe()))?;
    if base.dialect.documents(known).is_some() {
        // The later one has the entries of both, so its properties stand in an order that is right for all.
        return Ok(together(later, std::iter::once(known)));
    }
    let names = |table: &Table| {
        let mut names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        names.sort();
        names
    };
    match names(known) == names(later) {
        true => Ok(known.clone()),
        false => Err(not_whole(known, "its columns are others than in the base")),
    }
}

fn not_whole(log: &Table, why: &'static str) -> Error {
    Error::LogNotWhole { log: log.name.to_string(), why }
}

/// How the later state differs in the log, and in the numbers that come next.
async fn compared(
    context: &Context,
    repository: &Repository,
    base: &SnapshotState,
    view: &Arc<AlikeView>,
    log: &Table,
    state: &State,
) -> Result<Difference, Error> {
    let is_as_stored = base.schema.table(&log.name) == Some(log);
    // Snapshots are compared chunk by chunk, without reading what is equal.
    let before = if is_as_stored { State::Snapshot(base.clone()) } else { Arc::clone(view).state() };
    let mut include = vec![pattern_of(&log.name)];
    let sequences = base.dialect.sequences().map(|known| TableName::plain(known.table));
    include.extend(sequences.filter(|table| base.entry(table).is_some()).map(|table| pattern_of(&table)));
    let selection = Selection { include, ..Selection::default() };
    let filter = Filter { rowids: false, ..Filter::default() };
    let options = DiffOptions { selection, filter, ..DiffOptions::default() };
    diff(context, repository.content_keys(), &before, state, &options).await
}

/// The last entry that the base has.
struct Newest {
    time: Timestamp,
    key: Vec<u8>,
}

async fn newest(view: &AlikeView, log: &Table, entries: &Entries<'_>) -> Result<Option<Newest>, Error> {
    let mut newest: Option<Newest> = None;
    let mut rows = view.rows(log).await?;
    while let Some(batch) = rows.try_next().await? {
        for row in 0..batch.rows() {
            let Some(time) = entries.time(&batch, row) else { continue };
            let mut encoded = Vec::new();
            let failed = |source| Error::Table { table: log.name.to_string(), source };
            key::encode(log.identified_by(), &batch, row, &mut encoded).map_err(failed)?;
            if newest.as_ref().is_none_or(|newest| (newest.time, &newest.key) <= (time, &encoded)) {
                newest = Some(Newest { time, key: encoded });
            }
        }
    }
    Ok(newest)
}

/// What the log has that the base does not.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    problems: Problems,
    others: u64,
    later: u64,
    newest: Option<Timestamp>,
}

impl Found {
    /// Takes an entry that the base does not have; whether the log has it at the time that is wanted.
    fn take(
        &mut self,
        entries: &Entries<'_>,
        log: &Table,
        rows: &RowBatch,
        row: usize,
        newest: Option<&Newest>,
        until: Timestamp,
    ) -> bool {
        let mut add =
            |kind| self.problems.add(&log.name.to_string(), &entries.called(rows, row), Flaw::plain(kind));
        let Some(time) = entries.time(rows, row) else {
            add(ProblemKind::NoTime);
            return false;
        };
        if newest.is_some_and(|newest| time < newest.time) {
            add(ProblemKind::Earlier);
        }
        self.newest = self.newest.max(Some(time));
        if time > until {
            self.later += 1;
            return false;
        }
        match entries.entry(rows, row, time) {
            Some(entry) => self.entries.push(entry),
            None => self.others += 1,
        }
        true
    }

    /// Does what the entries say, and gives the tables that they change, with all columns that these need.
    async fn replay(
        &mut self,
        context: &Context,
        base: &SnapshotState,
        view: &AlikeView,
        (of, log): (&ChangeLog, &Table),
        changes: &mut Changeset,
    ) -> Result<Vec<Table>, Error> {
        // What has no number stays in the order of its keys.
        self.entries.sort_by(|a, b| (a.time, &a.order).cmp(&(b.time, &b.order)));
        let mut named: HashMap<&str, Result<TableName, ProblemKind>> = HashMap::new();
        let mut rows: BTreeMap<TableName, Rows> = BTreeMap::new();
        for entry in &self.entries {
            let table = named.entry(&entry.of).or_insert_with(|| {
                let called = of.tables.get(&entry.of).unwrap_or(&entry.of);
                let table = find(&base.schema, base.dialect.names(), called).unwrap_or_default();
                let is_known = |table: &&Table| base.entry(&table.name).is_some() && table.name != log.name;
                let table = table.filter(is_known).ok_or(ProblemKind::NoTable)?;
                let none = Rows::new(table, &base.schema, base.dialect, of).ok_or(ProblemKind::NoKey)?;
                rows.entry(table.name.clone()).or_insert(none);
                Ok(table.name.clone())
            });
            if let Some(rows) = table.as_ref().ok().and_then(|table| rows.get_mut(table)) {
                rows.want(entry);
            }
        }
        for rows in rows.values_mut() {
            rows.read(view).await?;
        }
        for moment in self.entries.chunk_by(|a, b| a.time == b.time) {
            let rows_of = |entry: &Entry| {
                let table = named[entry.of.as_str()].as_ref().ok()?;
                rows.get_key_value(table)
            };
            for (entry, is_doubtful) in in_order(moment, rows_of) {
                let of_table = match &named[entry.of.as_str()] {
                    Ok(table) => rows.get_mut(table).ok_or(ProblemKind::NoTable),
                    Err(kind) => Err(*kind),
                };
                let flaws = match of_table {
                    Ok(rows) => rows.apply(entry),
                    Err(kind) => vec![Flaw::plain(kind)],
                };
                let unordered = is_doubtful.then(|| Flaw::plain(ProblemKind::Unordered));
                for flaw in unordered.into_iter().chain(flaws) {
                    self.problems.add(&entry.of, &entry.called, flaw);
                }
            }
        }
        let mut tables = Vec::new();
        for rows in rows.into_values() {
            tables.push(rows.finish(context, changes).await?);
        }
        Ok(tables)
    }
}

/// What is not certain of the log as a whole.
fn notes(
    base: &SnapshotState,
    log: &State,
    newest: Option<&Newest>,
    until: Timestamp,
    found: &Found,
) -> Vec<String> {
    let mut notes = Vec::new();
    if newest.is_none() && !found.entries.is_empty() {
        notes.push(
            "the log is empty in the base: nothing shows that it still has the first entries after it"
                .to_owned(),
        );
    }
    let consistency = State::Snapshot(base.clone()).consistency();
    if consistency == Consistency::Moving {
        notes.push("the base was read while others wrote: what they wrote then may be in its rows, or in its log, and not in both".to_owned());
    }
    let taken = match log {
        State::Snapshot(log) => Some(log.snapshot.manifest.time),
        State::Live(live) => live.time,
    };
    if taken.is_some_and(|taken| until > taken) {
        notes.push(format!("{} was taken before that time: what came after it is not known", log.describe()));
    }
    notes
}

/// Makes a snapshot of what comes of a replay. Of the same state with the same name and labels there is one alone: the one that is there.
pub async fn capture_replayed(
    context: &Context,
    repository: &Repository,
    replayed: &Replayed,
    options: &CaptureOptions,
) -> Result<Snapshot, Error> {
    let Replayed { into, changes, cause, .. } = replayed;
    let read = read_changed(context, repository, into, changes, cause, options).await?;
    match read.twin(repository).await? {
        Some(twin) => Ok(twin),
        None => read.show(context, repository).await,
    }
}

impl Replayed {
    /// How many rows come, change and go, by table: those that people know as theirs.
    pub fn counts(&self) -> Vec<(TableName, Counts)> {
        let changed = self.changes.tables().iter().filter(|changed| changed.counts.total() > 0);
        let own = changed.filter(|changed| changed.table.kind.is_user_table());
        own.map(|changed| (changed.table.name.clone(), changed.counts)).collect()
    }
}
