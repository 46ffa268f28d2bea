//! Sequences: set as the changeset says, or moved past what was put in.

use std::collections::BTreeMap;

use futures::StreamExt;
use rowkeep_format::changeset::Change;
use rowkeep_format::{Changes, TableChanges, Value};

use super::staging::{self, kind};
use super::work::Work;
use crate::postgres::catalog::sequences;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::{Row, number, only, text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{AppliedTable, ApplyOptions, ChangeStream, EngineError, ErrorKind, OnConflict};

/// A row of the table of sequences, as text.
type SequenceRow = Vec<String>;

/// What is to happen to a sequence: how it was, how it becomes.
type Pair = (Option<SequenceRow>, Option<SequenceRow>);

/// Sets sequences as the rows of their table say.
pub(super) async fn change(
    session: &Session,
    changes: &TableChanges,
    mut stream: ChangeStream,
    options: &ApplyOptions,
) -> Result<AppliedTable, EngineError> {
    if changes.table.name != sequences::table().name || changes.table.columns.len() != 4 {
        return Err(EngineError::new(
            ErrorKind::Unsupported,
            format!("{} is no table of this database", changes.table.name),
        ));
    }
    let mut applied = AppliedTable::untouched(&changes.table.name);
    let mut change = 0;
    let mut conflicts = Vec::new();
    while let Some(batch) = stream.next().await.transpose()? {
        for (before, after) in rows(&batch) {
            match set(session, before.as_ref(), after.as_ref()).await? {
                SetResult::Done => applied.done.updated += 1,
                SetResult::Already => {
                    applied.already += 1;
                    applied.left.push(change);
                }
                SetResult::Conflict(name) => {
                    conflicts.push(name);
                    applied.left.push(change);
                }
            }
            change += 1;
        }
    }
    if let (OnConflict::Stop, Some(first)) = (options.on_conflict, conflicts.first()) {
        return Err(EngineError::new(
            ErrorKind::Conflict,
            format!("not as the changes say they were: {} sequences ({first}, ...)", conflicts.len()),
        ));
    }
    applied.skipped = conflicts.len() as u64;
    Ok(applied)
}

/// What became of a sequence that was to be set.
enum SetResult {
    Done,
    Already,
    Conflict(String),
}

async fn set(
    session: &Session,
    before: Option<&SequenceRow>,
    after: Option<&SequenceRow>,
) -> Result<SetResult, EngineError> {
    let Some(named) = after.or(before) else { return Ok(SetResult::Already) };
    let name = format!("{}.{}", quote::ident(&named[0]), quote::ident(&named[1]));
    let unsupported = |how: &str| {
        let message = format!("sequence {name} would have to be {how}, which a change of rows cannot do");
        EngineError::new(ErrorKind::Unsupported, message)
    };
    if !is_there(session, &name).await? {
        return match (before, after) {
            (_, None) => Ok(SetResult::Already),
            (None, Some(_)) => Err(unsupported("created")),
            (Some(_), Some(_)) => Ok(SetResult::Conflict(name)),
        };
    }
    lock(session, &name).await.map_err(|error| failed(format!("cannot set sequence {name}"), error))?;
    let now = value(session, &name).await?;
    let is = |row: &SequenceRow| row[2..] == now[..];
    match (before, after) {
        (_, Some(after)) if is(after) => Ok(SetResult::Already),
        (Some(before), _) if !is(before) => Ok(SetResult::Conflict(name)),
        (None, _) => Ok(SetResult::Conflict(name)),
        // A change of rows drops none; plans of earlier programs may ask for it.
        (Some(_), None) => Ok(SetResult::Already),
        (Some(_), Some(after)) => {
            restart(session, &name, &after[2], &after[3]).await?;
            Ok(SetResult::Done)
        }
    }
}

async fn is_there(session: &Session, name: &str) -> Result<bool, EngineError> {
    let query =
        format!("SELECT 1 FROM pg_class WHERE oid = to_regclass({}) AND relkind = 'S'", quote::literal(name));
    Ok(session.value("cannot look up a sequence", &query).await?.is_some())
}

/// Has everybody else wait who wants a number of a sequence.
async fn lock(session: &Session, name: &str) -> Result<(), tokio_postgres::Error> {
    let query = format!(
        "SELECT format('ALTER SEQUENCE %s CACHE %s', {name}, seqcache) FROM pg_sequence \
         WHERE seqrelid = {name}::regclass",
        name = quote::literal(name)
    );
    let statement = session.try_rows(&query).await?;
    session.try_run(statement.first().map(|row| text(row, 0)).unwrap_or_default()).await
}

/// The last value of a sequence and whether it was used, as text.
async fn value(session: &Session, name: &str) -> Result<SequenceRow, EngineError> {
    let query = format!("SELECT last_value, is_called FROM {name}");
    let rows = session.rows("cannot read a sequence", &query).await?;
    let row = only(&rows, "the value of a sequence")?;
    Ok(vec![text(row, 0).to_owned(), text(row, 1).to_owned()])
}

/// Sets a sequence so that it is undone with the transaction, for which it is begun again before.
async fn restart(session: &Session, name: &str, last: &str, called: &str) -> Result<(), EngineError> {
    let statement = format!(
        "ALTER SEQUENCE {name} RESTART; SELECT setval({}::regclass, {}::bigint, {}::boolean)",
        quote::literal(name),
        quote::literal(last),
        quote::literal(called)
    );
    session.try_run(&statement).await.map_err(|error| failed(format!("cannot set sequence {name}"), error))
}

fn rows(changes: &Changes) -> Vec<Pair> {
    let row = |batch: &rowkeep_format::RowBatch, row: usize| -> SequenceRow {
        batch
            .row(row)
            .map(|value| match value {
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Value::Integer(integer) => integer.to_string(),
                _ => String::new(),
            })
            .collect()
    };
    let pairs = changes.iter().map(|change| match change {
        Change::Insert { after } => (None, Some(row(changes.after(), after))),
        Change::Update { before, after } => {
            (Some(row(changes.before(), before)), Some(row(changes.after(), after)))
        }
        Change::Delete { before } => (Some(row(changes.before(), before)), None),
    });
    pairs.collect()
}

/// A sequence that gives values for a column.
struct Feeding {
    name: String,
    descending: bool,
    stage: usize,
    column: usize,
}

/// Moves the sequences that give values for changed columns past what was put in, never back.
pub(super) async fn move_on(session: &Session, work: &Work<'_>) -> Result<Vec<String>, EngineError> {
    let what = "cannot look whether sequences have to be moved on";
    let mut highest: BTreeMap<String, (i128, bool)> = BTreeMap::new();
    let mut notes = Vec::new();
    for feeding in feeding(session, work).await? {
        let function = if feeding.descending { "min" } else { "max" };
        let query = format!(
            "SELECT {function}({}) FROM {} s WHERE s.kind <> {}",
            work.stages[feeding.stage].value("s", feeding.column),
            staging::name(feeding.stage),
            kind::DELETE
        );
        let Some(value) = session.value(what, &query).await? else { continue };
        let value = match whole(&value) {
            Some(Whole::Number(value)) => value,
            Some(Whole::Unbounded) => continue,
            None => {
                notes.push(format!(
                    "sequence {} was not moved on: the highest value that was put in, {value}, is no number that a \
                     sequence gives",
                    feeding.name
                ));
                continue;
            }
        };
        let known = highest.entry(feeding.name).or_insert((value, feeding.descending));
        known.0 = if feeding.descending { known.0.min(value) } else { known.0.max(value) };
    }
    for (name, (value, descending)) in highest {
        notes.extend(move_past(session, &name, value, descending).await?);
    }
    Ok(notes)
}

/// What a number is for a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// It has this whole part.
    Number(i128),
    /// No sequence comes near it: not a number, or infinite.
    Unbounded,
}

/// The whole part of a number as the server prints it, be it an integer, a decimal or a floating-point number.
fn whole(number: &str) -> Option<Whole> {
    if let Ok(integer) = number.parse() {
        return Some(Whole::Number(integer));
    }
    if let Some((integer, fraction)) = number.split_once('.')
        && fraction.bytes().all(|digit| digit.is_ascii_digit())
    {
        return match integer {
            "-0" => Some(Whole::Number(0)),
            integer => integer.parse().ok().map(Whole::Number),
        };
    }
    let real: f64 = number.parse().ok()?;
    Some(if real.is_finite() { Whole::Number(real as i128) } else { Whole::Unbounded })
}

async fn move_past(
    session: &Session,
    name: &str,
    past: i128,
    descending: bool,
) -> Result<Option<String>, EngineError> {
    let denied = |error: &tokio_postgres::Error| error.code().is_some_and(|code| code.code() == "42501");
    let note = |error: tokio_postgres::Error| {
        format!(
            "sequence {name} was not moved past {past}: {}",
            error.as_db_error().map(|said| said.message().to_owned()).unwrap_or_default()
        )
    };
    let failed = |error| failed(format!("cannot move sequence {name}"), error);
    let limits = format!(
        "SELECT last_value, is_called, seqmin, seqmax FROM {name}, pg_sequence WHERE seqrelid = {}::regclass",
        quote::literal(name)
    );
    session.try_run("SAVEPOINT rowkeep_sequence").await.map_err(failed)?;
    let moved = async {
        // First without a lock, for it usually is far enough.
        match is_behind(&session.try_rows(&limits).await?, past, descending) {
            Ok(true) => lock(session, name).await?,
            other => return Ok(other),
        }
        match is_behind(&session.try_rows(&limits).await?, past, descending) {
            Ok(true) => {}
            other => return Ok(other),
        }
        let set = format!(
            "ALTER SEQUENCE {name} RESTART; SELECT setval({}::regclass, {past}, true)",
            quote::literal(name)
        );
        session.try_run(&set).await?;
        Ok(Ok(true))
    };
    match moved.await {
        Ok(moved) => Ok(moved?.then(|| format!("sequence {name} was moved on to {past}"))),
        Err(error) if denied(&error) => {
            session.try_run("ROLLBACK TO SAVEPOINT rowkeep_sequence").await.map_err(failed)?;
            Ok(Some(note(error)))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Whether a sequence has not given a value yet that it can give; of one that is gone, not.
fn is_behind(limits: &[Row], past: i128, descending: bool) -> Result<bool, EngineError> {
    let Some(row) = limits.first() else { return Ok(false) };
    let last: i128 = number(row, 0, "the last value of a sequence")?;
    let is_called = truth(row, 1, "whether a sequence was used")?;
    let lowest: i128 = number(row, 2, "the lowest value of a sequence")?;
    let highest: i128 = number(row, 3, "the highest value of a sequence")?;
    let is_before = if descending { past < last } else { past > last };
    Ok((lowest..=highest).contains(&past) && (is_before || (past == last && !is_called)))
}

/// The sequences that columns own or take their defaults from, those of partitioned tables included.
async fn feeding(session: &Session, work: &Work<'_>) -> Result<Vec<Feeding>, EngineError> {
    let mut tables = Vec::new();
    for (at, (current, staged)) in work.current.iter().zip(&work.staged).enumerate() {
        if staged.counts.inserted + staged.counts.updated > 0 {
            tables.extend(current.ancestors.iter().map(|oid| (*oid, at)));
        }
    }
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let list = tables.iter().map(|(oid, at)| format!("({oid}::oid, {at})")).collect::<Vec<_>>().join(", ");
    let query = format!(
        "WITH fed (sequence, relation, attnum) AS ( \
           SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_depend d \
           WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass \
           AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') \
           UNION SELECT d.refobjid, f.adrelid, f.adnum FROM pg_attrdef f JOIN pg_depend d \
           ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass) \
         SELECT DISTINCT format('%I.%I', n.nspname, c.relname), q.seqincrement < 0, v.at, a.attname \
         FROM (VALUES {list}) v (oid, at) JOIN fed ON fed.relation = v.oid \
         JOIN pg_class c ON c.oid = fed.sequence AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_sequence q ON q.seqrelid = c.oid \
         JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum = fed.attnum \
         JOIN pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N'"
    );
    let rows = session.rows("cannot list the sequences of the tables", &query).await?;
    let mut found = Vec::new();
    for row in &rows {
        let stage: usize = number(row, 2, "a table of the changes")?;
        let descending = truth(row, 1, "whether a sequence descends")?;
        let Some(columns) = work.stages.get(stage).map(|stage| &stage.changes.table.columns) else {
            continue;
        };
        // Generated columns are not among the changes.
        let column = columns.iter().position(|column| column.name == text(row, 3));
        found.extend(column.map(|column| Feeding {
            name: text(row, 0).to_owned(),
            descending,
            stage,
            column,
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_are_read_in_every_form_the_server_prints() {
        for (number, expected) in [
            ("7", 7),
            ("-7", -7),
            ("123456789012345678901234567890", 123_456_789_012_345_678_901_234_567_890),
            ("7.99", 7),
            ("-0.5", 0),
            ("1e+06", 1_000_000),
            ("1.5e+06", 1_500_000),
        ] {
            assert_eq!(whole(number), Some(Whole::Number(expected)), "{number}");
        }
        for number in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(whole(number), Some(Whole::Unbounded), "{number}");
        }
        for number in ["", "$1.00", "1,5", "x"] {
            assert_eq!(whole(number), None, "{number}");
        }
    }

    #[test]
    fn limits_that_cannot_be_read_are_an_error() {
        let row = |values: [&str; 4]| vec![values.map(|value| Some(value.to_owned())).to_vec()];
        let behind = |values, past| is_behind(&row(values), past, false);
        assert!(behind(["5", "t", "1", "9"], 6).expect("they are read"));
        assert!(behind(["5", "f", "1", "9"], 5).expect("they are read"));
        assert!(!behind(["5", "t", "1", "9"], 5).expect("they are read"));
        assert!(!behind(["5", "t", "1", "9"], 10).expect("they are read"), "beyond what it gives");
        let error = behind(["five", "t", "1", "9"], 6).expect_err("it is no number");
        assert!(error.to_string().contains("the last value of a sequence"), "{error}");
    }
}
