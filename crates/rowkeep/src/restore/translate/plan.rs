//! How a snapshot becomes a database of another engine: the map, and what does not come over exactly.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::translate::{ColumnTranslation, Note, TableTranslation, Translation, translate};
use rowkeep_engine::{Engine, RowStream};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{TableEntry, TableName};
use rowkeep_repository::{Reader, Repository};
use serde::{Deserialize, Serialize};

use super::orphans::find as find_orphans;
use super::survey::survey;
use crate::state::reader::{Cause, rows};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error};

/// How a snapshot becomes a database of another engine.
pub struct TranslationPlan {
    /// The engine that the snapshot is of.
    pub from: String,
    /// The engine of the database.
    pub to: String,
    /// The tables, by name.
    pub tables: Vec<TranslatedTable>,
    /// What does not come over exactly.
    pub notes: Vec<Note>,
    pub(super) translation: Translation,
    pub(super) entries: Vec<TableEntry>,
    pub(super) is_whole: bool,
    reader: Arc<Reader>,
}

/// What becomes of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatedTable {
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
        let mut survey = survey(context, &reader, &schema, tables).await?;
        for (table, orphans) in find_orphans(context, &reader, &schema, tables).await? {
            survey.add_orphans(table, orphans);
        }
        let to = engine.name();
        let translation = context.compute(move || translate(&schema, to, &survey)).await?;
        let planned = translation.tables.iter().map(|table| TranslatedTable {
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

impl TranslationPlan {
    /// Rows that are restored.
    pub fn rows(&self) -> u64 {
        self.entries.iter().map(|entry| entry.root.rows).sum()
    }

    /// Whether everything is translated exactly.
    pub fn is_exact(&self) -> bool {
        self.notes.is_empty()
    }

    /// The tables whose rows are restored.
    pub(super) fn loads(&self) -> impl Iterator<Item = (&TableEntry, &TableTranslation)> {
        let by_source: HashMap<&TableName, &TableTranslation> =
            self.translation.tables.iter().map(|table| (&table.source, table)).collect();
        self.entries.iter().filter_map(move |entry| Some((entry, *by_source.get(&entry.name)?)))
    }

    /// The rows of a table as they are to be.
    pub(super) fn mapped(
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
