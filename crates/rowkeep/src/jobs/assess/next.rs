//! What to do next in an emergency.

use rowkeep_engine::DatabaseUrl;
use serde::{Deserialize, Serialize};

use super::decide::TableHealth;
use super::findings::{Assessment, Candidate, Reach};
use crate::state::snapshots::SHORT_ID;

/// Something to do, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Why.
    pub why: String,
    /// The arguments of `rowkeep` that do it.
    pub arguments: Vec<String>,
}

/// What to do next, exactly; `database` is what the database was called.
pub(super) fn next(assessed: &Assessment, database: &str) -> Vec<Step> {
    let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut steps = Vec::new();
    let mut step = |why: &str, arguments| steps.push(Step { why: why.to_owned(), arguments });
    if assessed.reach == Reach::Arrives {
        return next_of_arriving(assessed);
    }
    if !assessed.lacking {
        return steps;
    }
    let mut states = assessed.tables.iter().map(|table| &table.state);
    let is_readable = !states.any(|state| matches!(state, TableHealth::Unreadable(_) | TableHealth::Denied));
    if matches!(assessed.reach, Reach::Unreachable(_)) || assessed.reach == Reach::There && !is_readable {
        step("See why it cannot be read; it may be whole.", line(&["doctor", database]));
    }
    // What cannot be read cannot be backed up.
    if assessed.reach == Reach::There
        && is_readable
        && !assessed.damaged.iter().any(|damaged| damaged.time.is_none())
    {
        step(
            "Keep the present state before anything is changed.",
            line(&["backup", database, "--name", "as-found"]),
        );
    }
    let to = |suffix: &str| beside(&assessed.target, suffix);
    if let Some(best) = &assessed.best {
        let lacking: Vec<&str> = assessed
            .tables
            .iter()
            .filter(|table| table.state.is_lacking() && table.snapshot_rows.is_some())
            .map(|table| table.table.as_str())
            .collect();
        let is_nothing_lost = lacking.is_empty() && assessed.reach == Reach::There;
        if !is_nothing_lost {
            step(
                "Restore the best snapshot beside the database, proven by hash; nothing is overwritten.",
                line(&["restore", best.short_id(), "--to", &to("restored")]),
            );
        }
        if matches!(assessed.reach, Reach::Missing | Reach::Empty | Reach::Unfinished) {
            step(
                "Or into the database itself: it holds nothing that could be lost.",
                line(&["restore", best.short_id(), "--to", database]),
            );
        }
        if assessed.reach == Reach::There && !lacking.is_empty() && lacking.len() < assessed.tables.len() {
            step(
                "Or only the tables that lack rows.",
                line(&["restore", best.short_id(), "--to", &to("tables"), "--tables", &lacking.join(",")]),
            );
        }
    }
    if let Some(best) = assessed.best.as_ref().filter(|_| assessed.reach == Reach::There) {
        let fewer: Vec<&str> = assessed
            .tables
            .iter()
            .filter(|table| table.state == TableHealth::Fewer)
            .map(|table| table.table.as_str())
            .collect();
        if !fewer.is_empty() {
            let tables = fewer.join(",");
            let merge =
                ["restore", best.short_id(), "--to", database, "--mode", "merge", "--tables", &tables];
            step(
                "Or put the missing rows back into the database itself, all else left as it is; without --dry-run it is done.",
                line(&[&merge[..], &["--dry-run"]].concat()),
            );
        }
    }
    let mut before: Vec<&str> = assessed.losses.iter().map(|loss| loss.before.as_str()).collect();
    before.sort_unstable();
    before.dedup();
    for id in before {
        let tables: Vec<&str> =
            assessed.losses.iter().filter(|loss| loss.before == id).map(|loss| loss.table.as_str()).collect();
        let short = id.get(..8).unwrap_or(id);
        step(
            "If these rows were not meant to go: the tables as they were before.",
            line(&["restore", short, "--to", &to(&format!("before-{short}")), "--tables", &tables.join(",")]),
        );
    }
    if !assessed.damaged.is_empty() {
        step("Find out how far the damage goes.", line(&["check", "--read-data"]));
    }
    steps
}

/// The same for a database whose states arrive: its pages alone write to it. Nobody but them sees what it has, so the way back is
/// told even where all is well.
fn next_of_arriving(assessed: &Assessment) -> Vec<Step> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let file = |id: &str| format!("{}-{id}.ndjson.gz", assessed.database.replace(['/', '\\'], "-"));
    let mut steps = Vec::new();
    let mut step = |why: &str, arguments| steps.push(Step { why: why.to_owned(), arguments });
    let of_devices = assessed.devices.iter().filter_map(|of| Some((of.device.as_deref(), of.best.as_ref()?)));
    let mut ways: Vec<(Option<&str>, &Candidate)> = of_devices.collect();
    if ways.is_empty() {
        ways.extend(assessed.best.iter().map(|best| (None, best)));
    }
    for (device, best) in ways {
        let (id, browser) =
            (best.short_id(), device.map_or_else(|| "a browser".to_owned(), |name| format!("device {name}")));
        step(
            &format!(
                "Where {browser} has lost data: let its page restore the best snapshot from the service, or from the file that this writes."
            ),
            words(&["export", id, "--format", "own", "-o", &file(id)]),
        );
    }
    let mut before: Vec<&str> = assessed.losses.iter().map(|loss| loss.before.as_str()).collect();
    before.sort_unstable();
    before.dedup();
    for id in before {
        let tables: Vec<&str> =
            assessed.losses.iter().filter(|loss| loss.before == id).map(|loss| loss.table.as_str()).collect();
        let short = id.get(..SHORT_ID).unwrap_or(id);
        step(
            "If these rows were not meant to go: the stores as they were before, in a file for the page.",
            words(&[
                "export",
                short,
                "--format",
                "own",
                "--tables",
                &tables.join(","),
                "-o",
                &file(&format!("before-{short}")),
            ]),
        );
    }
    if !assessed.damaged.is_empty() {
        step("Find out how far the damage goes.", words(&["check", "--read-data"]));
    }
    steps
}

/// The name of a new database beside another.
fn beside(target: &str, suffix: &str) -> String {
    let url = DatabaseUrl::parse(target).unwrap_or_else(|_| DatabaseUrl::of_file(target));
    url.beside(suffix).unwrap_or_else(|_| format!("{target}-{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_databases_are_named_beside_the_old() {
        assert_eq!(beside("data/app.db", "restored"), "data/app-restored.db");
        assert_eq!(beside("app", "before-12"), "app-before-12");
        assert_eq!(beside("postgres://u@h:5433/app", "before-12"), "postgres://u@h:5433/app_before_12");
    }
}
