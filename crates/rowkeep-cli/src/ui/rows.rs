//! Changed rows: the plan, and what was done.

use rowkeep::diff::Prefer;
use rowkeep::engine::MayDangle;
use rowkeep::format::Counts;
use rowkeep::format::manifest::Dangled;
use rowkeep::jobs::outcome::{Ended, LeftOut, RowsDone, RowsOutcome, RowsSummary};
use rowkeep::state::snapshots::SHORT_ID;
use serde_json::{Value, json};

use super::conflicts;
use super::plans::kept;
use super::table::{Column, render};
use super::units::{count, counted, plain};
use super::way_back;
use crate::fail;
use crate::setup::Session;

/// Shows what became of a plan.
pub(crate) fn show(session: &Session, outcome: &RowsOutcome) {
    let of_plan = || {
        let mut json = json!(outcome.plan);
        if let Some(id) = outcome.kept {
            json["plan"] = json!(id);
        }
        json
    };
    match (outcome.ended, &outcome.done) {
        (Ended::Planned, _) => session.result(of_plan, || kept(outcome.kept)),
        (Ended::Nothing, _) => {
            let is_whole = !outcome.some_rows || !outcome.plan.left_out.is_empty();
            let nothing = match is_whole {
                true => "already up to date",
                false => "already up to date: these rows match the snapshot, or exist in neither",
            };
            session.result(of_plan, || nothing.to_owned());
        }
        (Ended::Declined, _) => session.say("nothing was changed"),
        (Ended::Done, Some(done)) => {
            done.notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
            session.result(|| json!(done), || done_told(session, &outcome.plan.database, done));
        }
        (Ended::Done, None) => session.result(|| Value::Null, String::new),
    }
}

/// A plan in words: what differs in the schema, and how many rows of each table change.
pub(crate) fn plan_told(plan: &RowsSummary) -> String {
    let mut out = match plan.from.strip_prefix("before ") {
        Some(safety) => {
            let short = safety.get(..SHORT_ID).unwrap_or(safety);
            format!("plan: undo what was done to {} after safety snapshot {short}\n", plan.database)
        }
        None => format!("plan: {} {} from {}\n", plan.operation, plan.database, plan.from),
    };
    for found in &plan.schema {
        out += &format!("\n! {found}");
    }
    if !plan.schema.is_empty() {
        out += &format!("\n  (first: {}, second: {})\n", plan.database, plan.from);
    }
    let tables = &plan.tables;
    let mut after = String::new();
    for line in &plan.unmatched {
        after += &format!("\nthere is {line}");
    }
    for unread in &plan.unread {
        after += &format!("\nleft alone: {unread}");
    }
    for LeftOut { table, rows } in &plan.left_out {
        after += &format!(
            "\nskipped: {} of {table}, which would leave dangling references",
            counted(*rows, "row")
        );
    }
    for line in conflicts::told(&plan.conflicts, decided(plan.prefer)) {
        after += &format!("\n{line}");
    }
    for dangling in &plan.dangling {
        after += &format!("\ndangling: {dangling}");
    }
    for Dangled { table, references, rows, .. } in &plan.dangled {
        after += &format!(
            "\nreferences from {} of {table} to {references}, which are not there now, will be whole",
            counted(*rows, "row")
        );
    }
    for caution in &plan.cautions {
        after += &format!("\nnote: {caution}");
    }
    if let MayDangle::These(dangled) = &plan.may_dangle {
        for Dangled { table, references, rows, .. } in dangled {
            after += &format!(
                "\n{} of {table} will refer to rows of {references} that are not there, as they did before",
                counted(*rows, "row")
            );
        }
    }
    if !after.is_empty() {
        after.insert(0, '\n');
    }
    if tables.is_empty() {
        let nothing = if plan.left_out.is_empty() { "no rows differ" } else { "no rows to change" };
        return out + "\n" + nothing + &plain_lines(&after);
    }
    let shows_related = tables.iter().any(|table| table.related > 0);
    let mut columns = vec![
        Column("TABLE", false),
        Column("INSERT", true),
        Column("UPDATE", true),
        Column("DELETE", true),
        Column("RELATED", true),
        Column("COLUMNS", false),
    ];
    if !shows_related {
        columns.remove(4);
    }
    let rows = tables.iter().map(|table| {
        let Counts { inserted, updated, deleted } = table.counts;
        let mut notes = table.updated_columns.join(", ");
        if !table.defaulted_columns.is_empty() {
            notes += &format!(" (defaults: {})", table.defaulted_columns.join(", "));
        }
        let mut row = vec![table.table.to_string(), count(inserted), count(updated), count(deleted)];
        if shows_related {
            row.push(count(table.related));
        }
        row.push(notes.trim().to_owned());
        row
    });
    out + "\n" + &render(&columns, rows) + &plain_lines(&after)
}

/// Which side counts where both changed a row.
fn decided(prefer: Prefer) -> &'static str {
    match prefer {
        Prefer::Neither => "choose what counts with --prefer database or --prefer snapshot",
        Prefer::Database => "of what was changed in both, what the database has stays",
        Prefer::Snapshot => "of what was changed in both, what the snapshot has comes",
    }
}

/// Text of several lines, made safe to print.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn done_told(session: &Session, database: &str, done: &RowsDone) -> String {
    let mut text = format!(
        "done: {} inserted, {} updated, {} deleted",
        count(done.rows.inserted),
        count(done.rows.updated),
        count(done.rows.deleted)
    );
    if done.already > 0 {
        text += &format!("; {} already up to date", count(done.already));
    }
    if done.skipped > 0 {
        text += &format!("; {} skipped because they changed since", count(done.skipped));
    }
    if let Some(safety) = done.safety {
        text += &format!("\n{}", way_back::told(session, database, safety));
    }
    text
}
