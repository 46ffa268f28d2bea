//! A copy of a database, and whether it is one state of it.
//!
//! Several readings make one state in either of two ways. In one request over a Worker they are one transaction. Else the database's
//! counters of its own changes (see [`Changes`]) are asked for before and after: while they stay, nothing was changed. Tables that were
//! read before the last change are read again, the others are not.
//!
//! Of some tables only those rows may be wanted that have at least a certain value (see `promised.rs`).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rowkeep_format::{RowBatch, TableName};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::form::Form;
use super::pages::Pages;
use super::skeleton::{Skeleton, Step};
use super::table::{ReadTable, moved};
use crate::d1::catalog::changes::{Changes, PerRequest};
use crate::d1::catalog::objects::Found;
use crate::d1::connect::remote::{Remote, Statement};
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::quote::quoted;
use crate::worker::WAITING_BATCHES;
use crate::{EngineError, ErrorKind, Surroundings};

/// Databases of up to so many bytes are read in one request.
const TOGETHER_BYTES: u64 = 6 << 20;

/// How all rows of such a database are asked for: at first, and when it has texts that are not UTF-8 or large values.
const TOGETHER_FORMS: [Form; 2] = [
    Form { hex_text: false, inline_bytes: 64 * 1024 },
    // D1 takes no value of more than two million bytes, digits included.
    Form { hex_text: true, inline_bytes: 1_000_000 },
];

/// What one request has at most, in statements and bytes of them.
const TOGETHER_STATEMENTS: usize = 1_000;
const TOGETHER_SQL_BYTES: usize = 8 << 20;

/// How often what moved is read again, and definitions that changed.
const ROUNDS: usize = 5;

/// After so many rows or tables the counters are asked for again, so that less is to be read twice.
const ROWS_BETWEEN: u64 = 50_000;
const TABLES_BETWEEN: usize = 16;

/// Tables whose rows are counted in one statement.
const COUNTED_TOGETHER: usize = 20;

/// How it is known of a copy that it is one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oneness {
    /// It was read in one transaction.
    Transaction,
    /// Nothing was changed while it was read.
    Unchanged,
    /// It is not: the database was changed all the time.
    None,
}

/// A copy with all rows.
pub(crate) struct Copied {
    pub(crate) skeleton: Skeleton,
    pub(crate) found: Found,
    pub(crate) oneness: Oneness,
    /// The bytes of the database, where they are told.
    pub(crate) bytes: Option<u64>,
    /// What it had counted of its changes then.
    pub(crate) as_of: Changes,
    /// The tables of which the copy has some rows alone: how many there are, and how many it has.
    pub(crate) some: HashMap<TableName, (u64, u64)>,
}

/// Of tables of which some rows are wanted alone: the column, by its place, and the lowest value that these have in it, as SQL.
pub(crate) type Lowest = HashMap<TableName, (usize, String)>;

/// Copies a database.
pub(crate) async fn copy(remote: &Arc<Remote>, surroundings: &Surroundings) -> Result<Copied, EngineError> {
    copy_some(remote, surroundings, &Lowest::new()).await
}

/// Copies a database, but of some tables not all rows, if it is too large to be read in one transaction.
pub(crate) async fn copy_some(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    lowest: &Lowest,
) -> Result<Copied, EngineError> {
    let temporary = surroundings.temporary.as_deref();
    for _ in 0..ROUNDS {
        let (found, bytes) = look(remote).await?;
        let mut skeleton = make(&found, temporary).await?;
        if remote.reads_together() && bytes.is_some_and(|bytes| bytes <= TOGETHER_BYTES) {
            match together(remote, &found, skeleton).await? {
                Together::Copied(skeleton, as_of) => {
                    let (oneness, some) = (Oneness::Transaction, HashMap::new());
                    return Ok(Copied { skeleton, found, oneness, bytes, as_of, some });
                }
                Together::Redefined => continue,
                Together::TooLarge => skeleton = make(&found, temporary).await?,
            }
        }
        let by_pages = by_pages(remote, found, skeleton, bytes, surroundings.allow_moving, lowest);
        if let Some(copied) = by_pages.await? {
            return Ok(copied);
        }
    }
    Err(redefined(remote))
}

/// The definitions and the size.
pub(crate) async fn look(remote: &Remote) -> Result<(Found, Option<u64>), EngineError> {
    // The size comes with several statements alone.
    let answers = remote.read(&[Found::statement(), Statement::new("SELECT 1 AS a")]).await?;
    let [found, last] = answers.as_slice() else { return Err(remote.not_understood("it lacks a result")) };
    Ok((Found::of(found, remote)?, last.size.or(found.size)))
}

/// A database of these definitions, without rows.
pub(crate) async fn make(found: &Found, temporary: Option<&Path>) -> Result<Skeleton, EngineError> {
    let (objects, temporary) = (found.objects.clone(), temporary.map(Path::to_owned));
    blocking(move || Skeleton::make(&objects, temporary.as_deref())).await
}

enum Together {
    Copied(Skeleton, Changes),
    /// Definitions are not as they were.
    Redefined,
    /// It has values that do not fit.
    TooLarge,
}

/// Reads everything in one transaction.
async fn together(remote: &Remote, found: &Found, skeleton: Skeleton) -> Result<Together, EngineError> {
    let tables = Arc::clone(&skeleton.tables);
    for form in TOGETHER_FORMS {
        let mut statements = vec![Found::statement(), Changes::statement()];
        let mut parts = Vec::with_capacity(tables.len());
        for table in tables.iter() {
            let (columns, selects): (Vec<_>, Vec<_>) = table.whole(form).into_iter().unzip();
            parts.push(columns);
            statements.extend(selects);
        }
        let sql_bytes: usize = statements.iter().map(|statement| statement.sql.len()).sum();
        if statements.len() > TOGETHER_STATEMENTS || sql_bytes > TOGETHER_SQL_BYTES {
            return Ok(Together::TooLarge);
        }
        let answers = match remote.read(&statements).await {
            Ok(answers) => answers,
            // A table may be gone; else the error comes again.
            Err(_) if Found::read(remote).await? != *found => return Ok(Together::Redefined),
            Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Unstorable) => {
                return Ok(Together::TooLarge);
            }
            Err(error) => return Err(error),
        };
        let [now, counted, rest @ ..] = answers.as_slice() else {
            return Err(remote.not_understood("it lacks a result"));
        };
        let (as_of, mut rest) = (Changes::of(counted, remote)?, rest);
        if Found::of(now, remote)? != *found {
            return Ok(Together::Redefined);
        }
        let mut batches = Vec::with_capacity(tables.len());
        for (table, parts) in tables.iter().zip(&parts) {
            let (these, others) = rest.split_at(parts.len());
            rest = others;
            match table.rows_at_once(remote, parts, these, form)? {
                Some(batch) => batches.push(batch),
                None => break,
            }
        }
        if batches.len() == tables.len() {
            let skeleton = fill_with(remote, skeleton, batches).await?;
            return Ok(Together::Copied(skeleton, as_of));
        }
    }
    Ok(Together::TooLarge)
}

async fn fill_with(
    remote: &Remote,
    skeleton: Skeleton,
    batches: Vec<RowBatch>,
) -> Result<Skeleton, EngineError> {
    let loading = Loading::begin(skeleton);
    let expected: Vec<u64> = batches.iter().map(|batch| batch.rows() as u64).collect();
    for (at, batch) in batches.into_iter().enumerate() {
        loading.send(Step::Rows(at, batch)).await;
    }
    let (skeleton, stored) = loading.end().await?;
    if stored != expected {
        let message =
            format!("{}: some of its rows exclude each other, so they cannot be copied", remote.shown());
        return Err(EngineError::new(ErrorKind::Unstorable, message));
    }
    Ok(skeleton)
}

/// Reads everything page by page; nothing where definitions are not as they were.
async fn by_pages(
    remote: &Arc<Remote>,
    found: Found,
    skeleton: Skeleton,
    bytes: Option<u64>,
    allow_moving: bool,
    lowest: &Lowest,
) -> Result<Option<Copied>, EngineError> {
    let some = |read: &ReadTable| {
        let (column, lowest) = lowest.get(&read.table.name)?;
        read.from(*column, lowest)
    };
    let tables: Vec<ReadTable> =
        skeleton.tables.iter().map(|read| some(read).unwrap_or_else(|| read.clone())).collect();
    let loading = Loading::begin(skeleton);
    let mut reading = Reading {
        remote,
        tables: &tables,
        loading: &loading,
        as_of: vec![None; tables.len()],
        rows: vec![None; tables.len()],
        all: vec![None; tables.len()],
        epoch: 0,
        now: Changes::read(remote).await?,
        per_request: None,
    };
    let mut is_one = false;
    for _ in 0..ROUNDS {
        if let Err(error) = reading.round().await {
            // A table may be gone, or have other columns.
            match Found::read(remote).await {
                Ok(now) if now != found => return Ok(None),
                _ if error.kind() == ErrorKind::Conflict => {}
                _ => return Err(loading.failed(error).await),
            }
        }
        if reading.is_settled() {
            if Found::read(remote).await? != found {
                return Ok(None);
            }
            if reading.counts_agree().await? {
                is_one = true;
                break;
            }
        }
    }
    if !is_one && !reading.is_whole() {
        return Err(loading.failed(moved(remote)).await);
    }
    if !is_one && !allow_moving {
        return Err(never_still(remote));
    }
    let (expected, all, as_of) = (reading.rows, reading.all, reading.now);
    let (skeleton, stored) = loading.end().await?;
    // A row that moved to where it was read again; or the database was started anew in between.
    if is_one && !stored.iter().zip(&expected).all(|(stored, expected)| Some(*stored) == *expected) {
        return Ok(None);
    }
    let oneness = if is_one { Oneness::Unchanged } else { Oneness::None };
    let some = tables.iter().zip(all.iter().zip(&stored)).filter(|(read, _)| read.is_some());
    let some = some.map(|(read, (all, stored))| (read.table.name.clone(), (all.unwrap_or(*stored), *stored)));
    Ok(Some(Copied { skeleton, found, oneness, bytes, as_of, some: some.collect() }))
}

/// A copy on its way through the tables.
struct Reading<'r> {
    remote: &'r Remote,
    tables: &'r [ReadTable],
    loading: &'r Loading,
    /// Between which changes a table was read.
    as_of: Vec<Option<u64>>,
    /// The rows that were read of it.
    rows: Vec<Option<u64>>,
    /// The rows that it had, where not all were to be read.
    all: Vec<Option<u64>>,
    /// Rises with each change that was noticed.
    epoch: u64,
    /// The counters, as they were last.
    now: Changes,
    per_request: Option<PerRequest>,
}

impl Reading<'_> {
    /// Reads the tables that may have changed since they were read.
    async fn round(&mut self) -> Result<(), EngineError> {
        if self.per_request.is_none() {
            self.per_request = Changes::per_request(self.remote).await?;
            self.is_unchanged().await?;
        }
        let (mut since, mut rows) = (Vec::new(), 0);
        for at in 0..self.tables.len() {
            if self.as_of[at] == Some(self.epoch) {
                continue;
            }
            rows += self.table(at).await?;
            since.push(at);
            if rows >= ROWS_BETWEEN || since.len() >= TABLES_BETWEEN {
                self.look(&mut since).await?;
                rows = 0;
            }
        }
        self.look(&mut since).await
    }

    async fn table(&mut self, at: usize) -> Result<u64, EngineError> {
        (self.as_of[at], self.rows[at]) = (None, None);
        self.loading.send(Step::Clear(at)).await;
        let (mut pages, mut rows) = (Pages::new(self.remote, &self.tables[at]), 0);
        while let Some(batch) = pages.next().await? {
            rows += batch.rows() as u64;
            if !self.loading.send(Step::Rows(at, batch)).await {
                // The disk is full, perhaps: the end says so.
                let message = format!("{}: its copy cannot be written", self.remote.shown());
                return Err(EngineError::new(ErrorKind::Other, message));
            }
        }
        self.rows[at] = Some(rows);
        Ok(rows)
    }

    /// Asks for the counters: what was read since the last time is of that moment if they are still the same.
    async fn look(&mut self, since: &mut Vec<usize>) -> Result<(), EngineError> {
        let is_same = self.is_unchanged().await?;
        for at in since.drain(..) {
            self.as_of[at] = is_same.then_some(self.epoch);
        }
        Ok(())
    }

    /// Whether nothing was changed since the last look.
    async fn is_unchanged(&mut self) -> Result<bool, EngineError> {
        let now = Changes::read(self.remote).await?;
        let is_same = self.per_request.is_some_and(|per_request| self.now.stay(&now, per_request));
        self.epoch += u64::from(!is_same);
        self.now = now;
        Ok(is_same)
    }

    /// Whether all tables are of one moment, by the counters.
    fn is_settled(&self) -> bool {
        self.as_of.iter().all(|as_of| *as_of == Some(self.epoch))
    }

    /// Whether each table was read to its end.
    fn is_whole(&self) -> bool {
        self.rows.iter().all(Option::is_some)
    }

    /// Counts the rows, and forgets that a table was read which has another number of them. That happens where the database was
    /// started anew, and its counters with it.
    async fn counts_agree(&mut self) -> Result<bool, EngineError> {
        let mut agree = true;
        let places: Vec<usize> = (0..self.tables.len()).collect();
        for some in places.chunks(COUNTED_TOGETHER) {
            let counts = some.iter().map(|at| {
                let name = quoted(&self.tables[*at].table.name.name);
                format!("CAST((SELECT count(*) FROM main.{name}) AS TEXT) AS n{at}")
            });
            let sql = format!("SELECT {}", counts.collect::<Vec<_>>().join(", "));
            let answer = self.remote.read_one(&Statement::new(sql)).await?;
            let rows =
                answer.texts().map_err(|error| self.remote.not_understood("counts").with_source(error))?;
            let row = rows.into_iter().next().unwrap_or_default();
            for (place, at) in some.iter().enumerate() {
                let count = row.get(place).and_then(|count| count.as_ref()?.parse::<u64>().ok());
                if self.tables[*at].is_some() {
                    self.all[*at] = count;
                } else if count != self.rows[*at] {
                    self.as_of[*at] = None;
                    agree = false;
                }
            }
        }
        Ok(self.is_unchanged().await? && agree)
    }
}

/// The copy, and the rows that each of its tables has, if they were all read.
type Filled = (Skeleton, Option<Vec<u64>>);

/// A thread that fills the copy.
struct Loading {
    steps: mpsc::Sender<Step>,
    thread: JoinHandle<Result<Filled, EngineError>>,
}

impl Loading {
    fn begin(skeleton: Skeleton) -> Self {
        let (steps, received) = mpsc::channel(WAITING_BATCHES);
        let work = move || skeleton.fill(received).map(|stored| (skeleton, stored));
        Self { steps, thread: tokio::spawn(blocking(work)) }
    }

    /// Hands on a step; false when the thread has failed.
    async fn send(&self, step: Step) -> bool {
        self.steps.send(step).await.is_ok()
    }

    /// Waits for the end of all steps, and gives the rows that each table has.
    async fn end(self) -> Result<(Skeleton, Vec<u64>), EngineError> {
        let _ = self.steps.send(Step::End).await;
        drop(self.steps);
        match self.thread.await {
            Ok(Ok((skeleton, Some(stored)))) => Ok((skeleton, stored)),
            Ok(Ok((_, None))) => Err(EngineError::new(ErrorKind::Other, "the copy was not filled")),
            Ok(Err(error)) => Err(error),
            Err(error) => {
                Err(EngineError::new(ErrorKind::Other, "a thread that fills a copy ended unexpectedly")
                    .with_source(error))
            }
        }
    }

    /// The thread's own error where it has one, else the given.
    async fn failed(self, error: EngineError) -> EngineError {
        drop(self.steps);
        match self.thread.await {
            Ok(Err(own)) => own,
            _ => error,
        }
    }
}

fn redefined(remote: &Remote) -> EngineError {
    let message = format!(
        "{}: its tables were changed each time it was read ({ROUNDS} times): wait until its migration has ended",
        remote.shown()
    );
    EngineError::new(ErrorKind::Busy, message)
}

fn never_still(remote: &Remote) -> EngineError {
    let message = format!(
        "{}: it was changed while it was read, {ROUNDS} times in a row, so what was read is no state that it ever had: keep writers out \
         for the time of a backup, or take it as it is with --allow-moving",
        remote.shown()
    );
    EngineError::new(ErrorKind::Busy, message)
}
