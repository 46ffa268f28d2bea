//! Values of a column as an array of Arrow, which is what the writer of Parquet takes.

use std::str::from_utf8;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, TimeUnit};
use rowkeep_format::Value;
use rowkeep_format::batch::{ColumnValues, Kind};

use super::read::{days, microseconds, timestamp, unscaled, uuid};
use super::shape::Shape;
use crate::export::csv::real;
use crate::rows::plain::array as elements;

/// Why values are no array of their column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// One is none of that type at all.
    Type,
    /// An array of several dimensions, or with bounds of its own.
    Dimensions,
}

/// An array, and whether values became NULL that the type does not have.
pub(super) struct Made {
    pub(super) array: ArrayRef,
    pub(super) has_lost: bool,
}

/// What comes of a value.
enum Taken<T> {
    Value(T),
    Null,
    /// The type has no such value.
    Lost,
    /// It is none of that type at all.
    Wrong,
}

/// The type of the arrays that are made for a shape.
pub(super) fn data_type(shape: &Shape) -> DataType {
    match shape {
        Shape::Text | Shape::Json => DataType::Utf8,
        Shape::Bytes => DataType::Binary,
        Shape::Boolean => DataType::Boolean,
        Shape::Integer32 => DataType::Int32,
        Shape::Integer64 => DataType::Int64,
        Shape::Float => DataType::Float32,
        Shape::Double => DataType::Float64,
        Shape::Date => DataType::Date32,
        Shape::Timestamp(is_utc) => DataType::Timestamp(TimeUnit::Microsecond, is_utc.then(|| "UTC".into())),
        Shape::TimeOfDay => DataType::Time64(TimeUnit::Microsecond),
        Shape::Uuid => DataType::FixedSizeBinary(16),
        Shape::Decimal(digits, scale) => DataType::Decimal128(*digits as u8, *scale as i8),
        Shape::List(element) => DataType::List(Arc::new(Field::new("element", data_type(element), true))),
    }
}

/// The values of a column.
pub(super) fn array(shape: &Shape, values: &ColumnValues) -> Result<Made, Unfit> {
    match shape {
        Shape::Text | Shape::Json => texts(values, shape),
        Shape::Bytes => bytes(values),
        Shape::Boolean => booleans(values),
        Shape::Integer32 => numbers::<Int32Type>(values, shape, |text| text.parse().ok()),
        Shape::Integer64 => numbers::<Int64Type>(values, shape, |text| text.parse().ok()),
        Shape::Float => numbers::<Float32Type>(values, shape, |text| text.parse().ok()),
        Shape::Double => numbers::<Float64Type>(values, shape, |text| text.parse().ok()),
        Shape::Date => numbers::<Date32Type>(values, shape, days),
        Shape::Timestamp(_) => numbers::<TimestampMicrosecondType>(values, shape, timestamp),
        Shape::TimeOfDay => numbers::<Time64MicrosecondType>(values, shape, microseconds),
        Shape::Decimal(_, scale) => numbers::<Decimal128Type>(values, shape, |text| unscaled(text, *scale)),
        Shape::Uuid => uuids(values),
        Shape::List(element) => lists(values, element),
    }
}

/// Values that are numbers in the file, each of a text or of a number of SQLite.
fn numbers<T: ArrowPrimitiveType>(
    values: &ColumnValues,
    shape: &Shape,
    read: impl Fn(&str) -> Option<T::Native>,
) -> Result<Made, Unfit>
where
    T::Native: OfNumber,
{
    let (mut numbers, mut there) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    let mut has_lost = false;
    for row in 0..values.len() {
        let taken = match values.value(row) {
            Value::Null => Taken::Null,
            Value::Text(bytes) => match from_utf8(bytes).ok().map(|text| (text, read(text))) {
                Some((_, Some(number))) => Taken::Value(number),
                Some((text, None)) if is_beyond(text, shape) => Taken::Lost,
                _ => Taken::Wrong,
            },
            Value::Integer(integer) => T::Native::of_integer(integer, shape),
            Value::Real(bits) => T::Native::of_real(f64::from_bits(bits), shape),
            Value::Blob(_) => Taken::Wrong,
        };
        has_lost |= matches!(taken, Taken::Lost);
        there.push(matches!(taken, Taken::Value(_)));
        numbers.push(match taken {
            Taken::Value(number) => number,
            Taken::Null | Taken::Lost => T::Native::default(),
            Taken::Wrong => return Err(Unfit::Type),
        });
    }
    let array = PrimitiveArray::<T>::new(ScalarBuffer::from(numbers), nulls(there));
    // The type has its zone, its digits and its scale by the column.
    Ok(Made { array: Arc::new(array.with_data_type(data_type(shape))), has_lost })
}

/// Whether a text is a value of the database's type that Parquet's has not.
fn is_beyond(text: &str, shape: &Shape) -> bool {
    matches!(text, "infinity" | "-infinity" | "Infinity" | "-Infinity" | "NaN")
        || text.ends_with(" BC")
        || *shape == Shape::Date && text.len() > 10
        || matches!(shape, Shape::Timestamp(_))
}

/// Numbers in a file that may come of numbers of SQLite.
trait OfNumber: Sized {
    fn of_integer(_integer: i64, _shape: &Shape) -> Taken<Self> {
        Taken::Wrong
    }

    fn of_real(_real: f64, _shape: &Shape) -> Taken<Self> {
        Taken::Wrong
    }
}

impl OfNumber for i32 {}

impl OfNumber for f32 {}

impl OfNumber for i128 {}

impl OfNumber for i64 {
    fn of_integer(integer: i64, shape: &Shape) -> Taken<Self> {
        if *shape == Shape::Integer64 { Taken::Value(integer) } else { Taken::Wrong }
    }
}

impl OfNumber for f64 {
    fn of_integer(integer: i64, _: &Shape) -> Taken<Self> {
        if integer.unsigned_abs() < 1 << 53 { Taken::Value(integer as f64) } else { Taken::Wrong }
    }

    fn of_real(real: f64, _: &Shape) -> Taken<Self> {
        Taken::Value(real)
    }
}

fn texts(values: &ColumnValues, shape: &Shape) -> Result<Made, Unfit> {
    if values.kinds().iter().all(|kind| matches!(kind, Kind::Text | Kind::Null)) {
        let ends = values.ends().iter().map(|end| i32::try_from(*end).map_err(|_| Unfit::Type));
        let ends = std::iter::once(Ok(0)).chain(ends).collect::<Result<Vec<i32>, Unfit>>()?;
        let there = values.kinds().iter().map(|kind| *kind == Kind::Text).collect();
        let (ends, texts) = (OffsetBuffer::new(ends.into()), Buffer::from_vec(values.data().to_vec()));
        let array = StringArray::try_new(ends, texts, nulls(there)).map_err(|_| Unfit::Type)?;
        return Ok(Made { array: Arc::new(array), has_lost: false });
    }
    let mut texts = StringBuilder::with_capacity(values.len(), values.data().len());
    for row in 0..values.len() {
        match values.value(row) {
            Value::Null => texts.append_null(),
            Value::Text(bytes) => texts.append_value(from_utf8(bytes).map_err(|_| Unfit::Type)?),
            Value::Integer(integer) if *shape == Shape::Text => texts.append_value(integer.to_string()),
            Value::Real(bits) if *shape == Shape::Text => texts.append_value(real(f64::from_bits(bits))),
            _ => return Err(Unfit::Type),
        }
    }
    Ok(Made { array: Arc::new(texts.finish()), has_lost: false })
}

fn bytes(values: &ColumnValues) -> Result<Made, Unfit> {
    let mut found = BinaryBuilder::with_capacity(values.len(), values.data().len());
    for row in 0..values.len() {
        match values.value(row) {
            Value::Null => found.append_null(),
            Value::Blob(bytes) => found.append_value(bytes),
            Value::Text(text) => {
                let decoded = text.strip_prefix(b"\\x").and_then(|digits| hex::decode(digits).ok());
                found.append_value(decoded.ok_or(Unfit::Type)?);
            }
            _ => return Err(Unfit::Type),
        }
    }
    Ok(Made { array: Arc::new(found.finish()), has_lost: false })
}

fn booleans(values: &ColumnValues) -> Result<Made, Unfit> {
    let mut found = BooleanBuilder::with_capacity(values.len());
    for row in 0..values.len() {
        match values.value(row) {
            Value::Null => found.append_null(),
            Value::Text(b"t") | Value::Integer(1) => found.append_value(true),
            Value::Text(b"f") | Value::Integer(0) => found.append_value(false),
            _ => return Err(Unfit::Type),
        }
    }
    Ok(Made { array: Arc::new(found.finish()), has_lost: false })
}

fn uuids(values: &ColumnValues) -> Result<Made, Unfit> {
    let mut found = FixedSizeBinaryBuilder::with_capacity(values.len(), 16);
    for row in 0..values.len() {
        match values.value(row) {
            Value::Null => found.append_null(),
            Value::Text(text) => {
                let bytes = from_utf8(text).ok().and_then(uuid).ok_or(Unfit::Type)?;
                found.append_value(bytes).map_err(|_| Unfit::Type)?;
            }
            _ => return Err(Unfit::Type),
        }
    }
    Ok(Made { array: Arc::new(found.finish()), has_lost: false })
}

/// Arrays of PostgreSQL, whose elements are printed within one text.
fn lists(values: &ColumnValues, element: &Shape) -> Result<Made, Unfit> {
    let mut parts = ColumnValues::default();
    let (mut ends, mut there) = (vec![0], Vec::with_capacity(values.len()));
    let mut shape = Vec::new();
    for row in 0..values.len() {
        let Value::Text(bytes) = values.value(row) else {
            there.push(false);
            ends.push(parts.len() as i32);
            continue;
        };
        let text = from_utf8(bytes).map_err(|_| Unfit::Type)?;
        shape.clear();
        let mut take = |part: Option<&str>, _: &mut Vec<u8>| {
            parts.push(part.map_or(Value::Null, |part| Value::Text(part.as_bytes())));
        };
        let is_array = elements(text, &mut shape, &mut take);
        if !is_array || shape.iter().filter(|byte| **byte == b'[').count() > 1 {
            return Err(Unfit::Dimensions);
        }
        there.push(true);
        ends.push(i32::try_from(parts.len()).map_err(|_| Unfit::Dimensions)?);
    }
    let made = array(element, &parts)?;
    let field = Arc::new(Field::new("element", made.array.data_type().clone(), true));
    let ends = OffsetBuffer::new(ends.into());
    let lists = ListArray::try_new(field, ends, made.array, nulls(there)).map_err(|_| Unfit::Type)?;
    Ok(Made { array: Arc::new(lists), has_lost: made.has_lost })
}

/// Which values are there; nothing where all are.
fn nulls(there: Vec<bool>) -> Option<NullBuffer> {
    there.contains(&false).then(|| NullBuffer::from(there))
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;

    fn column(values: &[Value<'_>]) -> ColumnValues {
        let mut column = ColumnValues::default();
        values.iter().for_each(|value| column.push(*value));
        column
    }

    #[test]
    fn what_the_type_has_not_is_told_from_what_is_none_of_it() {
        let dates = column(&[Value::Text(b"1970-01-03"), Value::Null, Value::Text(b"infinity")]);
        let made = array(&Shape::Date, &dates).expect("dates");
        let days = made.array.as_primitive::<Date32Type>();
        assert_eq!(days.iter().collect::<Vec<_>>(), [Some(2), None, None]);
        assert!(made.has_lost);
        for (shape, value) in [
            (Shape::Integer32, Value::Text(b"x")),
            (Shape::Integer64, Value::Real(0)),
            (Shape::Timestamp(true), Value::Integer(5)),
            (Shape::Double, Value::Integer(1 << 60)),
            (Shape::Text, Value::Text(b"\xff")),
            (Shape::Uuid, Value::Text(b"12")),
        ] {
            assert_eq!(array(&shape, &column(&[value])).err(), Some(Unfit::Type), "{shape:?}");
        }
    }

    #[test]
    fn lists_keep_what_is_empty_and_what_is_null() {
        let texts = [&b"{1,NULL}"[..], b"{}", b"{3}"].map(Value::Text);
        let values = column(&[texts[0], Value::Null, texts[1], texts[2]]);
        let made = array(&Shape::List(Box::new(Shape::Integer32)), &values).expect("lists");
        let lists = made.array.as_list::<i32>();
        let lengths: Vec<_> = (0..4).map(|at| lists.is_valid(at).then(|| lists.value_length(at))).collect();
        assert_eq!(lengths, [Some(2), None, Some(0), Some(1)]);
        let elements: Vec<_> = lists.values().as_primitive::<Int32Type>().iter().collect();
        assert_eq!(elements, [Some(1), None, Some(3)]);
        let deeper = column(&[Value::Text(b"{{1},{2}}")]);
        let refused = array(&Shape::List(Box::new(Shape::Integer32)), &deeper);
        assert_eq!(refused.err(), Some(Unfit::Dimensions));
    }
}
