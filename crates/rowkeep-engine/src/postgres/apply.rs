//! Rows changed in one transaction.
//!
//! The changes go into temporary tables, one for each table. The rows that they mean are locked and compared there; then
//! each table is changed by a few statements, children before parents for what goes and parents before children for what
//! comes. Foreign keys that this order would violate for a while are put aside and checked at the end.

mod attempt;
pub(super) mod cautions;
mod compare;
mod current_tables;
pub(super) mod event_triggers;
mod foreign_keys;
mod large_objects;
mod left;
mod referencing_rows;
mod row_statements;
mod sequences;
mod staging;
mod strategy;
mod triggers;
mod unchecked;
mod user_statements;
mod work;

use std::sync::Arc;

use rowkeep_format::{Counts, TableChanges, TableKind};

use super::connect::cancel_guard::CancelGuard;
use super::connect::commit::commit;
use super::connect::server::Server;
use super::connect::session::Session;
use super::connect::settings;
use super::connect::terminate;
use crate::apply::stopped;
use crate::{Applied, AppliedTable, ApplyOptions, ChangeSource, EngineError, ErrorKind};
use event_triggers::EventTriggers;
use staging::Stage;
use work::{Done, Work};

/// Makes all changes, or none. When it is to stop, or the future is dropped, the server stops and undoes what was done.
pub(super) async fn apply(
    server: Server,
    session: Session,
    source: Arc<dyn ChangeSource>,
    options: &ApplyOptions,
) -> Result<Applied, EngineError> {
    let session = CancelGuard::new(server, session);
    let Some(changed) = options.stop.run_until_cancelled(change(&session, &*source, options)).await else {
        session.cancel_and_roll_back().await;
        return Err(stopped());
    };
    let done = match changed {
        Ok(applied) => commit(session.server(), &session, "the changes").await.map(|()| applied),
        Err(error) => Err(error),
    };
    if done.is_err() {
        // So that nobody has to wait for what was locked; a connection that is gone has nothing locked.
        let _ = session.end("ROLLBACK").await;
    }
    session.finish();
    done
}

/// Makes all changes in a transaction that is then still open.
async fn change(
    session: &Session,
    source: &dyn ChangeSource,
    options: &ApplyOptions,
) -> Result<Applied, EngineError> {
    let statements = user_statements::split(&options.statements)?;
    let mut notes = Vec::new();
    if options.end_connections {
        notes.extend(terminate::end(session).await?);
    }
    let changing = settings::local(&settings::changing(session.major));
    let origin = settings::demanded(&[&settings::NOTHING_PASSED_OVER[..], &settings::ORIGIN].concat());
    session.begin("ISOLATION LEVEL READ COMMITTED READ WRITE", &format!("{changing}SELECT {origin}")).await?;
    session.avoid_prepared().await?;
    let event_triggers = EventTriggers::off(session).await?;
    notes.extend(event_triggers.notes());

    let tables = source.tables();
    let is_row_table = |changes: &TableChanges| changes.table.kind == TableKind::Table;
    let (places, untouched): (Vec<usize>, Vec<usize>) = (0..tables.len())
        .filter(|at| is_row_table(&tables[*at]))
        .partition(|at| tables[*at].counts.total() > 0);
    let changed: Vec<&TableChanges> = places.iter().map(|at| &tables[*at]).collect();
    let current = current_tables::read(session, &changed).await?;
    current_tables::find(session, &untouched.iter().map(|at| &tables[*at]).collect::<Vec<_>>()).await?;
    let references = foreign_keys::read(session, &current).await?;

    let mut stages = Vec::with_capacity(places.len());
    let mut staged = Vec::with_capacity(places.len());
    for ((at, changes), current) in places.iter().zip(&changed).zip(&current) {
        let stage = Stage { at: stages.len(), changes, current };
        staged.push(stage.fill(session, source.read(*at)).await?);
        stages.push(stage);
    }
    triggers::off(session, &changed, &current, options.fire_triggers).await?;
    event_triggers.check(session).await?;
    let work = Work {
        stages,
        staged,
        current: &current,
        references: &references,
        on_conflict: options.on_conflict,
        may_dangle: &options.may_dangle,
    };
    let done = work.run(session).await?;
    notes.extend(check(&work, &done, options)?);

    let mut applied: Vec<Option<AppliedTable>> = tables.iter().map(|_| None).collect();
    for ((place, counts), fit) in places.iter().zip(&done.counts).zip(&done.fits) {
        applied[*place] = Some(AppliedTable {
            table: tables[*place].table.name.clone(),
            done: *counts,
            already: fit.already,
            skipped: fit.conflicts,
            left: fit.left.clone(),
        });
    }
    for at in untouched {
        applied[at] = Some(AppliedTable::untouched(&tables[at].table.name));
    }
    session.prepare(&changing).await?;
    for (at, table) in large_objects::change(session, source, options, &mut notes).await? {
        applied[at] = Some(table);
    }
    for (at, changes) in tables.iter().enumerate() {
        if applied[at].is_none() {
            applied[at] = Some(sequences::change(session, changes, source.read(at), options).await?);
        }
    }
    if !options.keep_sequences {
        notes.extend(sequences::move_on(session, &work).await?);
    }

    session.prepare(&settings::usual()).await?;
    notes.extend(done.restore(session, &references, &options.may_dangle).await?);
    triggers::on(session, &changed, &current, options.fire_triggers).await?;
    event_triggers.on(session).await?;
    user_statements::run(session, &statements).await?;
    Ok(Applied { tables: applied.into_iter().flatten().collect(), notes })
}

/// Checks that as many rows were changed as were found to be as they should; the database's own triggers may see to it
/// that it is fewer.
fn check(work: &Work<'_>, done: &Done, options: &ApplyOptions) -> Result<Vec<String>, EngineError> {
    let mut notes = Vec::new();
    for (at, stage) in work.stages.iter().enumerate() {
        let fit = &done.fits[at];
        let expected = Counts::total(&work.staged[at].counts) - fit.already - fit.conflicts;
        let made = done.counts[at].total();
        let table = stage.changes.changed();
        if made == expected {
            continue;
        }
        let told = format!("{made} of {expected} rows of table {table} were changed");
        if !options.fire_triggers {
            return Err(EngineError::new(ErrorKind::Other, told));
        }
        notes.push(format!("{told}; its triggers kept the others from it"));
    }
    if done.replaced && options.fire_triggers {
        notes.push(
            "some rows were deleted and inserted where they could not be updated, and triggers acted on that"
                .to_owned(),
        );
    }
    Ok(notes)
}
