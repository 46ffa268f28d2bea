//! Tables as members of an object of JSON, each an array of rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use rowkeep_engine::dialect::Dialect;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{RowBatch, Table};
use serde::Serialize;

use super::format::{Prepared, WriteRows};
use super::source::Source;
use crate::rows::plain::{BigIntegers, PlainRows};
use crate::{Error, State};

/// A table, and what it is called in the file.
pub(super) struct Member<'a> {
    pub(super) name: String,
    pub(super) table: &'a Table,
}

/// The tables by what they are called in the file.
pub(super) fn members<'a>(
    tables: &[&'a Table],
    names: &BTreeMap<String, String>,
) -> Result<Vec<Member<'a>>, Error> {
    let known: HashSet<String> = tables.iter().map(|table| table.name.to_string()).collect();
    if let Some(unknown) = names.keys().find(|name| !known.contains(*name)) {
        let mut candidates: Vec<String> = known.into_iter().collect();
        candidates.sort();
        return Err(Error::Unknown { what: "table", name: unknown.clone(), candidates });
    }
    let mut taken = HashSet::new();
    let member = |table: &&'a Table| {
        let own = table.name.to_string();
        let name = names.get(&own).cloned().unwrap_or(own);
        match taken.insert(name.clone()) {
            true => Ok(Member { name, table }),
            false => Err(Error::Export(format!("two tables would be called {name} in the file"))),
        }
    };
    tables.iter().map(member).collect()
}

/// The columns that name the rows of each table, where any do.
pub(super) fn keys<'m>(members: &'m [Member<'_>], dialect: &dyn Dialect) -> BTreeMap<&'m str, Vec<String>> {
    let key = |member: &'m Member<'_>| {
        let key = member.table.identified_by();
        let documents = dialect.documents(member.table);
        let name = |part: &KeyColumn| {
            let column = &member.table.columns[part.column];
            match &documents {
                Some(documents) => documents.property(part.column),
                None => (!column.hidden).then(|| column.name.clone()),
            }
        };
        let names = key.naming().map(name).collect::<Option<Vec<String>>>()?;
        key.unique.then_some((member.name.as_str(), names))
    };
    members.iter().filter_map(key).collect()
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> String {
    // Texts, numbers, lists and maps by text have a form in JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// A time as JavaScript prints it.
pub(super) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// When a state was.
pub(super) fn time_of(source: &Source<'_>) -> Timestamp {
    match source.state {
        State::Snapshot(stored) => stored.snapshot.manifest.time,
        State::Live(live) => live.time.unwrap_or_else(|| source.context.now()),
    }
}

/// What is said of the values of tables that plain JSON does not hold.
pub(super) fn losses(tables: &[Arc<Elements>]) -> impl Iterator<Item = String> {
    tables.iter().flat_map(|table| table.rows.losses().map(|(column, loss)| loss.told(&column)))
}

/// Writes rows as the elements of an array, without its brackets.
pub(super) struct Elements {
    rows: PlainRows,
    has_begun: AtomicBool,
    is_named: Option<Vec<usize>>,
}

impl Elements {
    /// Whole rows.
    pub(super) fn whole(dialect: &dyn Dialect, table: &Table, big: BigIntegers) -> Self {
        let rows = PlainRows::of(dialect, table, big);
        Self { rows, has_begun: AtomicBool::new(false), is_named: None }
    }

    /// What names the rows: their keys.
    pub(super) fn keys(dialect: &dyn Dialect, table: &Table, big: BigIntegers) -> Self {
        let key = table.identified_by().naming().map(|part| part.column).collect();
        Self { is_named: Some(key), ..Self::whole(dialect, table, big) }
    }

    /// Adds one.
    pub(super) fn add(&self, batch: &RowBatch, row: usize, out: &mut Vec<u8>) {
        let separator: &[u8] = match self.has_begun.swap(true, Ordering::Relaxed) {
            true => b",\n",
            false => b"\n",
        };
        out.extend_from_slice(separator);
        match &self.is_named {
            None => self.rows.row(batch, row, out),
            Some(key) => self.rows.name(key.iter().copied(), batch, row, out),
        }
    }
}

impl WriteRows for Elements {
    fn head(&self) -> String {
        String::new()
    }

    // Between two rows stands a comma.
    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error> {
        Ok(Prepared::Rows(batch))
    }

    fn write(&self, prepared: Prepared, out: &mut Vec<u8>) -> Result<(), Error> {
        if let Prepared::Rows(batch) = prepared {
            (0..batch.rows()).for_each(|row| self.add(&batch, row, out));
        }
        Ok(())
    }
}
