//! Many rows in one statement.

use std::collections::BTreeMap;

use rowkeep_format::Value;

use super::shape::Shape;
use crate::EngineError;
use crate::sqlite::literal;
use crate::sqlite::long_values::{Assembled, assembled};
use crate::sqlite::quote::quoted;

/// The most columns that several rows of a statement have.
const COLUMNS: usize = 100;

/// Takes statements.
pub(crate) type Sink<'s> = dyn FnMut(String) -> Result<(), EngineError> + 's;

/// Adds rows to a table.
pub(crate) struct Inserts {
    head: String,
    open: String,
    longest: usize,
    /// Whether each row has a statement of its own: with the rowid it has more columns than several may have.
    is_alone: bool,
}

impl Inserts {
    /// Into columns of a table, which are quoted where they have to be.
    pub(crate) fn new(table: &str, columns: &[String], longest: usize) -> Self {
        let head = format!("INSERT INTO main.{} ({}) VALUES ", quoted(table), columns.join(", "));
        Self { head, open: String::new(), longest, is_alone: columns.len() > COLUMNS }
    }

    /// Adds a row.
    pub(crate) fn add<'v>(
        &mut self,
        row: impl Iterator<Item = Value<'v>> + Clone,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let own = format!("({})", listed(row.clone()));
        if self.head.len() + own.len() > self.longest {
            self.end(sink)?;
            let Assembled { before, values, after } = assembled(row);
            before.into_iter().try_for_each(&mut *sink)?;
            sink(format!("{}({})", self.head, values.join(", ")))?;
            return sink(after);
        }
        if self.is_alone {
            self.end(sink)?;
        }
        add(&mut self.open, &self.head, "", &own, self.longest, sink)
    }

    /// Ends the last statement.
    pub(crate) fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), EngineError> {
        if self.open.is_empty() { Ok(()) } else { sink(std::mem::take(&mut self.open)) }
    }
}

/// Removes rows of a table.
pub(crate) struct Deletes {
    head: String,
    open: String,
    longest: usize,
}

impl Deletes {
    /// From a table that has a key.
    pub(crate) fn new(shape: &Shape, longest: usize) -> Self {
        let names: Vec<String> = shape.key_names();
        let table = quoted(&shape.name);
        let head = match names.as_slice() {
            [one] => format!("DELETE FROM main.{table} WHERE {one} IN ("),
            several => format!("DELETE FROM main.{table} WHERE ({}) IN (VALUES ", several.join(", ")),
        };
        Self { head, open: String::new(), longest }
    }

    /// Removes the row with these values of its key.
    pub(crate) fn add<'v>(
        &mut self,
        key: impl ExactSizeIterator<Item = Value<'v>>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let own = if key.len() == 1 { listed(key) } else { format!("({})", listed(key)) };
        add(&mut self.open, &self.head, ")", &own, self.longest, sink)
    }

    /// Ends the last statement.
    pub(crate) fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), EngineError> {
        if self.open.is_empty() { Ok(()) } else { sink(std::mem::take(&mut self.open) + ")") }
    }
}

/// Changes rows of a table; those in which the same columns change have a statement together.
pub(crate) struct Updates<'s> {
    shape: &'s Shape,
    open: BTreeMap<Vec<usize>, String>,
    longest: usize,
}

impl<'s> Updates<'s> {
    /// Of a table that has a key.
    pub(crate) fn new(shape: &'s Shape, longest: usize) -> Self {
        Self { shape, open: BTreeMap::new(), longest }
    }

    /// Gives some columns of the row with these values of its key others.
    pub(crate) fn add<'v>(
        &mut self,
        columns: &[usize],
        key: impl Iterator<Item = Value<'v>> + Clone,
        values: impl Iterator<Item = Value<'v>> + Clone,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let together = COLUMNS.saturating_sub(self.shape.key.len()).max(1);
        for (number, some) in columns.chunks(together).enumerate() {
            let own = values.clone().skip(number * together).take(some.len());
            self.add_some(some, key.clone(), own, sink)?;
        }
        Ok(())
    }

    fn add_some<'v>(
        &mut self,
        columns: &[usize],
        key: impl Iterator<Item = Value<'v>> + Clone,
        values: impl Iterator<Item = Value<'v>> + Clone,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let own = format!("({})", listed(key.clone().chain(values.clone())));
        let (head, tail) = self.around(columns);
        if head.len() + own.len() + tail.len() > self.longest {
            let Assembled { before, values, after } = assembled(key.chain(values));
            before.into_iter().try_for_each(&mut *sink)?;
            sink(format!("{head}({}){tail}", values.join(", ")))?;
            return sink(after);
        }
        if !self.open.contains_key(columns) {
            self.open.insert(columns.to_vec(), String::new());
        }
        match self.open.get_mut(columns) {
            Some(open) => add(open, &head, &tail, &own, self.longest, sink),
            None => Ok(()),
        }
    }

    /// Ends the last statements.
    pub(crate) fn end(&mut self, sink: &mut Sink<'_>) -> Result<(), EngineError> {
        for (columns, open) in std::mem::take(&mut self.open) {
            sink(open + &self.around(&columns).1)?;
        }
        Ok(())
    }

    /// What stands before the rows, and after them.
    fn around(&self, columns: &[usize]) -> (String, String) {
        let keys = self.shape.key_names();
        let names = |letter: char, count: usize| (0..count).map(move |at| format!("{letter}{at}"));
        let listed: Vec<String> = names('k', keys.len()).chain(names('c', columns.len())).collect();
        let sets = columns
            .iter()
            .enumerate()
            .map(|(at, column)| format!("{} = v.c{at}", quoted(&self.shape.columns[*column])));
        let found = keys.iter().enumerate().map(|(at, name)| format!("t.{name} = v.k{at}"));
        (
            format!("WITH v({}) AS (VALUES ", listed.join(", ")),
            format!(
                ") UPDATE main.{} AS t SET {} FROM v WHERE {}",
                quoted(&self.shape.name),
                sets.collect::<Vec<_>>().join(", "),
                found.collect::<Vec<_>>().join(" AND ")
            ),
        )
    }
}

/// Adds a row to a statement, which ends before it where it would become too long.
fn add(
    open: &mut String,
    head: &str,
    tail: &str,
    own: &str,
    longest: usize,
    sink: &mut Sink<'_>,
) -> Result<(), EngineError> {
    if !open.is_empty() && open.len() + own.len() + tail.len() + 2 > longest {
        sink(std::mem::take(open) + tail)?;
    }
    if open.is_empty() {
        open.push_str(head);
    } else {
        open.push_str(", ");
    }
    open.push_str(own);
    Ok(())
}

fn listed<'v>(values: impl Iterator<Item = Value<'v>>) -> String {
    let mut out = Vec::new();
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        literal::value(value, None, &mut out);
    }
    String::from_utf8_lossy(&out).into_owned()
}
