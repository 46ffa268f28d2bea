//! What came of a job, in words.

use jiff::tz::TimeZone;
use rowkeep::engine::LeftOut;
use rowkeep::jobs::outcome::{
    Ended, NewDatabase, ReplacementOutcome, RestoreOutcome, RowsOutcome, SnapshotSummary, UndoOutcome,
};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::report::{Report, Status};
use rowkeep::restore::verify::Comparison;
use rowkeep::units::plain;

use super::super::units::{argument, bytes, count, counted, from_words, minute, part, short, took};
use crate::state::jobs::Job;

/// What came of a job.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Sentences, the most important first.
    pub(super) lines: Vec<String>,
    /// Where to go on: an address and its name.
    pub(super) link: Option<(String, String)>,
    /// By which snapshot it can be undone, where it can.
    pub(super) undo: Option<String>,
    /// What was found, under headings.
    pub(super) sections: Vec<Found>,
    /// All of it, for whoever wants to know exactly.
    pub(super) whole: Option<String>,
}

/// What was found under a heading.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) title: String,
    /// A word and its colour, what was looked at, what was seen.
    pub(super) entries: Vec<(&'static str, &'static str, String, String)>,
}

/// Tells what came of a job.
pub(super) fn tell(job: &Job, zone: &TimeZone) -> Told {
    let Some(text) = &job.outcome else { return Told::default() };
    let whole = serde_json::from_str::<serde_json::Value>(text).ok();
    let whole = whole.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let Ok(outcome) = serde_json::from_str::<Outcome>(text) else {
        return Told { whole, ..Told::default() };
    };
    let told = match outcome {
        Outcome::Backup(backup) => {
            let mut lines = of_snapshots(&backup.snapshots, zone);
            lines.extend(backup.hooks_failed.iter().map(|failed| format!("a hook failed: {failed}")));
            Told { lines, ..Told::default() }
        }
        Outcome::Import(import) => {
            let (snapshots, notes): (Vec<_>, Vec<_>) =
                import.imported.into_iter().map(|one| (one.snapshot, one.notes)).unzip();
            let mut lines = of_snapshots(&snapshots, zone);
            lines.extend(notes.into_iter().flatten());
            Told { lines, ..Told::default() }
        }
        Outcome::Diff(diff) => {
            let difference = diff.difference;
            let line = match difference.equal {
                true => format!("{} and {} are equal", difference.before, difference.after),
                false => format!(
                    "{} differ between {} and {}",
                    counted(difference.rows.total(), "row"),
                    difference.before,
                    difference.after
                ),
            };
            let link = Some((format!("/comparisons/{}", part(&job.id)), "What differs, by table".to_owned()));
            Told { lines: vec![line], link, ..Told::default() }
        }
        Outcome::Drill(reports) | Outcome::CheckData(reports) => {
            let mut lines: Vec<String> = reports.reports.iter().map(report_line).collect();
            lines
                .extend(reports.failed.iter().map(|failed| format!("{}: {}", failed.database, failed.error)));
            let sections =
                reports.reports.iter().flat_map(|report| report.sections.iter().map(found)).collect();
            Told { lines, sections, ..Told::default() }
        }
        Outcome::Export(export) => {
            let line =
                format!("{} of {} in {}", counted(export.rows, "row"), export.state, bytes(export.bytes));
            let at = job
                .database
                .as_ref()
                .map(|name| format!("/databases/{}/exports/{}", part(name), part(&job.id)));
            let link = at.map(|address| (address, "The files".to_owned()));
            Told { lines: vec![line], link, ..Told::default() }
        }
        Outcome::Restore(outcome) | Outcome::Refresh(outcome) => match outcome {
            RestoreOutcome::Rows(rows) => of_rows(&rows),
            RestoreOutcome::Replaced(replaced) => of_replaced(&replaced),
            RestoreOutcome::New(new) => of_new(&new),
            RestoreOutcome::Translated(_) => Told::default(),
        },
        Outcome::Undo(outcome) | Outcome::Apply(outcome) => match outcome {
            UndoOutcome::Rows(rows) => of_rows(&rows),
            UndoOutcome::Replaced(replaced) => of_replaced(&replaced),
        },
        _ => Told::default(),
    };
    Told { whole, ..told }
}

/// Snapshots that were made, and what is suspicious about them.
fn of_snapshots(snapshots: &[SnapshotSummary], zone: &TimeZone) -> Vec<String> {
    let line = |one: &SnapshotSummary| {
        format!(
            "snapshot {} of {} at {}: {} and {} ({}), {} new in the repository",
            short(&one.id.to_string()),
            one.database,
            minute(one.time, zone),
            counted(one.tables, "table"),
            counted(one.rows, "row"),
            bytes(one.bytes),
            bytes(one.new_bytes)
        )
    };
    let suspicious = snapshots.iter().flat_map(|one| &one.suspicion);
    let suspicious = suspicious.map(|suspicion| format!("suspicious: {suspicion}"));
    snapshots.iter().map(line).chain(suspicious).collect()
}

fn of_rows(outcome: &RowsOutcome) -> Told {
    let plan = &outcome.plan;
    if let Some(done) = &outcome.done {
        let mut lines = vec![format!(
            "{} inserted, {} updated, {} deleted in {}",
            count(done.rows.inserted),
            count(done.rows.updated),
            count(done.rows.deleted),
            plan.database
        )];
        if done.already > 0 {
            lines.push(format!("{} were already so", counted(done.already, "row")));
        }
        if done.skipped > 0 {
            lines.push(format!("{} were left, for others had changed them", counted(done.skipped, "row")));
        }
        lines.extend(done.notes.iter().cloned());
        lines.extend(outcome.hooks_failed.iter().map(|failed| format!("a hook failed: {failed}")));
        return Told { lines, undo: done.safety.map(|id| id.to_string()), ..Told::default() };
    }
    let line = match outcome.ended {
        Ended::Nothing => "there is nothing to change".to_owned(),
        Ended::Declined => "the plan was not approved of".to_owned(),
        Ended::Planned if plan.rows.total() == 0 => "there is nothing to change".to_owned(),
        Ended::Planned | Ended::Done => format!(
            "the plan: {} to insert, {} to update, {} to delete in {}",
            count(plan.rows.inserted),
            count(plan.rows.updated),
            count(plan.rows.deleted),
            plan.database
        ),
    };
    let link = outcome.kept.map(|id| (format!("/plans/{id}"), "The plan".to_owned()));
    let unmatched = plan.unmatched.iter().map(|line| format!("there is {}", plain(line)));
    let cautions = plan.cautions.iter().map(|line| plain(line));
    let lines = [line].into_iter().chain(unmatched).chain(cautions).collect();
    Told { lines, link, ..Told::default() }
}

/// Whether a database that was made was held against the snapshot, in words that go on.
fn proven(proof: Option<&Comparison>) -> &'static str {
    match proof.map(Comparison::is_proven) {
        Some(true) => ", equal by hash",
        Some(false) => ", and they differ from the snapshot",
        None => "",
    }
}

fn of_replaced(outcome: &ReplacementOutcome) -> Told {
    let plan = &outcome.plan;
    if let Some(done) = &outcome.done {
        let mut lines = vec![format!(
            "{} was replaced by {}: {} and {}{}",
            plan.database,
            from_words(&plan.from),
            counted(done.tables, "table"),
            counted(done.rows, "row"),
            proven(done.proof.as_ref())
        )];
        lines.extend(done.notes.iter().cloned());
        lines.extend(outcome.hooks_failed.iter().map(|failed| format!("a hook failed: {failed}")));
        return Told { lines, undo: done.safety.map(|id| id.to_string()), ..Told::default() };
    }
    let line = match outcome.ended {
        Ended::Nothing => format!("{} is already what {} is", plan.database, from_words(&plan.from)),
        Ended::Declined => "the plan was not approved of".to_owned(),
        Ended::Planned | Ended::Done => {
            format!("the plan: all of {} is replaced by {}", plan.database, from_words(&plan.from))
        }
    };
    let link = outcome.kept.map(|id| (format!("/plans/{id}"), "The plan".to_owned()));
    Told { lines: vec![line], link, ..Told::default() }
}

fn of_new(new: &NewDatabase) -> Told {
    let mut lines = vec![format!(
        "{} was made from snapshot {}: {} and {}{}",
        new.database,
        short(&new.snapshot.to_string()),
        counted(new.tables, "table"),
        counted(new.rows, "row"),
        proven(new.proof.as_ref())
    )];
    lines.extend(new.notes.iter().cloned());
    lines.extend(new.left_out.iter().map(LeftOut::told));
    lines.extend(new.hooks_failed.iter().map(|failed| format!("a hook failed: {failed}")));
    Told { lines, ..Told::default() }
}

fn report_line(report: &Report) -> String {
    let snapshot = report.snapshot.as_ref().map(|about| short(&about.id)).unwrap_or_default();
    match (&report.measures, report.is_passed()) {
        (Some(measures), true) if measures.is_page_file => format!(
            "checked: snapshot {snapshot} of {} with {} was written as its page restores it and read again in {}, equal by hash; no browser loaded it",
            report.database,
            counted(measures.rows, "row"),
            took(measures.recovery_ms)
        ),
        (Some(measures), true) => format!(
            "proven: snapshot {snapshot} of {} came back with {} in {}, equal by hash",
            report.database,
            counted(measures.rows, "row"),
            took(measures.recovery_ms)
        ),
        (_, true) => format!("{}: everything holds", report.database),
        (_, false) => format!("{}: not everything holds", report.database),
    }
}

fn found(section: &rowkeep::report::Section) -> Found {
    let entry = |entry: &rowkeep::report::ReportEntry| {
        let (word, colour) = match entry.status {
            Status::Passed => ("passed", "good"),
            Status::Warning => ("warning", "warn"),
            Status::Failed => ("failed", "bad"),
        };
        (word, colour, entry.title.clone(), entry.detail.clone())
    };
    Found { title: section.title.clone(), entries: section.findings.iter().map(entry).collect() }
}

/// The command that does the same, where there is a short one.
pub(super) fn command(job: &Job) -> Option<String> {
    let request: Request = serde_json::from_str(&job.request).ok()?;
    let database = job.database.as_deref();
    let of = |verb: &str| database.map(|name| format!("rowkeep {verb} {}", argument(name)));
    match request {
        Request::Backup(_) => of("backup"),
        Request::Drill(_) => of("drill"),
        Request::Refresh(_) => of("refresh"),
        Request::Check(_) => Some("rowkeep check".to_owned()),
        Request::Prune(_) => Some("rowkeep prune".to_owned()),
        Request::Diff(diff) => {
            let state =
                |named: &str| if Some(named) == database { "live".to_owned() } else { argument(named) };
            Some(format!("rowkeep diff {} {}", state(&diff.before), state(&diff.after)))
        }
        Request::Apply(apply) => Some(format!("rowkeep apply {}", argument(&apply.plan))),
        Request::Undo(_) => of("undo"),
        _ => None,
    }
}
