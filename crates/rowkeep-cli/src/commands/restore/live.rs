//! Restoring into a database that holds data.

use anyhow::Result;
use rowkeep::apply::plan::{Mode, OnDangling, Plan, PlanOptions, plan};
use rowkeep::apply::{Outcome, execute};
use rowkeep::engine::{ApplyOptions, ErrorKind, OnConflict};
use rowkeep::format::Counts;
use rowkeep::hooks::Facts;
use rowkeep::state::snapshots::SHORT_ID;
use rowkeep::{Error, State};
use serde_json::json;

use super::{Restore, Transfer};
use crate::fail::{CommandError, DONE, REFUSED};
use crate::setup::Session;
use crate::ui::confirm::confirmed;
use crate::ui::table::{Column, render};
use crate::ui::units::{count, counted, plain};

/// How often a plan is made again for rows that others keep changing.
const PLANS: u32 = 5;

/// How rows of the database become those of the snapshot.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum ModeChoice {
    /// Make the tables equal: rows that the snapshot lacks go
    #[default]
    Replace,
    /// Update what is there and add what is missing; delete nothing
    Update,
    /// Add what is missing; change nothing that is there
    Merge,
}

/// What to do where rows were changed since the plan was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ConflictChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Make the plan again
    Replan,
    /// Leave those rows as they are
    Skip,
}

/// What to do where rows would refer to rows that are not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DanglingChoice {
    /// Change nothing at all
    #[default]
    Stop,
    /// Restore the rows that they refer to as well, and what refers to rows that go
    Bring,
    /// Leave such rows as they are
    LeaveOut,
}

/// The program, as snapshots name it.
pub(crate) fn program() -> String {
    concat!("rowkeep ", env!("CARGO_PKG_VERSION")).to_owned()
}

impl Restore {
    /// Plans, shows, asks, applies; plans again where rows were changed meanwhile and that is wanted.
    pub(super) async fn change_live(&self, transfer: Transfer<'_>) -> Result<u8> {
        let Transfer { session, repository, snapshot, to } = transfer;
        let engine = transfer.engine();
        if self.mask.is_some() {
            let message = format!(
                "{} holds data, and rows are masked only on their way into a new database",
                engine.describe()
            );
            return Err(CommandError::usage(message)
                .with_hint("name a database that is new or empty")
                .into());
        }
        let mut facts = transfer.facts();
        let typed = self.to.as_deref().unwrap_or(&facts.database);
        let activity = session.activity(typed, engine, snapshot.short_id(), self.no_activity).await?;
        let options = PlanOptions {
            mode: match self.mode {
                ModeChoice::Replace => Mode::Replace,
                ModeChoice::Update => Mode::Update,
                ModeChoice::Merge => Mode::Merge,
            },
            selection: self.selection(session)?,
            rows: self.wanted.rows()?,
            related: self.wanted.with_related,
            dangling: match self.dangling {
                DanglingChoice::Stop => OnDangling::Stop,
                DanglingChoice::Bring => OnDangling::Bring,
                DanglingChoice::LeaveOut => OnDangling::LeaveOut,
            },
            safety: self.safety(to),
            temporary: None,
        };
        let applying = ApplyOptions {
            fire_triggers: self.fire_triggers,
            end_connections: self.end_connections,
            on_conflict: match self.conflict {
                ConflictChoice::Skip => OnConflict::Skip,
                ConflictChoice::Stop | ConflictChoice::Replan => OnConflict::Stop,
            },
            statements: Vec::new(),
        };
        let target = State::snapshot(repository, snapshot.clone()).await?;
        let make = async || plan(&session.context, repository, engine, &target, &options).await;
        let first = make().await?;
        if let Some(status) = self.decline(session, &first)? {
            return Ok(status);
        }
        facts.rows = Some(first.counts());
        let hooks = self.hooks(session, &facts)?;
        let changed = session.within(&hooks, facts, async |facts| {
            let mut plan = first;
            for attempt in 1.. {
                let statements = activity.beside(&self.also_run, &plan)?;
                let applying = ApplyOptions { statements, ..applying.clone() };
                match execute(&session.context, repository, engine, plan, &applying).await {
                    Ok(outcome) => {
                        note_outcome(facts, &outcome);
                        say_outcome(session, &outcome);
                        break;
                    }
                    Err(Error::Engine(error))
                        if error.kind() == ErrorKind::Conflict
                            && self.conflict == ConflictChoice::Replan
                            && attempt < PLANS =>
                    {
                        session.say(format!("{}; making the plan again", plain(&error.to_string())));
                    }
                    Err(error) => return Err(error.into()),
                }
                plan = make().await?;
                facts.rows = Some(plan.counts());
                if let Some(status) = self.decline(session, &plan)? {
                    return Ok(status);
                }
            }
            Ok(DONE)
        });
        changed.await
    }

    /// Shows a plan; the exit status where it is not to be executed.
    fn decline(&self, session: &Session, plan: &Plan) -> Result<Option<u8>> {
        session.say(told(plan));
        if self.dry_run {
            session.result(|| plan_json(plan), || "nothing was changed".to_owned());
            return Ok(Some(DONE));
        }
        plan.check()?;
        if plan.is_empty() {
            let whole = self.wanted.keys.is_empty() && self.wanted.condition.is_none();
            let nothing = match whole || !plan.left_out.is_empty() {
                true => "nothing is to be changed",
                false => "nothing is to be changed: these rows are as the snapshot has them, or in neither",
            };
            session.result(|| plan_json(plan), || nothing.to_owned());
            return Ok(Some(DONE));
        }
        let question = format!("change {} of {}?", counted(plan.counts().total(), "row"), plan.database);
        if !self.yes && !confirmed(&question, "--yes")? {
            session.say("nothing was changed");
            return Ok(Some(REFUSED));
        }
        Ok(None)
    }
}

/// Tells hooks what was done.
pub(crate) fn note_outcome(facts: &mut Facts, outcome: &Outcome) {
    let mut done = Counts::default();
    outcome.applied.tables.iter().for_each(|table| done += table.done);
    facts.rows = Some(done);
    facts.safety = outcome.safety.as_ref().map(|snapshot| snapshot.id.to_string());
}

/// A plan in words: what differs in the schema, and how many rows of each table change.
pub(crate) fn told(plan: &Plan) -> String {
    let mut out = match plan.from.strip_prefix("before ") {
        Some(safety) => {
            let short = safety.get(..SHORT_ID).unwrap_or(safety);
            format!("plan: take back what was done to {} after safety snapshot {short}\n", plan.database)
        }
        None => format!("plan: {} {} from {}\n", plan.operation, plan.database, plan.from),
    };
    for found in &plan.schema {
        out += &format!("\n! {found}");
    }
    if !plan.schema.is_empty() {
        out += &format!("\n  (the first is {}, the second {})\n", plan.database, plan.from);
    }
    let tables = plan.tables();
    let mut after = String::new();
    for (table, rows) in &plan.left_out {
        after += &format!(
            "\nleft out: {} of {table}, which would leave references dangling",
            counted(*rows, "row")
        );
    }
    for dangling in &plan.dangling {
        after += &format!("\ndangling: {dangling}");
    }
    if !after.is_empty() {
        after.insert(0, '\n');
    }
    if tables.is_empty() {
        let nothing = if plan.left_out.is_empty() { "no rows differ" } else { "no rows are to be changed" };
        return out + "\n" + nothing + &plain_lines(&after);
    }
    let shows_related = tables.iter().any(|table| table.related > 0);
    let mut columns = vec![
        Column("TABLE", false),
        Column("INSERT", true),
        Column("UPDATE", true),
        Column("DELETE", true),
        Column("RELATED", true),
        Column("COLUMNS", false),
    ];
    if !shows_related {
        columns.remove(4);
    }
    let rows = tables.iter().map(|table| {
        let Counts { inserted, updated, deleted } = table.counts;
        let mut notes = table.updated_columns.join(", ");
        if !table.defaulted_columns.is_empty() {
            notes += &format!(" (defaults: {})", table.defaulted_columns.join(", "));
        }
        let mut row = vec![table.table.to_string(), count(inserted), count(updated), count(deleted)];
        if shows_related {
            row.push(count(table.related));
        }
        row.push(notes.trim().to_owned());
        row
    });
    out + "\n" + &render(&columns, rows) + &plain_lines(&after)
}

/// Text of several lines, made safe to print.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// A plan for programs.
pub(crate) fn plan_json(plan: &Plan) -> serde_json::Value {
    json!({
        "operation": plan.operation,
        "from": plan.from,
        "database": plan.database,
        "schema": plan.schema,
        "tables": plan.tables(),
        "rows": plan.counts(),
        "left_out": plan.left_out.iter().map(|(table, rows)| json!({ "table": table, "rows": rows })).collect::<Vec<_>>(),
        "dangling": plan.dangling,
    })
}

/// Prints what was done.
pub(crate) fn say_outcome(session: &Session, outcome: &Outcome) {
    let (mut done, mut already, mut skipped) = (Counts::default(), 0, 0);
    for table in &outcome.applied.tables {
        done += table.done;
        already += table.already;
        skipped += table.skipped;
    }
    for note in &outcome.applied.notes {
        eprintln!("note: {}", plain(note));
    }
    session.result(
        || {
            let tables = outcome.applied.tables.iter().map(|table| {
                json!({ "table": table.table, "rows": table.done, "already": table.already, "skipped": table.skipped })
            });
            json!({
                "safety": outcome.safety.as_ref().map(|snapshot| snapshot.id),
                "rows": done,
                "already": already,
                "skipped": skipped,
                "tables": tables.collect::<Vec<_>>(),
                "notes": outcome.applied.notes,
            })
        },
        || {
            let mut text = format!(
                "done: {} inserted, {} updated, {} deleted",
                count(done.inserted),
                count(done.updated),
                count(done.deleted)
            );
            if already > 0 {
                text += &format!("; {} already so", count(already));
            }
            if skipped > 0 {
                text += &format!("; {} left as others changed them", count(skipped));
            }
            if let Some(safety) = &outcome.safety {
                text += &format!(
                    "\nsafety snapshot {}: `rowkeep undo` takes this back",
                    safety.short_id()
                );
            }
            text
        },
    );
}
