//! What became of a migration.

use anyhow::Result;
use rowkeep::Error;
use rowkeep::jobs::outcome::{MigrationOutcome, RollbackSummary};
use rowkeep::report::Status;
use serde_json::{Value, json};

use super::schema;
use super::units::{counted, plain, short};
use crate::fail::{self, CommandError};
use crate::out;
use crate::setup::Session;

/// Shows how a migration ended, but not what it did; fails where it could not be taken back, or not wholly.
pub(crate) fn show(session: &Session, outcome: &MigrationOutcome, failure: Option<Error>) -> Result<()> {
    for found in outcome.checks.iter().filter(|found| found.status != Status::Passed) {
        session.say(format!("check: {}: {}", plain(&found.title), plain(&found.detail)));
    }
    outcome.problems.iter().for_each(|problem| fail::say(&format!("failed: {}", plain(problem))));
    if session.global.json {
        out::json(&json(outcome));
    }
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    if let Some(RollbackSummary::Done { unrecorded, left, .. }) = &outcome.rollback {
        unrecorded.iter().for_each(|change| fail::say(&format!("taken back: {}", plain(change))));
        left.iter().for_each(|change| fail::say(&format!("not taken back: {}", plain(change))));
    }
    if let Some(RollbackSummary::Done { proven: true, notes, .. }) = &outcome.rollback {
        notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
    }
    if let Some(unproven) = unproven(outcome) {
        session.say(unproven);
        return Err(CommandError::failed(told(outcome)).into());
    }
    match outcome.problems.is_empty() {
        true => session.say(told(outcome)),
        false => fail::say(&told(outcome)),
    }
    Ok(())
}

/// How it ended, in a line.
fn told(outcome: &MigrationOutcome) -> String {
    let (database, before) = (&outcome.database, short(outcome.before.id));
    match &outcome.rollback {
        None if outcome.problems.is_empty() => match &outcome.effect {
            Some(effect) => format!("migrated: {database} is snapshot {}", short(effect.after)),
            None => format!("migrated {database}"),
        },
        None => format!("{database} was not changed, so there is nothing to roll back"),
        Some(RollbackSummary::Done { proven: true, rows, comparison, .. }) => {
            let how = match rows {
                Some(rows) if rows.total() == 0 => String::new(),
                Some(rows) => format!("{} changed back, ", counted(rows.total(), "row")),
                None => "schema and rows, ".to_owned(),
            };
            let tables = counted(comparison.user_tables().count() as u64, "table");
            format!("rolled back: {database} is snapshot {before} again, {how}{tables} proven by hash")
        }
        Some(_) => format!("{database} was rolled back, but it does not fully match snapshot {before}"),
    }
}

/// What differs from the state before, where the database was rolled back and is not all of it.
fn unproven(outcome: &MigrationOutcome) -> Option<String> {
    let Some(RollbackSummary::Done { proven: false, notes, comparison, .. }) = &outcome.rollback else {
        return None;
    };
    let mut lines: Vec<String> =
        comparison.unequal().map(|table| format!("! rows of {} differ", table.table)).collect();
    lines.extend(notes.iter().map(|note| format!("note: {}", plain(note))));
    lines.push(schema::told(&[], comparison.changes()));
    Some(lines.join("\n"))
}

fn json(outcome: &MigrationOutcome) -> Value {
    let rollback = outcome.rollback.as_ref().map(|rollback| match rollback {
        RollbackSummary::Done { proven, rows, notes, unrecorded, left, .. } => json!({
            "proven": proven,
            "rows": rows,
            "schema_replaced": rows.is_none(),
            "notes": notes,
            "taken_back": unrecorded,
            "left": left,
        }),
        RollbackSummary::Failed(error) => json!({ "error": error }),
    });
    let effect = outcome.effect.as_ref();
    json!({
        "succeeded": outcome.problems.is_empty(),
        "problems": outcome.problems,
        "before": outcome.before.id,
        "after": effect.map(|effect| effect.after),
        "changed": effect.map(|effect| effect.changed),
        "difference": effect.map(|effect| &effect.difference),
        "unrecorded": effect.map(|effect| &effect.unrecorded),
        "checks": outcome.checks,
        "rollback": rollback,
    })
}
