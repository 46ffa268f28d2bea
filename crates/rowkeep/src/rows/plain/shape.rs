//! What the values of a column are to an application, by the type that the database declares.

use rowkeep_engine::dialect::{Dialect, Form};

/// How integers of 64 bits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BigIntegers {
    /// As text, as applications write a `BigInt`.
    Text,
    /// As numbers while they are such that JavaScript holds exactly.
    Numbers,
}

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    BigInteger,
    Decimal,
    Double,
    Boolean,
    Bytes,
    Json,
    DateTime,
    Date,
    TimeOfDay,
    Array(Box<Shape>),
}

impl Shape {
    /// The shape of a column of that type.
    pub(super) fn of(dialect: &dyn Dialect, type_name: &str, big: BigIntegers) -> Self {
        match (of_form(dialect.application_form(type_name)), big) {
            (Shape::BigInteger, BigIntegers::Numbers) => Shape::Integer,
            (shape, _) => shape,
        }
    }
}

fn of_form(form: Form) -> Shape {
    match form {
        Form::Integer32 | Form::Unsigned32 => Shape::Integer,
        Form::Integer64 => Shape::BigInteger,
        Form::Decimal(_) => Shape::Decimal,
        Form::Single | Form::Double => Shape::Double,
        Form::Boolean => Shape::Boolean,
        Form::Bytes => Shape::Bytes,
        Form::Json => Shape::Json,
        Form::Date => Shape::Date,
        Form::Timestamp { .. } => Shape::DateTime,
        Form::TimeOfDay => Shape::TimeOfDay,
        Form::Array(element) => Shape::Array(Box::new(of_form(*element))),
        Form::Text | Form::Uuid => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_engine::dialect_of;

    use super::*;

    #[test]
    fn types_have_the_shape_that_applications_know() {
        let of = |engine, name, big| Shape::of(dialect_of(engine).expect("it is known"), name, big);
        for (name, shape) in [
            ("integer", Shape::Integer),
            ("oid", Shape::Integer),
            ("bigint", Shape::BigInteger),
            ("numeric(10,2)", Shape::Decimal),
            ("real", Shape::Double),
            ("timestamp(3) without time zone", Shape::DateTime),
            ("timestamp with time zone", Shape::DateTime),
            ("time(0) without time zone", Shape::TimeOfDay),
            ("time with time zone", Shape::Text),
            ("uuid", Shape::Text),
            ("character varying(20)[]", Shape::Array(Box::new(Shape::Text))),
            ("numeric(10,2)[]", Shape::Array(Box::new(Shape::Decimal))),
            ("box[]", Shape::Text),
            ("interval", Shape::Text),
        ] {
            assert_eq!(of("postgresql", name, BigIntegers::Text), shape, "{name}");
        }
        assert_eq!(of("sqlite", "decimal(10, 2)", BigIntegers::Text), Shape::Decimal);
        assert_eq!(of("sqlite", "INTEGER", BigIntegers::Text), Shape::Text);
        assert_eq!(of("postgresql", "bigint", BigIntegers::Numbers), Shape::Integer);
    }
}
