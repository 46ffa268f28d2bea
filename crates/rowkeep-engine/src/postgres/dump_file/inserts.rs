//! Rows that are written as `INSERT` statements.

use std::io::Read;

use memchr::memchr;
use rowkeep_format::batch::{ColumnValues, Kind};

use super::contents::{Form, TableData};
use super::output::{Ended, Output, Shape, damaged, unreadable};
use super::pieces::{Pieces, Trouble};
use crate::file_source::Damage;
use crate::postgres::schema::cursor::Cursor;

/// Reads all rows of the statements of a table.
pub(super) fn read(
    data: &TableData,
    bytes: impl Read,
    shape: &Shape,
    output: &mut Output<'_>,
) -> Result<Ended, Damage> {
    let mut pieces = Pieces::new(bytes);
    let (mut rows, mut opening, mut columns) = (0u64, Vec::new(), Vec::new());
    loop {
        let piece = match pieces.next() {
            Ok(Some(piece)) if piece.code.is_empty() => continue,
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(if output.send() { Ended::Well } else { Ended::Unwanted }),
            Err(Trouble::Io(error)) => return Err(unreadable(data, rows, &error)),
            Err(Trouble::Unended(what)) => {
                return Err(damaged(data, rows, format!("the file is cut off in the middle of {what}")));
            }
            Err(Trouble::TooLong) => {
                return Err(damaged(data, rows, "a statement is longer than 128 MiB".to_owned()));
            }
        };
        let wrong = |row: u64, what: &str| damaged(data, row, what.to_owned());
        let values = values_at(piece.code).ok_or_else(|| wrong(rows, "an INSERT has no values"))?;
        if piece.code[..values] != *opening {
            opening = piece.code[..values].to_vec();
            columns = places(&opening, shape)
                .ok_or_else(|| wrong(rows, "an INSERT names columns that its table has not"))?;
        }
        let mut rest = piece.code[values + VALUES.len()..].trim_ascii_start();
        if shape.columns == 0 && opening.ends_with(b"DEFAULT") {
            output.batch().end_row();
            rows += 1;
            if !output.added(1) {
                return Ok(Ended::Unwanted);
            }
            continue;
        }
        loop {
            let before = rest.len();
            rest = row(rest, &columns, output.batch().columns_mut()).map_err(|what| wrong(rows, what))?;
            output.batch().end_row();
            rows += 1;
            if !output.added(before - rest.len()) {
                return Ok(Ended::Unwanted);
            }
            match rest.first() {
                Some(b',') => rest = rest[1..].trim_ascii_start(),
                Some(b';') => break,
                _ if rest.starts_with(b"ON CONFLICT DO NOTHING") => break,
                _ => return Err(damaged(data, rows, "what follows a row is no other".to_owned())),
            }
        }
    }
}

/// The columns that the first statement of a part names, if it names them.
pub(super) fn named_columns(data: &TableData) -> Option<Vec<String>> {
    if data.form != Form::Inserts {
        return None;
    }
    let mut pieces = Pieces::new(data.place.open().ok()?);
    let piece = pieces.next().ok()??;
    let opening = String::from_utf8_lossy(&piece.code[..values_at(piece.code)?]).into_owned();
    let mut cursor = Cursor::new(&opening);
    cursor.takes(&["insert", "into"]);
    cursor.qualified()?;
    cursor.names()
}

/// What comes before the rows of a statement.
pub(super) const VALUES: &[u8] = b" VALUES";

/// Where that stands in a statement, outside quoted names.
pub(super) fn values_at(code: &[u8]) -> Option<usize> {
    let (mut begin, mut is_outside) = (0, true);
    memchr::memmem::find_iter(code, VALUES).find(|at| {
        is_outside ^= !memchr::memchr_iter(b'"', &code[begin..*at]).count().is_multiple_of(2);
        begin = *at;
        is_outside
    })
}

/// Where in a batch each value of a row goes; nothing for those of generated columns.
fn places(opening: &[u8], shape: &Shape) -> Option<Vec<Option<usize>>> {
    let text = String::from_utf8_lossy(opening);
    let mut cursor = Cursor::new(&text);
    cursor.takes(&["insert", "into"]);
    cursor.qualified()?;
    if !cursor.sees_symbol('(') {
        return Some(shape.named.iter().map(|(_, place)| *place).collect());
    }
    let place = |name: String| shape.named.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
    let places: Vec<Option<usize>> = cursor.names()?.into_iter().map(place).collect::<Option<_>>()?;
    let given = places.iter().flatten().count();
    (given == shape.columns).then_some(places)
}

/// Adds a row in parentheses to the columns; gives what follows it.
fn row<'a>(
    text: &'a [u8],
    places: &[Option<usize>],
    columns: &mut [ColumnValues],
) -> Result<&'a [u8], &'static str> {
    const COUNT: &str = "a row does not have as many values as the table has columns";
    let mut rest = text.strip_prefix(b"(").ok_or("a row does not begin with a parenthesis")?;
    if places.is_empty() {
        return Err(COUNT);
    }
    for (at, place) in places.iter().enumerate() {
        rest = rest.trim_ascii_start();
        rest = match place {
            Some(place) => value(rest, columns.get_mut(*place).ok_or(COUNT)?)?,
            None => rest.strip_prefix(b"DEFAULT").ok_or("a generated column has a value")?,
        };
        rest = rest.trim_ascii_start();
        let end = if at + 1 == places.len() { b')' } else { b',' };
        match rest.split_first() {
            Some((found, after)) if *found == end => rest = after,
            _ => return Err(COUNT),
        }
    }
    Ok(rest.trim_ascii_start())
}

/// Adds a value as the text that its type prints; gives what follows it.
fn value<'a>(text: &'a [u8], column: &mut ColumnValues) -> Result<&'a [u8], &'static str> {
    const UNENDED: &str = "a value has no end";
    match text {
        [b'\'', rest @ ..] => quoted(rest, column),
        [b'E' | b'e', b'\'', rest @ ..] => escaped(rest, column),
        [b'B' | b'b' | b'X' | b'x', b'\'', rest @ ..] => quoted(rest, column),
        _ => {
            let end = text.iter().position(|byte| matches!(byte, b',' | b')')).ok_or(UNENDED)?;
            let word = text[..end].trim_ascii_end();
            let (kind, shown) = match word {
                b"NULL" => (Kind::Null, &b""[..]),
                b"true" => (Kind::Text, &b"t"[..]),
                b"false" => (Kind::Text, &b"f"[..]),
                number
                    if !number.is_empty() && number.iter().all(|byte| b"0123456789+-.eE".contains(byte)) =>
                {
                    (Kind::Text, number)
                }
                _ => return Err("a value is neither quoted nor a number"),
            };
            column.data_mut().extend_from_slice(shown);
            column.end_value(kind);
            Ok(&text[end..])
        }
    }
}

fn quoted<'a>(mut rest: &'a [u8], column: &mut ColumnValues) -> Result<&'a [u8], &'static str> {
    let begins = column.data_mut().len();
    loop {
        let end = memchr(b'\'', rest).ok_or("a value has no end")?;
        column.data_mut().extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.first() {
            Some(b'\'') => {
                column.data_mut().push(b'\'');
                rest = &rest[1..];
            }
            _ => break,
        }
    }
    if std::str::from_utf8(&column.data_mut()[begins..]).is_err() {
        return Err("the text is not UTF-8");
    }
    column.end_value(Kind::Text);
    Ok(rest)
}

fn escaped<'a>(mut rest: &'a [u8], column: &mut ColumnValues) -> Result<&'a [u8], &'static str> {
    loop {
        match rest {
            [b'\\', byte @ (b'\\' | b'\''), after @ ..] => {
                column.data_mut().push(*byte);
                rest = after;
            }
            [b'\\', ..] => return Err("a value has an escape that is not read"),
            [b'\'', b'\'', after @ ..] => {
                column.data_mut().push(b'\'');
                rest = after;
            }
            [b'\'', after @ ..] => {
                column.end_value(Kind::Text);
                return Ok(after);
            }
            [byte, after @ ..] => {
                column.data_mut().push(*byte);
                rest = after;
            }
            [] => return Err("a value has no end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{RowBatch, Value};

    use super::*;

    fn read_row(text: &str, places: &[Option<usize>]) -> Result<Vec<Option<String>>, &'static str> {
        let mut batch = RowBatch::new(places.iter().flatten().count());
        let rest = row(text.as_bytes(), places, batch.columns_mut())?;
        assert_eq!(rest, b";");
        batch.end_row();
        let told = |value: Value<'_>| match value {
            Value::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        Ok(batch.row(0).map(told).collect())
    }

    #[test]
    fn values_become_what_their_types_print() {
        let places = [Some(0), Some(1), None, Some(2), Some(3), Some(4), Some(5)];
        let text = "(-1.5e+10, 'it''s, (x)', DEFAULT, NULL, true, B'0101', E'a\\\\b''\\'');";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read_row(text, &places),
            Ok(vec![some("-1.5e+10"), some("it's, (x)"), None, some("t"), some("0101"), some("a\\b''")])
        );
        for wrong in
            ["(1);", "(1, 2, DEFAULT, 3, 4, 5, 6, 7);", "(1, 'a", "1", "(now(), 2, DEFAULT, 3, 4, 5, 6);", ""]
        {
            assert!(read_row(wrong, &places).is_err(), "{wrong}");
        }
    }
}
