//! References that a plan would leave dangling: found while planning, and settled as was chosen.
//!
//! Looked at is what the changes take away from rows that refer, and what changed rows newly refer to; so the cost follows
//! the changes. What dangles already and is not touched is nobody's concern here.

mod compose;
mod find;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rowkeep_format::{Table, TableName, Value};
use serde::Serialize;

use crate::diff::key_access::Access;
use crate::diff::pairing::Pairing;
use crate::diff::{Changeset, Filter, Pair};
use crate::rows::condition::equality::Equality;
use crate::rows::foreign_keys::{Link, Sought, links};
use crate::state::State;
use crate::state::key_set::KeySet;
use crate::state::selection::Selection;
use crate::{Context, Error};

/// What is done about references that would dangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDangling {
    /// The plan says so and cannot be executed.
    #[default]
    Stop,
    /// Rows that are referred to come too, from the same state, and rows that refer to others that go become as the state
    /// has them. What the state does not have stops the plan.
    Bring,
    /// Rows that would refer to nothing are not restored, and rows that are referred to do not go.
    LeaveOut,
}

/// References of one foreign key that would dangle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dangling {
    /// The referring table.
    pub table: TableName,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references: TableName,
    /// The columns referred to.
    pub referenced_columns: Vec<String>,
    /// Why.
    pub why: Why,
    /// How many rows would refer to nothing.
    pub rows: u64,
    /// The keys of the first of them.
    pub first: Vec<String>,
}

/// Why a reference would dangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A row would come, or change, that refers to one that is not there.
    Missing,
    /// A row would go, or change, that another row refers to.
    Goes,
}

impl std::fmt::Display for Dangling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, references, rows, .. } = self;
        let noun = if *rows == 1 { "row" } else { "rows" };
        let more = if *rows > self.first.len() as u64 { ", …" } else { "" };
        let (refer, missing) = match self.why {
            Why::Missing => ("would refer", "are not there"),
            Why::Goes => (if *rows == 1 { "refers" } else { "refer" }, "would go"),
        };
        write!(
            f,
            "{rows} {noun} of {table} ({}{more}) {refer} to rows of {references} that {missing}, by FOREIGN KEY ({}) \
             REFERENCES {references} ({})",
            self.first.join("; "),
            self.columns.join(", "),
            self.referenced_columns.join(", ")
        )
    }
}

/// What became of a plan's changes.
pub(super) struct Settled {
    pub(super) changes: Changeset,
    /// How many rows came by relation.
    pub(super) related: BTreeMap<TableName, u64>,
    /// How many changes were left out.
    pub(super) left_out: BTreeMap<TableName, u64>,
    /// What would still dangle.
    pub(super) dangling: Vec<Dangling>,
}

/// How changes are to be settled.
pub(super) struct Terms<'a> {
    pub(super) choice: OnDangling,
    /// Which kinds of changes are wanted of rows that are brought.
    pub(super) kinds: Filter,
    /// Tables that it leaves out are not touched.
    pub(super) selection: &'a Selection,
}

/// What keys and values may take in memory.
const MOST_BYTES: usize = 256 << 20;

/// How many keys are told.
const TOLD: usize = 3;

/// One table of the database, and the same of the state that is restored where it has it.
struct Place<'a> {
    live: Access<'a>,
    target: Option<(Pairing, Access<'a>)>,
}

/// What one foreign key would leave dangling.
struct Gap<'l> {
    link: &'l Link,
    /// Changed rows that would refer to nothing.
    asking: KeySet,
    /// What they refer to.
    missing: Sought,
    /// Rows that stay, and refer to what would be gone.
    left: KeySet,
    /// The changed rows that offer it no more.
    parents: KeySet,
}

pub(super) struct Settling<'a> {
    context: &'a Context,
    places: BTreeMap<TableName, Place<'a>>,
    links: Vec<Link>,
    terms: Terms<'a>,
}

impl<'a> Settling<'a> {
    pub(super) fn new(context: &'a Context, live: &'a State, target: &'a State, terms: Terms<'a>) -> Self {
        let place = |table: &'a Table| {
            let new = target.schema().table(&table.name).filter(|_| target.holds(&table.name));
            let pairing = new.map(|new| (Pairing::new(table, new), new));
            match pairing.filter(|(pairing, _)| pairing.check(target).is_ok()) {
                Some((pairing, new)) => {
                    let pair = Pair { before: live, after: target, old: table, new };
                    let (live, target) = pairing.accesses(context, pair);
                    Place { live, target: Some((pairing, target)) }
                }
                None => Place { live: Access::new(context, live, table, table, &table.key), target: None },
            }
        };
        let tables = live.schema().tables.iter().filter(|table| table.kind.is_user_table());
        Self {
            context,
            places: tables.map(|table| (table.name.clone(), place(table))).collect(),
            links: links(live.schema()),
            terms,
        }
    }

    /// Settles the changes; `by_relation` are keys of those that are there by relation.
    pub(super) async fn settle(
        &self,
        mut changes: Changeset,
        mut related: BTreeMap<TableName, u64>,
        mut by_relation: BTreeMap<TableName, HashSet<Vec<u8>>>,
    ) -> Result<Settled, Error> {
        let mut left_out: BTreeMap<TableName, u64> = BTreeMap::new();
        // The tables whose changes are not looked at yet.
        let mut fresh: BTreeSet<TableName> = self.places.keys().cloned().collect();
        loop {
            let gaps = match self.find(&changes, &fresh).await? {
                Some(gaps) => gaps,
                // Whether it all fits is for the database to say.
                None if self.terms.choice == OnDangling::Stop => Vec::new(),
                None => return Err(Error::TooManyRelated { rows: count(&changes) }),
            };
            let dangling: Vec<Dangling> = gaps.iter().flat_map(|gap| self.told(gap)).collect();
            if gaps.is_empty() || self.terms.choice == OnDangling::Stop {
                return Ok(Settled { changes, related, left_out, dangling });
            }
            fresh.clear();
            let composed = match self.terms.choice {
                OnDangling::LeaveOut => self.leave_out(&changes, &gaps).await?,
                OnDangling::Stop | OnDangling::Bring => self.bring(&changes, &gaps).await?,
            };
            for table in &composed.tables {
                fresh.insert(table.name.clone());
                let known = by_relation.entry(table.name.clone()).or_default();
                let lost = table.dropped.iter().filter(|key| known.contains(*key)).count() as u64;
                let count = related.entry(table.name.clone()).or_default();
                *count = count.saturating_sub(lost) + table.added.len() as u64;
                known.extend(table.added.iter().cloned());
                if !table.dropped.is_empty() {
                    *left_out.entry(table.name.clone()).or_default() += table.dropped.len() as u64;
                }
            }
            if composed.tables.is_empty() {
                // Nothing that could be brought mends it.
                return Ok(Settled { changes, related, left_out, dangling });
            }
            // What was not mended now is looked at again with the rest.
            fresh.extend(gaps.iter().flat_map(|gap| [gap.link.child.clone(), gap.link.parent.clone()]));
            changes = composed.changes;
        }
    }

    /// Leaves changed rows out that would refer to nothing, and changes by which rows go that are referred to.
    async fn leave_out(&self, changes: &Changeset, gaps: &[Gap<'_>]) -> Result<compose::Composed, Error> {
        let mut dropped: BTreeMap<TableName, HashSet<Vec<u8>>> = BTreeMap::new();
        for gap in gaps {
            dropped.entry(gap.link.child.clone()).or_default().extend(gap.asking.encoded().cloned());
            dropped.entry(gap.link.parent.clone()).or_default().extend(gap.parents.encoded().cloned());
        }
        self.compose(changes, &dropped, &BTreeMap::new()).await
    }

    /// Takes the rows that are missing from the state, and makes rows whose parents go as the state has them.
    async fn bring(&self, changes: &Changeset, gaps: &[Gap<'_>]) -> Result<compose::Composed, Error> {
        let mut wanted: BTreeMap<TableName, KeySet> = BTreeMap::new();
        let empty = |place: &Place<'_>| KeySet::new(place.live.key.columns.len());
        for gap in gaps {
            let link = gap.link;
            let (Some(child), Some(parent)) = (self.places.get(&link.child), self.places.get(&link.parent))
            else {
                continue;
            };
            if !gap.left.is_empty() && !self.terms.selection.excludes(&link.child) {
                wanted.entry(link.child.clone()).or_insert_with(|| empty(child)).extend(&gap.left);
            }
            let Some((_, target)) = parent.target.as_ref() else { continue };
            if gap.asking.is_empty() || self.terms.selection.excludes(&link.parent) {
                continue;
            }
            let name = |column: &usize| &parent.live.own.columns[*column].name;
            let there = |name: &String| target.own.columns.iter().position(|column| &column.name == name);
            let columns: Option<Vec<usize>> = link.parent_columns.iter().map(name).map(there).collect();
            let Some(columns) = columns else { continue };
            let equality = Equality::of(target.own, &columns);
            let all: Vec<usize> = (0..columns.len()).collect();
            let mut sought = Sought::new(columns.len());
            let values = &gap.missing.values;
            (0..values.rows()).for_each(|row| sought.add(&equality, values, row, &all));
            let keys = wanted.entry(link.parent.clone()).or_insert_with(|| empty(parent));
            let mut each =
                |batch: &rowkeep_format::RowBatch, row: usize| target.add_key(batch, row, keys).map(|_| ());
            let of = (child.live.own, link.columns.as_slice());
            target.by_values(&columns, of, &equality, &sought, &mut each).await?;
        }
        self.compose(changes, &BTreeMap::new(), &wanted).await
    }

    fn told(&self, gap: &Gap<'_>) -> Vec<Dangling> {
        let link = gap.link;
        let names = |table: &TableName, columns: &[usize]| {
            let table = self.places.get(table).map(|place| place.live.own);
            let name = |column: &usize| table.map(|table| table.columns[*column].name.clone());
            columns.iter().filter_map(name).collect::<Vec<_>>()
        };
        let told = |keys: &KeySet, why| {
            (!keys.is_empty()).then(|| Dangling {
                table: link.child.clone(),
                columns: names(&link.child, &link.columns),
                references: link.parent.clone(),
                referenced_columns: names(&link.parent, &link.parent_columns),
                why,
                rows: keys.len() as u64,
                first: keys.runs(TOLD).next().map(|run| run.values).map_or_else(Vec::new, |values| {
                    (0..values.rows()).map(|row| key_in_words(values.row(row))).collect()
                }),
            })
        };
        [told(&gap.asking, Why::Missing), told(&gap.left, Why::Goes)].into_iter().flatten().collect()
    }
}

fn count(changes: &Changeset) -> u64 {
    changes.tables().iter().map(|table| table.counts.total()).sum()
}

/// A key as people read it, a long one by its beginning.
fn key_in_words<'v>(values: impl Iterator<Item = Value<'v>>) -> String {
    const SHOWN: usize = 60;
    let word = |value: Value<'_>| match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => f64::from_bits(bits).to_string(),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    };
    let whole = values.map(word).collect::<Vec<_>>().join(",");
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}
