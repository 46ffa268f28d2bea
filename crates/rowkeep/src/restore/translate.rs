//! Translate: a snapshot of one engine becomes a database of another.
//!
//! It is a restore through a map. The plan is made from the snapshot alone: its rows are read once, so that types hold what
//! is really there, and everything that does not come over exactly is in its notes. After the restore the
//! database is read again and held against the snapshot through the same map.

mod orphans;
mod prove;
mod survey;

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::translate::{
    ColumnTranslation, Note, TableTranslation, Translation, is_known, translate,
};
use rowkeep_engine::{CreateOptions, Engine, EngineError, RowStream, Target};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{TableEntry, TableName};
use rowkeep_repository::{Reader, Repository};
use serde::Serialize;

use crate::restore::{Restored, refuse_occupied};
use crate::state::reader::{Cause, rows};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error, Event, Phase};
pub use prove::{Proof, ProvenTable};

/// How a snapshot becomes a database of another engine.
pub struct TranslationPlan {
    /// The engine that the snapshot is of.
    pub from: String,
    /// The engine of the database.
    pub to: String,
    /// The tables, by name.
    pub tables: Vec<PlannedTable>,
    /// What does not come over exactly.
    pub notes: Vec<Note>,
    translation: Translation,
    entries: Vec<TableEntry>,
    is_whole: bool,
    reader: Arc<Reader>,
}

/// What becomes of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedTable {
    /// The table in the snapshot.
    #[serde(flatten)]
    pub table: TableName,
    /// The table that is made.
    pub becomes: TableName,
    /// Its rows; nothing when they are not restored.
    pub rows: Option<u64>,
    /// Its columns.
    pub columns: Vec<ColumnTranslation>,
}

/// Whether a snapshot can become a database of that engine by being translated.
pub fn is_possible(snapshot: &Snapshot, engine: &dyn Engine) -> bool {
    is_known(&snapshot.manifest.engine, engine.name())
}

/// Plans how tables of a snapshot become a database of another engine; the schema comes whole.
///
/// Reads their rows; the database is not looked at. Fails where the snapshot has no schema, and where two tables would
/// have one name.
pub async fn plan(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
) -> Result<TranslationPlan, Error> {
    let manifest = &snapshot.manifest;
    if manifest.scope == Scope::DataOnly {
        let lack = "holds rows without a schema, so no database can be made from it";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    }
    let planning = async {
        let reader = Arc::new(repository.reader().await?);
        let schema = Arc::new(read_schema(&reader, manifest).await?);
        let mut survey = survey::survey(context, &reader, &schema, tables).await?;
        for (table, orphans) in orphans::find(context, &reader, &schema, tables).await? {
            survey.add_orphans(table, orphans);
        }
        let to = engine.name();
        let translation = context.compute(move || translate(&schema, to, &survey)).await?;
        let planned = translation.tables.iter().map(|table| PlannedTable {
            table: table.source.clone(),
            becomes: table.target.name.clone(),
            rows: tables.iter().find(|entry| entry.name == table.source).map(|entry| entry.root.rows),
            columns: table.columns.clone(),
        });
        let taken = |entry: &&TableEntry| translation.tables.iter().any(|table| table.source == entry.name);
        let entries: Vec<TableEntry> = tables.iter().filter(taken).cloned().collect();
        Ok(TranslationPlan {
            from: manifest.engine.clone(),
            to: to.to_owned(),
            tables: planned.collect(),
            notes: translation.notes.clone(),
            is_whole: entries.len() == translation.tables.len(),
            entries,
            translation,
            reader,
        })
    };
    context.until_cancelled(planning).await
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
    let options =
        CreateOptions { loaded: (!plan.is_whole).then(|| loaded.collect()), ..CreateOptions::default() };
    let target = engine.create(&plan.translation.schema, &options).await?;
    match context.until_cancelled(fill(context, target.as_ref(), plan)).await {
        Ok(notes) => Ok(Restored { tables: plan.entries.len() as u64, rows: plan.rows(), notes }),
        Err(error) => {
            if let Err(left) = target.abandon().await {
                context.warn(format!("the unfinished database could not be cleared: {left}"));
            }
            Err(error)
        }
    }
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

impl TranslationPlan {
    /// Rows that are restored.
    pub fn rows(&self) -> u64 {
        self.entries.iter().map(|entry| entry.root.rows).sum()
    }

    /// Whether everything comes over exactly.
    pub fn is_exact(&self) -> bool {
        self.notes.is_empty()
    }

    /// The tables whose rows are restored.
    fn loads(&self) -> impl Iterator<Item = (&TableEntry, &TableTranslation)> {
        let by_source: HashMap<&TableName, &TableTranslation> =
            self.translation.tables.iter().map(|table| (&table.source, table)).collect();
        self.entries.iter().filter_map(move |entry| Some((entry, *by_source.get(&entry.name)?)))
    }

    /// The rows of a table as they are to be.
    fn mapped(
        &self,
        context: &Context,
        entry: &TableEntry,
        table: &TableTranslation,
        cause: &Cause,
    ) -> RowStream {
        let (context, map) = (context.clone(), Arc::new(table.rows.clone()));
        let mapped = rows(&context, &self.reader, entry, cause).and_then(move |batch| {
            let (context, map) = (context.clone(), Arc::clone(&map));
            async move { context.compute(move || map.apply(&batch)).await }
        });
        mapped.boxed()
    }
}

async fn fill(context: &Context, target: &dyn Target, plan: &TranslationPlan) -> Result<Vec<String>, Error> {
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
    context.observe(Event::Phase { phase: Phase::Finish, tables: 0, rows: 0 });
    Ok(target.finish().await?)
}
