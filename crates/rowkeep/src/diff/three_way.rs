//! Three states: what changed between one that two others come from and the second of these is brought to the first, which
//! changed meanwhile too.
//!
//! All differences between the two are looked at, and kept as far as the second one has changed the row since. Where
//! both have, columns are merged one by one; a column with two new values is a conflict.

mod conflict;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use rowkeep_engine::dialect::Documents;
use rowkeep_format::{Change, Changes, RowBatch, Table, TableChanges, TableKind, TableName, Value, key};

pub use conflict::{Conflict, ConflictKind, Conflicts, FieldConflict, Prefer};

use super::changeset::Changeset;
use super::collect::Rewriting;
use super::pairing::Pairing;
use crate::state::State;
use crate::{Context, Error};

/// A row of a batch.
type Row<'a> = (&'a RowBatch, usize);

/// Two states, and what the second of them has changed since the state that both come from.
pub(crate) struct Sides<'a> {
    pub(crate) context: &'a Context,
    /// The one that is to be changed.
    pub(crate) database: &'a State,
    /// The one whose changes are to come.
    pub(crate) snapshot: &'a State,
    /// The one that both come from.
    pub(crate) base: &'a State,
    pub(crate) prefer: Prefer,
    /// Of tables whose columns stand in another order in the snapshot, the places of its columns in what comes of it.
    pub(crate) reordered: HashMap<TableName, Vec<usize>>,
}

impl Sides<'_> {
    /// Of all changes that make the database the snapshot, those that the snapshot itself made since the base.
    ///
    /// `all` leads from the database to the snapshot, `made` from the base to the snapshot.
    pub(crate) async fn merge(
        &self,
        all: &Changeset,
        made: &Changeset,
    ) -> Result<(Changeset, Conflicts), Error> {
        let (mut merged, mut conflicts) = (all.emptied(), Conflicts::default());
        for (at, changes) in all.tables().iter().enumerate() {
            if changes.counts.total() == 0 {
                merged.take_over(all, at);
                continue;
            }
            let name = &changes.table.name;
            let (Some(old), Some(new)) = (self.database.table(name), self.snapshot.table(name)) else {
                continue;
            };
            let since = made.tables().iter().position(|table| table.table.name == *name);
            match since {
                Some(since) => {
                    let then = &made.tables()[since].table;
                    refuse_other_key(&changes.table, then)?;
                    refuse_new_columns(&changes.table, new, then)?;
                }
                // Rows that it was not asked for would count as such that never were.
                None if self.base.table(name).is_some() => {
                    let why = "the earlier snapshot does not have its rows";
                    return Err(Error::NotMergeable { table: name.to_string(), why });
                }
                None => {}
            }
            let documents = self.database.dialect().documents(&changes.table);
            let pairing = Pairing::new(old, new);
            let mut out = Rewriting::new(self.context, &merged, &pairing);
            let mut one = Merge {
                changes,
                since: since.map(|since| &made.tables()[since]),
                prefer: self.prefer,
                documents,
                order: self.reordered.get(name).map_or(&[], Vec::as_slice),
            };
            let mut own = Walk::new(&changes.table, all.changes(at).boxed());
            let mut made = match since {
                Some(since) => Walk::new(&made.tables()[since].table, made.changes(since).boxed()),
                // What the base did not have, the snapshot made.
                None => Walk::new(&changes.table, futures::stream::empty().boxed()),
            };
            own.advance().await?;
            made.advance().await?;
            while let Some(key) = own.key() {
                let order = made.key().map_or(Ordering::Less, |of_made| key.cmp(of_made));
                match order {
                    Ordering::Less => {
                        if since.is_none() {
                            one.step(own.change(), None, &mut conflicts, &mut out).await?;
                        }
                        own.advance().await?;
                    }
                    Ordering::Greater => made.advance().await?,
                    Ordering::Equal => {
                        one.step(own.change(), Some(made.change()), &mut conflicts, &mut out).await?;
                        own.advance().await?;
                        made.advance().await?;
                    }
                }
            }
            let (changed, frames) = out.finish().await?;
            merged.push(changed, frames);
        }
        Ok((merged, conflicts))
    }
}

/// Rows that are known by other columns now are not the same rows.
fn refuse_other_key(now: &Table, then: &Table) -> Result<(), Error> {
    let told = |table: &Table| -> Vec<_> {
        let parts = table.key.columns.iter();
        parts.map(|part| (table.columns[part.column].name.clone(), part.form)).collect()
    };
    match told(now) == told(then) && now.key.unique == then.key.unique {
        true => Ok(()),
        false => Err(Error::NoCommonKey { table: now.name.to_string() }),
    }
}

/// Columns that both sides have won since the base are compared with nothing: what changed in them nobody knows.
fn refuse_new_columns(now: &Table, there: &Table, then: &Table) -> Result<(), Error> {
    let has = |table: &Table, name: &str| table.columns.iter().any(|column| column.name == name);
    let mut columns = now.columns.iter().filter(|column| !column.hidden);
    match columns.find(|column| has(there, &column.name) && !has(then, &column.name)) {
        None => Ok(()),
        Some(_) => {
            let why = "both sides have a column that the earlier snapshot does not have";
            Err(Error::NotMergeable { table: now.name.to_string(), why })
        }
    }
}

/// Changes one by one, with their keys.
struct Walk<'a> {
    table: &'a Table,
    runs: BoxStream<'static, Result<Changes, Error>>,
    run: Changes,
    changes: Vec<Change>,
    next: usize,
    key: Vec<u8>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    fn new(table: &'a Table, runs: BoxStream<'static, Result<Changes, Error>>) -> Self {
        let run = Changes::new(table.columns.len());
        Self { table, runs, run, changes: Vec::new(), next: 0, key: Vec::new(), is_over: false }
    }

    /// Goes to the next one.
    async fn advance(&mut self) -> Result<(), Error> {
        while self.next == self.changes.len() {
            match self.runs.next().await {
                None => {
                    self.is_over = true;
                    return Ok(());
                }
                Some(run) => {
                    self.run = run?;
                    self.changes = self.run.iter().collect();
                    self.next = 0;
                }
            }
        }
        self.next += 1;
        let (batch, row) = named_by(&self.run, self.changes[self.next - 1]);
        self.key.clear();
        let failed = |source| Error::Table { table: self.table.name.to_string(), source };
        key::encode(&self.table.key, batch, row, &mut self.key).map_err(failed)
    }

    /// The key of the present one, until there is none any more.
    fn key(&self) -> Option<&[u8]> {
        (!self.is_over).then_some(&self.key)
    }

    fn change(&self) -> (&Changes, Change) {
        (&self.run, self.changes[self.next - 1])
    }
}

fn named_by(run: &Changes, change: Change) -> Row<'_> {
    match change {
        Change::Insert { after } => (run.after(), after),
        Change::Update { before, .. } | Change::Delete { before } => (run.before(), before),
    }
}

/// The merging of one table.
struct Merge<'a> {
    changes: &'a TableChanges,
    since: Option<&'a TableChanges>,
    prefer: Prefer,
    /// The documents that its rows are of, where they are.
    documents: Option<Arc<dyn Documents>>,
    /// Its columns in the order of the snapshot, where that is another.
    order: &'a [usize],
}

impl Merge<'_> {
    /// Merges a row that differs between database and snapshot, and that the snapshot made what it is there.
    async fn step(
        &mut self,
        (run, change): (&Changes, Change),
        made: Option<(&Changes, Change)>,
        conflicts: &mut Conflicts,
        out: &mut Rewriting<'_>,
    ) -> Result<(), Error> {
        let table = &self.changes.table;
        if let (false, Some((_, of_made))) = (table.key.unique, made) {
            // Rows without a name only come and go: those that both sides lost or won are as many as they have to be.
            let is_same = matches!(
                (change, of_made),
                (Change::Insert { .. }, Change::Insert { .. })
                    | (Change::Delete { .. }, Change::Delete { .. })
            );
            return if is_same { out.push(run, change).await } else { Ok(()) };
        }
        let base = made.and_then(|(made, change)| match change {
            Change::Insert { .. } => None,
            Change::Update { before, .. } | Change::Delete { before } => Some((made.before(), before)),
        });
        match change {
            Change::Insert { after } => {
                let row = (run.after(), after);
                if base.is_none() || self.prefer == Prefer::Snapshot {
                    self.refuse_moved(row)?;
                }
                if base.is_none() {
                    return out.push(run, change).await;
                }
                conflicts.add(|| Conflict::new(table, row, ConflictKind::DeletedInDatabase, Vec::new()));
                if self.prefer == Prefer::Snapshot { out.push(run, change).await } else { Ok(()) }
            }
            Change::Delete { before } => {
                // What several rows may refer to stays: nobody knows whether one still does.
                if table.kind == TableKind::LargeObjects {
                    return Ok(());
                }
                // Without a base the row is the database's own.
                let Some(base) = base else { return Ok(()) };
                let row = (run.before(), before);
                // A hidden number is no value of the row.
                let mut values =
                    (0..table.columns.len()).filter(|column| Some(*column) != table.rowid_value());
                let is_as_it_was = values.all(|column| {
                    self.of_base(base, column).is_none_or(|was| was == row.0.value(row.1, column))
                });
                if is_as_it_was {
                    return out.push(run, change).await;
                }
                conflicts.add(|| Conflict::new(table, row, ConflictKind::DeletedInSnapshot, Vec::new()));
                if self.prefer == Prefer::Snapshot { out.push(run, change).await } else { Ok(()) }
            }
            Change::Update { before, after } => {
                let (database, snapshot) = ((run.before(), before), (run.after(), after));
                let (values, fields) = match self.is_whole(&[database, snapshot]) {
                    true => self.whole(database, snapshot, base)?,
                    false => self.columns(database, snapshot, base),
                };
                if !fields.is_empty() {
                    let kind = match base {
                        Some(_) => ConflictKind::ChangedInBoth,
                        None => ConflictKind::InsertedInBoth,
                    };
                    conflicts.add(|| Conflict::new(table, database, kind, fields));
                }
                if database.0.row(database.1).eq(values.iter().copied()) {
                    return Ok(());
                }
                let mut merged = Changes::new(table.columns.len());
                merged.update_to(database.0, database.1, values);
                out.push(&merged, Change::Update { before: 0, after: 0 }).await
            }
        }
    }

    /// The values that a row gets, column by column, and those that both gave others.
    fn columns<'v>(
        &self,
        database: Row<'v>,
        snapshot: Row<'v>,
        base: Option<Row<'_>>,
    ) -> (Vec<Value<'v>>, Vec<FieldConflict>) {
        let mut fields = Vec::new();
        let columns = self.changes.table.columns.iter().enumerate();
        let values = columns.map(|(at, column)| {
            let (here, there) = (database.0.value(database.1, at), snapshot.0.value(snapshot.1, at));
            let was = base.and_then(|base| self.of_base(base, at));
            if here == there || was == Some(there) {
                return here;
            }
            if was == Some(here) {
                return there;
            }
            if self.documents.as_ref().is_some_and(|documents| documents.is_order(at)) {
                return here;
            }
            fields.push(FieldConflict::new(&column.name, was, here, there));
            if self.prefer == Prefer::Snapshot { there } else { here }
        });
        (values.collect(), fields)
    }

    /// Whether one of these rows cannot be taken apart.
    fn is_whole(&self, rows: &[Row<'_>]) -> bool {
        let documents = self.documents.as_ref();
        documents.is_some_and(|documents| rows.iter().any(|(batch, row)| documents.is_whole(batch, *row)))
    }

    /// The row as one of the two sides has it.
    fn whole<'v>(
        &self,
        database: Row<'v>,
        snapshot: Row<'v>,
        base: Option<Row<'_>>,
    ) -> Result<(Vec<Value<'v>>, Vec<FieldConflict>), Error> {
        let mut columns = 0..self.changes.table.columns.len();
        let stayed = base.is_some_and(|base| {
            columns.all(|at| self.of_base(base, at) == Some(database.0.value(database.1, at)))
        });
        let (values, fields) = self.columns(database, snapshot, None);
        if stayed || self.prefer == Prefer::Snapshot {
            self.refuse_moved(snapshot)?;
            let fields = if stayed { Vec::new() } else { fields };
            return Ok((snapshot.0.row(snapshot.1).collect(), fields));
        }
        drop(values);
        Ok((database.0.row(database.1).collect(), fields))
    }

    /// Refuses a row whose parts refer to each other by their places, where these become others.
    fn refuse_moved(&self, row: Row<'_>) -> Result<(), Error> {
        let has = |at: &&usize| row.0.value(row.1, **at) != Value::Null;
        let says_order =
            |documents: &Arc<dyn Documents>| self.order.iter().filter(has).any(|at| documents.is_order(*at));
        let is_told = self.documents.as_ref().is_some_and(says_order);
        if is_told || self.order.iter().filter(has).is_sorted() || !self.is_whole(&[row]) {
            return Ok(());
        }
        let why = "records that came have an object in several places, and their properties stand in another order here";
        Err(Error::NotMergeable { table: self.changes.table.name.to_string(), why })
    }

    /// What the base has in a column of the database; nothing where it lacks that.
    fn of_base<'v>(&self, (batch, row): Row<'v>, column: usize) -> Option<Value<'v>> {
        let name = &self.changes.table.columns[column].name;
        let columns = &self.since?.table.columns;
        let place = columns.iter().position(|column| column.name == *name)?;
        Some(batch.value(row, place))
    }
}
