//! One statement that only reads.

use std::sync::Arc;

use rowkeep_format::RowBatch;

use super::copy::{look, make};
use super::decode::{Read, push, text};
use super::form::{Form, MOST_COLUMNS, selected};
use crate::d1::connect::remote::{Answer, Remote, Statement};
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::read::query::checked;
use crate::{EngineError, ErrorKind, QueryRows, Surroundings};

/// The bytes of the largest value: D1 takes no value of more than two million, digits included.
const LARGEST_BYTES: usize = 1_000_000;

/// Runs a statement and reads its first rows.
///
/// D1 would run any. So it is prepared here at first, in a database of the same tables without rows, where SQLite tells whether
/// it reads alone.
pub(crate) async fn query(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    sql: &str,
    limit: usize,
) -> Result<QueryRows, EngineError> {
    let (found, _) = look(remote).await?;
    let skeleton = make(&found, surroundings.temporary.as_deref()).await?;
    let given = sql.to_owned();
    let prepare = move || skeleton.with_connection(|connection| checked(connection, &given));
    let (columns, sql) = blocking(prepare).await?;
    if !is_select(&sql) {
        return Err(refused("in D1 only SELECT, WITH and VALUES can be run"));
    }
    if columns.len() >= MOST_COLUMNS {
        return Err(refused(&format!("in D1 a statement can have {} columns at most", MOST_COLUMNS - 1)));
    }
    for hex_text in [false, true] {
        let form = Form { hex_text, inline_bytes: LARGEST_BYTES };
        let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        // A comment at its end ends with its line.
        let sql = format!(
            "WITH rowkeep_rows({}) AS ({sql}\n) SELECT {} FROM rowkeep_rows LIMIT {}",
            names.join(", "),
            selected(&names, form),
            limit.saturating_add(1)
        );
        let answer = remote.read_one(&Statement::new(sql)).await.map_err(|error| match error.kind() {
            ErrorKind::Other | ErrorKind::PermissionDenied => {
                EngineError::new(ErrorKind::Statement, error.to_string())
            }
            _ => error,
        })?;
        if let Some((rows, more)) = rows(remote, &answer, columns.len(), form, limit)? {
            return Ok(QueryRows { columns, rows, more });
        }
    }
    Err(remote.not_understood("texts in digits are none"))
}

/// The rows; nothing where texts have to come in digits.
fn rows(
    remote: &Remote,
    answer: &Answer,
    columns: usize,
    form: Form,
    limit: usize,
) -> Result<Option<(RowBatch, bool)>, EngineError> {
    let malformed = || remote.not_understood("a row");
    let found = answer.rows().map_err(|error| malformed().with_source(error))?;
    let mut rows = RowBatch::new(columns);
    for row in found.iter().take(limit) {
        let (letters, values) = row.split_first().ok_or_else(malformed)?;
        let letters = text(letters).filter(|letters| letters.len() == columns && values.len() == columns);
        let letters = letters.ok_or_else(malformed)?;
        for ((column, letter), raw) in rows.columns_mut().iter_mut().zip(letters.bytes()).zip(values) {
            match push(letter, raw, form, column) {
                Read::Added => {}
                Read::Doubtful => return Ok(None),
                Read::Malformed => return Err(malformed()),
                Read::Large => {
                    let message = format!("the statement returns a value of more than {LARGEST_BYTES} bytes");
                    return Err(EngineError::new(ErrorKind::Unstorable, message));
                }
            }
        }
        rows.end_row();
    }
    Ok(Some((rows, found.len() > limit)))
}

/// Whether a statement can stand where rows are selected from.
fn is_select(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    loop {
        let comment = match () {
            () if rest.starts_with("--") => rest.find('\n').map(|end| end + 1),
            () if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2),
            () => break,
        };
        rest = rest.get(comment.unwrap_or(rest.len())..).unwrap_or_default().trim_start();
    }
    let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["select", "with", "values"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn refused(problem: &str) -> EngineError {
    EngineError::new(ErrorKind::Statement, problem)
}
