//! A report as Markdown, to be kept with other papers.

use std::fmt::Write as _;

use jiff::Timestamp;
use rowkeep::units::{bytes, count, duration, plain};

use super::alerts::AlertEntry;
use super::database::DatabaseReport;
use super::whole::{Report, Shared};

/// Text that means nothing but itself in a cell of a table.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn words(seconds: u64) -> String {
    rowkeep::age(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The report of a period.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = format!("# {}\n\n", cell(&report.summary));
    let _ = writeln!(
        out,
        "From {} to {}. What was promised is what the configuration promised when this was made.\n",
        second(report.from),
        second(report.to)
    );
    for note in notes(report) {
        let _ = writeln!(out, "- {}", cell(&note));
    }
    out.push_str("\n| Database | Promise | Verdict | Backups stored | failed | Longest gap | Drills proven | failed | Last recovery |\n");
    out.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for database in &report.databases {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(&database.name),
            cell(&promised(database)),
            database.verdict.word(),
            count(database.backups_stored),
            count(database.backups_failed),
            database.longest_gap.map(|gap| words(gap.seconds)).unwrap_or_default(),
            count(database.drills_proven),
            count(database.drills_failed),
            recovery(database)
        );
    }
    let explained = report.databases.iter().filter(|database| !database.reasons.is_empty());
    for database in explained {
        let _ = writeln!(out, "\n{}:\n", cell(&database.name));
        for reason in &database.reasons {
            let _ = writeln!(out, "- {}", cell(reason));
        }
    }
    let own = report.databases.iter().flat_map(|database| &database.alerts);
    let alerts: Vec<&AlertEntry> =
        own.chain(report.shared.iter().flat_map(|shared| &shared.alerts)).collect();
    if !alerts.is_empty() {
        out.push_str("\n| Alert | About | Opened | Over | What was wrong |\n|---|---|---|---|---|\n");
    }
    for alert in alerts {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&alert.kind.replace('_', " ")),
            cell(&alert.object),
            second(alert.opened),
            alert.cleared.map_or_else(|| "no".to_owned(), second),
            cell(&alert.words)
        );
    }
    for line in report.shared.iter().flat_map(shared_lines) {
        let _ = writeln!(out, "\n{}", cell(&line));
    }
    out
}

/// What is to be known of all of it.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    match report.known_since {
        None => notes.push("The state of the service knows nothing of this time.".to_owned()),
        Some(since) if since > report.from => notes.push(format!(
            "What was before {} is not known: the state of the service begins then.",
            second(since)
        )),
        Some(_) => {}
    }
    let off: u64 = report.not_running.iter().map(|stretch| stretch.seconds).sum();
    if let (Some(longest), true) = (report.not_running.iter().max_by_key(|stretch| stretch.seconds), off > 0)
    {
        notes.push(format!(
            "The service did not run for {} in all, the longest from {} to {}.",
            words(off),
            second(longest.from),
            second(longest.to)
        ));
    }
    if let Some(problem) = &report.repository_problem {
        notes.push(format!(
            "The repository could not be looked at, so that only backups of the service count: {problem}"
        ));
    }
    notes
}

/// What is promised of a database, or when it is backed up.
pub(crate) fn promised(database: &DatabaseReport) -> String {
    match (database.lose_seconds, database.back_in_seconds, &database.schedule) {
        (Some(lose), Some(back_in), _) => format!("lose {}, back in {}", words(lose), words(back_in)),
        (Some(lose), None, _) => format!("lose {}", words(lose)),
        (None, _, Some(schedule)) => schedule.clone(),
        (None, _, None) => "nothing".to_owned(),
    }
}

/// What the last drill measured, or that none was run.
pub(crate) fn recovery(database: &DatabaseReport) -> String {
    match &database.last_drill {
        None => "NOT RUN".to_owned(),
        Some(drill) => match (drill.proven, drill.recovery_ms) {
            (true, Some(took)) => duration(std::time::Duration::from_millis(took)),
            (true, None) => "proven".to_owned(),
            (false, _) => "failed".to_owned(),
        },
    }
}

/// What is about no single database, a line each.
pub(crate) fn shared_lines(shared: &Shared) -> Vec<String> {
    let checks = match shared.last_check {
        None => "Checks of the repository: NOT RUN".to_owned(),
        Some(last) => format!(
            "Checks of the repository: {} in order, {} with damage, {} failed, the last {}",
            shared.checks_done,
            shared.checks_damaged,
            shared.checks_failed,
            second(last)
        ),
    };
    let measured = |held: &super::whole::Measured| format!("{} at {}", bytes(held.bytes), second(held.time));
    let storage = match (&shared.storage_then, &shared.storage_now) {
        (Some(then), Some(now)) => format!("Storage: {}, {}", measured(then), measured(now)),
        (None, Some(now)) => format!("Storage: {}", measured(now)),
        _ => "Storage: NOT MEASURED".to_owned(),
    };
    let audit = match shared.audit_head {
        0 => "Audit: there was no entry yet".to_owned(),
        head => format!(
            "Audit: {} entries were made; at the end there were {head}, the last with the hash {}",
            count(shared.audit_entries),
            shared.audit_hash
        ),
    };
    vec![checks, storage, audit]
}
