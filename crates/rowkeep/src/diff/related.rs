//! Rows that hang together by foreign keys: from those that are meant down to the rows that refer to them, and up to the
//! rows that all of these refer to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::TryStreamExt;
use rowkeep_engine::RowStream;
use rowkeep_format::{Change, Changes, FormatError, Table, TableName, key};

use super::by_key::{KEYS_AT_ONCE, compare_keys};
use super::changeset::{Changeset, Spool};
use super::collect::Collector;
use super::filter::{BoundFilter, Filter};
use super::key_access::Access;
use super::pairing::{Pair, Pairing};
use crate::rows::foreign_keys::{Link, Sought, links};
use crate::state::State;
use crate::state::key_set::KeySet;
use crate::state::reader::Cause;
use crate::state::selection::Selection;
use crate::{Context, Error};

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

/// What keys of related rows may take in memory.
const MOST_BYTES: usize = 256 << 20;

/// Keys of the rows of one table.
struct Reached {
    /// Those that are meant by themselves.
    meant: KeySet,
    /// Those that refer to them, directly or through others.
    below: KeySet,
    /// Those that all of these refer to.
    above: KeySet,
}

/// One table in both states.
struct Both<'a> {
    pairing: Pairing,
    before: Access<'a>,
    after: Access<'a>,
    reached: Reached,
}

impl Both<'_> {
    fn access(&self, first: bool) -> &Access<'_> {
        if first { &self.before } else { &self.after }
    }

    fn empty(&self) -> KeySet {
        KeySet::new(self.before.key.columns.len())
    }
}

/// How rows were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Below,
    Above,
}

/// One end of a foreign key: a table and its columns.
type End<'e> = (&'e TableName, &'e [usize]);

type Frontier = BTreeMap<TableName, KeySet>;

/// The rows of all tables, as far as they were reached.
struct Net<'a> {
    tables: BTreeMap<TableName, Both<'a>>,
    /// The foreign keys of both states, whose both ends are among the tables.
    links: [Vec<Link>; 2],
}

/// What differs in the rows that are meant and those that are related to them.
pub(super) struct RelatedChanges {
    pub(super) changes: Changeset,
    /// How many of the changes are there by relation.
    pub(super) counts: BTreeMap<TableName, u64>,
    /// The keys of these.
    pub(super) keys: BTreeMap<TableName, HashSet<Vec<u8>>>,
}

/// Which tables and changes are wanted.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) selection: &'a Selection,
    pub(super) filter: &'a Filter,
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
    net.go_down().await?;
    net.go_up(related).await?;

    let (mut counts, mut keys) = (BTreeMap::new(), BTreeMap::new());
    let mut changes = Changeset::empty(spool.clone());
    let names = before.schema().tables.iter().map(|table| &table.name);
    for name in names {
        let Some(both) = net.tables.get(name).filter(|both| !both.reached.is_empty()) else { continue };
        let mut out = Collector::new(context, spool, &both.pairing.table);
        let (mut by_relation, mut known) = (0, HashSet::new());
        let kinds = Filter { rows: None, ..terms.filter.clone() }.bind(&both.pairing.table)?;
        let mut all = both.reached.meant.clone();
        all.extend(&both.reached.below);
        all.extend(&both.reached.above);
        let needed = (related == Related::Needed).then(|| net.referred_columns(name));
        let mut wanted = |changes| {
            let is_related = |key: &[u8]| {
                by_relation += 1;
                known.insert(key.to_vec());
            };
            both.wanted(changes, &kinds, needed.as_ref(), is_related)
        };
        compare_keys(&both.before, &both.after, &both.pairing.shape, &all, &mut wanted, &mut out).await?;
        if by_relation > 0 {
            counts.insert(name.clone(), by_relation);
            keys.insert(name.clone(), known);
        }
        let (table, frames) = out.finish(&both.pairing);
        changes.push(table, frames);
    }
    Ok(RelatedChanges { changes, counts, keys })
}

impl Reached {
    fn is_empty(&self) -> bool {
        self.meant.is_empty() && self.below.is_empty() && self.above.is_empty()
    }

    fn part_mut(&mut self, part: Part) -> &mut KeySet {
        match part {
            Part::Below => &mut self.below,
            Part::Above => &mut self.above,
        }
    }

    fn contains(&self, encoded: &[u8]) -> bool {
        self.meant.contains(encoded) || self.below.contains(encoded) || self.above.contains(encoded)
    }
}

impl Both<'_> {
    /// Of the changes to reached rows those that are wanted. `needed` are the columns that others refer to, where of the
    /// rows above only what is needed is wanted.
    fn wanted(
        &self,
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
            key::encode(&self.before.key, batch, row, &mut encoded)?;
            if let (true, Some(referred)) = (self.reached.above.contains(&encoded), needed) {
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
            if !self.reached.meant.contains(&encoded) {
                is_related(&encoded);
            }
            kept.push(&changes, change);
        }
        Ok(kept)
    }
}

impl<'a> Net<'a> {
    fn new(
        context: &'a Context,
        before: &'a State,
        after: &'a State,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let mut tables = BTreeMap::new();
        for old in before.schema().tables.iter().filter(|table| table.kind.is_user_table()) {
            let Some(new) = after.schema().table(&old.name) else { continue };
            let pairing = Pairing::new(old, new);
            let is_kept = selection.excludes(&old.name);
            if is_kept || !before.holds(&old.name) || !after.holds(&old.name) || pairing.check(after).is_err()
            {
                continue;
            }
            let pair = Pair { before, after, old, new };
            let (before, after) = pairing.accesses(context, pair);
            let keys = || KeySet::new(before.key.columns.len());
            let reached = Reached { meant: keys(), below: keys(), above: keys() };
            tables.insert(old.name.clone(), Both { pairing, before, after, reached });
        }
        let links = [before, after].map(|state| {
            let mut found = links(state.schema());
            found.retain(|link| tables.contains_key(&link.child) && tables.contains_key(&link.parent));
            found
        });
        Ok(Self { tables, links })
    }

    /// Finds the rows that are meant by themselves: those whose keys were named, or that fulfil the condition in either
    /// state.
    async fn begin(&mut self, name: &TableName, filter: &Filter) -> Result<(), Error> {
        let Some(both) = self.tables.get_mut(name) else { return Ok(()) };
        let filter = filter.bind(&both.pairing.table)?;
        let mut found = both.empty();
        if let Some(named) = filter.keys() {
            for run in named.runs(KEYS_AT_ONCE) {
                for access in [&both.before, &both.after] {
                    let rows = access.by_keys(&run).await?;
                    for row in (0..rows.rows.rows()).filter(|row| filter.means(&rows.rows, *row)) {
                        access.add_key(&rows.own, row, &mut found)?;
                    }
                }
            }
        } else if !filter.is_nothing() {
            for access in [&both.before, &both.after] {
                let cause = Cause::default();
                let mut rows: RowStream = access.all(&cause).await?;
                while let Some(batch) = rows.try_next().await.map_err(|error| cause.of(error))? {
                    let own = std::sync::Arc::new(batch);
                    let rows = access.aligned(std::sync::Arc::clone(&own));
                    for row in (0..rows.rows()).filter(|row| filter.means(&rows, *row)) {
                        access.add_key(&own, row, &mut found)?;
                    }
                    check_size(found.bytes(), found.len())?;
                }
            }
        }
        both.reached.meant = found;
        Ok(())
    }

    /// Everything that was reached so far.
    fn all(&self) -> Frontier {
        let reached = self.tables.iter().filter(|(_, both)| !both.reached.is_empty());
        let sets = reached.map(|(name, both)| {
            let mut keys = both.reached.meant.clone();
            keys.extend(&both.reached.below);
            (name.clone(), keys)
        });
        sets.collect()
    }

    async fn go_down(&mut self) -> Result<(), Error> {
        let mut frontier = self.all();
        while !frontier.is_empty() {
            let mut next = Frontier::new();
            for first in [true, false] {
                let links: Vec<Link> = self.links[usize::from(!first)].clone();
                let sought = self.values(&links, &frontier, first, false).await?;
                for (link, sought) in links.iter().zip(&sought) {
                    let ends = ((&link.child, &*link.columns), (&link.parent, &*link.parent_columns));
                    self.reach(link, ends, sought, first, Part::Below, &mut next).await?;
                }
            }
            frontier = next;
        }
        Ok(())
    }

    async fn go_up(&mut self, related: Related) -> Result<(), Error> {
        let mut frontier = self.all();
        while !frontier.is_empty() {
            let mut next = Frontier::new();
            for first in [true, false] {
                if first && related == Related::Needed {
                    continue;
                }
                let links: Vec<Link> = self.links[usize::from(!first)].clone();
                let sought = self.values(&links, &frontier, first, true).await?;
                for (link, sought) in links.iter().zip(&sought) {
                    let ends = ((&link.parent, &*link.parent_columns), (&link.child, &*link.columns));
                    self.reach(link, ends, sought, first, Part::Above, &mut next).await?;
                }
            }
            frontier = next;
        }
        Ok(())
    }

    /// For each foreign key the values by which rows of the frontier refer (`up`), or are referred to, in one state.
    async fn values(
        &self,
        links: &[Link],
        frontier: &Frontier,
        first: bool,
        up: bool,
    ) -> Result<Vec<Sought>, Error> {
        let mut sought: Vec<Sought> = links.iter().map(|link| Sought::new(link.columns.len())).collect();
        for (name, keys) in frontier {
            let end = |link: &Link| if up { link.child == *name } else { link.parent == *name };
            if !links.iter().any(end) {
                continue;
            }
            let Some(both) = self.tables.get(name) else { continue };
            for run in keys.runs(KEYS_AT_ONCE) {
                let found = both.access(first).by_keys(&run).await?;
                for (link, sought) in links.iter().zip(&mut sought).filter(|(link, _)| end(link)) {
                    let columns = if up { &link.columns } else { &link.parent_columns };
                    for row in 0..found.own.rows() {
                        sought.add(&link.equality, &found.own, row, columns);
                    }
                }
            }
        }
        Ok(sought)
    }

    /// Adds the rows of one state that are at the other end of a foreign key.
    async fn reach(
        &mut self,
        link: &Link,
        (to, from): (End<'_>, End<'_>),
        sought: &Sought,
        first: bool,
        part: Part,
        next: &mut Frontier,
    ) -> Result<(), Error> {
        let (Some(there), Some(here)) = (self.tables.get(to.0), self.tables.get(from.0)) else {
            return Ok(());
        };
        let access = there.access(first);
        let mut found = there.empty();
        let of = (here.access(first).own, from.1);
        let mut each = |batch: &rowkeep_format::RowBatch, row: usize| {
            if !there.reached.contains(&access.key_of(batch, row)?) {
                access.add_key(batch, row, &mut found)?;
                check_size(found.bytes(), found.len())?;
            }
            Ok(())
        };
        access.by_values(to.1, of, &link.equality, sought, &mut each).await?;
        if found.is_empty() {
            return Ok(());
        }
        next.entry(to.0.clone()).or_insert_with(|| there.empty()).extend(&found);
        if let Some(there) = self.tables.get_mut(to.0) {
            there.reached.part_mut(part).extend(&found);
        }
        let sets = self.tables.values().flat_map(|both| {
            let Reached { meant, below, above } = &both.reached;
            [meant, below, above]
        });
        let (bytes, rows) = sets.fold((0, 0), |(bytes, rows), set| (bytes + set.bytes(), rows + set.len()));
        check_size(bytes, rows)
    }

    /// The columns of a table that others refer to in the second state, as places in the first.
    fn referred_columns(&self, name: &TableName) -> BTreeSet<usize> {
        let Some(both) = self.tables.get(name) else { return BTreeSet::new() };
        let referring = self.links[1].iter().filter(|link| link.parent == *name);
        let names =
            referring.flat_map(|link| &link.parent_columns).map(|at| &both.after.own.columns[*at].name);
        let place = |name: &String| both.before.own.columns.iter().position(|column| &column.name == name);
        names.filter_map(place).collect()
    }
}

fn check_size(bytes: usize, rows: usize) -> Result<(), Error> {
    if bytes > MOST_BYTES { Err(Error::TooManyRelated { rows: rows as u64 }) } else { Ok(()) }
}
