//! Plans that are kept.

use rowkeep::Error;
use rowkeep::format::PlanId;
use rowkeep::jobs::plans::{Action, PlanListing, short_id};

use super::table::{Column, render};
use super::units::{count, local_time, plain};
use crate::fail;

/// What became of a plan that was only to be made.
pub(crate) fn kept(plan: Option<PlanId>) -> String {
    match plan.map(short_id) {
        Some(id) => format!("nothing was changed; plan {id} is saved: run it with `rowkeep apply {id}`"),
        None => "nothing was changed".to_owned(),
    }
}

/// Plans in a table.
pub(crate) fn told(plans: &[PlanListing]) -> String {
    if plans.is_empty() {
        return "no plans; create one with `rowkeep restore SNAPSHOT --dry-run`".to_owned();
    }
    let columns = [
        Column("PLAN", false),
        Column("MADE", false),
        Column("DATABASE", false),
        Column("WHAT", false),
        Column("ROWS", true),
        Column("EXECUTED", false),
    ];
    // The table is as wide as a terminal: the id of the snapshot is what must not be cut.
    let from = |state: &str| state.strip_prefix("snapshot ").unwrap_or(state).to_owned();
    let rows = plans.iter().map(|listed| {
        let (what, rows) = match &listed.plan.action {
            Action::Rows { summary, .. } => {
                (format!("{} from {}", summary.operation, from(&summary.from)), count(summary.rows.total()))
            }
            Action::Replace { summary, .. } => {
                (format!("{} from {}, schema too", summary.operation, from(&summary.from)), "-".to_owned())
            }
        };
        vec![
            short_id(listed.id),
            local_time(listed.plan.time),
            listed.plan.database.clone(),
            what,
            rows,
            listed.executed.map_or_else(|| "no".to_owned(), local_time),
        ]
    });
    render(&columns, rows)
}

/// Names the plans that cannot be read.
pub(crate) fn pass_over(unreadable: &[(PlanId, Error)]) {
    for (id, error) in unreadable {
        fail::say(&format!("warning: plan {} is skipped: {}", short_id(*id), plain(&error.to_string())));
    }
}

/// What was deleted, a line each.
pub(crate) fn deleted(plans: &[PlanId]) -> String {
    plans.iter().map(|id| format!("deleted plan {}", short_id(*id))).collect::<Vec<_>>().join("\n")
}
