use anyhow::Result;
use rowkeep::hooks::{Facts, Operation};
use rowkeep::jobs::migrate::{MigrateOptions, Migration, Rollback, migrate};
use rowkeep::report::Status;
use rowkeep::repository::Repository;
use rowkeep::restore::verify::Outcome;
use serde_json::{Value, json};

use super::around::Changing;
use crate::fail::{CommandError, DONE, FAILED};
use crate::setup::{Session, Source};
use crate::ui::schema;
use crate::ui::units::{counted, plain};

/// Run a migration between two snapshots; when it fails, the database becomes what it was.
///
/// It fails when the command does (also by Ctrl-C), when a check of rowkeep.toml fails that held before, or when what was
/// expected to stay is gone. Then schema and rows are put back and proven, and the exit status is 1. Everything since the
/// first snapshot is taken back, also what others wrote meanwhile. The command gets ROWKEEP_DATABASE, ROWKEEP_DATABASE_URL
/// and ROWKEEP_SNAPSHOT, the snapshot before it, in its environment.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// Fail when a table or column is gone, or rows were deleted
    #[arg(long)]
    expect_no_loss: bool,
    /// End other connections to the database before it is rolled back (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Migrate {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let source = session.source(&self.changing.database)?;
        let repository = session.open_or_init().await?;
        let hooks = session.hooks(Operation::Migrate, &self.changing.database, self.no_hooks)?;
        let facts = Facts::new(Operation::Migrate, &*source.name, source.engine.describe());
        let migrated = session
            .within(&hooks, facts, async |facts| self.migrate(session, &repository, &source, facts).await);
        migrated.await
    }

    async fn migrate(
        &self,
        session: &Session,
        repository: &Repository,
        source: &Source,
        facts: &mut Facts,
    ) -> Result<u8> {
        let changing = &self.changing;
        let options = MigrateOptions {
            capture: changing.capture(session, source)?,
            checks: source.checks.clone(),
            expect_no_loss: self.expect_no_loss,
            end_connections: self.end_connections,
        };
        let command = changing.runs(session, source)?;
        let engine = source.engine.as_ref();
        let done = migrate(&session.context, repository, engine, &options, command).await?;
        facts.snapshot = Some(done.before.id.to_string());
        let difference = match &done.effect {
            Ok(effect) => {
                facts.rows = Some(effect.counts());
                changing.show(session, &done.before, effect).await?
            }
            Err(_) => Value::Null,
        };
        for found in done.checks.iter().filter(|found| found.status != Status::Passed) {
            session.say(format!("check: {}: {}", plain(&found.title), plain(&found.detail)));
        }
        for problem in &done.problems {
            eprintln!("failed: {}", plain(problem));
        }
        facts.problem = done.problems.first().cloned();
        let told = told(&done, &engine.describe());
        if session.global.json {
            println!("{}", result(&done, difference));
        }
        let status = if done.problems.is_empty() { DONE } else { FAILED };
        match done.rollback {
            Some(Err(error)) => {
                return Err(anyhow::Error::new(error).context(format!(
                    "the database could not be rolled back; snapshot {} is the state before",
                    done.before.short_id()
                )));
            }
            Some(Ok(rollback)) if !rollback.is_proven() => {
                session.say(unproven(&rollback));
                return Err(CommandError::failed(told).into());
            }
            _ if status == FAILED => eprintln!("{told}"),
            _ => session.say(told),
        }
        Ok(status)
    }
}

/// How it ended, in a line.
fn told(done: &Migration, database: &str) -> String {
    let before = done.before.short_id();
    match &done.rollback {
        None if done.problems.is_empty() => match &done.effect {
            Ok(effect) => format!("migrated: {database} is snapshot {}", effect.after.short_id()),
            Err(_) => format!("migrated {database}"),
        },
        None => format!("{database} was not changed, so there is nothing to roll back"),
        Some(Ok(rollback)) if rollback.is_proven() => {
            let how = match rollback.rows {
                Some(rows) => format!("{} changed back", counted(rows.total(), "row")),
                None => "schema and rows".to_owned(),
            };
            let tables = counted(rollback.rows_proven.tables.len() as u64, "table");
            format!("rolled back: {database} is snapshot {before} again, {how}, {tables} proven by hash")
        }
        Some(_) => format!("{database} was rolled back, but it is not all that snapshot {before} is"),
    }
}

fn unproven(rollback: &Rollback) -> String {
    let unequal = rollback.rows_proven.tables.iter().filter(|table| table.outcome != Outcome::Equal);
    let mut lines: Vec<String> = unequal.map(|table| format!("! rows of {} differ", table.table)).collect();
    lines.extend(rollback.notes.iter().map(|note| format!("note: {}", plain(note))));
    lines.push(schema::told(&[], &rollback.schema));
    lines.join("\n")
}

fn result(done: &Migration, difference: Value) -> Value {
    let rollback = done.rollback.as_ref().map(|rollback| match rollback {
        Ok(done) => json!({
            "proven": done.is_proven(),
            "rows": done.rows,
            "schema_replaced": done.rows.is_none(),
            "notes": done.notes,
        }),
        Err(error) => json!({ "error": error.to_string() }),
    });
    let effect = done.effect.as_ref().ok();
    json!({
        "succeeded": done.problems.is_empty(),
        "problems": done.problems,
        "before": done.before.id,
        "after": effect.map(|effect| effect.after.id),
        "changed": effect.map(|effect| !effect.is_nothing()),
        "difference": difference,
        "checks": done.checks,
        "rollback": rollback,
    })
}
