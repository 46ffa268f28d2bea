//! Translate: a snapshot of one engine becomes a database of another.
//!
//! It is a restore through a map. The plan is made from the snapshot alone: its rows are read once, so that types hold what
//! is really there, and everything that does not come over exactly is in its notes. After the restore the
//! database is read back and compared with the snapshot through the same map.

mod orphans;
mod plan;
mod prove;
mod survey;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::translate::is_known;
use rowkeep_engine::{CreateOptions, Engine, EngineError, Finished, Target};
use rowkeep_repository::Repository;

use crate::restore::{Restored, finish_loaded, refuse_occupied};
use crate::state::reader::Cause;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, Event, Phase};
pub use plan::{TranslatedTable, TranslationPlan, plan};
pub use prove::{Proof, ProvenTable};

/// Whether a snapshot can become a database of that engine by being translated.
pub fn is_possible(snapshot: &Snapshot, engine: &dyn Engine) -> bool {
    is_known(&snapshot.manifest.engine, engine.name())
}

/// Makes the database of a plan.
///
/// It must not exist or be empty. When anything fails, or the operation is cancelled, it is left as it was.
pub async fn execute(
    context: &Context,
    engine: &dyn Engine,
    plan: &TranslationPlan,
) -> Result<Restored, Error> {
    context.until_cancelled(refuse_occupied(engine)).await?;
    let loaded = plan.loads().map(|(_, table)| table.target.name.clone());
    let options = CreateOptions {
        loaded: (!plan.is_whole).then(|| loaded.collect()),
        is_translated: true,
        stop: context.cancel().clone(),
        ..CreateOptions::default()
    };
    let target = engine.create(&plan.translation.schema, &options).await?;
    let loading = load(context, target.as_ref(), plan);
    let Finished { notes, left_out, lacking } = finish_loaded(context, target.as_ref(), loading).await?;
    Ok(Restored { tables: plan.entries.len() as u64, rows: plan.rows(), notes, left_out, lacking })
}

/// Reads a database again and holds it against the snapshot, through the map of the plan that it was made by.
///
/// Rows are compared by the hashes of their tables, in the order of the keys that the database has.
pub async fn prove(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    plan: &TranslationPlan,
) -> Result<Proof, Error> {
    context.until_cancelled(prove::prove(context, repository.content_keys(), engine, plan)).await
}

async fn load(context: &Context, target: &dyn Target, plan: &TranslationPlan) -> Result<(), Error> {
    let cause = Cause::default();
    context.observe(Event::Phase {
        phase: Phase::Restore,
        tables: plan.entries.len() as u64,
        rows: plan.rows(),
    });
    let mut largest_first: Vec<_> = plan.loads().collect();
    largest_first.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.root.bytes));
    futures::stream::iter(largest_first.into_iter().map(Ok))
        .try_for_each_concurrent(target.parallelism(), |(entry, table)| {
            let cause = &cause;
            async move {
                context.observe(Event::Table(&entry.name));
                let (watcher, name) = (context.clone(), entry.name.clone());
                let rows = plan.mapped(context, entry, table, cause).inspect_ok(move |batch| {
                    watcher.observe(Event::Advanced {
                        table: &name,
                        rows: batch.rows() as u64,
                        bytes: batch.bytes() as u64,
                    });
                });
                target.load(&table.target, rows.boxed()).await.map_err(|error| cause.of(error))?;
                context.observe(Event::TableDone { table: &entry.name, rows: entry.root.rows });
                Ok::<_, Error>(())
            }
        })
        .await?;
    for (table, batch) in &plan.translation.beside {
        let rows = futures::stream::iter([Ok::<_, EngineError>(batch.clone())]).boxed();
        target.load(table, rows).await?;
    }
    Ok(())
}
