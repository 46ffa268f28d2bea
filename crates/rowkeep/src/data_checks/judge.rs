//! What the answers of a database mean.

use jiff::Timestamp;
use rowkeep_engine::QueryRows;
use rowkeep_engine::dialect::Dialect;
use rowkeep_format::Value;

use super::check::Expect;
use super::sql::SHOWN;
use crate::durations::{age, seconds_between};
use crate::rows::times::read;
use crate::units::{count, counted};

/// Characters of a value that are shown.
const VALUE_SHOWN: usize = 60;

/// Whether something holds, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) holds: bool,
    pub(super) detail: String,
    /// The first of what is wrong.
    pub(super) samples: Vec<String>,
}

/// Values as people read them.
pub(super) type Rows = Vec<Vec<String>>;

fn verdict(holds: bool, detail: impl Into<String>) -> Verdict {
    Verdict { holds, detail: detail.into(), samples: Vec::new() }
}

/// The values of an answer, in words.
pub(super) fn rows(answer: &QueryRows) -> Rows {
    let columns = answer.rows.columns();
    (0..answer.rows.rows())
        .map(|row| columns.iter().map(|column| shown(column.value(row))).collect())
        .collect()
}

fn shown(value: Value<'_>) -> String {
    cut(match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => f64::from_bits(bits).to_string(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Blob(bytes) => format!("x'{}'", hex::encode(&bytes[..bytes.len().min(VALUE_SHOWN / 2)])),
    })
}

/// A value of a row, read as the dialect of its database has it.
pub(super) fn shown_by(dialect: &dyn Dialect, value: Value<'_>) -> String {
    match (value, dialect.text(value)) {
        (Value::Blob(_), _) | (_, None) => shown(if dialect.is_none(value) { Value::Null } else { value }),
        (_, Some(text)) => cut(String::from_utf8_lossy(&text).into_owned()),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(VALUE_SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// The one number that an answer consists of.
pub(crate) fn number_of(answer: &QueryRows) -> Option<u64> {
    number(&rows(answer))
}

/// The one number of an answer in words.
pub(super) fn number(rows: &Rows) -> Option<u64> {
    rows.first()?.first()?.parse().ok()
}

pub(super) fn min_rows(rows: u64, at_least: u64) -> Verdict {
    verdict(rows >= at_least, counted(rows, "row"))
}

pub(super) fn rows_within(rows: u64, before: u64, percent: f64) -> Verdict {
    let off = rows.abs_diff(before) as f64;
    let holds = off * 100.0 <= percent * before as f64;
    let change = match before {
        0 => String::new(),
        before => format!(" ({:+.1} %)", (rows as f64 - before as f64) * 100.0 / before as f64),
    };
    verdict(holds, format!("{}, and {} in the snapshot{change}", counted(rows, "row"), count(before)))
}

/// How what is wrong is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Rows that refer to none; samples end with how many.
    Orphans,
    /// Rows with values that are not allowed; samples end with how many.
    Values,
    /// Rows without a value; samples are keys.
    Nulls,
    /// Rows that are as none may be; samples are keys.
    Matching,
    /// Values that several rows have; samples end with how many.
    Duplicates,
}

/// Nothing wrong holds; otherwise the first of what is wrong are shown.
pub(super) fn none_of(wrong: Wrong, number: u64, samples: &Rows, columns: &[String]) -> Verdict {
    if number == 0 {
        return verdict(true, "so it is in every row");
    }
    let is_one = number == 1;
    let detail = match wrong {
        Wrong::Orphans if is_one => "1 row refers to none".to_owned(),
        Wrong::Orphans => format!("{} rows refer to none", count(number)),
        Wrong::Values if is_one => "1 row has a value that is not allowed".to_owned(),
        Wrong::Values => format!("{} rows have values that are not allowed", count(number)),
        Wrong::Nulls if is_one => "1 row has NULL".to_owned(),
        Wrong::Nulls => format!("{} rows have NULL", count(number)),
        Wrong::Matching if is_one => "1 row is so".to_owned(),
        Wrong::Matching => format!("{} rows are so", count(number)),
        Wrong::Duplicates if is_one => "1 value is there more than once".to_owned(),
        Wrong::Duplicates => format!("{} values are there more than once", count(number)),
    };
    let counted_last = !matches!(wrong, Wrong::Nulls | Wrong::Matching);
    let sample = |row: &Vec<String>| {
        let (values, times) = match row.split_last() {
            Some((times, values)) if counted_last => (values, Some(times)),
            _ => (row.as_slice(), None),
        };
        let pairs: Vec<_> =
            columns.iter().zip(values).map(|(name, value)| format!("{name} = {value}")).collect();
        match times.and_then(|times| times.parse().ok()) {
            Some(times) => format!("{} ({})", pairs.join(", "), counted(times, "row")),
            None => pairs.join(", "),
        }
    };
    Verdict { holds: false, detail, samples: samples.iter().take(SHOWN).map(sample).collect() }
}

pub(super) fn newest(rows: &Rows, now: Timestamp, max_age_seconds: u64) -> Verdict {
    let Some(value) = rows.first().and_then(|row| row.first()).filter(|value| *value != "NULL") else {
        return verdict(false, "there is no row with a time");
    };
    let Some(time) = read(value) else {
        return verdict(false, format!("the newest is {value:?}, which is no time"));
    };
    let old = seconds_between(time, now);
    let holds = old <= i64::try_from(max_age_seconds).unwrap_or(i64::MAX);
    let allowed = age(i64::try_from(max_age_seconds).unwrap_or(i64::MAX));
    let detail = match (old < 0, holds) {
        (true, _) => format!("the newest is of {value}"),
        (_, true) => format!("the newest is {} old, of {value}", age(old)),
        (_, false) => format!("the newest is {} old, of {value}; {allowed} are allowed", age(old)),
    };
    verdict(holds, detail)
}

/// What a statement returned, and in how many milliseconds.
pub(super) fn statement(
    columns: &[String],
    rows: &Rows,
    more: bool,
    expect: Option<Expect>,
    ms: u64,
    max_ms: Option<u64>,
) -> Verdict {
    let mut verdict = match expect {
        None => verdict(true, String::new()),
        Some(Expect::Nothing) => nothing(columns, rows, more),
        Some(Expect::True) => is_true(rows, more),
    };
    if let Some(max_ms) = max_ms {
        let time = format!("in {} ms", count(ms));
        let time = if ms > max_ms { format!("{time}; {} are allowed", count(max_ms)) } else { time };
        verdict.holds &= ms <= max_ms;
        verdict.detail = if verdict.detail.is_empty() { time } else { format!("{}, {time}", verdict.detail) };
    }
    verdict
}

fn nothing(columns: &[String], rows: &Rows, more: bool) -> Verdict {
    let sample = |row: &Vec<String>| {
        let pairs: Vec<_> =
            columns.iter().zip(row).map(|(name, value)| format!("{name} = {value}")).collect();
        pairs.join(", ")
    };
    match rows.len() as u64 {
        0 => verdict(true, "returned nothing"),
        number => Verdict {
            holds: false,
            detail: match more {
                true => format!("returned more than {}", counted(number, "row")),
                false => format!("returned {}", counted(number, "row")),
            },
            samples: rows.iter().map(sample).collect(),
        },
    }
}

fn is_true(rows: &Rows, more: bool) -> Verdict {
    match rows.as_slice() {
        [row] if row.len() == 1 && !more => {
            let value = row[0].as_str();
            let is_number = value.parse::<f64>().is_ok_and(|number| number != 0.0 && !number.is_nan());
            verdict(is_number || matches!(value, "t" | "true"), format!("returned {value}"))
        }
        [] => verdict(false, "returned no row, and true was expected"),
        _ => verdict(false, "returned more than one value, and true was expected"),
    }
}
