//! Rows of small results. What cannot be read as what it should be is an error, never a zero or a false.

use std::str::FromStr;

use serde::de::DeserializeOwned;

use crate::{EngineError, ErrorKind};

/// A row of a small result, as text.
pub(crate) type Row = Vec<Option<String>>;

/// The text of a value, empty when it is null.
pub(crate) fn text(row: &Row, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

/// The number that a value holds; `what` names it for the error when it holds none.
pub(crate) fn number<T: FromStr>(row: &Row, at: usize, what: &str) -> Result<T, EngineError> {
    value_of(row, at, what)?.parse().map_err(|_| unreadable(row, at, what))
}

/// Whether a value is true; `what` names it for the error when it is neither true nor false.
pub(crate) fn truth(row: &Row, at: usize, what: &str) -> Result<bool, EngineError> {
    match value_of(row, at, what)? {
        "t" => Ok(true),
        "f" => Ok(false),
        _ => Err(unreadable(row, at, what)),
    }
}

/// The numbers that a value lists, with blanks between them.
pub(crate) fn numbers<T: FromStr>(row: &Row, at: usize, what: &str) -> Result<Vec<T>, EngineError> {
    let parse = |number: &str| number.parse().map_err(|_| unreadable(row, at, what));
    value_of(row, at, what)?.split_ascii_whitespace().map(parse).collect()
}

/// What a value holds as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row, at: usize, what: &str) -> Result<T, EngineError> {
    serde_json::from_str(value_of(row, at, what)?)
        .map_err(|error| unreadable(row, at, what).with_source(error))
}

/// The only row of a result that always has one.
pub(crate) fn only<'r>(rows: &'r [Row], what: &str) -> Result<&'r Row, EngineError> {
    match rows {
        [row] => Ok(row),
        _ => Err(EngineError::new(
            ErrorKind::Other,
            format!("the server gave {} rows where {what} was expected", rows.len()),
        )),
    }
}

fn value_of<'r>(row: &'r Row, at: usize, what: &str) -> Result<&'r str, EngineError> {
    row.get(at).and_then(Option::as_deref).ok_or_else(|| unreadable(row, at, what))
}

fn unreadable(row: &Row, at: usize, what: &str) -> EngineError {
    let value = match row.get(at) {
        Some(Some(value)) => format!("{value:?}"),
        Some(None) => "null".to_owned(),
        None => "nothing".to_owned(),
    };
    EngineError::new(ErrorKind::Other, format!("the server gave {value} where {what} was expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&str>]) -> Row {
        values.iter().map(|value| value.map(str::to_owned)).collect()
    }

    fn refused<T: std::fmt::Debug>(read: Result<T, EngineError>) -> String {
        read.expect_err("it is no value of that type").to_string()
    }

    #[test]
    fn numbers_are_read() {
        let row = row(&[Some("4294967295"), Some("-7"), Some("2 1 -3"), Some("")]);
        assert_eq!(number::<u32>(&row, 0, "x").expect("a number"), u32::MAX);
        assert_eq!(number::<i64>(&row, 1, "x").expect("a number"), -7);
        assert_eq!(numbers::<i16>(&row, 2, "x").expect("numbers"), [2, 1, -3]);
        assert_eq!(numbers::<i16>(&row, 3, "x").expect("no numbers"), [0; 0]);
    }

    #[test]
    fn what_is_no_number_is_named_and_never_zero() {
        let row = row(&[Some("many"), None, Some("4294967296"), Some(""), Some("1 x")]);
        let read = |at| refused(number::<u32>(&row, at, "the number of rows"));
        assert_eq!(read(0), "the server gave \"many\" where the number of rows was expected");
        assert_eq!(read(1), "the server gave null where the number of rows was expected");
        assert_eq!(read(2), "the server gave \"4294967296\" where the number of rows was expected");
        assert_eq!(read(3), "the server gave \"\" where the number of rows was expected");
        assert_eq!(read(9), "the server gave nothing where the number of rows was expected");
        let read = refused(numbers::<i16>(&row, 4, "the columns of a key"));
        assert_eq!(read, "the server gave \"1 x\" where the columns of a key was expected");
    }

    #[test]
    fn only_true_and_false_are_truth_values() {
        let row = row(&[Some("t"), Some("f"), Some("true"), None]);
        assert!(truth(&row, 0, "x").expect("true") && !truth(&row, 1, "x").expect("false"));
        assert_eq!(
            refused(truth(&row, 2, "a privilege")),
            "the server gave \"true\" where a privilege was expected"
        );
        assert_eq!(
            refused(truth(&row, 3, "a privilege")),
            "the server gave null where a privilege was expected"
        );
    }

    #[test]
    fn json_and_rows_have_the_shape_that_was_asked_for() {
        let rows = [row(&[Some("[\"a\"]"), Some("[1]"), None])];
        let first = only(&rows, "x").expect("one row");
        assert_eq!(json::<Vec<String>>(first, 0, "names").expect("names"), ["a"]);
        assert_eq!(
            refused(json::<Vec<String>>(first, 1, "names")),
            "the server gave \"[1]\" where names was expected"
        );
        assert_eq!(
            refused(json::<Vec<String>>(first, 2, "names")),
            "the server gave null where names was expected"
        );
        assert_eq!(refused(only(&[], "a count")), "the server gave 0 rows where a count was expected");
    }
}
