//! A database of another engine: the plan, and what was made.

use std::time::Duration;

use rowkeep::jobs::outcome::{Ended, TranslationOutcome, TranslationSummary};
use rowkeep::restore::translate::Proof;
use serde_json::json;

use super::table::{Column, render};
use super::units::{count, counted, duration, plain, short};
use crate::fail;
use crate::out;
use crate::setup::Session;

/// Shows what became of a plan, but what [`done`] has shown.
pub(crate) fn show(session: &Session, outcome: &TranslationOutcome) {
    let plan = &outcome.plan;
    let mut json = json!({
        "snapshot": plan.snapshot,
        "from": plan.from,
        "to": plan.to,
        "translation": plan.tables,
        "inexact": plan.inexact,
        "rows": plan.rows,
    });
    let Some(done) = &outcome.done else {
        match outcome.ended {
            Ended::Declined => session.say("nothing was changed"),
            _ => session.result(|| json, || "nothing was changed".to_owned()),
        }
        return;
    };
    json["tables"] = json!(done.tables);
    json["notes"] = json!(done.notes);
    json["restore_ms"] = json!(done.restore_ms);
    if let Some(proof) = &done.proof {
        session.say(proof_told(proof, &short(plan.snapshot), &plan.database));
        json["equal"] = json!(proof.is_equal());
        json["proof"] = json!(proof.tables);
        json["verify_ms"] = json!(done.verify_ms);
    }
    if session.global.json {
        out::json(&json);
    }
}

/// Shows what was made, before it is proven.
pub(crate) fn done(session: &Session, outcome: &TranslationOutcome) {
    let Some(done) = &outcome.done else { return };
    done.notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
    session.say(format!(
        "restored snapshot {} to {}: {}, {} in {}",
        short(outcome.plan.snapshot),
        outcome.plan.database,
        counted(done.tables, "table"),
        counted(done.rows, "row"),
        duration(Duration::from_millis(done.restore_ms))
    ));
}

/// A plan in words: what becomes of tables and columns, and what does not come over exactly.
pub(crate) fn plan_told(plan: &TranslationSummary) -> String {
    let TranslationSummary { database, to, from, .. } = plan;
    let mut out =
        format!("plan: create {database} ({to}) from snapshot {} ({from})\n\n", short(plan.snapshot));
    let columns = [
        Column("TABLE", false),
        Column("ROWS", true),
        Column("COLUMN", false),
        Column("FROM", false),
        Column("TO", false),
    ];
    let rows = plan.tables.iter().flat_map(|table| {
        let rows = table.rows.map_or_else(|| "-".to_owned(), count);
        let first = [renamed(&table.table.to_string(), &table.becomes.to_string()), rows];
        let columns = table.columns.iter().map(|column| {
            let name = renamed(&column.column, &column.becomes);
            [name, column.from.clone(), column.to.clone()]
        });
        let mut columns: Vec<[String; 3]> = columns.collect();
        if columns.is_empty() {
            columns.push(Default::default());
        }
        columns.into_iter().enumerate().map(move |(at, column)| {
            let first = if at == 0 { first.clone() } else { Default::default() };
            first.into_iter().chain(column).collect::<Vec<_>>()
        })
    });
    out += &render(&columns, rows);
    if plan.inexact.is_empty() {
        return out + "\n\neverything is translated exactly";
    }
    out += "\n\nwhat is not translated exactly:\n";
    for note in &plan.inexact {
        out += &format!("\n! {}", plain(&note.to_string()));
    }
    out + "\n"
}

fn renamed(from: &str, to: &str) -> String {
    if from == to { from.to_owned() } else { format!("{from} -> {to}") }
}

/// What the proof found: one line when all is equal, else each table that is not.
fn proof_told(proof: &Proof, snapshot: &str, database: &str) -> String {
    let tables = counted(proof.tables.len() as u64, "table");
    if proof.is_equal() {
        let rows = counted(proof.rows(), "row");
        return format!("equal: {database} is snapshot {snapshot} as planned, {tables} and {rows} by hash");
    }
    let columns =
        [Column("TABLE", false), Column("ROWS IN SNAPSHOT", true), Column("ROWS IN DATABASE", true)];
    let rows = proof.tables.iter().filter(|table| !table.equal).map(|table| {
        let database = table.database_rows.map_or_else(|| "not there".to_owned(), count);
        vec![table.table.to_string(), count(table.snapshot_rows), database]
    });
    format!(
        "not as planned: of {tables}, these differ between {database} and snapshot {snapshot}:\n\n{}",
        render(&columns, rows)
    )
}
