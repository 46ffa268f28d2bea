//! One column on its way into a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::ArrayRef;
use arrow_schema::Field;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};
use rowkeep_format::RowBatch;

use super::array::{Unfit, array, data_type};
use super::read::length_of;
use super::shape::Shape;

/// A column that people know as theirs.
pub(super) struct Column {
    place: usize,
    name: String,
    shape: Shape,
    /// Whether values became NULL that no type of Parquet has.
    has_lost: AtomicBool,
}

impl Column {
    pub(super) fn new(place: usize, name: &str, shape: Shape) -> Self {
        Self { place, name: name.to_owned(), shape, has_lost: AtomicBool::new(false) }
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

    /// What its values are to the writer.
    pub(super) fn arrow(&self) -> Field {
        Field::new(&self.name, data_type(&self.shape), true)
    }

    /// What is said of it in the end.
    pub(super) fn note(&self, table: &str) -> Option<String> {
        let told =
            || format!("infinite and other values of {table}.{} that Parquet has not become null", self.name);
        self.has_lost.load(Ordering::Relaxed).then(told)
    }

    /// Its values in a batch; says what is wrong with one that is of another type.
    pub(super) fn array(&self, batch: &RowBatch) -> std::result::Result<ArrayRef, String> {
        let made = array(&self.shape, &batch.columns()[self.place]).map_err(|unfit| self.refused(unfit))?;
        self.has_lost.fetch_or(made.has_lost, Ordering::Relaxed);
        Ok(made.array)
    }

    fn refused(&self, unfit: Unfit) -> String {
        let name = &self.name;
        match unfit {
            Unfit::Type => format!(
                "{name} has values of another type than it declares, and a column of Parquet has one type: export it \
                 as NDJSON or CSV"
            ),
            Unfit::Dimensions => format!(
                "{name} has arrays of several dimensions or with bounds of their own: export it as NDJSON"
            ),
        }
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
            let logical = Some(LogicalType::decimal(scale, digits));
            let field = match digits {
                ..=9 => of(Physical::INT32, logical),
                10..=18 => of(Physical::INT64, logical),
                _ => of(Physical::FIXED_LEN_BYTE_ARRAY, logical).with_length(length_of(digits as u32) as i32),
            };
            field.with_precision(digits).with_scale(scale).build()
        }
    }
}
