//! What values the columns of a table hold, found by reading all rows once.

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, Value};

use super::numbers::decimal;
use super::times;

/// What there is in one column.
#[derive(Debug, Clone)]
pub(crate) struct ColumnProfile {
    shape: Shape,
    pub(crate) nulls: u64,
    pub(crate) integers: u64,
    pub(crate) lowest: i64,
    pub(crate) highest: i64,
    pub(crate) reals: u64,
    /// Reals that are infinite.
    pub(crate) infinite: u64,
    pub(crate) texts: u64,
    pub(crate) blobs: u64,
    /// Texts that hold NUL or are not UTF-8.
    pub(crate) no_text: u64,
    /// The most characters of a text.
    pub(crate) longest: usize,
    /// Texts that are a floating-point zero below zero.
    pub(crate) negative_zeros: u64,
    /// The most digits before and after the point of a number.
    pub(crate) whole_digits: usize,
    pub(crate) fraction_digits: usize,
    /// Texts that have the shape, by its readings: of a date alone, local, with a zone.
    pub(crate) shaped: u64,
    pub(crate) dates: u64,
    pub(crate) instants: u64,
    /// Of these, those that the other engine would print otherwise.
    pub(crate) respelt: u64,
}

/// What texts of a column are looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing: any text will do.
    Any,
    /// Dates, with or without a time of day.
    Timestamp,
    /// Times of day.
    Time,
    /// UUIDs as PostgreSQL prints them.
    Uuid,
    /// JSON.
    Json,
    /// Floating-point numbers of PostgreSQL that are numbers.
    Float,
    /// Integers of 64 bits.
    Integer,
}

impl ColumnProfile {
    /// Nothing yet, of a column whose texts may have that shape.
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            nulls: 0,
            integers: 0,
            lowest: i64::MAX,
            highest: i64::MIN,
            reals: 0,
            infinite: 0,
            texts: 0,
            blobs: 0,
            no_text: 0,
            longest: 0,
            negative_zeros: 0,
            whole_digits: 0,
            fraction_digits: 0,
            shaped: 0,
            dates: 0,
            instants: 0,
            respelt: 0,
        }
    }

    /// All values but NULL.
    pub(crate) fn values(&self) -> u64 {
        self.integers + self.reals + self.texts + self.blobs
    }

    /// Whether all values are integers within these bounds.
    pub(crate) fn only_integers(&self, lowest: i64, highest: i64) -> bool {
        self.integers == self.values()
            && (self.integers == 0 || (self.lowest >= lowest && self.highest <= highest))
    }

    /// Whether all values are texts that the other engine takes as texts.
    pub(crate) fn only_texts(&self) -> bool {
        self.texts == self.values() && self.no_text == 0
    }

    /// Whether all values have the shape.
    pub(crate) fn only_shaped(&self) -> bool {
        self.shaped == self.values()
    }

    /// The kinds of values there are, in words for people.
    pub(crate) fn told(&self) -> String {
        let kinds = [
            (self.integers, "integers"),
            (self.reals, "reals"),
            (self.texts - self.no_text, "texts"),
            (self.no_text, "texts that hold NUL or are not UTF-8"),
            (self.blobs, "blobs"),
        ];
        let there = kinds.iter().filter(|(count, _)| *count > 0);
        there.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
    }

    fn observe(&mut self, column: &ColumnValues) {
        for row in 0..column.len() {
            match column.value(row) {
                Value::Null => self.nulls += 1,
                Value::Integer(integer) => self.observe_integer(integer),
                Value::Real(bits) => self.observe_real(f64::from_bits(bits)),
                Value::Text(text) => self.observe_text(text),
                Value::Blob(_) => self.blobs += 1,
            }
        }
    }

    fn observe_integer(&mut self, integer: i64) {
        self.integers += 1;
        self.lowest = self.lowest.min(integer);
        self.highest = self.highest.max(integer);
        let digits = integer.unsigned_abs().checked_ilog10().map_or(0, |log| log as usize + 1);
        self.whole_digits = self.whole_digits.max(digits);
    }

    fn observe_real(&mut self, real: f64) {
        self.reals += 1;
        if !real.is_finite() {
            self.infinite += 1;
            return;
        }
        let text = decimal(real);
        let unsigned = text.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        self.whole_digits = self.whole_digits.max(whole.trim_start_matches('0').len());
        self.fraction_digits = self.fraction_digits.max(fraction.trim_end_matches('0').len());
    }

    pub(crate) fn observe_text(&mut self, text: &[u8]) {
        self.texts += 1;
        match std::str::from_utf8(text) {
            Ok(valid) if memchr::memchr(0, text).is_none() => {
                // As many characters at most as bytes.
                if text.len() > self.longest {
                    self.longest = self.longest.max(valid.chars().count());
                }
            }
            _ => self.no_text += 1,
        }
        match self.shape {
            Shape::Any => {}
            Shape::Timestamp => self.observe_time(text),
            Shape::Time => self.observe_printed(text, times::printed_time(text)),
            Shape::Uuid => self.shaped += u64::from(is_uuid(text)),
            Shape::Json => self.shaped += u64::from(is_json(text)),
            Shape::Float => {
                let real = super::numbers::real(text);
                self.shaped += u64::from(real.is_some());
                self.negative_zeros +=
                    u64::from(real.is_some_and(|real| real == 0.0 && real.is_sign_negative()));
            }
            Shape::Integer => {
                let integer = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
                self.shaped += u64::from(integer.is_some());
            }
        }
    }

    fn observe_time(&mut self, text: &[u8]) {
        if times::date(text).is_some() {
            self.dates += 1;
        }
        match times::printed_instant(text) {
            Some(printed) => {
                self.instants += 1;
                self.observe_printed(text, Some(printed));
            }
            None => self.observe_printed(text, times::printed_timestamp(text)),
        }
    }

    fn observe_printed(&mut self, text: &[u8], printed: Option<String>) {
        if let Some(printed) = printed {
            self.shaped += 1;
            self.respelt += u64::from(printed.as_bytes() != text);
        }
    }
}

/// What there is in the columns of a table.
#[derive(Debug, Clone)]
pub struct TableProfile {
    pub(crate) columns: Vec<ColumnProfile>,
}

impl TableProfile {
    pub(crate) fn new(shapes: impl IntoIterator<Item = Shape>) -> Self {
        Self { columns: shapes.into_iter().map(ColumnProfile::new).collect() }
    }

    /// Looks at more rows.
    pub fn observe(&mut self, batch: &RowBatch) {
        for (profile, column) in self.columns.iter_mut().zip(batch.columns()) {
            profile.observe(column);
        }
    }
}

/// A UUID as PostgreSQL prints it: in lower case, with dashes.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_json(text: &[u8]) -> bool {
    memchr::memchr(0, text).is_none() && serde_json::from_slice::<serde_json::Value>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(shape: Shape, values: &[Value<'_>]) -> ColumnProfile {
        let mut batch = RowBatch::new(1);
        values.iter().for_each(|value| batch.push_row([*value]));
        let mut table = TableProfile::new([shape]);
        table.observe(&batch);
        table.columns.remove(0)
    }

    #[test]
    fn kinds_are_counted_and_measured() {
        let values = [
            Value::Null,
            Value::Integer(-1234),
            Value::Real(12.25f64.to_bits()),
            Value::Real(f64::INFINITY.to_bits()),
            Value::Text("äöü".as_bytes()),
            Value::Text(b"a\0b"),
            Value::Text(b"\xff"),
            Value::Blob(b""),
        ];
        let profile = profile(Shape::Any, &values);
        assert_eq!(
            (profile.nulls, profile.integers, profile.reals, profile.texts, profile.blobs),
            (1, 1, 2, 3, 1)
        );
        assert_eq!((profile.infinite, profile.no_text, profile.longest), (1, 2, 3));
        assert_eq!((profile.whole_digits, profile.fraction_digits), (4, 2));
        assert!(!profile.only_texts() && !profile.only_integers(i64::MIN, i64::MAX));
        assert_eq!(
            profile.told(),
            "1 integers, 2 reals, 1 texts, 2 texts that hold NUL or are not UTF-8, 1 blobs"
        );
    }

    #[test]
    fn shapes_are_recognised() {
        let text = |text: &'static str| Value::Text(text.as_bytes());
        let times = profile(
            Shape::Timestamp,
            &[text("2024-01-01"), text("2024-01-01T10:00:00Z"), text("2024-01-01 10:00:00"), text("soon")],
        );
        assert_eq!((times.shaped, times.dates, times.instants, times.respelt), (3, 1, 1, 2));
        let uuids = ["123e4567-e89b-12d3-a456-426614174000", "123E4567-e89b-12d3-a456-426614174000", "x"];
        assert_eq!(profile(Shape::Uuid, &uuids.map(text)).shaped, 1);
        assert_eq!(profile(Shape::Json, &["{\"a\": [1, null]}", "{a: 1}", ""].map(text)).shaped, 1);
        assert_eq!(profile(Shape::Float, &["1.5", "-Infinity", "NaN", "1e+300"].map(text)).shaped, 3);
        assert_eq!(profile(Shape::Integer, &["15", "NaN", "-9223372036854775808"].map(text)).shaped, 2);
    }
}
