//! Binding a condition to a table: names to columns, literals to values.

use rowkeep_engine::dialect::{Canon, Dialect};
use rowkeep_format::{Column, Table};

use super::bound::{Read, Side, Test, Truth};
use super::expression::{Expression, Literal, Name, Operand, Operator};
use super::like::Pattern;
use crate::Error;
use crate::error::ConditionError;

/// Binds a condition that was written as `text`.
pub(super) fn bind(
    text: &str,
    expression: &Expression,
    table: &Table,
    dialect: &'static dyn Dialect,
) -> Result<Test, Error> {
    Binder { text, table, dialect }.test(expression)
}

struct Binder<'a> {
    text: &'a str,
    table: &'a Table,
    dialect: &'static dyn Dialect,
}

impl Binder<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        ConditionError::new(self.text, at, message).into()
    }

    fn test(&self, expression: &Expression) -> Result<Test, Error> {
        let each = |parts: &[Expression]| parts.iter().map(|part| self.test(part)).collect::<Result<_, _>>();
        Ok(match expression {
            Expression::And(parts) => Test::And(each(parts)?),
            Expression::Or(parts) => Test::Or(each(parts)?),
            Expression::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            Expression::Known(truth) => Test::Known(*truth),
            Expression::Truth(name) => Test::Truth(self.truth(name)?),
            Expression::IsTruth { column, truth } => {
                Test::IsTruth { column: self.truth(column)?, truth: *truth }
            }
            Expression::IsNull(name) => Test::IsNull(self.column(name)?),
            Expression::Compare { left, operator, at, right } => {
                let (left, operator, right) = self.comparison(left, *operator, *at, right)?;
                Test::Compare { left, operator, right }
            }
            Expression::Distinct { left, at, right } => {
                let (left, _, right) = self.comparison(left, Operator::Equal, *at, right)?;
                Test::Distinct { left, right }
            }
            Expression::In { column, values } => self.list(column, values)?,
            Expression::Like { column, pattern, at, escape, fold } => {
                let column = self.column(column)?;
                let like = self.dialect.like();
                let case = if *fold { like.ilike } else { like.like };
                let read = |pattern: &String| {
                    Pattern::new(pattern, escape.unwrap_or(like.escape), case)
                        .ok_or_else(|| self.error(*at, "the pattern ends with its escape"))
                };
                let pattern = pattern.as_ref().map(read).transpose()?;
                Test::Like { column, dialect: self.dialect, pattern }
            }
        })
    }

    fn column(&self, name: &Name) -> Result<usize, Error> {
        let columns = &self.table.columns;
        let any_case = |column: &Column| column.name.eq_ignore_ascii_case(&name.name);
        let exact = columns.iter().position(|column| column.name == name.name);
        let folded = || {
            let may_fold = !name.quoted || self.dialect.names().fold;
            let mut alike = (0..columns.len()).filter(|at| may_fold && any_case(&columns[*at]));
            alike.next().filter(|_| alike.next().is_none())
        };
        let lower = || columns.iter().position(|column| column.name == name.name.to_lowercase());
        exact.or_else(folded).or_else(|| lower().filter(|_| !name.quoted)).ok_or_else(|| Error::Unknown {
            what: "column",
            name: format!("{} in table {}", name.name, self.table.name),
            candidates: shown(columns),
        })
    }

    fn type_of(&self, column: usize) -> &str {
        &self.table.columns[column].type_name
    }

    /// A column that is to be true or false by itself.
    fn truth(&self, name: &Name) -> Result<Truth, Error> {
        let column = self.column(name)?;
        if !self.dialect.is_condition(self.type_of(column)) {
            return Err(self.error(name.at, format!("expected a comparison: {} is not boolean", name.name)));
        }
        Ok(Truth { column, dialect: self.dialect })
    }

    fn comparison(
        &self,
        left: &Operand,
        operator: Operator,
        at: usize,
        right: &Operand,
    ) -> Result<(Read, Operator, Side), Error> {
        match (left, right) {
            (Operand::Column(name), Operand::Literal(literal)) => self.with_literal(name, operator, literal),
            (Operand::Literal(literal), Operand::Column(name)) => {
                self.with_literal(name, operator.flipped(), literal)
            }
            (Operand::Column(left), Operand::Column(right)) => {
                let (left, right) = self.with_column(left, operator, at, right)?;
                Ok((left, operator, Side::Column(right)))
            }
            (Operand::Literal(_), Operand::Literal(_)) => {
                Err(self.error(at, "expected a column on one side of the comparison"))
            }
        }
    }

    fn with_literal(
        &self,
        name: &Name,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(Read, Operator, Side), Error> {
        let left = self.with_values(self.column(name)?);
        self.need_order(name, &left, operator)?;
        let right = Side::Literal(self.literal(&left, literal)?);
        Ok((left, operator, right))
    }

    /// How a column is read when it is compared with literals.
    fn with_values(&self, column: usize) -> Read {
        Read { column, reading: self.dialect.reading(self.type_of(column)) }
    }

    fn with_column(
        &self,
        left: &Name,
        operator: Operator,
        at: usize,
        right: &Name,
    ) -> Result<(Read, Read), Error> {
        let columns = (self.column(left)?, self.column(right)?);
        let readings = self.dialect.readings(self.type_of(columns.0), self.type_of(columns.1));
        let (own, other) = readings.ok_or_else(|| {
            let message = format!("{} and {} are of types that cannot be compared", left.name, right.name);
            self.error(at, message)
        })?;
        let own = Read { column: columns.0, reading: own };
        self.need_order(left, &own, operator)?;
        Ok((own, Read { column: columns.1, reading: other }))
    }

    fn need_order(&self, name: &Name, read: &Read, operator: Operator) -> Result<(), Error> {
        if !operator.needs_order() || read.reading.has_order() {
            return Ok(());
        }
        let of = self.type_of(read.column);
        let message =
            format!("the order of {} is not known, as it is of type {of}; use =, <> or IN", name.name);
        Err(self.error(name.at, message))
    }

    fn literal(&self, read: &Read, literal: &Literal) -> Result<Option<Canon<'static>>, Error> {
        read.reading.literal(&literal.value).map_err(|expected| {
            let column = &self.table.columns[read.column];
            let message = format!("expected {expected}: {} is of type {}", column.name, column.type_name);
            self.error(literal.at, message)
        })
    }

    fn list(&self, name: &Name, values: &[Literal]) -> Result<Test, Error> {
        let left = self.with_values(self.column(name)?);
        let mut sorted = Vec::with_capacity(values.len());
        let mut or_null = false;
        for value in values {
            match self.literal(&left, value)? {
                Some(value) => sorted.push(value),
                None => or_null = true,
            }
        }
        sorted.sort();
        Ok(Test::In { left, sorted, or_null })
    }
}

/// The names that are offered instead of an unknown one.
fn shown(columns: &[Column]) -> Vec<String> {
    columns.iter().filter(|column| !column.hidden).map(|column| column.name.clone()).collect()
}
