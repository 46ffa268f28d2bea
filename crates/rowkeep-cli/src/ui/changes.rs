//! Changed rows, as people read them.

use rowkeep::format::{Change, Changes, RowBatch, Table, TableChanges, Value};

use super::units::plain;

/// The most characters of a value that are shown to people.
const SHOWN: usize = 60;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// A change as a line for people: its key, then what changed.
pub(crate) fn line(table: &TableChanges, changes: &Changes, change: Change, colours: bool) -> String {
    let (sign, colour, text) = match change {
        Change::Insert { after } => {
            ('+', GREEN, whole(&table.table, changes.after(), after, &table.insert_defaults))
        }
        Change::Delete { before } => {
            ('-', RED, whole(&table.table, changes.before(), before, &table.delete_unknown))
        }
        Change::Update { before, after } => ('~', YELLOW, changed(&table.table, changes, before, after)),
    };
    let line = format!("{sign} {} {text}", table.changed());
    if colours { format!("{colour}{line}{RESET}") } else { line }
}

fn whole(table: &Table, rows: &RowBatch, row: usize, without: &[usize]) -> String {
    let shown = (0..table.columns.len()).filter(|column| !without.contains(column));
    let told =
        |column: usize| format!("{}={}", plain(&table.columns[column].name), told(rows.value(row, column)));
    shown.map(told).collect::<Vec<_>>().join(" ")
}

fn changed(table: &Table, changes: &Changes, before: usize, after: usize) -> String {
    let mut parts = Vec::new();
    for key in table.key.telling(changes.before(), before) {
        let value = changes.before().value(before, key.column);
        parts.push(format!("{}={}", plain(&table.columns[key.column].name), told(value)));
    }
    for (column, name) in table.columns.iter().enumerate() {
        let (old, new) = (changes.before().value(before, column), changes.after().value(after, column));
        if old != new {
            parts.push(format!("{}: {} -> {}", plain(&name.name), told(old), told(new)));
        }
    }
    parts.join(" ")
}

/// A value in few characters; text in quotes, so that an empty one and NULL are told apart.
pub(crate) fn told(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => format!("{:?}", f64::from_bits(bits)),
        Value::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let mut shown: String = text.chars().take(SHOWN).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            format!("'{}'", plain(&shown))
        }
        Value::Blob(bytes) => {
            let digits = hex::encode(&bytes[..bytes.len().min(SHOWN / 2)]);
            let more = if bytes.len() > SHOWN / 2 { "…" } else { "" };
            format!("x'{digits}{more}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart() {
        for (value, text) in [
            (Value::Null, "NULL"),
            (Value::Text(b""), "''"),
            (Value::Text(b"NULL"), "'NULL'"),
            (Value::Integer(9_007_199_254_740_993), "9007199254740993"),
            (Value::Real(1f64.to_bits()), "1.0"),
            (Value::Real(f64::INFINITY.to_bits()), "inf"),
            (Value::Blob(&[0, 255]), "x'00ff'"),
            (Value::Text(&[b'a', 255]), "'a\u{fffd}'"),
            (Value::Text(b"a\x1b[2J"), "'a\\u{1b}[2J'"),
        ] {
            assert_eq!(told(value), text);
        }
    }
}
