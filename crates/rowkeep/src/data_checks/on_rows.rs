//! Checks of the rows of a snapshot, where no database can be asked: each reads the tables that it speaks of, chunk by chunk.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use rowkeep_engine::dialect::{Canon, Written};
use rowkeep_format::{RowBatch, Table, TableEntry};

use super::check::{Allowed, Check, Demand};
use super::judge::{self, Rows, Verdict, Wrong};
use super::resolve::table;
use super::run::{Circumstances, entry, rows_within};
use super::sql::SHOWN;
use crate::diff::RowTest;
use crate::report::ReportEntry;
use crate::rows::condition::Condition;
use crate::rows::condition::equality::Equality;
use crate::rows::times;
use crate::state::SnapshotState;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// Runs checks one after the other on the rows of a snapshot.
///
/// One that only a database can be asked is not run, and so fails, whatever its level; so does one that speaks of what the snapshot does
/// not have, unless it is to be an error of the run (`strict`). A column is known by the rows that have it, so
/// in a table without rows every column is. The run fails where rows cannot be read.
pub async fn run_checks_on_rows(
    context: &Context,
    state: &SnapshotState,
    checks: &[Check],
    circumstances: Circumstances<'_>,
) -> Result<Vec<ReportEntry>, Error> {
    context.until_cancelled(run_now(&Asked { context, state, circumstances }, checks)).await
}

/// Why a check cannot be run on the rows of a snapshot that does not have what it speaks of; nothing where it can.
pub(crate) fn lack(context: &Context, state: &SnapshotState, check: &Check) -> Option<Error> {
    let circumstances = Circumstances { now: state.snapshot.manifest.time, before: None, strict: false };
    match (Asked { context, state, circumstances }).resolve(&check.demand) {
        Err(Unrun::Error(error)) => Some(error),
        Err(Unrun::Because(_)) | Ok(_) => None,
    }
}

async fn run_now(asked: &Asked<'_>, checks: &[Check]) -> Result<Vec<ReportEntry>, Error> {
    // First what they speak of, so that a misspelt name is said before a large table is read.
    let mut resolved = Vec::new();
    for check in checks {
        match asked.resolve(&check.demand) {
            Err(Unrun::Error(error)) if asked.circumstances.strict => return Err(error),
            looks => resolved.push(looks),
        }
    }
    let mut found = Vec::new();
    for (check, look) in checks.iter().zip(resolved) {
        let watch = asked.context.stopwatch();
        let verdict = match look {
            Ok(look) => Ok(asked.verdict(look).await?),
            Err(Unrun::Because(why)) => Err(format!("NOT RUN: {why}")),
            Err(Unrun::Error(error)) => Err(format!("NOT RUN: {error}")),
        };
        found.push(entry(check.title(), check.level, verdict, watch.elapsed_ms()));
    }
    Ok(found)
}

/// Why a check is not run.
enum Unrun {
    /// It speaks of what the snapshot does not have.
    Error(Error),
    /// It cannot be.
    Because(String),
}

impl From<Error> for Unrun {
    fn from(error: Error) -> Self {
        Unrun::Error(error)
    }
}

/// Columns of a table that rows are looked at for.
struct Of<'s> {
    table: &'s Table,
    entry: &'s TableEntry,
    /// The columns of its key, where it has one.
    key: Vec<String>,
    /// Their names, and where they are; the latter not where there are no rows.
    names: Vec<String>,
    places: Vec<usize>,
}

/// A demand whose names are those of the snapshot.
enum Look<'s> {
    /// Known already.
    Settled(Verdict),
    Orphans {
        child: Of<'s>,
        parent: Of<'s>,
    },
    Values {
        of: Of<'s>,
        allowed: Vec<Canon<'static>>,
    },
    /// Rows that are as none may be.
    Rows {
        of: Of<'s>,
        wrong: Wrong,
        test: RowTest,
    },
    Duplicates(Of<'s>),
    Newest {
        of: Of<'s>,
        max_age_seconds: u64,
    },
}

struct Asked<'a> {
    context: &'a Context,
    state: &'a SnapshotState,
    circumstances: Circumstances<'a>,
}

impl<'a> Asked<'a> {
    fn of(&self, name: &str, columns: &[String]) -> Result<Of<'a>, Error> {
        let state = self.state;
        let (table, relation) = table(state.dialect, &state.schema, name)?;
        let entry = state.entry(&table.name).ok_or_else(|| Error::Lacks {
            state: format!("{} has no rows of {}: it", state.snapshot.told(), table.name),
            lack: "holds those of other tables only",
        })?;
        let names = match entry.root.rows {
            0 => columns.to_vec(),
            _ => relation.columns(columns)?,
        };
        Ok(Of { table, entry, places: places(table, &names), names, key: relation.key })
    }

    fn resolve(&self, demand: &Demand) -> Result<Look<'a>, Unrun> {
        let one = std::slice::from_ref;
        Ok(match demand {
            Demand::MinRows { table, rows } => {
                Look::Settled(judge::min_rows(self.of(table, &[])?.entry.root.rows, *rows))
            }
            Demand::RowsWithin { table, percent } => {
                let of = self.of(table, &[])?;
                let (before, rows) = (self.circumstances.before, of.entry.root.rows);
                Look::Settled(rows_within(before, &of.table.name, rows, *percent))
            }
            Demand::NoOrphansOf { table, columns, references, referenced_columns } => Look::Orphans {
                child: self.of(table, columns)?,
                parent: self.of(references, referenced_columns)?,
            },
            Demand::Values { table, column, values } => {
                let of = self.of(table, one(column))?;
                let allowed = self.allowed(&of, values)?;
                Look::Values { of, allowed }
            }
            Demand::NotNull { table, columns } => {
                let of = self.of(table, columns)?;
                let reading =
                    |place: &usize| (*place, self.state.dialect.reading(&of.table.columns[*place].type_name));
                let readings: Vec<_> = of.places.iter().map(reading).collect();
                let is_null = move |batch: &RowBatch, row| {
                    readings.iter().any(|(place, reading)| reading.canon(batch.value(row, *place)).is_none())
                };
                Look::Rows { of, wrong: Wrong::Nulls, test: Box::new(is_null) }
            }
            Demand::NoRows { table, condition } => {
                let of = self.of(table, &[])?;
                if of.entry.root.rows == 0 {
                    return Ok(Look::Settled(judge::none_of(Wrong::Matching, 0, &Rows::new(), &of.key)));
                }
                let condition = Condition::parse(condition).map_err(Error::from)?;
                let bound = condition.bind(of.table, self.state.dialect)?;
                let is_so = move |batch: &RowBatch, row| bound.matches(batch, row);
                Look::Rows { of, wrong: Wrong::Matching, test: Box::new(is_so) }
            }
            Demand::Unique { table, columns } => Look::Duplicates(self.of(table, columns)?),
            Demand::Newest { table, column, max_age_seconds } => {
                Look::Newest { of: self.of(table, one(column))?, max_age_seconds: *max_age_seconds }
            }
            Demand::NoOrphans { .. } | Demand::Sql { .. } => {
                return Err(Unrun::Because(demand.beyond_rows().unwrap_or_default().to_owned()));
            }
        })
    }

    /// Values as they compare with those of a column.
    fn allowed(&self, of: &Of<'_>, values: &[Allowed]) -> Result<Vec<Canon<'static>>, Unrun> {
        let Some(place) = of.places.first() else { return Ok(Vec::new()) };
        let reading = self.state.dialect.reading(&of.table.columns[*place].type_name);
        let mut allowed = Vec::new();
        for value in values {
            let written = match value {
                Allowed::Boolean(truth) => Written::Boolean(*truth),
                Allowed::Integer(integer) => Written::Number(integer.to_string()),
                Allowed::Number(number) => Written::Number(number.to_string()),
                Allowed::Text(text) => Written::Text(text.clone()),
            };
            let read = reading.literal(&written);
            let read = read.map_err(|what| Unrun::Because(format!("the column takes {what} only")))?;
            allowed.extend(read);
        }
        Ok(allowed)
    }

    async fn verdict(&self, look: Look<'_>) -> Result<Verdict, Error> {
        Ok(match look {
            Look::Settled(verdict) => verdict,
            Look::Orphans { child, parent } => self.orphans(&child, &parent).await?,
            Look::Values { of, allowed } => {
                let mut wrong = First::default();
                let [place] = of.places[..] else { return Ok(wrong.told(Wrong::Values, &of.names)) };
                let reading = self.state.dialect.reading(&of.table.columns[place].type_name);
                let see = |batch: &RowBatch, row| {
                    let value = reading.canon(batch.value(row, place));
                    if value.is_some_and(|value| !allowed.contains(&value)) {
                        wrong.add(self.shown(&of.places, batch, row));
                    }
                };
                self.each(of.entry, see).await?;
                wrong.told(Wrong::Values, &of.names)
            }
            Look::Rows { of, wrong, test } => {
                let key = places(of.table, &of.key);
                let (mut number, mut samples) = (0, Rows::new());
                let see = |batch: &RowBatch, row| {
                    let is_so = test(batch, row);
                    number += u64::from(is_so);
                    if is_so && samples.len() < SHOWN && !key.is_empty() {
                        samples.push(self.shown(&key, batch, row));
                    }
                };
                self.each(of.entry, see).await?;
                judge::none_of(wrong, number, &samples, &of.key)
            }
            Look::Duplicates(of) => self.duplicates(&of).await?,
            Look::Newest { of, max_age_seconds } => {
                let dialect = self.state.dialect;
                // What is no time counts only where nothing else is there.
                let mut newest = None;
                let see = |batch: &RowBatch, row| {
                    for place in &of.places {
                        let text = dialect.text(batch.value(row, *place));
                        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
                        newest = newest.take().max(text.map(|text| (times::read(&text), text)));
                    }
                };
                self.each(of.entry, see).await?;
                let rows = newest.map(|(_, text)| vec![text]).into_iter().collect();
                judge::newest(&rows, self.circumstances.now, max_age_seconds)
            }
        })
    }

    async fn orphans(&self, child: &Of<'_>, parent: &Of<'_>) -> Result<Verdict, Error> {
        let mut known = HashSet::new();
        let dialect = self.state.dialect;
        // Where the other table has no rows, values are read as they are.
        let equality = match parent.places.len() == child.places.len() {
            true => Equality::of(parent.table, &parent.places, dialect),
            false => Equality::of(child.table, &child.places, dialect),
        };
        let see = |batch: &RowBatch, row| {
            known.extend(equality.bytes(batch, row, &parent.places).map(|bytes| blake3::hash(&bytes)));
        };
        self.each(parent.entry, see).await?;
        let mut wrong = First::default();
        let see = |batch: &RowBatch, row| {
            let value = equality.bytes(batch, row, &child.places);
            if value.is_some_and(|bytes| !known.contains(&blake3::hash(&bytes))) {
                wrong.add(self.shown(&child.places, batch, row));
            }
        };
        self.each(child.entry, see).await?;
        Ok(wrong.told(Wrong::Orphans, &child.names))
    }

    async fn duplicates(&self, of: &Of<'_>) -> Result<Verdict, Error> {
        let equality = Equality::of(of.table, &of.places, self.state.dialect);
        let hash =
            |batch: &RowBatch, row| equality.bytes(batch, row, &of.places).map(|bytes| blake3::hash(&bytes));
        let (mut once, mut twice) = (HashSet::new(), HashSet::new());
        let see = |batch: &RowBatch, row| {
            if let Some(value) = hash(batch, row)
                && !once.insert(value)
            {
                twice.insert(value);
            }
        };
        self.each(of.entry, see).await?;
        drop(once);
        let mut wrong = First::default();
        if !twice.is_empty() {
            let see = |batch: &RowBatch, row| {
                if hash(batch, row).is_some_and(|value| twice.contains(&value)) {
                    wrong.add(self.shown(&of.places, batch, row));
                }
            };
            self.each(of.entry, see).await?;
        }
        let number = twice.len() as u64;
        Ok(judge::none_of(Wrong::Duplicates, number, &wrong.rows(), &of.names))
    }

    /// Looks at all rows of a table.
    async fn each(&self, table: &TableEntry, mut see: impl FnMut(&RowBatch, usize)) -> Result<(), Error> {
        let cause = Cause::default();
        let mut batches = rows(self.context, &self.state.reader, table, &cause);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| cause.of(error))?;
            (0..batch.rows()).for_each(|row| see(&batch, row));
        }
        Ok(())
    }

    /// The values of a row in words.
    fn shown(&self, places: &[usize], batch: &RowBatch, row: usize) -> Vec<String> {
        let dialect = self.state.dialect;
        places.iter().map(|place| judge::shown_by(dialect, batch.value(row, *place))).collect()
    }
}

/// Where columns of these names are.
fn places(table: &Table, names: &[String]) -> Vec<usize> {
    let place = |name: &String| table.columns.iter().position(|column| &column.name == name);
    names.iter().filter_map(place).collect()
}

/// The first of what is wrong, in the order of its words, each with how often it is there.
#[derive(Default)]
struct First {
    number: u64,
    values: BTreeMap<Vec<String>, u64>,
}

impl First {
    fn add(&mut self, values: Vec<String>) {
        self.number += 1;
        *self.values.entry(values).or_default() += 1;
        if self.values.len() > SHOWN {
            self.values.pop_last();
        }
    }

    fn rows(self) -> Rows {
        let with_times = |(mut values, times): (Vec<String>, u64)| {
            values.push(times.to_string());
            values
        };
        self.values.into_iter().map(with_times).collect()
    }

    fn told(self, wrong: Wrong, columns: &[String]) -> Verdict {
        judge::none_of(wrong, self.number, &self.rows(), columns)
    }
}
