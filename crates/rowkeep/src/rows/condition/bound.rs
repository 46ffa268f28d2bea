//! A condition that is bound to a table, and its evaluation.

use std::sync::Arc;

use rowkeep_engine::dialect::{Canon, Dialect, Reading};
use rowkeep_format::{RowBatch, Value};

use super::expression::Operator;
use super::like::Pattern;

/// A column of the table and how it is read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) column: usize,
    pub(super) reading: Arc<dyn Reading>,
}

impl Read {
    fn of<'b>(&self, batch: &'b RowBatch, row: usize) -> Option<Canon<'b>> {
        self.reading.canon(batch.value(row, self.column))
    }
}

/// A column that is true or false by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth {
    pub(super) column: usize,
    pub(super) dialect: &'static dyn Dialect,
}

impl Truth {
    fn of(self, batch: &RowBatch, row: usize) -> Option<bool> {
        self.dialect.truth(batch.value(row, self.column))
    }
}

/// The right side of a comparison; an inner nothing is NULL.
#[derive(Debug, Clone)]
pub(super) enum Side {
    Column(Read),
    Literal(Option<Canon<'static>>),
}

/// A bound condition.
#[derive(Debug, Clone)]
pub(super) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Known(Option<bool>),
    Truth(Truth),
    IsTruth { column: Truth, truth: bool },
    IsNull(usize),
    Compare { left: Read, operator: Operator, right: Side },
    Distinct { left: Read, right: Side },
    In { left: Read, sorted: Vec<Canon<'static>>, or_null: bool },
    Like { column: usize, dialect: &'static dyn Dialect, pattern: Option<Pattern> },
}

impl Test {
    /// Whether it holds for a row; nothing when that is unknown.
    pub(super) fn holds(&self, batch: &RowBatch, row: usize) -> Option<bool> {
        match self {
            Test::And(parts) => all(parts.iter().map(|part| part.holds(batch, row)), false),
            Test::Or(parts) => all(parts.iter().map(|part| part.holds(batch, row)), true),
            Test::Not(inner) => inner.holds(batch, row).map(|holds| !holds),
            Test::Known(truth) => *truth,
            Test::Truth(column) => column.of(batch, row),
            Test::IsTruth { column, truth: wanted } => Some(column.of(batch, row) == Some(*wanted)),
            Test::IsNull(column) => Some(batch.value(row, *column) == Value::Null),
            Test::Compare { left, operator, right } => {
                let left = left.of(batch, row)?;
                let order = match right {
                    Side::Column(right) => left.cmp(&right.of(batch, row)?),
                    Side::Literal(right) => left.cmp(right.as_ref()?),
                };
                Some(operator.holds(order))
            }
            Test::Distinct { left, right } => {
                let left = left.of(batch, row);
                Some(match right {
                    Side::Column(right) => left != right.of(batch, row),
                    Side::Literal(right) => left != *right,
                })
            }
            Test::In { left, sorted, or_null } => {
                let left = left.of(batch, row)?;
                match sorted.binary_search_by(|value| value.cmp(&left)) {
                    Ok(_) => Some(true),
                    Err(_) if *or_null => None,
                    Err(_) => Some(false),
                }
            }
            Test::Like { column, dialect, pattern } => {
                let text = dialect.text(batch.value(row, *column))?;
                pattern.as_ref().map(|pattern| pattern.matches(&text))
            }
        }
    }
}

/// AND (`decisive` false) or OR (`decisive` true) of three-valued truths.
fn all(mut parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut unknown = false;
    let decided = parts.any(|part| {
        unknown |= part.is_none();
        part == Some(decisive)
    });
    match (decided, unknown) {
        (true, _) => Some(decisive),
        (false, true) => None,
        (false, false) => Some(!decisive),
    }
}
