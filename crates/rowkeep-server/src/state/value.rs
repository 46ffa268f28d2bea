//! Values that go into the state and come out of it, whichever database it is in.

use super::failure::{Failure, Result};

/// A value. The state knows no others: times are microseconds, and what is true is 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

/// A row of what a query has found.
#[derive(Debug)]
pub(crate) struct Row(pub(super) Vec<Value>);

impl Row {
    /// All of them.
    pub(super) fn values(&self) -> &[Value] {
        &self.0
    }

    /// The value of a column, counted from 0.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        self.0.get(column).and_then(T::read).ok_or(Failure::Value { column })
    }
}

/// What can be read out of a value.
pub(crate) trait FromValue: Sized {
    /// Nothing where it is a value of another type.
    fn read(value: &Value) -> Option<Self>;
}

/// What can be kept as a value. The type counts where there is no value, too: a server wants to know it.
pub(crate) trait IntoValue {
    /// As it is kept.
    fn value(&self) -> Value;

    /// As what nothing is kept.
    fn null() -> Value;
}

impl FromValue for i64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => *number,
            _ => None,
        }
    }
}

impl FromValue for u32 {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).map(|number| number != 0)
    }
}

impl FromValue for f64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Real(number) => *number,
            _ => None,
        }
    }
}

impl FromValue for String {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.clone(),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes.clone(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(None) | Value::Real(None) | Value::Text(None) | Value::Blob(None) => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

/// Types that are kept as numbers.
macro_rules! integers {
    ($($type:ty),*) => {$(
        impl IntoValue for $type {
            fn value(&self) -> Value {
                Value::Integer(Some(i64::from(*self)))
            }

            fn null() -> Value {
                Value::Integer(None)
            }
        }
    )*};
}

integers!(bool, i32, i64, u32);

impl IntoValue for str {
    fn value(&self) -> Value {
        // A server takes no zeros in texts. Where there is one, somebody has sent it who wants to see what happens.
        Value::Text(Some(self.replace('\0', "\u{fffd}")))
    }

    fn null() -> Value {
        Value::Text(None)
    }
}

impl IntoValue for String {
    fn value(&self) -> Value {
        self.as_str().value()
    }

    fn null() -> Value {
        str::null()
    }
}

impl IntoValue for [u8] {
    fn value(&self) -> Value {
        Value::Blob(Some(self.to_vec()))
    }

    fn null() -> Value {
        Value::Blob(None)
    }
}

impl IntoValue for Vec<u8> {
    fn value(&self) -> Value {
        self.as_slice().value()
    }

    fn null() -> Value {
        <[u8]>::null()
    }
}

impl<const N: usize> IntoValue for [u8; N] {
    fn value(&self) -> Value {
        self.as_slice().value()
    }

    fn null() -> Value {
        <[u8]>::null()
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn value(&self) -> Value {
        self.as_ref().map_or_else(T::null, IntoValue::value)
    }

    fn null() -> Value {
        T::null()
    }
}

impl<T: IntoValue + ?Sized> IntoValue for &T {
    fn value(&self) -> Value {
        (**self).value()
    }

    fn null() -> Value {
        T::null()
    }
}

/// The values of `?1`, `?2`, ... in a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::state::value::IntoValue::value(&$value)),*]
    };
}

/// So many values in brackets, the first of which is `?first`: what stands behind `IN`.
pub(crate) fn places(first: usize, count: usize) -> String {
    if count == 0 {
        return "(SELECT NULL WHERE 1 = 0)".to_owned();
    }
    let values: Vec<String> = (first..first + count).map(|place| format!("?{place}")).collect();
    format!("({})", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_what_they_were_and_as_nothing_else() {
        let row = Row(params![7_i64, "a\0b", None::<String>, [1_u8, 2], true].to_vec());
        assert_eq!(row.get::<i64>(0).expect("a number"), 7);
        assert_eq!(row.get::<String>(1).expect("a text"), "a\u{fffd}b");
        assert_eq!(row.get::<Option<String>>(2).expect("nothing"), None);
        assert_eq!(row.get::<Vec<u8>>(3).expect("bytes"), [1, 2]);
        assert!(row.get::<bool>(4).expect("a truth"));
        assert!(row.get::<String>(2).is_err() && row.get::<i64>(1).is_err() && row.get::<i64>(9).is_err());
    }

    #[test]
    fn lists_may_be_empty() {
        assert_eq!(places(2, 3), "(?2, ?3, ?4)");
        assert!(places(1, 0).starts_with("(SELECT"));
    }
}
