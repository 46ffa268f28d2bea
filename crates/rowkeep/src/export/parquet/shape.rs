//! The type of Parquet that holds every value of a column.

use rowkeep_engine::dialect::{Dialect, Form};

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Json,
    Bytes,
    Boolean,
    Integer32,
    Integer64,
    Float,
    Double,
    Date,
    /// Whether it has a zone, which is then UTC.
    Timestamp(bool),
    TimeOfDay,
    Uuid,
    /// How many digits, and how many of them behind the point.
    Decimal(u32, u32),
    List(Box<Shape>),
}

/// The most digits of a decimal number that readers hold exactly.
const MOST_DIGITS: u32 = 38;

impl Shape {
    pub(super) fn of(dialect: &dyn Dialect, type_name: &str) -> Self {
        of_form(dialect.form(type_name))
    }
}

fn of_form(form: Form) -> Shape {
    match form {
        Form::Text => Shape::Text,
        Form::Json => Shape::Json,
        Form::Bytes => Shape::Bytes,
        Form::Boolean => Shape::Boolean,
        Form::Integer32 => Shape::Integer32,
        Form::Unsigned32 | Form::Integer64 => Shape::Integer64,
        Form::Single => Shape::Float,
        Form::Double => Shape::Double,
        Form::Decimal(None) => Shape::Text,
        Form::Decimal(Some((digits, scale))) => decimal(digits, scale),
        Form::Date => Shape::Date,
        Form::Timestamp { zoned } => Shape::Timestamp(zoned),
        Form::TimeOfDay => Shape::TimeOfDay,
        Form::Uuid => Shape::Uuid,
        Form::Array(element) => Shape::List(Box::new(of_form(*element))),
    }
}

/// A number of so many digits; one of more is kept as text, which alone keeps all of them.
fn decimal(digits: u32, scale: i32) -> Shape {
    match u32::try_from(scale) {
        Ok(scale) if (1..=MOST_DIGITS).contains(&digits) && scale <= digits => Shape::Decimal(digits, scale),
        _ => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_engine::dialect_of;

    use super::*;

    #[test]
    fn types_are_those_that_hold_every_value() {
        let of = |engine, name| Shape::of(dialect_of(engine).expect("it is known"), name);
        for (name, shape) in [
            ("numeric(10,2)", Shape::Decimal(10, 2)),
            ("numeric(5)", Shape::Decimal(5, 0)),
            ("numeric", Shape::Text),
            ("numeric(50,10)", Shape::Text),
            ("numeric(3,-2)", Shape::Text),
            ("timestamp(3) with time zone", Shape::Timestamp(true)),
            ("timestamp without time zone", Shape::Timestamp(false)),
            ("uuid[]", Shape::List(Box::new(Shape::Uuid))),
            ("interval", Shape::Text),
        ] {
            assert_eq!(of("postgresql", name), shape, "{name}");
        }
        assert_eq!(of("sqlite", "DECIMAL(10,2)"), Shape::Text);
    }
}
