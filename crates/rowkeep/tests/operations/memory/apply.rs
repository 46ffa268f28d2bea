//! Changing rows: in a copy, which is put into its place when all is well.

use std::collections::{BTreeMap, HashSet};

use futures::TryStreamExt;
use rowkeep::engine::{
    Applied, AppliedTable, ApplyOptions, ChangeSource, EngineError, ErrorKind, MayDangle, OnConflict,
};
use rowkeep::format::{Change, Changes, Counts, RowBatch, Table, TableChanges, Value};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params_from_iter};

use super::rows::{columns, failed, push, quoted, stored};
use super::schema::schema;
use super::store::{self, Database};

type Done<T> = Result<T, EngineError>;

fn wrong(error: rusqlite::Error) -> EngineError {
    failed(ErrorKind::Constraint, &error)
}

/// What is to be done to one row: the number of the one that is there, and what comes in its place.
struct Step {
    old: Option<i64>,
    new: Option<RowBatch>,
}

pub(super) async fn apply(
    name: &str,
    database: &Database,
    changes: &dyn ChangeSource,
    options: &ApplyOptions,
) -> Done<Applied> {
    if options.stop.is_cancelled() {
        return Err(EngineError::new(ErrorKind::Stopped, "stopped; nothing was changed"));
    }
    let copy = store::copy(&store::lock(database));
    copy.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, options.fire_triggers).map_err(wrong)?;
    let before = dangling(&copy);
    let (mut applied, mut steps) = (Applied::default(), Vec::new());
    for (number, table) in changes.tables().iter().enumerate() {
        let is_there = schema(&copy, false).table(&table.table.name).is_some();
        if !is_there {
            let message = format!("there is no table {}", table.table.name);
            return Err(EngineError::new(ErrorKind::NotFound, message));
        }
        let read: Vec<Changes> = match table.counts == Counts::default() {
            true => Vec::new(),
            false => changes.read(number).try_collect().await?,
        };
        let (done, of_table) = settle(&copy, table, &read, options.on_conflict)?;
        applied.tables.push(done);
        steps.push((table, of_table));
    }
    if options.fire_triggers {
        steps.iter().try_for_each(|(table, steps)| in_place(&copy, table, steps))?;
    } else {
        // First all that goes, so that values that are unique are free.
        let old = |table: &TableChanges, steps: &[Step]| {
            let sql = format!("DELETE FROM {} WHERE rowid = ?", quoted(&table.table.name.name));
            let mut gone = copy.prepare(&sql).map_err(wrong)?;
            steps
                .iter()
                .filter_map(|step| step.old)
                .try_for_each(|row| gone.execute([row]).map(|_| ()).map_err(wrong))
        };
        steps.iter().try_for_each(|(table, steps)| old(table, steps))?;
        steps.iter().try_for_each(|(table, steps)| {
            steps.iter().filter_map(|step| step.new.as_ref()).try_for_each(|row| insert(&copy, table, row))
        })?;
    }
    refuse_dangling(&before, &dangling(&copy), &options.may_dangle)?;
    for sql in &options.statements {
        copy.execute_batch(sql).map_err(|error| failed(ErrorKind::Statement, &error))?;
    }
    copy.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true).map_err(wrong)?;
    store::put(name, copy);
    Ok(applied)
}

/// What is to be done to the rows of a table, which are looked at as they are.
fn settle(
    copy: &Connection,
    changed: &TableChanges,
    read: &[Changes],
    on_conflict: OnConflict,
) -> Done<(AppliedTable, Vec<Step>)> {
    let table = &changed.table;
    let mut done = AppliedTable {
        table: table.name.clone(),
        done: Counts::default(),
        already: 0,
        skipped: 0,
        left: Default::default(),
    };
    let (mut steps, mut taken, mut number, mut first) = (Vec::new(), HashSet::new(), 0, None);
    for changes in read {
        for change in changes.iter() {
            let same = |there: &RowBatch, (batch, row): (&RowBatch, usize), unknown: &[usize]| {
                (0..table.columns.len())
                    .all(|at| unknown.contains(&at) || there.value(0, at) == batch.value(row, at))
            };
            let one = |batch: &RowBatch, row: usize| {
                let mut one = RowBatch::new(table.columns.len());
                one.extend(batch, row..row + 1);
                one
            };
            let (before, after) = match change {
                Change::Insert { after } => (None, Some((changes.after(), after))),
                Change::Delete { before } => (Some((changes.before(), before)), None),
                Change::Update { before, after } => {
                    (Some((changes.before(), before)), Some((changes.after(), after)))
                }
            };
            let named = before.or(after).expect("a change has a row");
            let unknown = if before.is_some() && after.is_none() { &changed.delete_unknown[..] } else { &[] };
            // Of a table without a key every row that comes is another.
            let there = match table.key.unique || before.is_some() {
                true => find(copy, table, named, unknown, &taken)?,
                false => None,
            };
            let is_after = after.is_some_and(|after| {
                let unknown = if before.is_none() { &changed.insert_defaults[..] } else { &[] };
                there.as_ref().is_some_and(|(_, there)| same(there, after, unknown))
            });
            let is_before = match (before, &there) {
                (None, None) => true,
                (Some(before), Some((_, there))) => same(there, before, unknown),
                _ => false,
            };
            if is_after || after.is_none() && there.is_none() {
                done.already += 1;
                done.left.push(number);
            } else if is_before {
                taken.extend(there.as_ref().map(|(row, _)| *row));
                let old = there.map(|(row, _)| row);
                steps.push(Step { old, new: after.map(|(batch, row)| one(batch, row)) });
                match change {
                    Change::Insert { .. } => done.done.inserted += 1,
                    Change::Update { .. } => done.done.updated += 1,
                    Change::Delete { .. } => done.done.deleted += 1,
                }
            } else {
                first.get_or_insert_with(|| told(table, named));
                done.skipped += 1;
                done.left.push(number);
            }
            number += 1;
        }
    }
    match first.filter(|_| on_conflict == OnConflict::Stop) {
        None => Ok((done, steps)),
        Some(first) => {
            let message = format!(
                "{} rows of table {} are not as they were, the first with {first}",
                done.skipped, table.name
            );
            Err(EngineError::new(ErrorKind::Conflict, message))
        }
    }
}

fn told(table: &Table, (batch, row): (&RowBatch, usize)) -> String {
    let part = |column: usize| {
        let value = match batch.value(row, column) {
            Value::Integer(integer) => integer.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        format!("{} = {value}", table.columns[column].name)
    };
    table.key.columns.iter().map(|key| part(key.column)).collect::<Vec<_>>().join(", ")
}

/// The row of a key, with its number; of a table without one, a row like it that was not taken yet.
fn find(
    copy: &Connection,
    table: &Table,
    (batch, row): (&RowBatch, usize),
    unknown: &[usize],
    taken: &HashSet<i64>,
) -> Done<Option<(i64, RowBatch)>> {
    let by: Vec<usize> =
        table.key.columns.iter().map(|key| key.column).filter(|at| !unknown.contains(at)).collect();
    let wanted: Vec<String> =
        by.iter().map(|at| format!("{} IS ?", quoted(&table.columns[*at].name))).collect();
    let sql = format!(
        "SELECT {}, rowid FROM {} WHERE {}",
        columns(table),
        quoted(&table.name.name),
        wanted.join(" AND ")
    );
    let mut statement = copy.prepare(&sql).map_err(wrong)?;
    let values = by.iter().map(|at| stored(batch.value(row, *at)));
    let mut rows = statement.query(params_from_iter(values)).map_err(wrong)?;
    while let Some(found) = rows.next().map_err(wrong)? {
        let number: i64 = found.get(table.columns.len()).map_err(wrong)?;
        if !taken.contains(&number) {
            let mut there = RowBatch::new(table.columns.len());
            push(found, table.columns.len(), &mut there);
            return Ok(Some((number, there)));
        }
    }
    Ok(None)
}

fn insert(copy: &Connection, table: &TableChanges, row: &RowBatch) -> Done<()> {
    let known: Vec<usize> =
        (0..table.table.columns.len()).filter(|at| !table.insert_defaults.contains(at)).collect();
    let names: Vec<String> = known.iter().map(|at| quoted(&table.table.columns[*at].name)).collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        quoted(&table.table.name.name),
        names.join(", "),
        vec!["?"; known.len()].join(", ")
    );
    let mut statement = copy.prepare(&sql).map_err(wrong)?;
    let values = known.iter().map(|at| stored(row.value(0, *at)));
    statement.execute(params_from_iter(values)).map(|_| ()).map_err(wrong)
}

/// Each change as the statement that it is, so that triggers see it.
fn in_place(copy: &Connection, table: &TableChanges, steps: &[Step]) -> Done<()> {
    let name = quoted(&table.table.name.name);
    for step in steps {
        match (step.old, &step.new) {
            (None, None) => {}
            (None, Some(row)) => insert(copy, table, row)?,
            (Some(old), None) => {
                copy.execute(&format!("DELETE FROM {name} WHERE rowid = ?"), [old]).map_err(wrong)?;
            }
            (Some(old), Some(row)) => {
                let set: Vec<String> = table
                    .table
                    .columns
                    .iter()
                    .map(|column| format!("{} = ?", quoted(&column.name)))
                    .collect();
                let sql = format!("UPDATE {name} SET {} WHERE rowid = {old}", set.join(", "));
                copy.execute(&sql, params_from_iter(row.row(0).map(stored))).map_err(wrong)?;
            }
        }
    }
    Ok(())
}

/// How many rows of a table refer to none of another.
fn dangling(database: &Connection) -> BTreeMap<(String, String), u64> {
    let mut statement = database.prepare("PRAGMA foreign_key_check").expect("a query");
    let mut rows = statement.query([]).expect("rows");
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().expect("a row") {
        *found.entry((row.get(0).expect("text"), row.get(2).expect("text"))).or_default() += 1;
    }
    found
}

fn refuse_dangling(
    before: &BTreeMap<(String, String), u64>,
    now: &BTreeMap<(String, String), u64>,
    may: &MayDangle,
) -> Done<()> {
    let allowed = |child: &str, parent: &str| match may {
        MayDangle::Nothing => 0,
        MayDangle::Anything => u64::MAX,
        MayDangle::These(these) => {
            let of = these.iter().filter(|of| of.table.name == child && of.references.name == parent);
            of.map(|of| of.rows).sum()
        }
    };
    for ((child, parent), rows) in now {
        let known = before.get(&(child.clone(), parent.clone())).copied().unwrap_or_default();
        if *rows > known.saturating_add(allowed(child, parent)) {
            let message = format!("rows of table {child} refer to rows of table {parent} that are not there");
            return Err(EngineError::new(ErrorKind::Dangling, message));
        }
    }
    Ok(())
}
