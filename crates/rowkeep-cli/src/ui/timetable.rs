//! What a configuration wants, and when.

use rowkeep::jobs::check_config::{ConfigOutcome, ScheduledWork};
use rowkeep::time_zone;
use rowkeep::units::counted;

use super::table::{Column, render};

/// For people.
pub(crate) fn told(outcome: &ConfigOutcome) -> String {
    let databases = counted(outcome.databases, "database");
    let schedules = counted(outcome.schedules.len() as u64, "schedule");
    let mut text = match outcome.holds() {
        true => format!("the configuration holds: {databases}, {schedules}"),
        false => format!("the configuration does not hold: {databases}, {schedules}"),
    };
    for broken in &outcome.broken_promises {
        text.push_str(&format!("\nbroken promise of {}: {}", broken.database, broken.reason));
    }
    for unusable in &outcome.unusable {
        text.push_str(&format!("\n{} cannot be reached: {}", unusable.database, unusable.reason));
    }
    for not_run in &outcome.checks_not_run {
        let (database, check) = (&not_run.database, &not_run.check);
        text.push_str(&format!("\ncheck {check:?} of {database} is NOT RUN: {}", not_run.reason));
    }
    for mute in &outcome.mute {
        text.push_str(&format!("\n{} cannot be used: {}", mute.what, mute.reason));
    }
    if let Some(problem) = &outcome.tls_problem {
        text.push_str(&format!("\n{problem}"));
    }
    for addition in &outcome.additions {
        let subject = &addition.subject;
        text.push_str(&match &addition.problem {
            None => format!("\nadded on a page: {subject}"),
            Some(problem) => format!("\nadded on a page, and left out: {subject}: {problem}"),
        });
    }
    for scheduled in &outcome.schedules {
        if let (Some(of_all), Some(database)) = (&scheduled.instead_of, &scheduled.database) {
            let (work, schedule) = (scheduled.work.name(), &scheduled.schedule);
            text.push_str(&format!(
                "\n{work} of {database}: {schedule}, by its promise, instead of \"{of_all}\" in [schedule]; write that in \
                 [databases.{database}.schedule] if it is to count"
            ));
        }
    }
    if !outcome.schedules.is_empty() {
        let columns = [
            Column("WORK", false),
            Column("DATABASE", false),
            Column("SCHEDULE", false),
            Column("NEXT", false),
        ];
        text.push_str("\n\n");
        text.push_str(&render(&columns, outcome.schedules.iter().map(row)));
        text.push_str("\n\ntimes are those of the time zone of each schedule");
    }
    text
}

fn row(scheduled: &ScheduledWork) -> Vec<String> {
    let promise = if scheduled.promised { " (promise)" } else { "" };
    vec![
        scheduled.work.name().to_owned(),
        scheduled.database.clone().unwrap_or_default(),
        format!("{}{promise}", scheduled.schedule),
        next(scheduled).unwrap_or_else(|| "never".to_owned()),
    ]
}

/// The next time, to the minute, in the time zone of the schedule.
fn next(scheduled: &ScheduledWork) -> Option<String> {
    let zone = time_zone(&scheduled.timezone).ok()?;
    Some(scheduled.next?.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string())
}
