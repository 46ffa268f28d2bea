//! What became of a restore, an undo or a kept plan, whichever way it went.

use std::time::Duration;

use rowkeep::jobs::outcome::{NewDatabase, RestoreOutcome, UndoOutcome};
use serde_json::json;

use super::units::{counted, duration, plain, short};
use super::{comparison, left_out, replaced, rows, translated};
use crate::fail;
use crate::out;
use crate::setup::Session;

/// Shows what became of a restore, but what [`done`] has shown.
pub(crate) fn show(session: &Session, outcome: &RestoreOutcome) {
    match outcome {
        RestoreOutcome::New(new) => show_new(session, new),
        RestoreOutcome::Rows(outcome) => rows::show(session, outcome),
        RestoreOutcome::Replaced(outcome) => replaced::show(session, outcome),
        RestoreOutcome::Translated(outcome) => translated::show(session, outcome),
    }
}

/// Shows what was done, before it is proven.
pub(crate) fn done(session: &Session, outcome: &RestoreOutcome) {
    match outcome {
        RestoreOutcome::New(new) => {
            new.notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
            session.say(format!(
                "restored snapshot {} to {}: {}, {} in {}",
                short(new.snapshot),
                new.database,
                counted(new.user_tables, "table"),
                counted(new.rows, "row"),
                duration(Duration::from_millis(new.restore_ms)),
            ));
        }
        RestoreOutcome::Rows(_) => {}
        RestoreOutcome::Replaced(outcome) => replaced::done(session, outcome),
        RestoreOutcome::Translated(outcome) => translated::done(session, outcome),
    }
}

/// Shows what became of an undo or a kept plan, but what [`undone`] has shown.
pub(crate) fn show_undo(session: &Session, outcome: &UndoOutcome) {
    match outcome {
        UndoOutcome::Rows(outcome) => rows::show(session, outcome),
        UndoOutcome::Replaced(outcome) => replaced::show(session, outcome),
    }
}

/// Shows what an undo or a kept plan did, before it is proven.
pub(crate) fn undone(session: &Session, outcome: &UndoOutcome) {
    match outcome {
        UndoOutcome::Rows(_) => {}
        UndoOutcome::Replaced(outcome) => replaced::done(session, outcome),
    }
}

fn show_new(session: &Session, new: &NewDatabase) {
    let mut json = json!({
        "snapshot": new.snapshot,
        "tables": new.tables,
        "rows": new.rows,
        "notes": new.notes,
        "restore_ms": new.restore_ms,
    });
    if new.masked {
        json["masked"] = json!(true);
        session.say(match new.proof {
            Some(_) => "rows were masked; they are compared with those of the snapshot once they are masked",
            None => "rows were masked",
        });
    }
    if !new.left_out.is_empty() {
        session.say(left_out::told(&new.database, &new.left_out));
        json["left_out"] = json!(new.left_out);
    }
    if let Some(proof) = &new.proof {
        session.say(comparison::told(proof, &short(new.snapshot), &new.database));
        json["equal"] = json!(proof.is_proven());
        json["verify_ms"] = json!(new.verify_ms);
    }
    if session.global.json {
        out::json(&json);
    }
}
