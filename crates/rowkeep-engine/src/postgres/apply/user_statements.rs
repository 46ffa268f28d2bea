//! Statements of others that run in the transaction.

use crate::postgres::connect::failure::statement_failed;
use crate::postgres::connect::session::Session;
use crate::postgres::schema::lexer::{Token, Tokens};
use crate::postgres::schema::split;
use crate::{EngineError, ErrorKind};

/// Words that begin statements which would end the transaction, or a part of it.
const TRANSACTION: [&str; 9] =
    ["abort", "begin", "commit", "end", "prepare", "release", "rollback", "savepoint", "start"];

/// The single statements of some SQL; refuses those that would end the transaction.
pub(super) fn split(given: &[String]) -> Result<Vec<String>, EngineError> {
    let mut out = Vec::new();
    for statement in given.iter().flat_map(|sql| split::statements(sql)) {
        match Tokens::new(statement).next() {
            None | Some(Token::Symbol(';')) => continue,
            Some(Token::Word(word)) if TRANSACTION.contains(&word.to_ascii_lowercase().as_str()) => {
                return Err(EngineError::new(
                    ErrorKind::Statement,
                    format!(
                        "{} would end the transaction that the changes are made in",
                        word.to_ascii_uppercase()
                    ),
                ));
            }
            Some(_) => out.push(statement.to_owned()),
        }
    }
    Ok(out)
}

/// Runs statements one by one.
pub(super) async fn run(session: &Session, statements: &[String]) -> Result<(), EngineError> {
    for statement in statements {
        let shown: String = statement.chars().take(200).collect();
        // Not as text alone, for the server takes only one at a time otherwise; and without a name that would stay.
        let ran = session.client.execute_typed(statement, &[]).await;
        ran.map_err(|error| statement_failed(format!("cannot run the statement {shown}"), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_one(sql: &str) -> Result<Vec<String>, ErrorKind> {
        split(&[sql.to_owned()]).map_err(|error| error.kind())
    }

    #[test]
    fn scripts_come_apart() {
        assert_eq!(
            split_one("INSERT INTO t VALUES (';'); ; -- end\n DELETE FROM t"),
            Ok(vec!["INSERT INTO t VALUES (';');".to_owned(), "DELETE FROM t".to_owned()])
        );
        assert_eq!(split_one(" -- nothing"), Ok(Vec::new()));
    }

    #[test]
    fn no_statement_ends_the_transaction() {
        for sql in ["COMMIT", "select 1; /* x */ Rollback;", "end", "PREPARE TRANSACTION 'x'", "begin"] {
            assert_eq!(split_one(sql), Err(ErrorKind::Statement), "{sql}");
        }
    }
}
