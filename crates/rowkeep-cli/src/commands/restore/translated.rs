//! Restoring into a database of another engine.

use std::time::Instant;

use anyhow::Result;
use rowkeep::engine::{Contents, Engine};
use rowkeep::format::Counts;
use rowkeep::hooks::Facts;
use rowkeep::restore::chosen;
use rowkeep::restore::translate::{Proof, TranslationPlan, execute, plan, prove};
use rowkeep::state::snapshots::Snapshot;
use serde_json::json;

use super::{Restore, Transfer};
use crate::fail::{CommandError, DIFFERENCES, DONE, REFUSED};
use crate::ui::confirm::confirmed;
use crate::ui::table::{Column, render};
use crate::ui::units::{count, counted, duration, plain};

impl Restore {
    /// Plans, shows, asks where something does not come over exactly, makes the database, and proves it.
    pub(super) async fn translate(&self, transfer: Transfer<'_>) -> Result<u8> {
        self.refuse_for_another_engine()?;
        let Transfer { session, repository, snapshot, .. } = transfer;
        let engine = transfer.engine();
        if let Contents::Occupied(_) = engine.contents().await.map_err(rowkeep::Error::from)? {
            return Err(occupied(snapshot, engine));
        }
        let tables = chosen(snapshot, &self.selection(session)?)?;
        let plan = plan(&session.context, repository, snapshot, engine, &tables).await?;
        let facts = transfer.facts();
        let database = engine.describe();
        session.say(told(&plan, &snapshot.short_id(), &database));
        let result = json!({
            "snapshot": snapshot.id,
            "from": plan.from,
            "to": plan.to,
            "translation": plan.tables,
            "inexact": plan.notes,
            "rows": plan.rows(),
        });
        if self.dry_run {
            session.result(|| result, || "nothing was changed".to_owned());
            return Ok(DONE);
        }
        let question = format!(
            "make {database}, with {} that will not be exact?",
            counted(plan.notes.len() as u64, "thing")
        );
        if !plan.is_exact() && !self.yes && !confirmed(&question, "--yes")? {
            session.say("nothing was changed");
            return Ok(REFUSED);
        }
        let hooks = self.hooks(session, &facts)?;
        let made = session
            .within(&hooks, facts, async |facts| self.fill_translated(transfer, &plan, result, facts).await);
        made.await
    }

    async fn fill_translated(
        &self,
        transfer: Transfer<'_>,
        plan: &TranslationPlan,
        mut result: serde_json::Value,
        facts: &mut Facts,
    ) -> Result<u8> {
        let Transfer { session, repository, snapshot, .. } = transfer;
        let engine = transfer.engine();
        let database = engine.describe();
        let started = Instant::now();
        let restored = execute(&session.context, engine, plan).await?;
        let restoring = started.elapsed();
        facts.rows = Some(Counts { inserted: restored.rows, ..Counts::default() });
        for note in &restored.notes {
            eprintln!("note: {}", plain(note));
        }
        session.say(format!(
            "restored snapshot {} to {database}: {}, {} in {}",
            snapshot.short_id(),
            counted(restored.tables, "table"),
            counted(restored.rows, "row"),
            duration(restoring)
        ));
        result["tables"] = json!(restored.tables);
        result["notes"] = json!(restored.notes);
        result["restore_ms"] = json!(restoring.as_millis() as u64);
        let mut status = DONE;
        if !self.no_verify {
            let started = Instant::now();
            let proof = prove(&session.context, repository, engine, plan).await?;
            session.say(proof_told(&proof, &snapshot.short_id(), &database));
            result["equal"] = json!(proof.is_equal());
            result["proof"] = json!(proof.tables);
            result["verify_ms"] = json!(started.elapsed().as_millis() as u64);
            if !proof.is_equal() {
                status = DIFFERENCES;
            }
        }
        if session.global.json {
            println!("{result}");
        }
        Ok(status)
    }

    /// What cannot be done on the way into another engine.
    fn refuse_for_another_engine(&self) -> Result<()> {
        let meant_otherwise = [
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--also-run", !self.also_run.is_empty()),
            ("--mask", self.mask.is_some()),
        ];
        match meant_otherwise.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => {
                let message = format!("{option} is not for a database of another engine than the snapshot's");
                let hint = "restore without it, or first into a database of the snapshot's own engine";
                Err(CommandError::usage(message).with_hint(hint).into())
            }
        }
    }
}

fn occupied(snapshot: &Snapshot, engine: &dyn Engine) -> anyhow::Error {
    let message = format!(
        "{} holds data, and snapshot {} is of another engine ({}): their rows cannot be held against each other",
        engine.describe(),
        snapshot.short_id(),
        snapshot.manifest.engine
    );
    let hint = "name a database that is new or empty; a table can be copied over from there";
    CommandError::refused(message).with_hint(hint).into()
}

/// A plan in words: what becomes of tables and columns, and what does not come over exactly.
fn told(plan: &TranslationPlan, snapshot: &str, database: &str) -> String {
    let mut out = format!("plan: make {database} ({}) from snapshot {snapshot} ({})\n\n", plan.to, plan.from);
    let columns = [
        Column("TABLE", false),
        Column("ROWS", true),
        Column("COLUMN", false),
        Column("FROM", false),
        Column("TO", false),
    ];
    let rows = plan.tables.iter().flat_map(|table| {
        let rows = table.rows.map_or_else(|| "-".to_owned(), count);
        let first = [renamed(&table.table.to_string(), &table.becomes.to_string()), rows];
        let columns = table.columns.iter().map(|column| {
            let name = renamed(&column.column, &column.becomes);
            [name, column.from.clone(), column.to.clone()]
        });
        let mut columns: Vec<[String; 3]> = columns.collect();
        if columns.is_empty() {
            columns.push(Default::default());
        }
        columns.into_iter().enumerate().map(move |(at, column)| {
            let first = if at == 0 { first.clone() } else { Default::default() };
            first.into_iter().chain(column).collect::<Vec<_>>()
        })
    });
    out += &render(&columns, rows);
    if plan.is_exact() {
        return out + "\n\neverything comes over exactly";
    }
    out += "\n\nwhat does not come over exactly:\n";
    for note in &plan.notes {
        out += &format!("\n! {}", plain(&note.to_string()));
    }
    out + "\n"
}

fn renamed(from: &str, to: &str) -> String {
    if from == to { from.to_owned() } else { format!("{from} -> {to}") }
}

/// What the proof found: one line when all is equal, else each table that is not.
fn proof_told(proof: &Proof, snapshot: &str, database: &str) -> String {
    let tables = counted(proof.tables.len() as u64, "table");
    if proof.is_equal() {
        let rows = counted(proof.rows(), "row");
        return format!("equal: {database} is snapshot {snapshot} as planned, {tables} and {rows} by hash");
    }
    let columns =
        [Column("TABLE", false), Column("ROWS IN SNAPSHOT", true), Column("ROWS IN DATABASE", true)];
    let rows = proof.tables.iter().filter(|table| !table.equal).map(|table| {
        let database = table.database_rows.map_or_else(|| "not there".to_owned(), count);
        vec![table.table.to_string(), count(table.snapshot_rows), database]
    });
    format!(
        "not as planned: of {tables}, these differ between {database} and snapshot {snapshot}:\n\n{}",
        render(&columns, rows)
    )
}
