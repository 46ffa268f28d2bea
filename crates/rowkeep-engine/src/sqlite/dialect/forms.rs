//! What the values of a column are to files that others read, by the type that it declares.
//!
//! A column may hold anything, so whoever keeps each value by its own kind needs few of them.

use crate::dialect::Form;

/// The form to a file whose columns have one type each: of those that say what they hold, values are held to it.
pub(crate) fn column(declared: &str) -> Form {
    match plain(declared).as_str() {
        "INTEGER" | "INT" | "BIGINT" | "SMALLINT" => Form::Integer64,
        "REAL" | "DOUBLE" | "FLOAT" | "DOUBLE PRECISION" => Form::Double,
        "BOOLEAN" | "BOOL" => Form::Boolean,
        "BLOB" => Form::Bytes,
        _ => Form::Text,
    }
}

/// The form to objects of JSON, where only the truth, which is a number here, and what files of JSON held are not what they look.
pub(crate) fn json(declared: &str) -> Form {
    match declared {
        "BOOLEAN" => Form::Boolean,
        "JSON TEXT" => Form::Json,
        _ => Form::Text,
    }
}

/// The form to applications that read columns by the types that their tools declared.
pub(crate) fn application(declared: &str) -> Form {
    match plain(declared).as_str() {
        "BOOLEAN" | "BOOL" => Form::Boolean,
        "BIGINT" => Form::Integer64,
        "DECIMAL" | "NUMERIC" => Form::Decimal(None),
        "DATETIME" | "TIMESTAMP" => Form::Timestamp { zoned: false },
        "JSON" | "JSONB" | "JSON TEXT" => Form::Json,
        _ => Form::Text,
    }
}

/// A type without what stands in brackets behind it.
fn plain(declared: &str) -> String {
    declared.split('(').next().unwrap_or_default().trim().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_form_that_their_readers_expect() {
        assert_eq!(column("DECIMAL(10,2)"), Form::Text);
        assert_eq!(column("integer"), Form::Integer64);
        assert_eq!(json("BOOLEAN"), Form::Boolean);
        assert_eq!(json("DECIMAL(10,2)"), Form::Text);
        assert_eq!(application("decimal(10, 2)"), Form::Decimal(None));
        assert_eq!(application("INTEGER"), Form::Text);
    }
}
