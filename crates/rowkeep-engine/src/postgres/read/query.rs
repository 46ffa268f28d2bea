//! Statements of others that only read.

use rowkeep_format::{RowBatch, Value};
use tokio::sync::mpsc;
use tokio_postgres::SimpleQueryMessage;

use super::copy_out;
use super::reading::{Reading, WAITING_BATCHES};
use crate::postgres::connect::cancel_guard::CancelGuard;
use crate::postgres::connect::failure::{failed, statement_failed};
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::postgres::schema::lexer::{Token, Tokens};
use crate::postgres::schema::split;
use crate::{EngineError, ErrorKind, QueryRows};

/// Words that begin statements which tell something without being queries.
const UTILITY: [&str; 2] = ["explain", "show"];

/// Words that begin queries.
const QUERIES: [&str; 4] = ["select", "table", "values", "with"];

/// Runs a statement and returns its first rows. When the future is dropped the server stops.
pub(crate) async fn query(
    server: Server,
    session: Session,
    sql: &str,
    limit: usize,
) -> Result<QueryRows, EngineError> {
    let statements = split::statements(sql);
    let statements: Vec<&str> = statements.into_iter().filter(|sql| first_word(sql).is_some()).collect();
    let [statement] = statements.as_slice() else {
        return Err(refused(format!("one statement is run at a time, not {}", statements.len())));
    };
    let session = CancelGuard::new(server, session);
    // A transaction that has read something cannot be made one that writes.
    let begun = format!(
        "{}SELECT {} FROM pg_catalog.pg_class LIMIT 1",
        settings::local(&settings::reading_for_others(session.major)),
        settings::demanded(&settings::NOTHING_PASSED_OVER),
    );
    session.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", &begun).await?;
    session.avoid_prepared().await?;
    let rows = answer(&session, statement, limit).await;
    let _ = session.end("ROLLBACK").await;
    session.finish();
    rows
}

async fn answer(session: &Session, statement: &str, limit: usize) -> Result<QueryRows, EngineError> {
    let word = first_word(statement).unwrap_or_default();
    if !QUERIES.contains(&word.as_str()) {
        // The server itself takes only one statement here, wherever it may see them end.
        let prepared = session.client.prepare(statement).await;
        drop(prepared.map_err(|error| statement_failed("cannot run the statement", error))?);
        if UTILITY.contains(&word.as_str()) {
            return utility_rows(session, statement, limit).await;
        }
        return Err(refused(format!("{} is no statement that only reads", word.to_ascii_uppercase())));
    }
    let body = statement.trim_end().trim_end_matches(';');
    let columns = columns(session, body).await?;
    let reading = Reading {
        what: "the answer".to_owned(),
        copy: format!(
            "COPY (SELECT * FROM (\n{body}\n) AS rowkeep LIMIT {}) TO STDOUT",
            limit.saturating_add(1).min(i64::MAX as usize)
        ),
        columns: columns.len(),
        blobs: false,
    };
    let (sender, mut batches) = mpsc::channel(WAITING_BATCHES);
    let reading = async move {
        let sender = sender;
        copy_out::read_statement(session, &reading, &sender).await
    };
    let gathering = async {
        let mut rows = RowBatch::new(columns.len());
        while let Some(batch) = batches.recv().await {
            rows.extend(&batch, 0..batch.rows());
        }
        rows
    };
    let (read, rows) = tokio::join!(reading, gathering);
    read?;
    Ok(first(columns, rows, limit))
}

/// The names of the columns of a query.
///
/// The client library would look up the types of a statement that it prepares by others, which stay on the connection.
async fn columns(session: &Session, body: &str) -> Result<Vec<String>, EngineError> {
    let failed = |error| statement_failed("cannot run the statement", error);
    let described = format!("SELECT * FROM (\n{body}\n) AS rowkeep LIMIT 0");
    // The server itself takes only one statement so, wherever it may see them end.
    session.client.execute_typed(&described, &[]).await.map_err(failed)?;
    let messages = session.client.simple_query(&described).await.map_err(failed)?;
    let names = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::RowDescription(columns) => {
            Some(columns.iter().map(|column| column.name().to_owned()).collect())
        }
        _ => None,
    });
    Ok(names.unwrap_or_default())
}

/// What `EXPLAIN` or `SHOW` tells, which cannot be part of another statement.
async fn utility_rows(session: &Session, statement: &str, limit: usize) -> Result<QueryRows, EngineError> {
    let messages = session
        .client
        .simple_query(statement)
        .await
        .map_err(|error| statement_failed("cannot run the statement", error))?;
    let mut columns = Vec::new();
    let mut rows = RowBatch::new(0);
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(described) => {
                columns = described.iter().map(|column| column.name().to_owned()).collect();
                rows = RowBatch::new(columns.len());
            }
            SimpleQueryMessage::Row(row) => {
                let values = (0..row.len()).map(|at| row.try_get(at));
                let values = values.collect::<Result<Vec<_>, _>>();
                let values = values.map_err(|error| failed("cannot read the answer", error))?;
                rows.push_row(
                    values.iter().map(|value| value.map_or(Value::Null, |text| Value::Text(text.as_bytes()))),
                );
            }
            _ => {}
        }
    }
    Ok(first(columns, rows, limit))
}

fn first(columns: Vec<String>, all: RowBatch, limit: usize) -> QueryRows {
    let more = all.rows() > limit;
    let mut rows = RowBatch::new(columns.len());
    rows.extend(&all, 0..all.rows().min(limit));
    QueryRows { columns, rows, more }
}

fn first_word(sql: &str) -> Option<String> {
    Tokens::new(sql).find_map(|token| match token {
        Token::Word(word) => Some(word.to_ascii_lowercase()),
        _ => None,
    })
}

fn refused(message: String) -> EngineError {
    EngineError::new(ErrorKind::Statement, message)
}
