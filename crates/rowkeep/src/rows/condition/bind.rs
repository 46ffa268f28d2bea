//! Binding a condition to a table: names to columns, literals to values.

use rowkeep_engine::sqlite::Affinity;
use rowkeep_format::{Column, Table};

use super::bound::{Read, Reading, Side, Test};
use super::expression::{Expression, Literal, Name, Operand, Operator};
use super::like::{Case, Pattern};
use super::postgres::Type;
use super::sqlite::{self, Conversion, affinity_of};
use crate::Error;
use crate::error::ConditionError;

/// Whose values a table has: PostgreSQL's tables have a schema, SQLite's do not.
pub(super) fn is_postgres(table: &Table) -> bool {
    table.name.schema.is_some()
}

/// Binds a condition that was written as `text`.
pub(super) fn bind(text: &str, expression: &Expression, table: &Table) -> Result<Test, Error> {
    Binder { text, table, postgres: is_postgres(table) }.test(expression)
}

struct Binder<'a> {
    text: &'a str,
    table: &'a Table,
    postgres: bool,
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
                let default = self.postgres.then_some('\\');
                let case = match (self.postgres, fold) {
                    (true, false) => Case::Sensitive,
                    (true, true) => Case::Unicode,
                    (false, _) => Case::Ascii,
                };
                let read = |pattern: &String| {
                    Pattern::new(pattern, escape.unwrap_or(default), case)
                        .ok_or_else(|| self.error(*at, "the pattern ends with its escape"))
                };
                Test::Like { column, pattern: pattern.as_ref().map(read).transpose()? }
            }
        })
    }

    fn column(&self, name: &Name) -> Result<usize, Error> {
        let columns = &self.table.columns;
        let any_case = |column: &Column| column.name.eq_ignore_ascii_case(&name.name);
        let exact = columns.iter().position(|column| column.name == name.name);
        let folded = || {
            let may_fold = !name.quoted || !self.postgres;
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

    fn type_of(&self, column: usize) -> Type {
        Type::of(&self.table.columns[column].type_name)
    }

    fn affinity(&self, column: usize) -> Affinity {
        affinity_of(&self.table.columns[column].type_name)
    }

    /// A column that is to be true or false by itself.
    fn truth(&self, name: &Name) -> Result<usize, Error> {
        let column = self.column(name)?;
        if self.postgres && self.type_of(column) != Type::Boolean {
            return Err(self.error(name.at, format!("expected a comparison: {} is not boolean", name.name)));
        }
        Ok(column)
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
        self.need_order(name, left, operator)?;
        Ok((left, operator, Side::Literal(self.literal(left, literal)?)))
    }

    /// How a column is read when it is compared with literals.
    fn with_values(&self, column: usize) -> Read {
        let reading = if self.postgres {
            Reading::Postgres(self.type_of(column))
        } else {
            Reading::Sqlite(Conversion::with_literal(self.affinity(column)))
        };
        Read { column, reading }
    }

    fn with_column(
        &self,
        left: &Name,
        operator: Operator,
        at: usize,
        right: &Name,
    ) -> Result<(Read, Read), Error> {
        let columns = (self.column(left)?, self.column(right)?);
        if self.postgres {
            let types = (self.type_of(columns.0), self.type_of(columns.1));
            let alike = types.0 != Type::Other
                || self.table.columns[columns.0].type_name == self.table.columns[columns.1].type_name;
            if !types.0.compares_with(types.1) || !alike {
                let message =
                    format!("{} and {} are of types that cannot be compared", left.name, right.name);
                return Err(self.error(at, message));
            }
            let read = |column, of| Read { column, reading: Reading::Postgres(of) };
            let sides = (read(columns.0, types.0), read(columns.1, types.1));
            self.need_order(left, sides.0, operator)?;
            return Ok(sides);
        }
        let conversion = Conversion::between(self.affinity(columns.0), self.affinity(columns.1));
        let read = |column| Read { column, reading: Reading::Sqlite(conversion) };
        Ok((read(columns.0), read(columns.1)))
    }

    fn need_order(&self, name: &Name, read: Read, operator: Operator) -> Result<(), Error> {
        match read.reading {
            Reading::Postgres(of) if operator.needs_order() && !of.has_order() => {
                let of = &self.table.columns[read.column].type_name;
                let message = format!(
                    "the order of {} is not known, as it is of type {of}; use =, <> or IN",
                    name.name
                );
                Err(self.error(name.at, message))
            }
            _ => Ok(()),
        }
    }

    fn literal(&self, read: Read, literal: &Literal) -> Result<Option<super::canon::Canon<'static>>, Error> {
        match read.reading {
            Reading::Sqlite(conversion) => Ok(sqlite::literal(&literal.value, conversion)),
            Reading::Postgres(of) => of.literal(&literal.value).map_err(|expected| {
                let column = &self.table.columns[read.column];
                let message = format!("expected {expected}: {} is of type {}", column.name, column.type_name);
                self.error(literal.at, message)
            }),
        }
    }

    fn list(&self, name: &Name, values: &[Literal]) -> Result<Test, Error> {
        let left = self.with_values(self.column(name)?);
        let mut sorted = Vec::with_capacity(values.len());
        let mut or_null = false;
        for value in values {
            match self.literal(left, value)? {
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
