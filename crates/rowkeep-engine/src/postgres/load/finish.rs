//! What has to come after all rows.

use super::foreign_key_validation::{self, Check};
use super::large_objects;
use super::marker;
use super::outside;
use super::restore::Restore;
use super::statement_runner::{NOT_VALID, is_fatal};
use crate::EngineError;
use crate::postgres::catalog::sequences;
use crate::postgres::connect::failure::{failed, state};
use crate::postgres::connect::row::{number, only, text};
use crate::postgres::connect::session::Session;
use crate::postgres::schema::classify::{Kind, Reference, brief};
use crate::postgres::schema::script::Statement;

/// How many sequences are set in one transaction, which locks each.
const SEQUENCES_AT_ONCE: usize = 1000;

/// Completes a database whose tables have their rows, but for event triggers and the step that makes it visible.
pub(crate) async fn finish(restore: &Restore) -> Result<(), EngineError> {
    let session = restore.pool.lend().await?;
    let rest = restore.take_rest();
    restore.runner(&session).run(&rest.iter().collect::<Vec<_>>()).await?;
    let (after, checks) = add_references_unchecked(restore);
    restore.runner(&session).run(&after.iter().collect::<Vec<_>>()).await?;
    session.give_back();
    let is_there = |check: &Check| !restore.notes.is_missing(&check.sql);
    foreign_key_validation::run(restore, checks.into_iter().filter(is_there).collect()).await?;

    let session = restore.pool.lend().await?;
    let runner = restore.runner(&session);
    set_sequences(restore, &session).await?;
    large_objects::finish(&session, &runner).await?;
    runner.run(&restore.plan.privileges.iter().collect::<Vec<_>>()).await?;
    refresh(restore, &session).await?;
    session.give_back();
    Ok(())
}

/// The statements with references that are added without a check, and the checks that are left to do.
fn add_references_unchecked(restore: &Restore) -> (Vec<Statement>, Vec<Check>) {
    let mut checks = Vec::new();
    let statements = restore.plan.after.iter().map(|statement| {
        let Kind::Reference(reference) = &statement.kind else { return statement.clone() };
        let not_valid = || format!("{}{NOT_VALID}", statement.sql.trim_end().trim_end_matches(';'));
        let unchecked =
            |kind: Kind| Statement { sql: not_valid(), kind, settings: statement.settings.clone() };
        let Reference { table, references, constraint, checked, .. } = reference;
        if *checked && restore.plan.lacks_rows(reference, &restore.loaded) {
            restore.notes.add(format!(
                "the references {constraint} of table {table} to table {references}, which was not loaded whole, \
                 are not checked (NOT VALID)"
            ));
            return unchecked(Kind::UncheckedReference);
        }
        if restore.plan.can_check_later(reference) {
            let (table, constraint) = (table.clone(), constraint.clone());
            checks.push(Check { table, constraint, sql: statement.sql.clone(), unchecked: not_valid() });
            return unchecked(statement.kind.clone());
        }
        statement.clone()
    });
    (statements.collect(), checks)
}

async fn set_sequences(restore: &Restore, session: &Session) -> Result<(), EngineError> {
    const COUNT: &str = "the number of sequences";
    let what = "cannot set the sequences";
    let table = format!("{}.{}", marker::aside(restore.scope), sequences::NAME);
    let counted = session.rows(what, &format!("SELECT count(*) FROM {table}")).await?;
    let count: usize = number(only(&counted, COUNT)?, 0, COUNT)?;
    for from in (0..count).step_by(SEQUENCES_AT_ONCE) {
        let query = format!(
            "SELECT format('%I.%I', s.schema, s.name), setval(to_regclass(format('%I.%I', s.schema, s.name)), \
                    s.last_value, s.is_called) \
             FROM (SELECT * FROM {table} ORDER BY schema, name OFFSET {from} LIMIT {SEQUENCES_AT_ONCE}) s"
        );
        for row in session.rows(what, &query).await?.iter().filter(|row| row[1].is_none()) {
            restore.notes.add(format!("sequence {} is not there to be set", text(row, 0)));
        }
    }
    Ok(())
}

/// Fills the materialised views.
///
/// One that fails because another, which it reads through a function, is not filled yet is tried again after it.
async fn refresh(restore: &Restore, session: &Session) -> Result<(), EngineError> {
    const NOT_FILLED: &str = "55000";
    let mut left: Vec<&Statement> = restore.plan.refreshes.iter().collect();
    if restore.is_scratch {
        let outside = outside::readers(session).await?;
        let (apart, inside) = left.into_iter().partition(|statement| outside.contains(&statement.sql));
        left = inside;
        let apart: Vec<&Statement> = apart;
        for statement in apart {
            restore.notes.left_out(
                brief(&statement.sql),
                "what reads from other servers is not filled in a scratch database",
            );
        }
    }
    loop {
        let before = left.len();
        let mut again = Vec::new();
        for statement in left {
            match restore.scope.run(session, &statement.sql).await {
                Ok(()) => {}
                Err(error) if state(&error) == Some(NOT_FILLED) => again.push((statement, error)),
                Err(error) => note(restore, statement, error)?,
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        if again.len() == before {
            return again.into_iter().try_for_each(|(statement, error)| note(restore, statement, error));
        }
        left = again.into_iter().map(|(statement, _)| statement).collect();
    }
}

fn note(restore: &Restore, statement: &Statement, error: tokio_postgres::Error) -> Result<(), EngineError> {
    match error.as_db_error() {
        Some(said) if !is_fatal(said.code()) => {
            restore.notes.left_out(brief(&statement.sql), said.message());
            Ok(())
        }
        _ => Err(failed(format!("cannot run: {}", brief(&statement.sql)), error)),
    }
}
