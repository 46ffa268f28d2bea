//! Rows that hang together by foreign keys: from those that are meant down to the rows that refer to them, and up to the
//! rows that all of these refer to.

mod net;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::{Change, Changes, FormatError, Table, TableChanges, TableName, key};

use super::by_key::compare_keys;
use super::changeset::{Changeset, Frame, Spool};
use super::collect::Collector;
use super::filter::{BoundFilter, Filter};
use crate::state::State;
use crate::state::selection::Selection;
use crate::{Context, Error};
use net::{Both, Net, Part};

/// What is wanted of rows that are referred to.
///
/// The way never leads down again from them, or it would lead to the whole database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Related {
    /// Whatever differs.
    Whole,
    /// Only what the second state's rows need: rows that the first lacks come, and values that are referred to. Others
    /// refer to these rows too, so they keep their other values, and none goes.
    Needed,
}

/// Which tables and changes are wanted.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) selection: &'a Selection,
    pub(super) filter: &'a Filter,
}

/// How many tables are compared at once: each waits for a few rows of both states.
const TABLES_AT_ONCE: usize = 4;

/// What differs in the rows that are meant and those that are related to them.
pub(super) struct RelatedChanges {
    pub(super) changes: Changeset,
    /// How many of the changes are there by relation.
    pub(super) counts: BTreeMap<TableName, u64>,
    /// The keys of these.
    pub(super) keys: BTreeMap<TableName, HashSet<Vec<u8>>>,
}

/// Finds the rows that are meant and those that are related to them, and compares them.
pub(super) async fn compare(
    context: &Context,
    (before, after): (&State, &State),
    meant: &[(&Table, &Table)],
    terms: Terms<'_>,
    related: Related,
    spool: &Spool,
) -> Result<RelatedChanges, Error> {
    let mut net = Net::new(context, before, after, terms.selection)?;
    for (old, _) in meant.iter().filter(|(old, _)| old.kind.is_user_table()) {
        net.begin(&old.name, terms.filter).await?;
    }
    net.follow(Part::Below, true).await?;
    net.follow(Part::Above, related == Related::Whole).await?;

    let (net, filter) = (&net, terms.filter);
    let reached = before.schema().tables.iter().filter_map(|table| net.reached(&table.name));
    let compared = futures::stream::iter(reached)
        .map(|both| compare_table(context, net, both, filter, related, spool))
        .buffered(TABLES_AT_ONCE);
    let compared: Vec<Compared> = compared.try_collect().await?;
    let (mut counts, mut keys) = (BTreeMap::new(), BTreeMap::new());
    let mut changes = Changeset::empty(spool.clone());
    for Compared { table, frames, by_relation, known } in compared {
        if by_relation > 0 {
            counts.insert(table.table.name.clone(), by_relation);
            keys.insert(table.table.name.clone(), known);
        }
        changes.push(table, frames);
    }
    Ok(RelatedChanges { changes, counts, keys })
}

/// The changes to the rows of a table that were reached.
struct Compared {
    table: TableChanges,
    frames: Vec<Frame>,
    by_relation: u64,
    known: HashSet<Vec<u8>>,
}

async fn compare_table(
    context: &Context,
    net: &Net<'_>,
    both: &Both<'_>,
    filter: &Filter,
    related: Related,
    spool: &Spool,
) -> Result<Compared, Error> {
    let mut out = Collector::new(context, spool, &both.pairing.table);
    let (mut by_relation, mut known) = (0, HashSet::new());
    let dialect = both.before.state.dialect();
    let kinds = Filter { rows: None, ..filter.clone() }.bind(&both.pairing.table, dialect)?;
    let needed = (related == Related::Needed).then(|| net.referred_columns(both));
    let mut of_both = |changes| {
        let is_related = |key: &[u8]| {
            by_relation += 1;
            known.insert(key.to_vec());
        };
        wanted(both, changes, &kinds, needed.as_ref(), is_related)
    };
    let all = both.reached.all();
    compare_keys(&both.before, &both.after, &both.pairing.shape, &all, &mut of_both, &mut out).await?;
    let (table, frames) = out.finish(&both.pairing);
    Ok(Compared { table, frames, by_relation, known })
}

/// Of the changes to reached rows those that are wanted. `needed` are the columns that others refer to, where of the
/// rows above only what is needed is wanted.
fn wanted(
    both: &Both<'_>,
    changes: Changes,
    kinds: &BoundFilter,
    needed: Option<&BTreeSet<usize>>,
    mut is_related: impl FnMut(&[u8]),
) -> Result<Changes, FormatError> {
    let changes = kinds.keep(changes);
    let mut kept = Changes::new(changes.after().columns().len());
    let mut encoded = Vec::new();
    for change in changes.iter() {
        let (batch, row) = match change {
            Change::Insert { after } => (changes.after(), after),
            Change::Update { before, .. } | Change::Delete { before } => (changes.before(), before),
        };
        encoded.clear();
        key::encode(&both.before.key, batch, row, &mut encoded)?;
        if let (true, Some(referred)) = (both.reached.above.contains(&encoded), needed) {
            let is_needed = match change {
                Change::Insert { .. } => true,
                Change::Delete { .. } => false,
                Change::Update { before, after } => referred.iter().any(|column| {
                    changes.before().value(before, *column) != changes.after().value(after, *column)
                }),
            };
            if !is_needed {
                continue;
            }
        }
        if !both.reached.meant.contains(&encoded) {
            is_related(&encoded);
        }
        kept.push(&changes, change);
    }
    Ok(kept)
}
