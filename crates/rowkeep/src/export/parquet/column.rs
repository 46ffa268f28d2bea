//! One column on its way into a row group.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{Type, TypePtr};
use rowkeep_format::{RowBatch, Value};

use super::read::{bytes_of, days, length_of, microseconds, timestamp, unscaled, uuid};
use super::shape::Shape;
use crate::export::csv::real;
use crate::rows::plain::array;

/// A column with the values that are not written yet.
pub(super) struct Column {
    place: usize,
    name: String,
    shape: Shape,
    values: Values,
    /// How far each value is there, and whether it goes on with the list before it.
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// Whether values became NULL that no type of Parquet has.
    has_lost: bool,
}

/// Values in the form in which they are written.
enum Values {
    Boolean(Vec<bool>),
    Integer32(Vec<i32>),
    Integer64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Values {
    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Boolean => Values::Boolean(Vec::new()),
            Shape::Integer32 | Shape::Date => Values::Integer32(Vec::new()),
            Shape::Integer64 | Shape::Timestamp(_) | Shape::TimeOfDay => Values::Integer64(Vec::new()),
            Shape::Float => Values::Float(Vec::new()),
            Shape::Double => Values::Double(Vec::new()),
            Shape::Text | Shape::Json | Shape::Bytes => Values::Bytes(Vec::new()),
            Shape::Uuid | Shape::Decimal(..) => Values::Fixed(Vec::new()),
            Shape::List(element) => Values::of(element),
        }
    }
}

/// What comes of a text.
enum Pushed {
    Done,
    /// The type has no such value.
    Lost,
    /// It is none of that type at all.
    Wrong,
}

impl Column {
    pub(super) fn new(place: usize, name: &str, shape: Shape) -> Self {
        let values = Values::of(&shape);
        let (definitions, repetitions) = (Vec::new(), Vec::new());
        Self { place, name: name.to_owned(), shape, values, definitions, repetitions, has_lost: false }
    }

    /// How a reader sees it.
    pub(super) fn field(&self) -> Result<TypePtr> {
        let field = match &self.shape {
            Shape::List(element) => {
                let element = Arc::new(primitive("element", element)?);
                let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
                let list = Arc::new(list.with_fields(vec![element]).build()?);
                let field = Type::group_type_builder(&self.name).with_repetition(Repetition::OPTIONAL);
                field.with_logical_type(Some(LogicalType::List)).with_fields(vec![list]).build()?
            }
            shape => primitive(&self.name, shape)?,
        };
        Ok(Arc::new(field))
    }

    /// What is said of it in the end.
    pub(super) fn note(&self, table: &str) -> Option<String> {
        let told =
            || format!("infinite and other values of {table}.{} that Parquet has not become null", self.name);
        self.has_lost.then(told)
    }

    /// Takes a value; says what is wrong with one that is of another type.
    pub(super) fn add(&mut self, batch: &RowBatch, row: usize) -> std::result::Result<(), String> {
        let value = batch.value(row, self.place);
        if let Shape::List(element) = self.shape.clone() {
            return self.add_list(value, &element);
        }
        self.repetitions.push(0);
        let pushed = match value {
            Value::Null => {
                self.definitions.push(0);
                return Ok(());
            }
            Value::Text(bytes) => self.push(&self.shape.clone(), bytes),
            other => self.push_native(other),
        };
        self.settle(pushed, 1)
    }

    fn settle(&mut self, pushed: Pushed, there: i16) -> std::result::Result<(), String> {
        match pushed {
            Pushed::Done => self.definitions.push(there),
            Pushed::Lost => {
                self.has_lost = true;
                self.definitions.push(there - 1);
            }
            Pushed::Wrong => {
                return Err(format!(
                    "{} has values of another type than it declares, and a column of Parquet has one type: export it as NDJSON or CSV",
                    self.name
                ));
            }
        }
        Ok(())
    }

    fn add_list(&mut self, value: Value<'_>, element: &Shape) -> std::result::Result<(), String> {
        let Value::Text(bytes) = value else {
            self.repetitions.push(0);
            self.definitions.push(0);
            return Ok(());
        };
        let text = String::from_utf8_lossy(bytes);
        let mut parts: Vec<Option<String>> = Vec::new();
        let mut out = Vec::new();
        let mut take = |part: Option<&str>, _: &mut Vec<u8>| parts.push(part.map(str::to_owned));
        let is_array = array(&text, &mut out, &mut take);
        if !is_array || out.iter().filter(|byte| **byte == b'[').count() > 1 {
            return Err(format!(
                "{} has arrays of several dimensions or with bounds of their own: export it as NDJSON",
                self.name
            ));
        }
        if parts.is_empty() {
            self.repetitions.push(0);
            self.definitions.push(1);
        }
        for (number, part) in parts.into_iter().enumerate() {
            self.repetitions.push(i16::from(number > 0));
            match part {
                None => self.definitions.push(2),
                Some(part) => {
                    let pushed = self.push(element, part.as_bytes());
                    self.settle(pushed, 3)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a value of SQLite that is no text.
    fn push_native(&mut self, value: Value<'_>) -> Pushed {
        match (&mut self.values, value, &self.shape) {
            (Values::Boolean(values), Value::Integer(truth @ (0 | 1)), _) => values.push(truth == 1),
            (Values::Integer64(values), Value::Integer(integer), _) => values.push(integer),
            (Values::Double(values), Value::Real(bits), _) => values.push(f64::from_bits(bits)),
            (Values::Double(values), Value::Integer(integer), _) if integer.unsigned_abs() < 1 << 53 => {
                values.push(integer as f64);
            }
            (Values::Bytes(values), Value::Blob(bytes), Shape::Bytes) => values.push(bytes.to_vec().into()),
            (Values::Bytes(values), Value::Integer(integer), Shape::Text) => {
                values.push(integer.to_string().into_bytes().into());
            }
            (Values::Bytes(values), Value::Real(bits), Shape::Text) => {
                values.push(real(f64::from_bits(bits)).into_bytes().into());
            }
            _ => return Pushed::Wrong,
        }
        Pushed::Done
    }

    /// Takes a value as the database prints it.
    fn push(&mut self, shape: &Shape, bytes: &[u8]) -> Pushed {
        let Ok(text) = std::str::from_utf8(bytes) else { return Pushed::Wrong };
        let is_endless = matches!(text, "infinity" | "-infinity" | "Infinity" | "-Infinity" | "NaN");
        let pushed = match (&mut self.values, shape) {
            (Values::Bytes(values), Shape::Bytes) => {
                let decoded = text.strip_prefix("\\x").and_then(|digits| hex::decode(digits).ok());
                decoded.map(|bytes| values.push(bytes.into()))
            }
            (Values::Bytes(values), _) => Some(values.push(bytes.to_vec().into())),
            (Values::Boolean(values), _) => match text {
                "t" => Some(values.push(true)),
                "f" => Some(values.push(false)),
                _ => None,
            },
            (Values::Integer32(values), Shape::Date) => days(text).map(|days| values.push(days)),
            (Values::Integer32(values), _) => text.parse().ok().map(|integer| values.push(integer)),
            (Values::Integer64(values), Shape::Timestamp(_)) => timestamp(text).map(|time| values.push(time)),
            (Values::Integer64(values), Shape::TimeOfDay) => microseconds(text).map(|time| values.push(time)),
            (Values::Integer64(values), _) => text.parse().ok().map(|integer| values.push(integer)),
            (Values::Float(values), _) => text.parse().ok().map(|real| values.push(real)),
            (Values::Double(values), _) => text.parse().ok().map(|real| values.push(real)),
            (Values::Fixed(values), Shape::Decimal(digits, scale)) => {
                let number = unscaled(text, *scale);
                number.map(|number| values.push(bytes_of(number, *digits).into()))
            }
            (Values::Fixed(values), _) => uuid(text).map(|bytes| values.push(bytes.into())),
        };
        match pushed {
            Some(()) => Pushed::Done,
            None if is_endless || text.ends_with(" BC") || text.len() > 10 && *shape == Shape::Date => {
                Pushed::Lost
            }
            None if matches!(shape, Shape::Timestamp(_)) => Pushed::Lost,
            None => Pushed::Wrong,
        }
    }

    /// Writes its values, and forgets them.
    pub(super) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let is_list = matches!(self.shape, Shape::List(_));
        let (definitions, repetitions) = (Some(&*self.definitions), is_list.then_some(&*self.repetitions));
        match (writer, &self.values) {
            (ColumnWriter::BoolColumnWriter(writer), Values::Boolean(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::Int32ColumnWriter(writer), Values::Integer32(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::Int64ColumnWriter(writer), Values::Integer64(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::FloatColumnWriter(writer), Values::Float(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::DoubleColumnWriter(writer), Values::Double(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Bytes(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Values::Fixed(values)) => {
                writer.write_batch(values, definitions, repetitions)?
            }
            _ => return Err(ParquetError::General(format!("column {} has another type", self.name))),
        };
        self.values = Values::of(&self.shape);
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

/// A value of one type that may be missing.
fn primitive(name: &str, shape: &Shape) -> Result<Type> {
    let of = |physical, logical| {
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        field.with_logical_type(logical)
    };
    match shape {
        Shape::Text | Shape::List(_) => of(Physical::BYTE_ARRAY, Some(LogicalType::String)).build(),
        Shape::Json => of(Physical::BYTE_ARRAY, Some(LogicalType::Json)).build(),
        Shape::Bytes => of(Physical::BYTE_ARRAY, None).build(),
        Shape::Boolean => of(Physical::BOOLEAN, None).build(),
        Shape::Integer32 => of(Physical::INT32, Some(LogicalType::integer(32, true))).build(),
        Shape::Integer64 => of(Physical::INT64, Some(LogicalType::integer(64, true))).build(),
        Shape::Float => of(Physical::FLOAT, None).build(),
        Shape::Double => of(Physical::DOUBLE, None).build(),
        Shape::Date => of(Physical::INT32, Some(LogicalType::Date)).build(),
        Shape::Timestamp(is_utc) => {
            of(Physical::INT64, Some(LogicalType::timestamp(*is_utc, TimeUnit::MICROS))).build()
        }
        Shape::TimeOfDay => of(Physical::INT64, Some(LogicalType::time(false, TimeUnit::MICROS))).build(),
        Shape::Uuid => of(Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)).with_length(16).build(),
        Shape::Decimal(digits, scale) => {
            let (digits, scale) = (*digits as i32, *scale as i32);
            let field = of(Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale, digits)));
            let length = length_of(digits as u32) as i32;
            field.with_length(length).with_precision(digits).with_scale(scale).build()
        }
    }
}
