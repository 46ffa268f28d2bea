//! The rows that were reached, and how foreign keys lead on from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::TryStreamExt;
use rowkeep_engine::RowStream;
use rowkeep_format::{RowBatch, Table, TableName};

use crate::diff::by_key::KEYS_AT_ONCE;
use crate::diff::filter::Filter;
use crate::diff::key_access::Access;
use crate::diff::pairing::{Pair, Pairing};
use crate::rows::foreign_keys::{Link, Parent, Sought, links};
use crate::state::State;
use crate::state::key_set::KeySet;
use crate::state::reader::Cause;
use crate::state::selection::Selection;
use crate::{Context, Error};

/// What keys of related rows may take in memory.
const MOST_BYTES: usize = 256 << 20;

/// Keys of the rows of one table.
pub(super) struct Reached {
    /// Those that are meant by themselves.
    pub(super) meant: KeySet,
    /// Those that refer to them, directly or through others.
    below: KeySet,
    /// Those that all of these refer to.
    pub(super) above: KeySet,
}

/// One table in both states.
pub(super) struct Both<'a> {
    pub(super) pairing: Pairing,
    pub(super) before: Access<'a>,
    pub(super) after: Access<'a>,
    pub(super) reached: Reached,
}

/// How rows were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// From rows to those that refer to them.
    Below,
    /// From rows to those that they refer to.
    Above,
}

/// A foreign key as it leads away from one of the tables at its ends.
struct Way {
    link: Arc<Link>,
    /// The columns of that table.
    columns: Vec<usize>,
}

/// Foreign keys by the tables at their ends.
#[derive(Default)]
struct Links {
    of_child: HashMap<TableName, Vec<Way>>,
    of_parent: HashMap<TableName, Vec<Way>>,
}

type Keys = BTreeMap<TableName, KeySet>;

/// What one step found in one state.
#[derive(Default)]
struct Step {
    /// Rows that were not reached before.
    keys: Keys,
    /// For each foreign key that leads on from their tables, in the order of [`Links::from`], the values by which it does.
    /// Of tables where a key may have several rows there is nothing.
    sought: HashMap<TableName, Vec<Sought>>,
}

/// The rows of all tables, as far as they were reached.
pub(super) struct Net<'a> {
    tables: BTreeMap<TableName, Both<'a>>,
    /// The foreign keys of both states, whose both ends are among the tables.
    links: [Links; 2],
    /// How much was reached.
    bytes: usize,
    rows: usize,
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

    /// All keys, however they were reached.
    pub(super) fn all(&self) -> KeySet {
        let mut all = self.meant.clone();
        all.extend(&self.below);
        all.extend(&self.above);
        all
    }
}

impl Both<'_> {
    fn access(&self, first: bool) -> &Access<'_> {
        if first { &self.before } else { &self.after }
    }

    fn empty(&self) -> KeySet {
        KeySet::new(self.before.key.columns.len())
    }
}

impl Part {
    /// The tables that a foreign key leads to, and their columns.
    fn leads_to(self, link: &Link) -> Vec<(&TableName, &[usize])> {
        match self {
            Part::Below => vec![(&link.child, link.columns.as_slice())],
            Part::Above => {
                link.parents.iter().map(|parent| (&parent.table, parent.columns.as_slice())).collect()
            }
        }
    }
}

impl Links {
    fn add(&mut self, link: Link) {
        let link = Arc::new(link);
        let way = |columns: &[usize]| Way { link: Arc::clone(&link), columns: columns.to_vec() };
        self.of_child.entry(link.child.clone()).or_default().push(way(&link.columns));
        for parent in link.parents.iter() {
            self.of_parent.entry(parent.table.clone()).or_default().push(way(&parent.columns));
        }
    }

    /// Those that lead away from a table.
    fn from(&self, table: &TableName, part: Part) -> &[Way] {
        let known = match part {
            Part::Below => &self.of_parent,
            Part::Above => &self.of_child,
        };
        known.get(table).map(Vec::as_slice).unwrap_or_default()
    }
}

impl<'a> Net<'a> {
    pub(super) fn new(
        context: &'a Context,
        before: &'a State,
        after: &'a State,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let mut tables = BTreeMap::new();
        for old in before.schema().tables.iter().filter(|table| table.kind.is_user_table()) {
            let Some(new) = after.table(&old.name) else { continue };
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
            let mut found = Links::default();
            for mut link in links(state) {
                let is_there = |parent: &&Parent| tables.contains_key(&parent.table);
                if !link.parents.iter().all(|parent| is_there(&parent)) {
                    link.parents = link.parents.iter().filter(is_there).cloned().collect();
                }
                if tables.contains_key(&link.child) && !link.parents.is_empty() {
                    found.add(link);
                }
            }
            found
        });
        Ok(Self { tables, links, bytes: 0, rows: 0 })
    }

    /// Finds the rows that are meant by themselves: those whose keys were named, or that fulfil the condition in either
    /// state.
    pub(super) async fn begin(&mut self, name: &TableName, filter: &Filter) -> Result<(), Error> {
        let Some(both) = self.tables.get_mut(name) else { return Ok(()) };
        let filter = filter.bind(&both.pairing.table, both.before.state.dialect())?;
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
                    let own = Arc::new(batch);
                    let rows = access.aligned(Arc::clone(&own));
                    for row in (0..rows.rows()).filter(|row| filter.means(&rows, *row)) {
                        access.add_key(&own, row, &mut found)?;
                    }
                    if found.bytes() > MOST_BYTES {
                        return Err(Error::TooManyRelated { rows: found.len() as u64 });
                    }
                }
            }
        }
        self.bytes += found.bytes();
        self.rows += found.len();
        both.reached.meant = found;
        Ok(())
    }

    /// A table of which any row was reached.
    pub(super) fn reached(&self, name: &TableName) -> Option<&Both<'a>> {
        self.tables.get(name).filter(|both| !both.reached.is_empty())
    }

    /// Follows foreign keys from what was reached so far until they lead to nothing new, in the second state and, where
    /// that is wanted, in the first.
    pub(super) async fn follow(&mut self, part: Part, in_first: bool) -> Result<(), Error> {
        let reached = self.tables.iter().filter(|(_, both)| !both.reached.is_empty());
        let mut keys: Keys = reached.map(|(name, both)| (name.clone(), both.reached.all())).collect();
        let (mut first, mut second) = (Step::default(), Step::default());
        while !keys.is_empty() {
            let step_in_first = async {
                match in_first {
                    true => self.step(part, true, &keys, first).await,
                    false => Ok(Step::default()),
                }
            };
            (first, second) = futures::try_join!(step_in_first, self.step(part, false, &keys, second))?;
            keys = Keys::new();
            for (name, found) in first.keys.iter().chain(&second.keys).filter(|(_, found)| !found.is_empty())
            {
                keys.entry(name.clone()).or_insert_with(|| found.emptied()).extend(found);
            }
            for (name, found) in &keys {
                self.bytes += found.bytes();
                self.rows += found.len();
                if let Some(both) = self.tables.get_mut(name) {
                    both.reached.part_mut(part).extend(found);
                }
            }
            self.check_size(0, 0)?;
        }
        Ok(())
    }

    /// Goes from rows to those at the other ends of their foreign keys, in one state.
    ///
    /// `known` is what the step before found there: the rows of its keys need not be looked up again.
    async fn step(&self, part: Part, first: bool, keys: &Keys, mut known: Step) -> Result<Step, Error> {
        let mut found = Step::default();
        for (name, keys) in keys {
            let links = self.links[usize::from(!first)].from(name, part);
            let Some(both) = self.tables.get(name).filter(|_| !links.is_empty()) else { continue };
            let empty = || links.iter().map(|way| Sought::new(way.columns.len())).collect();
            let mut sought: Vec<Sought> = known.sought.remove(name).unwrap_or_else(empty);
            let access = both.access(first);
            let unknown = match known.keys.get(name).filter(|_| access.has_one_row_of_a_key()) {
                Some(known) => &keys.without(known),
                None => keys,
            };
            for run in unknown.runs(KEYS_AT_ONCE) {
                let rows = access.by_keys(&run).await?.own;
                (0..rows.rows()).for_each(|row| lead_on(links, &rows, row, &mut sought));
            }
            for (way, sought) in links.iter().zip(&sought).filter(|(_, sought)| !sought.is_empty()) {
                for to in part.leads_to(&way.link) {
                    let of = (access.own, way.columns.as_slice());
                    self.reach(&way.link, of, to, sought, (part, first), &mut found).await?;
                }
            }
        }
        Ok(found)
    }

    /// Adds the rows of one state that a foreign key leads to from some columns of a table.
    async fn reach(
        &self,
        link: &Link,
        of: (&Table, &[usize]),
        to: (&TableName, &[usize]),
        sought: &Sought,
        (part, first): (Part, bool),
        found: &mut Step,
    ) -> Result<(), Error> {
        let Some(there) = self.tables.get(to.0) else { return Ok(()) };
        let access = there.access(first);
        let keys = found.keys.entry(to.0.clone()).or_insert_with(|| there.empty());
        let links = match access.has_one_row_of_a_key() {
            true => self.links[usize::from(!first)].from(to.0, part),
            false => &[],
        };
        let empty = || links.iter().map(|way| Sought::new(way.columns.len())).collect();
        let onward = found.sought.entry(to.0.clone()).or_insert_with(empty);
        let mut each = |batch: &RowBatch, row: usize| {
            let encoded = access.key_of(batch, row)?;
            if there.reached.contains(&encoded) || !access.add_key(batch, row, keys)? {
                return Ok(());
            }
            lead_on(links, batch, row, onward);
            self.check_size(keys.bytes(), keys.len())
        };
        access.by_values(to.1, of, &link.equality, sought, &mut each).await
    }

    /// Fails when too much was reached, with what is about to be added.
    fn check_size(&self, bytes: usize, rows: usize) -> Result<(), Error> {
        if self.bytes + bytes > MOST_BYTES {
            return Err(Error::TooManyRelated { rows: (self.rows + rows) as u64 });
        }
        Ok(())
    }

    /// The columns of a table that others refer to in the second state, as places in the first.
    pub(super) fn referred_columns(&self, both: &Both<'_>) -> BTreeSet<usize> {
        let referring = self.links[1].from(&both.pairing.table.name, Part::Below);
        let columns = referring.iter().flat_map(|way| &way.columns);
        let names = columns.map(|at| &both.after.own.columns[*at].name);
        let place = |name: &String| both.before.own.columns.iter().position(|column| &column.name == name);
        names.filter_map(place).collect()
    }
}

/// Adds the values by which a row refers, or is referred to.
fn lead_on(links: &[Way], batch: &RowBatch, row: usize, to: &mut [Sought]) {
    for (way, sought) in links.iter().zip(to) {
        sought.add(&way.link.equality, batch, row, &way.columns);
    }
}
