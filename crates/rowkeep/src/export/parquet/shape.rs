//! The type of Parquet that holds every value of a column.

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
    pub(super) fn of(engine: &str, type_name: &str) -> Self {
        match engine {
            "postgresql" => of_postgres(type_name),
            _ => of_sqlite(type_name),
        }
    }
}

fn of_postgres(type_name: &str) -> Shape {
    if let Some(element) = type_name.strip_suffix("[]").filter(|element| *element != "box") {
        return Shape::List(Box::new(of_postgres(element)));
    }
    let (plain, after) = type_name.split_once('(').unwrap_or((type_name, ""));
    let (arguments, zone) = after.split_once(')').unwrap_or(("", ""));
    match (plain.trim(), zone.trim()) {
        ("smallint" | "integer", _) => Shape::Integer32,
        ("bigint" | "oid", _) => Shape::Integer64,
        ("real", _) => Shape::Float,
        ("double precision", _) => Shape::Double,
        ("boolean", _) => Shape::Boolean,
        ("bytea", _) => Shape::Bytes,
        ("json" | "jsonb", _) => Shape::Json,
        ("uuid", _) => Shape::Uuid,
        ("date", _) => Shape::Date,
        ("timestamp with time zone", _) | ("timestamp", "with time zone") => Shape::Timestamp(true),
        ("timestamp without time zone", _) | ("timestamp", _) => Shape::Timestamp(false),
        ("time without time zone", _) | ("time", "without time zone") => Shape::TimeOfDay,
        ("numeric", _) => decimal(arguments),
        _ => Shape::Text,
    }
}

/// A number of so many digits; one of any length is kept as text, which alone keeps all of them.
fn decimal(arguments: &str) -> Shape {
    let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u32>());
    match (numbers.next(), numbers.next().unwrap_or(Ok(0))) {
        (Some(Ok(digits)), Ok(scale)) if (1..=MOST_DIGITS).contains(&digits) && scale <= digits => {
            Shape::Decimal(digits, scale)
        }
        _ => Shape::Text,
    }
}

/// A column of SQLite may hold anything; of those that say what they hold, values are held to it.
fn of_sqlite(declared: &str) -> Shape {
    let plain = declared.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    match plain.as_str() {
        "INTEGER" | "INT" | "BIGINT" | "SMALLINT" => Shape::Integer64,
        "REAL" | "DOUBLE" | "FLOAT" | "DOUBLE PRECISION" => Shape::Double,
        "BOOLEAN" | "BOOL" => Shape::Boolean,
        "BLOB" => Shape::Bytes,
        _ => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_that_hold_every_value() {
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
            assert_eq!(Shape::of("postgresql", name), shape, "{name}");
        }
        assert_eq!(Shape::of("sqlite", "DECIMAL(10,2)"), Shape::Text);
    }
}
