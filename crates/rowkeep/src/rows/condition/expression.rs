//! A condition as it was written, before it is bound to a table. `at` is always a place in its text, in bytes.

use rowkeep_engine::dialect::Written;

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// `TRUE`, `FALSE` or `NULL` by itself.
    Known(Option<bool>),
    /// A column by itself.
    Truth(Name),
    Compare {
        left: Operand,
        operator: Operator,
        at: usize,
        right: Operand,
    },
    /// `IS DISTINCT FROM`.
    Distinct {
        left: Operand,
        at: usize,
        right: Operand,
    },
    In {
        column: Name,
        values: Vec<Literal>,
    },
    Like {
        column: Name,
        /// Nothing for `LIKE NULL`.
        pattern: Option<String>,
        at: usize,
        /// Nothing for the engine's default, an inner nothing for `ESCAPE ''`.
        escape: Option<Option<char>>,
        fold: bool,
    },
    IsNull(Name),
    /// `IS TRUE` or `IS FALSE`.
    IsTruth {
        column: Name,
        truth: bool,
    },
}

/// A name of a column.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) name: String,
    /// Whether it was written in quotes.
    pub(super) quoted: bool,
    pub(super) at: usize,
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Column(Name),
    Literal(Literal),
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) value: Written,
    pub(super) at: usize,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The comparison that is the same with its sides exchanged.
    pub(super) fn flipped(self) -> Self {
        match self {
            Operator::Equal | Operator::NotEqual => self,
            Operator::Less => Operator::Greater,
            Operator::LessOrEqual => Operator::GreaterOrEqual,
            Operator::Greater => Operator::Less,
            Operator::GreaterOrEqual => Operator::LessOrEqual,
        }
    }

    /// Whether it asks for more than equality.
    pub(super) fn needs_order(self) -> bool {
        !matches!(self, Operator::Equal | Operator::NotEqual)
    }

    /// Whether it holds between values that compare so.
    pub(super) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
        }
    }
}
