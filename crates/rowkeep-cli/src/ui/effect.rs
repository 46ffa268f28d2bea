//! What a command did to a database.

use anyhow::Result;
use rowkeep::diff::Changeset;
use rowkeep::jobs::outcome::{AroundOutcome, EffectSummary, SnapshotSummary};
use serde_json::json;

use super::difference;
use super::pager::Pager;
use super::units::{plain, short};
use crate::fail;
use crate::out;
use crate::setup::Session;

/// Shows what a command did, as `rowkeep diff` does, for people.
pub(crate) async fn show(
    session: &Session,
    before: &SnapshotSummary,
    effect: &EffectSummary,
    changes: Option<&Changeset>,
    rows: bool,
) -> Result<()> {
    if session.global.json {
        return Ok(());
    }
    if !effect.changed {
        session.say("nothing was changed");
        return Ok(());
    }
    session.say(difference::summary(&effect.difference));
    for change in &effect.unrecorded {
        session.say(format!("! {}", plain(change)));
    }
    for table in &effect.not_compared {
        session.say(format!("! rows of {table} were not compared: a column of its key is gone"));
    }
    if !session.global.quiet && effect.difference.rows.total() > 0 {
        match changes.filter(|_| rows) {
            Some(changes) => difference::print_lines(changes, &mut Pager::begin()).await?,
            None => session.say(format!(
                "\n`rowkeep diff {} {} --rows` shows the rows",
                short(before.id),
                short(effect.after)
            )),
        }
    }
    Ok(())
}

/// Shows how a command ended, and for programs what it did.
pub(crate) fn show_around(session: &Session, outcome: &AroundOutcome) {
    if let Some(problem) = &outcome.problem {
        fail::say(&format!("failed: {}", plain(problem)));
    }
    if session.global.json {
        let result = json!({
            "succeeded": outcome.problem.is_none(),
            "problems": outcome.problem.iter().collect::<Vec<_>>(),
            "before": outcome.before.id,
            "after": outcome.effect.after,
            "difference": outcome.effect.difference,
            "unrecorded": outcome.effect.unrecorded,
        });
        out::json(&result);
    }
}

/// How to go back by hand, before a command is run.
pub(crate) fn say_before(session: &Session, before: &SnapshotSummary, target: Option<&str>) {
    let to = target.map(|target| format!(" --to {target}")).unwrap_or_default();
    let told = format!(
        "snapshot {0} is the state before; to go back to it by hand: `rowkeep restore {0} --with-schema{to}`",
        short(before.id)
    );
    match (session.global.json, session.global.quiet) {
        (true, false) => fail::say(&plain(&told)),
        _ => session.say(plain(&told)),
    }
}
