//! Where a row is: the conditions by which SQL finds it.

use rowkeep_format::{KeyForm, RowBatch, Table, Value};

use crate::sqlite::catalog::tables::Facts;
use crate::sqlite::quote::quoted;

/// How many columns are compared by SQL where the whole row is the key; the others are compared afterwards. SQLite has a
/// limit to the depth of expressions.
const COMPARED: usize = 500;

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'v> {
    /// That with the unique key of a row of a batch.
    Key(&'v RowBatch, usize),
    /// That with this rowid.
    Rowid(i64),
    /// All that SQL holds to be equal to a row of a batch.
    Values(&'v RowBatch, usize),
}

/// What kinds of [`At`] there are, for statements that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum By {
    Key,
    Rowid,
    Values,
}

impl At<'_> {
    pub(super) fn by(&self) -> By {
        match self {
            At::Key(..) => By::Key,
            At::Rowid(_) => By::Rowid,
            At::Values(..) => By::Values,
        }
    }
}

/// The conditions for the rows of a table.
#[derive(Debug, Clone)]
pub(super) struct RowLocator {
    /// Columns of the key, when it is unique.
    key: Vec<usize>,
    /// The column with the rowid, which tells a row that has NULL in its key.
    stands_in: Option<usize>,
    key_condition: String,
    /// The name of the rowid, where there is one.
    pub(super) rowid: Option<&'static str>,
    values: Vec<usize>,
    values_condition: String,
}

impl RowLocator {
    /// `unknown` are the columns of which deleted rows have no value.
    pub(super) fn of(table: &Table, facts: &Facts, unknown: &[usize]) -> Self {
        let name = |column: usize| table.columns[column].name.as_str();
        let key: Vec<_> = table.key.naming().map(|part| part.column).collect();
        let stands_in = table.key.columns.iter().find(|part| part.form == KeyForm::IfNull);
        // The index is only used with its own order of text.
        let index = facts.unique.iter().find(|index| {
            index.columns.len() == key.len()
                && index
                    .columns
                    .iter()
                    .all(|(column, _, _)| key.iter().any(|key| name(*key) == facts.columns[*column].name))
        });
        let collation = |column: usize| {
            let columns = index.map(|index| index.columns.as_slice()).unwrap_or_default();
            let found = columns.iter().find(|(place, _, _)| facts.columns[*place].name == name(column));
            found.map_or_else(String::new, |(_, _, collation)| format!(" COLLATE {}", quoted(collation)))
        };
        let key_condition =
            key.iter().map(|column| format!("{}{} = ?", quoted(name(*column)), collation(*column)));
        let known = |column: &usize| !unknown.contains(column);
        let values: Vec<_> = (0..table.columns.len()).filter(known).take(COMPARED).collect();
        let values_condition = values.iter().map(|column| format!("{} IS ?", quoted(name(*column))));
        Self {
            key_condition: key_condition.collect::<Vec<_>>().join(" AND "),
            rowid: facts.rowid_name(),
            values_condition: match values.is_empty() {
                true => "true".into(),
                false => values_condition.collect::<Vec<_>>().join(" AND "),
            },
            key,
            stands_in: stands_in.map(|part| part.column),
            values,
        }
    }

    /// Whether rows are told by their rowids too, for they may have NULL in their key.
    pub(super) fn needs_rowid(&self) -> bool {
        self.stands_in.is_some()
    }

    /// Where the row is that is identified as a row of a batch.
    pub(super) fn at<'v>(&self, batch: &'v RowBatch, row: usize) -> At<'v> {
        let has_null = || self.key.iter().any(|column| batch.value(row, *column) == Value::Null);
        match self.stands_in.map(|column| batch.value(row, column)) {
            Some(Value::Integer(rowid)) if has_null() => At::Rowid(rowid),
            _ => At::Key(batch, row),
        }
    }

    /// The condition after `WHERE`, with a parameter for each of [`values`](Self::values).
    pub(super) fn condition(&self, by: By) -> String {
        match by {
            By::Key => self.key_condition.clone(),
            By::Rowid => format!("{} = ?", self.rowid.unwrap_or("rowid")),
            By::Values => self.values_condition.clone(),
        }
    }

    /// What the parameters of the condition are for a row.
    pub(super) fn values<'v>(&self, at: At<'v>) -> Vec<Value<'v>> {
        match at {
            At::Key(batch, row) => self.key.iter().map(|column| batch.value(row, *column)).collect(),
            At::Rowid(rowid) => vec![Value::Integer(rowid)],
            At::Values(batch, row) => self.values.iter().map(|column| batch.value(row, *column)).collect(),
        }
    }
}
