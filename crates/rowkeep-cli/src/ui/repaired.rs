//! What a repair is going to do, and what became of it.

use rowkeep::jobs::outcome::{Ended, RepairPlan};
use rowkeep::jobs::repair::RepairOutcome;

use super::units::{counted, local_time, plain, short};

/// What is going to be done, a line each.
pub(crate) fn plan_told(plan: &RepairPlan) -> String {
    let mut lines = vec!["plan: repair the repository".to_owned()];
    if plan.config {
        lines.push("make config again from the key slots".to_owned());
    }
    for pack in &plan.packs {
        lines.push(format!("pack {}: store again what can be read of it, then set it aside", short(pack)));
    }
    lines.extend(plan.unnamed.iter().map(|pack| format!("pack {}: name it in the index again", short(pack))));
    if plan.lost_chunks > 0 {
        lines.push(format!(
            "{} cannot be read from anywhere in the repository",
            counted(plan.lost_chunks, "chunk")
        ));
    }
    for source in &plan.sources {
        let mut parts: Vec<String> = source.tables.iter().map(|table| plain(&table.to_string())).collect();
        if source.schema {
            parts.push("its schema".to_owned());
        }
        let (database, parts) = (plain(&source.database), parts.join(", "));
        lines.push(match &source.target {
            Some(target) => format!("{database}: read again from {}: {parts}", plain(target)),
            None => format!("{database}: lacks {parts}; give the database to have it read again"),
        });
    }
    lines.extend(plan.aside.iter().map(|object| format!("set aside {}", plain(object))));
    lines.extend(plan.struck.iter().map(|entry| format!("strike {}", plain(entry))));
    lines.join("\n")
}

/// What became of it.
pub(crate) fn told(outcome: &RepairOutcome) -> String {
    match outcome.ended {
        Ended::Planned => return "nothing was changed: --dry-run".to_owned(),
        Ended::Declined => return "nothing was changed".to_owned(),
        Ended::Nothing => return "nothing to repair".to_owned(),
        Ended::Done => {}
    }
    let mut lines: Vec<String> = outcome.notes.iter().map(|note| format!("note: {}", plain(note))).collect();
    for loss in &outcome.incomplete {
        lines.push(format!(
            "snapshot {} of {} ({}) stays incomplete: it lacks {}",
            short(loss.snapshot),
            plain(&loss.database),
            local_time(loss.time),
            plain(&loss.told())
        ));
    }
    let aside = outcome.aside.len() as u64;
    if aside > 0 {
        lines.push(format!("{} set aside, below aside/ in the repository", counted(aside, "object")));
    }
    let restored = counted(outcome.restored_chunks, "chunk");
    let clean = outcome.check.as_ref().is_some_and(|check| check.clean);
    lines.push(match clean {
        true => format!("repaired: {restored} stored again from databases; a check finds no damage"),
        false => {
            format!(
                "NOT REPAIRED: {restored} stored again from databases; `rowkeep check` shows what is left"
            )
        }
    });
    lines.join("\n")
}
