//! What is kept of a database before a plan is executed, so that it can be undone.

use std::collections::BTreeMap;

use rowkeep_engine::{Engine, Meant};
use rowkeep_format::manifest::Before;
use rowkeep_format::{LeftAlone, TableName};
use rowkeep_repository::Repository;

use crate::capture::{CaptureOptions, Opened, Source, Uncommitted, read_opened};
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::state::table_pattern::pattern_of;
use crate::{Context, Error};

/// How a safety snapshot is to be called.
#[derive(Debug, Clone)]
pub struct Safety {
    /// The name of the database in the repository.
    pub database: String,
    /// Whether that name is one of a configuration.
    pub configured: bool,
    /// The program that writes, with its version.
    pub program: String,
}

/// Which rows a safety snapshot holds beside the changeset, which alone is what is undone by.
#[derive(Clone)]
pub(crate) enum KeptRows {
    /// Those of the tables that are meant.
    Tables(Selection),
    /// None: reading tables would cost far more than the few rows that are meant.
    Nothing,
}

impl KeptRows {
    /// The rows of these tables.
    pub(crate) fn tables(tables: impl IntoIterator<Item = TableName>) -> Self {
        let include = tables.into_iter().map(|table| pattern_of(&table)).collect();
        Self::Tables(Selection { include, ..Selection::default() })
    }

    /// The tables that have to be readable for that.
    pub(crate) fn meant(&self) -> Meant {
        match self {
            Self::Tables(selection) => selection.meant(),
            Self::Nothing => Meant::nothing(),
        }
    }

    /// Whether the schema is kept as DDL. That of some tables would make no database; rows are what is brought back.
    pub(crate) fn with_ddl(&self) -> bool {
        matches!(self, Self::Tables(selection) if selection.is_all())
    }
}

/// Reads the present rows that are to be kept.
pub(crate) async fn capture(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    opened: Opened,
    kept: KeptRows,
    safety: &Safety,
) -> Result<Uncommitted, Error> {
    let with_schema = kept.with_ddl();
    let (selection, with_data) = match kept {
        KeptRows::Tables(selection) => (selection, true),
        KeptRows::Nothing => (Selection::default(), false),
    };
    let options = CaptureOptions {
        database: safety.database.clone(),
        configured: safety.configured,
        name: None,
        tags: BTreeMap::new(),
        environment: None,
        selection,
        mask: None,
        with_schema,
        with_data,
        trusts_marks: false,
        suspicion: None,
        program: safety.program.clone(),
        repository_folder: None,
    };
    read_opened(context, repository, &Source::of(engine), opened, &options).await
}

/// Makes a safety snapshot visible, before anything is changed.
pub(crate) async fn commit(
    repository: &Repository,
    mut captured: Uncommitted,
    before: Before,
) -> Result<Snapshot, Error> {
    captured.manifest.before = Some(before);
    captured.commit(repository).await
}

/// Enters into the ledger that what a safety snapshot was taken for was done, but for what was left alone. Where that fails, undo
/// looks at the rows.
pub(crate) async fn enter(context: &Context, repository: &Repository, safety: &Snapshot, left: &LeftAlone) {
    let entering = async {
        // First, so that nobody takes for done what was not.
        if !left.is_nothing() {
            repository.record_left(&safety.id, &left.to_json()).await?;
        }
        repository.record_applied(&safety.id).await
    };
    if let Err(error) = entering.await {
        let id = safety.short_id();
        context.warn(format!(
            "it is not recorded that what safety snapshot {id} was taken for was done: {error}"
        ));
    }
}

/// Changes a database after its safety snapshot became visible, which goes again when nothing was changed.
///
/// It stays when nobody knows whether anything was changed. `left` says what of the changes was not made. `change` is not to be dropped once it may have changed anything.
pub(crate) async fn guarded<T>(
    context: &Context,
    repository: &Repository,
    safety: Option<&Snapshot>,
    change: impl Future<Output = Result<T, Error>>,
    left: impl FnOnce(&T) -> LeftAlone,
) -> Result<T, Error> {
    let error = match change.await {
        Ok(done) => {
            if let Some(safety) = safety {
                enter(context, repository, safety, &left(&done)).await;
            }
            return Ok(done);
        }
        Err(error) => error,
    };
    let Some(safety) = safety else { return Err(error) };
    if error.is_outcome_unknown() {
        let id = safety.short_id();
        context.warn(format!(
            "safety snapshot {id} stays: it holds what was there before, should anything be changed"
        ));
    } else if let Err(left) = repository.delete_snapshot(&safety.id).await {
        context.warn(format!("safety snapshot {} stays: {left}", safety.short_id()));
    }
    Err(error)
}
