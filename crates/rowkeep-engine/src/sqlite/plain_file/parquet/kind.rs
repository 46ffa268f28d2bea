//! What the values of a column are, by what the file says of it.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::Type;

use super::times::Unit;

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    /// Integers without a sign, of 32 and 64 bits.
    Unsigned32,
    Unsigned64,
    /// Floating-point numbers; of 16 bits they are bytes in the file.
    Real,
    Half,
    Text,
    Json,
    Bytes,
    Uuid,
    /// With so many digits behind the point.
    Decimal(i32),
    Date,
    TimeOfDay(Unit),
    /// Whether it is in UTC.
    Timestamp(Unit, bool),
    /// A time in the form of Impala, Hive and older versions of Spark.
    Int96,
    Interval,
}

impl Kind {
    /// The kind of the values of a column that has no others below it.
    pub(super) fn of(column: &Type) -> Self {
        let info = column.get_basic_info();
        let (physical, converted) = (column.get_physical_type(), info.converted_type());
        match info.logical_type_ref().and_then(|logical| annotated(physical, logical)) {
            Some(kind) => kind,
            None if converted == ConvertedType::DECIMAL => decimal(physical, column.get_scale()),
            None => earlier(physical, converted),
        }
    }

    /// The type that a column of it is declared with in SQLite.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::Integer | Kind::Unsigned32 | Kind::Unsigned64 => "INTEGER",
            Kind::Real | Kind::Half => "REAL",
            Kind::Bytes => "BLOB",
            Kind::Json => "JSON TEXT",
            Kind::Text
            | Kind::Uuid
            | Kind::Decimal(_)
            | Kind::Date
            | Kind::TimeOfDay(_)
            | Kind::Timestamp(..)
            | Kind::Int96
            | Kind::Interval => "TEXT",
        }
    }
}

/// What is stored so, where nothing more is said.
fn plain(physical: Physical) -> Kind {
    match physical {
        Physical::BOOLEAN => Kind::Boolean,
        Physical::INT32 | Physical::INT64 => Kind::Integer,
        Physical::INT96 => Kind::Int96,
        Physical::FLOAT | Physical::DOUBLE => Kind::Real,
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => Kind::Bytes,
    }
}

/// Decimal numbers in what holds them.
fn decimal(physical: Physical, scale: i32) -> Kind {
    match physical {
        Physical::INT32 | Physical::INT64 | Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => {
            Kind::Decimal(scale)
        }
        other => plain(other),
    }
}

/// By a logical type, where it is one that says more of values that are stored so.
fn annotated(physical: Physical, logical: &LogicalType) -> Option<Kind> {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => Unit::Milliseconds,
        TimeUnit::MICROS => Unit::Microseconds,
        TimeUnit::NANOS => Unit::Nanoseconds,
    };
    Some(match (physical, logical) {
        (Physical::INT32, LogicalType::Integer(integer)) if !integer.is_signed => Kind::Unsigned32,
        (Physical::INT64, LogicalType::Integer(integer)) if !integer.is_signed => Kind::Unsigned64,
        (physical, LogicalType::Decimal(number)) => decimal(physical, number.scale),
        (Physical::INT32, LogicalType::Date) => Kind::Date,
        (Physical::INT32 | Physical::INT64, LogicalType::Time(time)) => Kind::TimeOfDay(unit(&time.unit)),
        (Physical::INT64, LogicalType::Timestamp(time)) => {
            Kind::Timestamp(unit(&time.unit), time.is_adjusted_to_u_t_c)
        }
        (Physical::BYTE_ARRAY, LogicalType::String | LogicalType::Enum) => Kind::Text,
        (Physical::BYTE_ARRAY, LogicalType::Json) => Kind::Json,
        (Physical::FIXED_LEN_BYTE_ARRAY, LogicalType::Uuid) => Kind::Uuid,
        (Physical::FIXED_LEN_BYTE_ARRAY, LogicalType::Float16) => Kind::Half,
        _ => return None,
    })
}

/// By what versions of Parquet before 2.4 say.
fn earlier(physical: Physical, converted: ConvertedType) -> Kind {
    match (physical, converted) {
        (Physical::INT32, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32) => {
            Kind::Unsigned32
        }
        (Physical::INT64, ConvertedType::UINT_64) => Kind::Unsigned64,
        (Physical::INT32, ConvertedType::DATE) => Kind::Date,
        (Physical::INT32, ConvertedType::TIME_MILLIS) => Kind::TimeOfDay(Unit::Milliseconds),
        (Physical::INT64, ConvertedType::TIME_MICROS) => Kind::TimeOfDay(Unit::Microseconds),
        (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS) => Kind::Timestamp(Unit::Milliseconds, true),
        (Physical::INT64, ConvertedType::TIMESTAMP_MICROS) => Kind::Timestamp(Unit::Microseconds, true),
        (Physical::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM) => Kind::Text,
        (Physical::BYTE_ARRAY, ConvertedType::JSON) => Kind::Json,
        (Physical::FIXED_LEN_BYTE_ARRAY, ConvertedType::INTERVAL) => Kind::Interval,
        (physical, _) => plain(physical),
    }
}
