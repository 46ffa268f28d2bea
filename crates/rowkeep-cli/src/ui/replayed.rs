//! A snapshot and a log that became the state at a time.

use rowkeep::jobs::replay::ReplayOutcome;
use rowkeep::replay::{Problem, ProblemKind};

use super::merged::changed;
use super::units::{count, plain, short};

/// What came of replaying, in words.
pub(crate) fn told(outcome: &ReplayOutcome) -> String {
    let base = short(outcome.base);
    let (log, until) = (plain(&outcome.log), outcome.until);
    let entries = match outcome.entries {
        1 => "1 entry".to_owned(),
        more => format!("{} entries", count(more)),
    };
    let mut out = format!("{entries} of the log in {log}, after {base} and up to {until}\n\n");
    out += &changed(outcome.tables.iter().map(|table| (&table.table, table.rows)));
    for (number, of) in [(outcome.others, "of that time are about no rows"), (outcome.later, "are later")] {
        if number > 0 {
            out += &format!("entries that {of}: {}\n", count(number));
        }
    }
    match (outcome.last, outcome.newest) {
        (_, Some(newest)) if newest < until => {
            out += &format!("the newest entry is of {newest}, before that time\n");
        }
        (Some(last), _) => out += &format!("the last entry before that time is of {last}\n"),
        _ => {}
    }
    for note in &outcome.notes {
        out += &format!("note: {}\n", plain(note));
    }
    for problem in &outcome.problems {
        out += &format!("does not fit: {}\n", plain(&problem_told(problem)));
    }
    if outcome.is_undecided() {
        out += "look at these entries, begin with another snapshot (--base), or make the snapshot all the same with --despite-problems\n";
    }
    out += &match &outcome.snapshot {
        Some(made) => {
            format!("snapshot {} of {}: {} rows", short(made.id), plain(&made.database), count(made.rows))
        }
        None => "no snapshot was made".to_owned(),
    };
    out
}

fn problem_told(problem: &Problem) -> String {
    let why = match problem.kind {
        ProblemKind::NoTime => "no time is said",
        ProblemKind::Earlier => "an earlier time is said than by entries that the base has",
        ProblemKind::Altered => "the base has another entry of that key",
        ProblemKind::NoTable => "there is no such table with rows in the base",
        ProblemKind::NoKey => "no key of the table is said by which it has rows",
        ProblemKind::Missing => "the row is not there",
        ProblemKind::Exists => "the row is there already",
        ProblemKind::Differs => "the row was not as is said",
        ProblemKind::Unreadable => "what the row became is not certain",
        ProblemKind::Unordered => {
            "others changed the row at the same moment, and nothing says which was first"
        }
    };
    let detail = problem.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let Problem { table, entries, first, .. } = problem;
    let of = match entries {
        1 => format!("entry {first}"),
        more => format!("{} entries, the first is {first}", count(*more)),
    };
    format!("{table}: {why}{detail}: {of}")
}
