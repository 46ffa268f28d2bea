//! How databases are.

use jiff::Timestamp;
use rowkeep::age;
use rowkeep::jobs::health::{DatabaseHealth, HealthOutcome, LastDrill};

use super::table::{Column, render};
use super::units::{count, local_time, plain, time_zone};

/// One sentence, and a line for each database.
pub(crate) fn told(outcome: &HealthOutcome) -> String {
    if outcome.databases.is_empty() {
        return format!("{}, and there are no snapshots", outcome.summary);
    }
    let columns = [
        Column("DATABASE", false),
        Column("STANDING", false),
        Column("NEWEST", false),
        Column("AGE", true),
        Column("WANTED", false),
        Column("SNAPSHOTS", true),
        Column("LAST DRILL", false),
    ];
    let rows = outcome.databases.iter().map(|database| row(database, outcome.time));
    let notes = outcome.databases.iter().flat_map(|database| {
        database.notes().into_iter().map(|note| format!("{}\n", plain(&format!("{}: {note}", database.name))))
    });
    let notes: String = notes.collect();
    format!("{}\n\n{}\n\n{notes}times are {}", outcome.summary, render(&columns, rows), time_zone())
}

fn row(database: &DatabaseHealth, now: Timestamp) -> Vec<String> {
    let newest = database.newest.as_ref();
    vec![
        database.name.clone(),
        database.standing.name().replace('_', " "),
        newest.map_or_else(|| "none".to_owned(), |newest| local_time(newest.time)),
        newest.map_or_else(String::new, |newest| long(newest.age_seconds)),
        wanted(database),
        count(database.snapshots),
        database.last_drill.as_ref().map_or_else(|| "none".to_owned(), |drill| drilled(drill, now)),
    ]
}

/// What holds of the age: the promise, or else the schedule.
fn wanted(database: &DatabaseHealth) -> String {
    let promised = database.lose_seconds.map(|seconds| format!("at most {}", long(seconds)));
    let overdue = database.overdue_since.map(|since| format!(", overdue since {}", local_time(since)));
    let scheduled = || {
        let schedule = database.schedule.as_ref()?;
        Some(format!("{schedule}{}", overdue.unwrap_or_default()))
    };
    promised.or_else(scheduled).unwrap_or_default()
}

fn drilled(drill: &LastDrill, now: Timestamp) -> String {
    let how = if drill.passed { "passed" } else { "FAILED" };
    format!("{how} {} ago", age(now.duration_since(drill.time).as_secs()))
}

fn long(seconds: u64) -> String {
    age(i64::try_from(seconds).unwrap_or(i64::MAX))
}
