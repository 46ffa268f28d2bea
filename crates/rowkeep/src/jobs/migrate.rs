//! Migrate: a command changes a database, and when it fails the database becomes what it was before.

mod request;

use std::collections::BTreeSet;

use rowkeep_engine::{ApplyOptions, Engine, LeftOut};
use rowkeep_format::manifest::Before;
use rowkeep_format::{Counts, LeftAlone, TableKind, TableName};
use rowkeep_repository::Repository;

use crate::apply::execute;
use crate::apply::plan::{Mode, PlanOptions, plan};
use crate::apply::safety::enter;
use crate::capture::CaptureOptions;
use crate::data_checks::{Check, Circumstances, run_checks};
use crate::diff::SchemaDifference;
use crate::jobs::run_between::{Around, Effect, around};
use crate::jobs::unrecorded::{TakenBack, UnrecordedChange, take_back};
use crate::report::{ReportEntry, Status};
use crate::restore::replace::put_back;
use crate::restore::verify::{Comparison, verify_strictly};
use crate::state::State;
use crate::state::needs::has_all;
use crate::state::owner::Owner;
use crate::state::snapshots::{self, Snapshot};
use crate::{Context, Error};

pub use request::{MigrateRequest, Migrated};

/// The tag of the two snapshots.
pub const LABEL: &str = snapshots::MIGRATION;

/// What is about to be done when the state that a failed migration left is set aside.
const ROLLBACK: &str = "rollback";

/// What a migration has to hold to.
#[derive(Debug, Clone)]
pub struct MigrateOptions {
    /// How the snapshots are to be called.
    pub capture: CaptureOptions,
    /// What must hold after it as it did before.
    pub checks: Vec<Check>,
    /// Whether it fails when a table or a column is gone, or rows were deleted.
    pub expect_no_loss: bool,
    /// Whether other connections are ended before the database is replaced.
    pub end_connections: bool,
}

/// What became of a migration.
pub struct Migration {
    /// The state before it.
    pub before: Snapshot,
    /// What it did. An error when the database could not be read after it.
    pub effect: Result<Effect, Error>,
    /// What it changed that no snapshot tells.
    pub unrecorded: Vec<UnrecordedChange>,
    /// The checks after it.
    pub checks: Vec<ReportEntry>,
    /// Why it failed, in words; nothing when it did not.
    pub problems: Vec<String>,
    /// How it was taken back; nothing when there was nothing to take back. An error when it could not be.
    pub rollback: Option<Result<Rollback, Error>>,
}

/// How a migration was taken back.
pub struct Rollback {
    /// How many rows were changed; nothing when the whole database was replaced, schema included.
    pub rows: Option<Counts>,
    /// What did not come back exactly as it was, in words for people.
    pub notes: Vec<String>,
    /// The database as it is then, compared with the snapshot.
    pub comparison: Comparison,
    taken_back: TakenBack,
}

impl Rollback {
    async fn take_back(self, engine: &dyn Engine, changed: &[UnrecordedChange]) -> Result<Self, Error> {
        let taken_back = take_back(engine, changed, self.rows.is_none()).await?;
        Ok(Self { taken_back, ..self })
    }

    /// Whether the database is proven to be what it was.
    pub fn is_proven(&self) -> bool {
        self.comparison.is_equal() && self.taken_back.left.is_empty()
    }
}

/// Captures, runs the checks, has a command run, runs them again, captures again, and compares. When the command failed,
/// a check fails that did not before, something is lost that was expected to stay, or somebody stopped it, the database
/// becomes what it was.
///
/// With the schema unchanged that is a restore of the rows that differ, in one transaction; else the database is replaced.
/// Everything since the first snapshot is taken back, also what others wrote; the second keeps it. Either way the result
/// is read again and compared with the first snapshot.
pub async fn migrate(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &MigrateOptions,
    command: impl AsyncFnOnce(&Snapshot) -> Option<String>,
) -> Result<Migration, Error> {
    // Else a change of the schema could not be taken back.
    engine.check_replaceable().await?;
    let CaptureOptions { database, configured, .. } = &options.capture;
    let owner = Owner::live(database, *configured, engine).await;
    let last = snapshots::latest(repository, Some(&owner)).await?;
    let failed_before = failing(&check(context, engine, options, last.as_ref()).await?);
    let Around { before, problem, mut effect, unrecorded } =
        around(context, repository, engine, &options.capture, LABEL, command).await?;
    let sheltered = context.sheltered();
    let mut problems: Vec<String> = problem.into_iter().collect();
    let mut checks = Vec::new();
    match &effect {
        Err(error) => problems.push(format!("the database cannot be read after it: {error}")),
        Ok(effect) => {
            if options.expect_no_loss {
                problems.extend(losses(&before, effect));
            }
            match check(&sheltered, engine, options, Some(&before)).await {
                Ok(found) => checks = found,
                Err(error) => problems.push(format!("the checks cannot be run after it: {error}")),
            }
            let failed = failing(&checks);
            problems.extend(failed.difference(&failed_before).map(|title| format!("check failed: {title}")));
        }
    }
    if problems.is_empty() && context.is_cancelled() {
        problems.push("it was stopped".to_owned());
    }
    let has_effect = !effect.as_ref().is_ok_and(Effect::is_nothing);
    let rollback = if !problems.is_empty() && (has_effect || !unrecorded.is_empty()) {
        if let Ok(effect) = &mut effect
            && has_effect
        {
            match set_aside(repository, &before, &effect.after).await {
                Ok(discarded) => effect.after = discarded,
                Err(error) => {
                    context.warn(format!("snapshot {} stays the latest: {error}", effect.after.short_id()))
                }
            }
        }
        let way = match &effect {
            Ok(effect) if effect.is_nothing() => Way::Nothing,
            Ok(effect) if effect.same_schema => Way::Rows,
            _ => Way::Everything,
        };
        let rolling_back = roll_back(&sheltered, repository, engine, &before, way, options.end_connections);
        let done = match rolling_back.await {
            Ok(done) => done.take_back(engine, &unrecorded).await,
            Err(error) => Err(error),
        };
        let discarded = effect.as_ref().ok().map(|effect| &effect.after);
        if let Some(discarded) = discarded.filter(|after| done.is_ok() && after.manifest.before.is_some()) {
            enter(&sheltered, repository, discarded, &LeftAlone::nothing()).await;
        }
        Some(done)
    } else {
        None
    };
    Ok(Migration { before, effect, unrecorded, checks, problems, rollback })
}

/// Makes the snapshot of what is going to be discarded one that was taken before a rollback: `latest` passes it over, and
/// undo takes the rollback back by it.
async fn set_aside(repository: &Repository, before: &Snapshot, after: &Snapshot) -> Result<Snapshot, Error> {
    let mut manifest = after.manifest.clone();
    manifest.before = Some(Before {
        operation: ROLLBACK.to_owned(),
        from: before.told(),
        changes: None,
        entered: true,
        dangled: Vec::new(),
    });
    let json = manifest.to_json();
    let id = repository.commit_if_whole(&json, &|reader| has_all(reader, &manifest)).await?;
    repository.delete_snapshot(&after.id).await?;
    Ok(Snapshot { id, manifest })
}

async fn check(
    context: &Context,
    engine: &dyn Engine,
    options: &MigrateOptions,
    before: Option<&Snapshot>,
) -> Result<Vec<ReportEntry>, Error> {
    let circumstances = Circumstances {
        now: context.now(),
        before: before.map(|snapshot| &snapshot.manifest),
        // What a check speaks of may be there only after the migration.
        strict: false,
    };
    run_checks(context, engine, &options.checks, circumstances).await
}

fn failing(found: &[ReportEntry]) -> BTreeSet<String> {
    let failed = found.iter().filter(|found| found.status == Status::Failed);
    failed.map(|found| found.title.clone()).collect()
}

/// What is gone: tables, columns, and rows of tables that stay; also of large objects.
fn losses(before: &Snapshot, effect: &Effect) -> Vec<String> {
    let is_data = |table: &TableName| {
        let entry = before.manifest.table(table);
        entry.is_some_and(|entry| matches!(entry.kind, TableKind::Table | TableKind::LargeObjects))
    };
    let gone = effect.difference.schema.iter().filter_map(|difference| match difference {
        SchemaDifference::TableGone(table) if is_data(table) => Some(format!("table {table} is gone")),
        SchemaDifference::ColumnGone { table, column } if is_data(table) => {
            Some(format!("column {table}.{column} is gone"))
        }
        _ => None,
    });
    let changes = effect.difference.changes.tables().iter();
    let deleted = changes.filter(|changes| is_data(&changes.table.name) && changes.counts.deleted > 0);
    let deleted = deleted.map(|changes| {
        let rows = crate::units::counted(changes.counts.deleted, "row");
        format!("{rows} of table {} gone", changes.changed())
    });
    gone.chain(deleted).collect()
}

/// What has to be taken back of rows and definitions.
#[derive(Debug, Clone, Copy)]
enum Way {
    Nothing,
    Rows,
    Everything,
}

async fn roll_back(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    before: &Snapshot,
    way: Way,
    end_connections: bool,
) -> Result<Rollback, Error> {
    let by_rows = match way {
        Way::Nothing => Some((Counts::default(), Vec::new())),
        Way::Rows => match rows_back(context, repository, engine, before, end_connections).await {
            Ok(done) => Some(done),
            Err(error) => {
                context.warn(format!("the rows cannot be changed back one by one: {error}"));
                None
            }
        },
        Way::Everything => None,
    };
    let (rows, notes) = match by_rows {
        Some((counts, notes)) => (Some(counts), notes),
        None => {
            let back = put_back(context, repository, engine, before, end_connections).await?;
            let left_out = back.left_out.iter().map(LeftOut::told);
            (None, back.notes.into_iter().chain(left_out).collect())
        }
    };
    let comparison = verify_strictly(context, repository, before, engine).await?;
    Ok(Rollback { rows, notes, comparison, taken_back: TakenBack::default() })
}

/// Makes the rows what they were.
async fn rows_back(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    before: &Snapshot,
    end_connections: bool,
) -> Result<(Counts, Vec<String>), Error> {
    let target = State::snapshot(repository, before.clone()).await?;
    let options = PlanOptions { mode: Mode::Replace, ..PlanOptions::default() };
    let plan = plan(context, repository, engine, &target, &options).await?;
    let counts = plan.counts();
    let options = ApplyOptions { end_connections, ..ApplyOptions::default() };
    let outcome = execute(context, repository, engine, plan, &options).await?;
    Ok((counts, outcome.applied.notes))
}
