//! Plans: what a restore into a database that holds data is going to change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_engine::{ChangeSource, Engine, MayDangle};
use rowkeep_format::manifest::{self, Dangled, Unread};
use rowkeep_format::{ChunkId, Counts, SnapshotId, TableChanges, TableName};
use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

pub use super::dangling::{Dangling, OnDangling, Why};
use super::dangling::{Tables, Terms, dangled, settle};
pub use super::safety::Safety;
use super::safety::{self, KeptRows};
use super::unmatched::unmatched;
use crate::capture::{Opened, Uncommitted};
use crate::diff::log_ahead::gone;
use crate::diff::{
    Changeset, Conflicts, DiffOptions, Difference, Filter, Prefer, Related, RowFilter, SchemaDifference,
    Sides, are_changes_known, diff,
};
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::state::{LiveState, State};
use crate::{Context, Error};

/// How the rows of a database are to become those of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The tables become equal: rows that the snapshot lacks go.
    #[default]
    Replace,
    /// Rows come and get the values of the snapshot; none goes.
    Update,
    /// Only rows that are missing come; none that is there changes.
    Merge,
}

/// The state that both the database and the state that is restored come from.
#[derive(Clone)]
pub struct Base {
    /// The state.
    pub state: State,
    /// What is done with rows that both have changed since, in different ways.
    pub prefer: Prefer,
}

/// What is to be restored into a database that holds data.
#[derive(Clone, Default)]
pub struct PlanOptions {
    /// Which changes are wanted.
    pub mode: Mode,
    /// Where only that is wanted which the state has changed since an earlier one: this one. What the database changed since then stays.
    pub base: Option<Base>,
    /// The tables that are meant.
    pub selection: Selection,
    /// Of their rows, only these.
    pub rows: Option<Arc<dyn RowFilter>>,
    /// Whether rows that are related to these come too, by foreign keys: rows that refer to them, those that refer to
    /// these and so on, as the state has them; and the rows that all of these refer to, where the database lacks them.
    pub related: bool,
    /// What is done about references that would dangle.
    pub dangling: OnDangling,
    /// Whether a safety snapshot is taken, and how that is to be called. It holds the present rows of these tables, or where
    /// rows are named by their keys, only what is to change.
    pub safety: Option<Safety>,
    /// Where temporary files are made, the system's place for them otherwise.
    pub temporary: Option<PathBuf>,
}

/// What is going to be changed in a database. Nothing is changed by making one.
pub struct Plan {
    /// What is being done: `restore`, `undo`.
    pub operation: &'static str,
    /// The state that rows are taken from, in words.
    pub from: String,
    /// The database, in words.
    pub database: String,
    /// How the schemas differ, as far as it matters to the rows: from the database to the state.
    pub schema: Vec<SchemaDifference>,
    /// What the state says nothing of, so that it is left alone, in words for people.
    pub unread: Vec<String>,
    /// The rows that were asked for by their keys and that neither has, in words for people.
    pub unmatched: Vec<String>,
    /// Rows that the database and the state both changed since their base, in different ways.
    pub conflicts: Conflicts,
    /// What was chosen to be done with these.
    pub prefer: Prefer,
    /// The changes.
    pub changes: Arc<dyn ChangeSource>,
    /// Of these, how many rows of a table are there only for their relation to others.
    pub related: BTreeMap<TableName, u64>,
    /// How many changes were left out so that no reference dangles.
    pub left_out: BTreeMap<TableName, u64>,
    /// What has to be known before it is executed, in words for people.
    pub cautions: Vec<String>,
    /// References that would dangle: such a plan cannot be executed.
    pub dangling: Vec<Dangling>,
    /// What was chosen to be done about these.
    pub on_dangling: OnDangling,
    /// References that dangle now and will not then.
    pub dangled: Vec<Dangled>,
    /// Which references may dangle then that do not now.
    pub may_dangle: MayDangle,
    /// Where in the repository the changes are stored, when they are already.
    pub(crate) stored: Option<ChunkId>,
    /// What a safety snapshot holds beside the changes.
    pub(crate) kept: KeptRows,
    pub(crate) safety: Option<Uncommitted>,
}

/// A plan as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTable {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// How many rows change.
    #[serde(flatten)]
    pub counts: Counts,
    /// Of these rows, how many are there only for their relation to others.
    pub related: u64,
    /// The columns that updates change.
    pub updated_columns: Vec<String>,
    /// The columns of which inserted rows get the database's defaults.
    pub defaulted_columns: Vec<String>,
}

impl Plan {
    /// The tables whose rows change.
    pub fn tables(&self) -> Vec<PlannedTable> {
        let changed = self.changes.tables().iter().filter(|table| table.counts.total() > 0);
        changed.map(|table| planned(table, &self.related)).collect()
    }

    /// All rows that change.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.tables().iter().for_each(|table| counts += table.counts);
        counts
    }

    /// Whether it can be executed: no reference would dangle, and what both sides changed is decided.
    pub fn is_settled(&self) -> bool {
        self.dangling.is_empty() && (self.conflicts.is_empty() || self.prefer != Prefer::Neither)
    }

    /// Fails when references would dangle, or both sides changed a row and nobody says which of them counts.
    pub fn check(&self) -> Result<(), Error> {
        if self.prefer == Prefer::Neither && !self.conflicts.is_empty() {
            return Err(Error::ChangedInBoth { from: self.from.clone(), rows: self.conflicts.rows });
        }
        if self.dangling.is_empty() {
            return Ok(());
        }
        let mut told = self.dangling.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let is_choice = self.on_dangling == OnDangling::Stop;
        if !is_choice {
            told += &format!("; {} has nothing that mends it, or nothing that may be changed", self.from);
        }
        Err(Error::Dangling { told, is_choice })
    }

    /// Whether already up to date.
    pub fn is_empty(&self) -> bool {
        self.counts().total() == 0
    }
}

fn planned(changes: &TableChanges, related: &BTreeMap<TableName, u64>) -> PlannedTable {
    let name = |column: &usize| changes.table.columns[*column].name.clone();
    let defaults: &[usize] = if changes.counts.inserted > 0 { &changes.insert_defaults } else { &[] };
    PlannedTable {
        table: changes.changed().clone(),
        counts: changes.counts,
        related: related.get(&changes.table.name).copied().unwrap_or(0),
        updated_columns: changes.updated_columns.iter().map(name).collect(),
        defaulted_columns: defaults.iter().map(name).collect(),
    }
}

/// Plans to restore a state into a database that holds data.
///
/// The database is read once; nothing in it changes. Where rows are named by their keys, only these are looked up. With a
/// safety snapshot its chunks are stored, but it becomes visible only when the plan is executed.
pub async fn plan(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    target: &State,
    options: &PlanOptions,
) -> Result<Plan, Error> {
    context.until_cancelled(plan_now(context, repository, engine, target, options)).await
}

async fn plan_now(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    target: &State,
    options: &PlanOptions,
) -> Result<Plan, Error> {
    let selection = held_by(target, &options.selection)?;
    let single = options.related || options.rows.as_ref().is_some_and(|rows| rows.names_rows());
    let with_ddl = options.safety.is_some() && !single && selection.is_all();
    let meant = selection.meant();
    let opened = Opened::open(context, engine, with_ddl, &meant).await?;
    let live = State::Live(LiveState::of(engine, Arc::clone(&opened.view))?);
    // Of a whole database all rows are kept, whatever it tells.
    let is_cheap = single || !selection.is_all() && are_changes_known(&live, target, &selection).await?;
    let kept = if is_cheap { KeptRows::Nothing } else { KeptRows::Tables(selection.clone()) };
    let partitions = &selection.with_partitions(&[live.schema(), target.schema()]);
    let search = Search {
        context,
        repository,
        engine,
        live: &live,
        target,
        options,
        selection: &selection,
        partitions,
    };
    let keep = async {
        let Some(safety) = &options.safety else { return Ok(None) };
        safety::capture(context, repository, engine, opened, kept.clone(), safety).await.map(Some)
    };
    let (safety, found) = if is_cheap {
        // Nothing that is kept is compared, so neither waits for the other.
        futures::try_join!(keep, search.from(&live))?
    } else {
        let safety = keep.await?;
        let present = match &safety {
            Some(captured) => {
                let snapshot = Snapshot { id: SnapshotId([0; 16]), manifest: captured.manifest.clone() };
                State::snapshot(repository, snapshot).await?
            }
            None => live.clone(),
        };
        (safety, search.from(&present).await?)
    };
    let unmatched = unmatched(context, &live, target, options.rows.as_deref(), partitions).await?;
    let gone = match options.filter().settings && options.rows.is_none() && selection.is_all() {
        true => gone_sequences(context, &live, target).await?,
        false => None,
    };
    // There may be no more than one connection.
    drop(live);
    let mut cautions = engine.cautions(found.changes.as_ref()).await?;
    cautions.extend(gone);
    Ok(Plan {
        operation: "restore",
        unread: left_alone(target, partitions),
        unmatched,
        from: target.describe(),
        database: engine.describe(),
        schema: found.schema,
        conflicts: found.conflicts,
        prefer: options.base.as_ref().map_or(Prefer::default(), |base| base.prefer),
        dangled: found.dangled,
        may_dangle: if found.becomes_whole { MayDangle::Anything } else { MayDangle::Nothing },
        changes: found.changes,
        stored: None,
        kept,
        related: found.related,
        left_out: found.left_out,
        cautions,
        dangling: found.dangling,
        on_dangling: options.dangling,
        safety,
    })
}

/// Finds what has to change in a live database for a state to come back.
struct Search<'a> {
    context: &'a Context,
    repository: &'a Repository,
    engine: &'a dyn Engine,
    live: &'a State,
    target: &'a State,
    options: &'a PlanOptions,
    selection: &'a Selection,
    /// The same with the names of partitions.
    partitions: &'a Selection,
}

/// What has to change, and what that does to references.
struct Found {
    conflicts: Conflicts,
    schema: Vec<SchemaDifference>,
    changes: Arc<dyn ChangeSource>,
    related: BTreeMap<TableName, u64>,
    left_out: BTreeMap<TableName, u64>,
    dangling: Vec<Dangling>,
    dangled: Vec<Dangled>,
    becomes_whole: bool,
}

impl Search<'_> {
    /// Compares the rows of the database, read from it or as they were just stored, with the state.
    async fn from(&self, present: &State) -> Result<Found, Error> {
        let Self { context, live, target, options, selection, partitions, .. } = *self;
        let difference = diff(
            context,
            self.repository.content_keys(),
            present,
            target,
            &DiffOptions {
                selection: selection.clone(),
                filter: options.filter(),
                related: options.related.then_some(Related::Needed),
                temporary: options.temporary.clone(),
                with_definitions: false,
                // A base is compared partition by partition.
                across_partitions: options.base.is_none(),
            },
        )
        .await?;
        refuse_gone(&difference, self.engine, options)?;
        let (mut left_out, mut dangling) = (BTreeMap::new(), Vec::new());
        let (mut changes, mut related) = (difference.changes, difference.related);
        let mut conflicts = Conflicts::default();
        if let Some(base) = &options.base {
            (changes, conflicts) = self.since(base, &changes).await?;
        }
        let becomes_whole = becomes_whole(live, &changes, options);
        if !becomes_whole {
            let kinds = Filter { rows: None, ..options.filter() };
            let terms = Terms { choice: options.dangling, kinds, selection: partitions };
            let tables = Tables::new(context, live, target, terms);
            let settled = settle(&tables, changes, related, difference.by_relation).await?;
            (changes, related) = (settled.changes, settled.related);
            (left_out, dangling) = (settled.left_out, settled.dangling);
        }
        let changes: Arc<dyn ChangeSource> = Arc::new(changes);
        let dangled = dangled(context, live, Arc::clone(&changes)).await?;
        Ok(Found {
            conflicts,
            schema: difference.schema,
            changes,
            related,
            left_out,
            dangling,
            dangled,
            becomes_whole,
        })
    }
}

impl Search<'_> {
    /// Of changes that lead to the state, those that it made itself since the base.
    async fn since(&self, base: &Base, changes: &Changeset) -> Result<(Changeset, Conflicts), Error> {
        let Self { context, live, target, options, selection, .. } = *self;
        let named = options.rows.clone().filter(|rows| rows.names_rows());
        let asked = DiffOptions {
            selection: selection.clone(),
            filter: Filter {
                settings: false,
                lone_sequences: false,
                rowids: false,
                rows: named,
                ..Filter::default()
            },
            related: None,
            temporary: options.temporary.clone(),
            with_definitions: false,
            across_partitions: false,
        };
        let made = diff(context, self.repository.content_keys(), &base.state, target, &asked).await?;
        let sides = Sides {
            context,
            database: live,
            snapshot: target,
            base: &base.state,
            prefer: base.prefer,
            reordered: HashMap::new(),
        };
        sides.merge(changes, &made.changes).await
    }
}

/// What is said of sequences that the database lacks: a change of rows makes none.
async fn gone_sequences(context: &Context, live: &State, target: &State) -> Result<Option<String>, Error> {
    let gone = gone(context, live, target).await?;
    Ok(match gone.as_slice() {
        [] => None,
        [one] => Some(format!(
            "sequence {one} is not in the database, and does not come back with rows: --with-schema makes it again"
        )),
        several => Some(format!(
            "sequences {} are not in the database, and do not come back with rows: --with-schema makes them again",
            several.join(", ")
        )),
    })
}

/// Whether the database becomes wholly what the state is, so that nothing dangles that did not in the state. Then that
/// is left to the database to prove.
fn becomes_whole(live: &State, changes: &Changeset, options: &PlanOptions) -> bool {
    let all = || {
        let compared: HashSet<&TableName> =
            changes.tables().iter().map(|changes| &changes.table.name).collect();
        let mut tables = live.schema().tables.iter().filter(|table| table.kind.is_user_table());
        tables.all(|table| compared.contains(&table.name))
    };
    options.mode == Mode::Replace
        && options.base.is_none()
        && options.dangling == OnDangling::Stop
        && options.rows.is_none()
        && options.selection.is_all()
        && all()
}

/// The tables that are meant, of those whose rows the state has.
fn held_by(target: &State, selection: &Selection) -> Result<Selection, Error> {
    let chosen = selection.choose_beside(target.schema(), target.unread())?;
    let held: Vec<_> = chosen.into_iter().filter(|table| target.holds(&table.name)).collect();
    if held.is_empty() {
        let lack = "holds no rows of the tables that are meant";
        return Err(Error::Lacks { state: target.describe(), lack });
    }
    Ok(selection.clone())
}

/// What could not be read when the state was, in words for people.
fn left_alone(target: &State, selection: &Selection) -> Vec<String> {
    let meant = selection.meant();
    let unread = target
        .unread()
        .iter()
        .filter(|unread| unread.why != manifest::Why::Foreign && meant.is(&unread.name));
    unread.map(Unread::told).collect()
}

/// Refuses tables that the database does not have while the state has rows of them: rows alone cannot bring them back.
fn refuse_gone(difference: &Difference, engine: &dyn Engine, options: &PlanOptions) -> Result<(), Error> {
    let gone: Vec<_> = difference
        .only_after
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(table, _)| table.to_string())
        .collect();
    // Not every table of the selection is meant where rows are named or related.
    let names_rows = options.rows.as_ref().is_some_and(|rows| rows.names_rows());
    let is_meant = !(options.related || names_rows && options.selection.include.is_empty());
    if gone.is_empty() || !is_meant {
        return Ok(());
    }
    let noun = if gone.len() > 1 { "tables" } else { "table" };
    Err(Error::TablesGone {
        database: engine.describe(),
        tables: format!("{noun} {}", gone.join(", ")),
        several: gone.len() > 1,
    })
}

impl PlanOptions {
    /// Which changes are wanted.
    fn filter(&self) -> Filter {
        let filter = self.mode.filter(self.rows.clone());
        match self.base {
            None => filter,
            // Sequences and rowids are the database's own: it went on with them.
            Some(_) => Filter { settings: false, rowids: false, ..filter },
        }
    }
}

impl Mode {
    fn filter(self, rows: Option<Arc<dyn RowFilter>>) -> Filter {
        let (updates, deletes) = match self {
            Mode::Replace => (true, true),
            Mode::Update => (true, false),
            Mode::Merge => (false, false),
        };
        Filter {
            inserts: true,
            updates,
            deletes,
            // Sequences and the like would go back, behind rows that stay.
            settings: self == Mode::Replace,
            lone_sequences: false,
            rowids: self == Mode::Replace && rows.is_none(),
            rows,
        }
    }
}
