//! Restoring a whole database with its schema in place of what it holds.

use std::time::Instant;

use anyhow::Result;
use rowkeep::apply::undo_snapshot;
use rowkeep::engine::Engine;
use rowkeep::format::Counts;
use rowkeep::hooks::{Facts, Hooks};
use rowkeep::repository::Repository;
use rowkeep::restore::replace::{Replacement, plan_replacement, replace};
use rowkeep::restore::verify::verify;
use rowkeep::state::snapshots::Snapshot;
use serde_json::json;

use super::live::{ConflictChoice, ModeChoice};
use super::{Restore, Transfer};
use crate::commands::verify::told as comparison_told;
use crate::fail::{CommandError, DIFFERENCES, DONE, REFUSED};
use crate::setup::Session;
use crate::ui::confirm::confirmed;
use crate::ui::schema;
use crate::ui::table::{Column, render};
use crate::ui::units::{count, counted, duration, plain};

/// How a replacement is to be executed.
pub(crate) struct Execution {
    pub(crate) dry_run: bool,
    pub(crate) yes: bool,
    pub(crate) end_connections: bool,
    pub(crate) verify: bool,
    pub(crate) hooks: Hooks,
    pub(crate) facts: Facts,
}

impl Restore {
    /// Plans, shows, asks, replaces, proves.
    pub(super) async fn replace_all(&self, transfer: Transfer<'_>) -> Result<u8> {
        self.refuse_parts()?;
        let Transfer { session, repository, snapshot, to } = transfer;
        let (facts, safety, engine) = (transfer.facts(), self.safety(to), transfer.engine());
        let plan = plan_replacement(&session.context, repository, engine, snapshot, safety.as_ref()).await?;
        let how = Execution {
            dry_run: self.dry_run,
            yes: self.yes,
            end_connections: self.end_connections,
            verify: !self.no_verify,
            hooks: self.hooks(session, &facts)?,
            facts,
        };
        run(session, repository, engine, snapshot, plan, how).await
    }

    /// A schema is replaced as a whole: what depends on what is known to the database alone.
    fn refuse_parts(&self) -> Result<()> {
        let parts = [
            ("--tables", !self.tables.is_empty()),
            ("--keep-tables", !self.keep_tables.is_empty()),
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--mode", !matches!(self.mode, ModeChoice::Replace)),
            ("--conflict", self.conflict != ConflictChoice::Stop),
            ("--fire-triggers", self.fire_triggers),
            ("--also-run", !self.also_run.is_empty()),
            ("--mask", self.mask.is_some()),
        ];
        match parts.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => {
                let message =
                    format!("--with-schema replaces the whole database, so {option} means nothing with it");
                Err(CommandError::usage(message)
                    .with_hint("leave out --with-schema to change rows only, or restore into a new database")
                    .into())
            }
        }
    }
}

/// Shows a replacement, asks, executes it and proves it.
pub(crate) async fn run(
    session: &Session,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    plan: Replacement,
    how: Execution,
) -> Result<u8> {
    session.say(told(&plan));
    if how.dry_run || plan.is_empty() {
        let why = if how.dry_run { "nothing was changed" } else { "nothing is to be changed" };
        session.result(|| plan_json(&plan), || why.to_owned());
        return Ok(DONE);
    }
    let question = format!("replace all of {}, schema included?", plan.database);
    if !how.yes && !confirmed(&question, "--yes")? {
        session.say("nothing was changed");
        return Ok(REFUSED);
    }
    let Execution { end_connections, verify, hooks, facts, .. } = how;
    let executed = session.within(&hooks, facts, async |facts| {
        execute(session, repository, engine, snapshot, plan, (end_connections, verify), facts).await
    });
    executed.await
}

async fn execute(
    session: &Session,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    plan: Replacement,
    (end_connections, prove): (bool, bool),
    facts: &mut Facts,
) -> Result<u8> {
    let started = Instant::now();
    let mut result = plan_json(&plan);
    let replaced = replace(&session.context, repository, engine, plan, end_connections).await?;
    facts.rows = Some(Counts { inserted: replaced.restored.rows, ..Counts::default() });
    facts.safety = replaced.safety.as_ref().map(|safety| safety.id.to_string());
    for note in &replaced.restored.notes {
        eprintln!("note: {}", plain(note));
    }
    session.say(format!(
        "replaced {} by snapshot {}: {}, {} in {}",
        engine.describe(),
        snapshot.short_id(),
        counted(replaced.restored.tables, "table"),
        counted(replaced.restored.rows, "row"),
        duration(started.elapsed()),
    ));
    if let Some(safety) = &replaced.safety {
        session.say(format!("safety snapshot {}: `rowkeep undo` takes this back", safety.short_id()));
    }
    result["safety"] = json!(replaced.safety.as_ref().map(|safety| safety.id));
    result["rows"] = json!(replaced.restored.rows);
    result["notes"] = json!(replaced.restored.notes);
    let mut status = DONE;
    if prove {
        let comparison = verify(&session.context, repository, snapshot, engine).await?;
        session.say(comparison_told(&comparison, &snapshot.short_id(), &engine.describe()));
        result["equal"] = json!(comparison.is_equal());
        if !comparison.is_equal() {
            status = DIFFERENCES;
        }
    }
    if session.global.json {
        println!("{result}");
    }
    Ok(status)
}

fn told(plan: &Replacement) -> String {
    let mut out = match undo_snapshot(&plan.from) {
        Some(safety) => format!(
            "plan: replace {}, schema included, by safety snapshot {safety}, to take back what was done after it\n",
            plan.database
        ),
        None => format!("plan: replace {}, schema included, by {}\n", plan.database, plan.from),
    };
    let differences = schema::told(&plan.schema, &plan.definitions);
    match differences.is_empty() {
        true => out += "\nthe schema is the same\n",
        false => {
            out += &format!(
                "\n{differences}\n  (the first, with -, is {}; the second what comes)\n",
                plan.database
            )
        }
    }
    let differing: Vec<_> = plan.tables.iter().filter(|table| !table.equal).collect();
    let equal = plan.tables.len() - differing.len();
    if differing.is_empty() {
        return out + "\nno rows differ";
    }
    let columns = [Column("TABLE", false), Column("ROWS NOW", true), Column("ROWS THEN", true)];
    let rows = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), count);
    let lines = differing
        .iter()
        .map(|table| vec![table.table.to_string(), rows(table.rows_now), rows(table.rows_then)]);
    out += &format!("\n{}", render(&columns, lines));
    if equal > 0 {
        out += &format!("\n\nequal: {}", counted(equal as u64, "other table"));
    }
    out
}

fn plan_json(plan: &Replacement) -> serde_json::Value {
    json!({
        "operation": plan.operation,
        "from": plan.from,
        "database": plan.database,
        "schema": plan.schema,
        "definitions": plan.definitions,
        "tables": plan.tables,
    })
}
