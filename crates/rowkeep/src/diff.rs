//! Diff: two states become a changeset, the rows to insert, update and delete to make the first the second.
//!
//! Both states are read in key order and never held in memory. Chunks of equal names are not read at all; a live database
//! is read once, cut as a capture would cut it, and only where its chunks differ from the other side's are rows compared.
//! Where rows have another identity than the key in whose order chunks stand, those that differ are compared again by it.

mod across_partitions;
mod as_stored;
mod by_identity;
pub(crate) mod by_key;
mod changed_rows;
mod changeset;
mod chosen;
pub(crate) mod collect;
mod columns;
mod definitions;
mod filter;
pub(crate) mod key_access;
pub(crate) mod log_ahead;
mod merge;
pub(crate) mod pairing;
mod regions;
mod related;
mod schema;
mod side;
mod table;
mod three_way;
mod wanted_rows;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::{EngineError, ErrorKind as EngineKind};
use rowkeep_format::manifest::Why;
use rowkeep_format::{ContentKeys, Counts, Table, TableName};

pub use as_stored::StoredBy;
pub(crate) use as_stored::as_stored;
pub(crate) use changed_rows::are_changes_known;
pub use changeset::Changeset;
pub(crate) use columns::Alignment;
pub use definitions::{Defined, DefinitionChange, DefinitionDifference, definition_changes};
pub(crate) use definitions::{SERVER_VERSION, server_version};
pub use filter::{Filter, RowFilter, RowTest};
pub use related::Related;
pub(crate) use schema::all_schema_differences;
pub use schema::{SchemaDifference, schema_differences};
pub(crate) use three_way::Sides;
pub use three_way::{Conflict, ConflictKind, Conflicts, FieldConflict, Prefer};
pub use wanted_rows::WantedRows;

use crate::state::State;
use crate::state::selection::Selection;
use crate::{Context, Error, Event, Phase};
use changeset::Spool;
use chosen::Chosen;
pub(crate) use pairing::Pair;
use related::Terms;
use table::{Compared, diff_table};

/// What is to be compared.
#[derive(Clone, Default)]
pub struct DiffOptions {
    /// The tables that are meant.
    pub selection: Selection,
    /// Which changes are wanted.
    pub filter: Filter,
    /// Whether rows that are related to those that are meant are meant as well, by the foreign keys of both states.
    pub related: Option<Related>,
    /// Whether definitions are compared too, where both states have them and all of both is compared.
    pub with_definitions: bool,
    /// Whether rows of partitioned tables are the same rows though other partitions hold them. Changes to such tables are then of the
    /// whole ([`TableChanges::across`](rowkeep_format::TableChanges::across)). Not where related rows are meant.
    pub across_partitions: bool,
    /// Where temporary files are made, the system's place for them otherwise.
    pub temporary: Option<PathBuf>,
}

/// How two states differ.
#[derive(Clone)]
pub struct Difference {
    /// How their schemas differ, of the tables that are meant.
    pub schema: Vec<SchemaDifference>,
    /// How what else the schemas are made of differs (indexes, views, triggers, constraints), where both states have it
    /// and all of both is compared.
    pub definitions: DefinitionDifference,
    /// The rows that differ. Every table that both states have and that was looked at is in it, also without changes.
    pub changes: Changeset,
    /// Of these, how many rows are there by relation, for tables where there are any.
    pub related: BTreeMap<TableName, u64>,
    /// The keys of these rows.
    pub(crate) by_relation: BTreeMap<TableName, HashSet<Vec<u8>>>,
    /// Tables that only the first state has, and how many rows they have in it.
    pub only_before: Vec<(TableName, u64)>,
    /// Tables that only the second state has, and how many rows they have in it.
    pub only_after: Vec<(TableName, u64)>,
}

impl Difference {
    /// The changes of the tables that are meant, with what is known of these without comparing rows.
    fn of(chosen: &Chosen<'_>, before: &State, after: &State, changes: Changeset) -> Self {
        let rows = |state: &State, tables: &[&Table]| {
            tables.iter().map(|table| (table.name.clone(), state.estimated_rows(&table.name))).collect()
        };
        Self {
            schema: chosen.schema_differences(),
            definitions: DefinitionDifference::default(),
            changes,
            related: BTreeMap::new(),
            by_relation: BTreeMap::new(),
            only_before: rows(before, &chosen.only_before),
            only_after: rows(after, &chosen.only_after),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.schema.is_empty() && self.definitions.changes.is_empty() && self.changes.is_empty()
    }

    /// All changes to rows of tables that both have.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.tables().iter().for_each(|table| counts += table.counts);
        counts
    }
}

/// Compares two states.
///
/// The rows of the changeset have the columns of the first state's tables; columns that the second state lacks count
/// as equal. A table that a snapshot was not asked to hold is left out. `keys` are those of the repository that a
/// snapshot is in, any others where both states are live.
pub async fn diff(
    context: &Context,
    keys: &ContentKeys,
    before: &State,
    after: &State,
    options: &DiffOptions,
) -> Result<Difference, Error> {
    context.until_cancelled(diff_now(context, keys, before, after, options)).await
}

async fn diff_now(
    context: &Context,
    keys: &ContentKeys,
    before: &State,
    after: &State,
    options: &DiffOptions,
) -> Result<Difference, Error> {
    if before.engine() != after.engine() {
        let message = format!(
            "{} is of {} and {} of {}: rows of different engines have other forms",
            before.describe(),
            before.engine(),
            after.describe(),
            after.engine()
        );
        return Err(EngineError::new(EngineKind::Unsupported, message).into());
    }
    let schemas = [before.schema(), after.schema()];
    let selection = &options.selection.with_partitions(&schemas);
    let filter = &options.filter.with_partitions(&schemas);
    let chosen = Chosen::new(before, after, selection)?;
    context.observe(Event::Phase {
        phase: Phase::Diff,
        tables: chosen.pairs.iter().filter(|(table, _)| table.kind.is_user_table()).count() as u64,
        rows: chosen.pairs.iter().map(|(table, _)| before.estimated_rows(&table.name)).sum(),
    });
    let spool = Spool::new(context.changes_in_memory(), options.temporary.as_deref());
    if let Some(related) = options.related {
        let terms = Terms { selection, filter };
        let found = related::compare(context, (before, after), &chosen.pairs, terms, related, &spool).await?;
        let mut difference = Difference::of(&chosen, before, after, found.changes);
        (difference.related, difference.by_relation) = (found.counts, found.keys);
        return Ok(difference);
    }
    if !filter.rows.as_ref().is_some_and(|rows| rows.names_rows()) {
        chosen.ask_what_changed(before, after).await;
    }
    let mut largest_first: Vec<usize> = (0..chosen.pairs.len()).collect();
    largest_first.sort_by_key(|at| std::cmp::Reverse(before.estimated_rows(&chosen.pairs[*at].0.name)));
    let compared = futures::stream::iter(largest_first).map(|at| {
        let (spool, (old, new)) = (&spool, chosen.pairs[at]);
        async move {
            context.observe(Event::Table(&old.name));
            let pair = Pair { before, after, old, new };
            let compared = diff_table(context, keys, pair, filter, spool).await?;
            context.observe(Event::TableDone { table: &old.name, rows: before.estimated_rows(&old.name) });
            Ok::<_, Error>((at, compared))
        }
    });
    let at_once = before.parallelism().min(after.parallelism()).max(1);
    let mut compared: Vec<_> = compared.buffer_unordered(at_once).try_collect().await?;
    compared.sort_by_key(|(at, ..)| *at);
    let mut compared: Vec<Compared> = compared.into_iter().map(|(_, compared)| compared).collect();
    let mut followed: HashSet<&TableName> = HashSet::new();
    if options.across_partitions {
        for whole in across_partitions::wholes(&chosen, before, after) {
            // A condition of the whole table is one of all its partitions.
            let filter = &options.filter;
            let states = (before, after);
            let moved = across_partitions::compare(context, keys, states, &whole, &compared, filter, &spool);
            let Some(moved) = moved.await? else { continue };
            moved.take_over(&mut compared);
            followed.extend(whole.only_before.iter().chain(&whole.only_after).map(|table| &table.name));
        }
    }
    let mut changes = Changeset::empty(spool.clone());
    compared.into_iter().for_each(|compared| changes.push(compared.changes, compared.frames));
    let mut difference = Difference::of(&chosen, before, after, changes);
    difference.only_before.retain(|(table, _)| !followed.contains(table));
    difference.only_after.retain(|(table, _)| !followed.contains(table));
    if options.with_definitions && options.selection.is_all() && options.filter.rows.is_none() {
        difference.definitions = definition_changes(&Defined::of(before), &Defined::of(after));
    }
    difference.definitions.notes.extend(not_compared(before, after));
    Ok(difference)
}

/// What is not compared, for one of two states could not read it, in words for people.
pub(crate) fn not_compared(before: &State, after: &State) -> Vec<String> {
    // What is on another server is neither's.
    let unread = before.unread().iter().chain(after.unread()).filter(|unread| unread.why != Why::Foreign);
    let told: BTreeSet<String> = unread.map(|unread| format!("not compared: {}", unread.told())).collect();
    told.into_iter().collect()
}

/// How many rows of one table differ; the changes themselves are not kept.
pub(crate) async fn count_differing(
    context: &Context,
    keys: &ContentKeys,
    pair: Pair<'_>,
) -> Result<Counts, Error> {
    let spool = Spool::new(context.changes_in_memory(), None);
    Ok(diff_table(context, keys, pair, &Filter::default(), &spool).await?.changes.counts)
}
