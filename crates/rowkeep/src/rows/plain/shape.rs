//! What the values of a column are to an application, by the type that the database declares.

/// What engines are called in schemas.
const POSTGRES: &str = "postgresql";
const SQLITE: &str = "sqlite";

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
    pub(super) fn of(engine: &str, type_name: &str, big: BigIntegers) -> Self {
        let shape = match engine {
            POSTGRES => of_postgres(type_name),
            SQLITE => of_sqlite(type_name),
            _ => Shape::Text,
        };
        match (shape, big) {
            (Shape::BigInteger, BigIntegers::Numbers) => Shape::Integer,
            (shape, _) => shape,
        }
    }
}

fn of_postgres(type_name: &str) -> Shape {
    if let Some(element) = type_name.strip_suffix("[]") {
        return match element {
            // Its elements are divided otherwise.
            "box" => Shape::Text,
            _ => Shape::Array(Box::new(of_postgres(element))),
        };
    }
    let (plain, after) = type_name.split_once('(').unwrap_or((type_name, ""));
    let zone = after.split_once(')').map_or("", |(_, zone)| zone).trim();
    match (plain.trim(), zone) {
        ("smallint" | "integer" | "oid", _) => Shape::Integer,
        ("bigint", _) => Shape::BigInteger,
        ("numeric", _) => Shape::Decimal,
        ("real" | "double precision", _) => Shape::Double,
        ("boolean", _) => Shape::Boolean,
        ("bytea", _) => Shape::Bytes,
        ("json" | "jsonb", _) => Shape::Json,
        ("date", _) => Shape::Date,
        ("timestamp without time zone" | "timestamp with time zone" | "timestamp", _) => Shape::DateTime,
        ("time without time zone", _) | ("time", "without time zone") => Shape::TimeOfDay,
        _ => Shape::Text,
    }
}

fn of_sqlite(declared: &str) -> Shape {
    let plain = declared.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    match plain.as_str() {
        "BOOLEAN" | "BOOL" => Shape::Boolean,
        "BIGINT" => Shape::BigInteger,
        "DECIMAL" | "NUMERIC" => Shape::Decimal,
        "DATETIME" | "TIMESTAMP" => Shape::DateTime,
        "JSON" | "JSONB" | "JSON TEXT" => Shape::Json,
        _ => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_shape_that_applications_know() {
        let of = |engine, name| Shape::of(engine, name, BigIntegers::Text);
        for (name, shape) in [
            ("integer", Shape::Integer),
            ("bigint", Shape::BigInteger),
            ("numeric(10,2)", Shape::Decimal),
            ("timestamp(3) without time zone", Shape::DateTime),
            ("timestamp with time zone", Shape::DateTime),
            ("time(0) without time zone", Shape::TimeOfDay),
            ("time with time zone", Shape::Text),
            ("character varying(20)[]", Shape::Array(Box::new(Shape::Text))),
            ("numeric(10,2)[]", Shape::Array(Box::new(Shape::Decimal))),
            ("box[]", Shape::Text),
            ("interval", Shape::Text),
        ] {
            assert_eq!(of(POSTGRES, name), shape, "{name}");
        }
        assert_eq!(of(SQLITE, "decimal(10, 2)"), Shape::Decimal);
        assert_eq!(of(SQLITE, "INTEGER"), Shape::Text);
        assert_eq!(Shape::of(POSTGRES, "bigint", BigIntegers::Numbers), Shape::Integer);
    }
}
