//! A database that was made again, schema included: the plan, and what was done.

use std::time::Duration;

use rowkeep::apply::undo_snapshot;
use rowkeep::jobs::outcome::{Ended, ReplacementOutcome, ReplacementSummary};
use serde_json::json;

use super::plans::kept;
use super::table::{Column, render};
use super::units::{count, counted, duration, plain, short};
use super::{comparison, left_out, schema, way_back};
use crate::fail;
use crate::out;
use crate::setup::Session;

/// Shows what became of a plan, but what [`done`] has shown.
pub(crate) fn show(session: &Session, outcome: &ReplacementOutcome) {
    let mut json = json!(outcome.plan);
    if let Some(id) = outcome.kept {
        json["plan"] = json!(id);
    }
    let Some(done) = &outcome.done else {
        match outcome.ended {
            Ended::Planned => session.result(|| json, || kept(outcome.kept)),
            Ended::Declined => session.say("nothing was changed"),
            Ended::Nothing | Ended::Done => session.result(|| json, || "already up to date".to_owned()),
        }
        return;
    };
    json["safety"] = json!(done.safety);
    json["rows"] = json!(done.rows);
    json["notes"] = json!(done.notes);
    if !done.left_out.is_empty() {
        session.say(left_out::told(&outcome.plan.database, &done.left_out));
        json["left_out"] = json!(done.left_out);
    }
    if let Some(proof) = &done.proof {
        session.say(comparison::told(proof, &short(outcome.snapshot), &outcome.plan.database));
        json["equal"] = json!(proof.is_proven());
    }
    if session.global.json {
        out::json(&json);
    }
}

/// Shows what was done, before it is proven.
pub(crate) fn done(session: &Session, outcome: &ReplacementOutcome) {
    let Some(done) = &outcome.done else { return };
    done.notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
    let made = outcome.plan.tables.iter().filter(|table| table.rows_then.is_some() && !table.is_internal);
    session.say(format!(
        "replaced {} with snapshot {}: {}, {} in {}",
        outcome.plan.database,
        short(outcome.snapshot),
        counted(made.count() as u64, "table"),
        counted(done.rows, "row"),
        duration(Duration::from_millis(done.replace_ms)),
    ));
    if let Some(safety) = done.safety {
        session.say(way_back::told(session, &outcome.plan.database, safety));
    }
}

/// A plan in words: what differs in the schema, and which tables.
pub(crate) fn plan_told(plan: &ReplacementSummary) -> String {
    let mut out = match undo_snapshot(&plan.from) {
        Some(safety) => format!(
            "plan: replace {}, including its schema, with safety snapshot {safety}, to undo what was done after it\n",
            plan.database
        ),
        None => format!("plan: replace {}, including its schema, with {}\n", plan.database, plan.from),
    };
    let differences = schema::told(&plan.schema, &plan.definitions.changes);
    match differences.is_empty() {
        true => out += "\nthe schema is the same\n",
        false => {
            out += &format!("\n{differences}\n  (first, -: {}; second, +: the snapshot)\n", plan.database)
        }
    }
    let differing: Vec<_> = plan.tables.iter().filter(|table| !table.equal).collect();
    let equal = plan.tables.iter().filter(|table| table.equal && !table.is_internal).count();
    if differing.is_empty() {
        return out + "\nno rows differ";
    }
    let columns = [Column("TABLE", false), Column("ROWS NOW", true), Column("ROWS THEN", true)];
    let rows = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), count);
    let lines = differing
        .iter()
        .map(|table| vec![table.table.to_string(), rows(table.rows_now), rows(table.rows_then)]);
    out += &format!("\n{}", render(&columns, lines));
    if equal > 0 {
        out += &format!("\n\nequal: {}", counted(equal as u64, "other table"));
    }
    out
}
