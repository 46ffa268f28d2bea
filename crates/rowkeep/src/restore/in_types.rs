//! States of another engine, or of files, in the types of a database's own tables, so that they are held against it row by row.
//!
//! Tables and columns are found by their names. What such a state is then is a state like any other: it is compared, planned with
//! and restored from as a snapshot of the database itself would be that lacks some columns.

mod pairing;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep_engine::{Engine, Meant, View, ViewOptions, dialect_of};
use rowkeep_format::TableName;
use rowkeep_repository::Repository;

use crate::capture::{CaptureOptions, Opened, Source, read_opened};
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::state::table_pattern::pattern_of;
use crate::state::{LiveState, State};
use crate::{Context, Error};
pub use pairing::CalledTables;
use view::InTypes;

/// Whether rows of a state of that engine can become rows of tables of a database.
pub(crate) fn is_possible(from: &str, engine: &dyn Engine) -> bool {
    from != engine.name() && engine.converts(from)
}

/// A state in the types of a database's tables.
pub(crate) async fn in_types(
    context: &Context,
    state: &State,
    engine: &Arc<dyn Engine>,
    called: &CalledTables,
) -> Result<State, Error> {
    let view = open(context, state, engine, called).await?;
    let dialect = dialect_of(engine.name())?;
    Ok(State::Live(LiveState::named(engine.name(), dialect, state.describe(), Arc::new(view))))
}

/// A snapshot in the types of a database's tables: its chunks are stored, and nobody sees it but by what this gives.
///
/// Every value of the tables that are meant is converted; the first that does not fit is the error.
pub(crate) async fn snapshot_in_types(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &Arc<dyn Engine>,
    called: &CalledTables,
    selection: &Selection,
) -> Result<Snapshot, Error> {
    let converting = async {
        let state = State::snapshot(repository, snapshot.clone()).await?;
        let view = open(context, &state, engine, called).await?;
        let chosen = selection.choose_beside(view.schema(), view.unread())?;
        let chosen: Vec<&TableName> = chosen.into_iter().map(|table| &table.name).collect();
        refuse_gone(&state, &view, engine.as_ref(), &chosen)?;
        let include: Vec<String> =
            chosen.into_iter().filter(|table| view.has(table)).map(pattern_of).collect();
        if include.is_empty() {
            let lack = "holds no rows of the tables that are meant";
            return Err(Error::Lacks { state: state.describe(), lack });
        }
        view.notes().iter().for_each(|note| context.warn(note.clone()));
        let manifest = &snapshot.manifest;
        let options = CaptureOptions {
            database: manifest.database.clone(),
            configured: false,
            name: None,
            tags: BTreeMap::new(),
            environment: None,
            selection: Selection { include, ..Selection::default() },
            mask: None,
            with_schema: false,
            with_data: true,
            trusts_marks: false,
            suspicion: None,
            program: manifest.program.clone(),
            repository_folder: None,
        };
        // Nobody sees a backup in that.
        let context = &context.unwatched();
        let opened = Opened::of_file(context, Arc::new(view), manifest.time);
        let stored = read_opened(context, repository, &Source::of(engine.as_ref()), opened, &options).await?;
        Ok(Snapshot { id: snapshot.id, manifest: stored.manifest })
    };
    context.until_cancelled(converting).await
}

async fn open(
    context: &Context,
    state: &State,
    engine: &Arc<dyn Engine>,
    called: &CalledTables,
) -> Result<InTypes, Error> {
    let live = engine.open_of(&ViewOptions { with_ddl: false }, &Meant::nothing()).await?;
    let paired = pairing::pairs(state, live.schema(), called)?;
    Ok(InTypes::new(context.clone(), state.clone(), Arc::clone(engine), paired))
}

/// Refuses tables of which the state has rows and that the database does not have.
fn refuse_gone(
    state: &State,
    view: &InTypes,
    engine: &dyn Engine,
    chosen: &[&TableName],
) -> Result<(), Error> {
    let is_gone = |table: &&&TableName| !view.has(table) && state.estimated_rows(table) > 0;
    let gone: Vec<String> = chosen.iter().filter(is_gone).map(ToString::to_string).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let noun = if gone.len() > 1 { "tables" } else { "table" };
    Err(Error::TablesUnknown {
        database: engine.describe(),
        state: state.describe(),
        tables: format!("{noun} {}", gone.join(", ")),
    })
}
