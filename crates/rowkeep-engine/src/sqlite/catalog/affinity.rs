use rowkeep_format::Value;

/// What a column does to values that are put into it or compared with it: sections 3 and 4 of SQLite's "Datatypes" page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// Numbers that are whole become integers.
    Integer,
    /// Numbers become text.
    Text,
    /// Nothing happens.
    Blob,
    /// Numbers become reals.
    Real,
    /// As `Integer`.
    Numeric,
}

impl Affinity {
    /// The affinity of a declared type; `ANY` has one of its own in STRICT tables.
    pub(crate) fn of(type_name: &str, strict: bool) -> Self {
        let name = type_name.to_ascii_uppercase();
        let has = |part: &str| name.contains(part);
        if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || name.is_empty() || (strict && name == "ANY") {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }

    /// Whether a value that is put into such a column stays what it is.
    pub(crate) fn keeps(self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Blob, _) | (_, Value::Null | Value::Blob(_)) => true,
            (Self::Text, value) => matches!(value, Value::Text(_)),
            (_, Value::Text(text)) => !is_number(text),
            // It keeps whole numbers as integers, which have no negative zero.
            (Self::Real, Value::Real(bits)) => bits != (-0.0_f64).to_bits(),
            (Self::Real, _) | (_, Value::Integer(_)) => true,
            // Those that are whole, as far as integers go.
            (_, Value::Real(bits)) => {
                let real = f64::from_bits(bits);
                real.fract() != 0.0 || real.abs() >= 9_223_372_036_854_775_808.0
            }
        }
    }

    /// Whether text that looks like a number becomes one.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Real | Self::Numeric)
    }
}

/// Whether all of a text is a number.
fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let after_sign = |text: &[u8]| usize::from(text.first().is_some_and(|sign| b"+-".contains(sign)));
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = after_sign(text);
    let mut count = digits(&text[at..]);
    at += count;
    if text.get(at) == Some(&b'.') {
        let decimals = digits(&text[at + 1..]);
        (at, count) = (at + 1 + decimals, count + decimals);
    }
    if count > 0 && matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = after_sign(&text[at + 1..]);
        let exponent = digits(&text[at + 1 + sign..]);
        count = exponent;
        at += 1 + sign + exponent;
    }
    count > 0 && at == text.len()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_is_kept_is_what_sqlite_keeps() {
        let database = Connection::open_in_memory().expect("it opens");
        let texts = [
            "12",
            " -1.5 ",
            "1e5",
            "1e",
            ".5",
            ".",
            "5.",
            "+",
            "0x10",
            "2026-01-01",
            "12abc",
            "",
            "abc",
            "1 2",
            "- 1",
        ];
        for type_name in ["", "INTEGER", "TEXT", "REAL", "NUMERIC"] {
            database.execute_batch(&format!("CREATE TABLE t (v {type_name})")).expect("a table");
            let check = |value: Value<'_>, literal: String| {
                let sql = format!(
                    "INSERT INTO t VALUES ({literal}) RETURNING typeof(v) = typeof({literal}) AND v IS {literal}"
                );
                let kept: bool = database.query_row(&sql, [], |row| row.get(0)).expect("a value");
                assert_eq!(Affinity::of(type_name, false).keeps(value), kept, "{literal} in {type_name:?}");
            };
            texts.iter().for_each(|text| check(Value::Text(text.as_bytes()), format!("'{text}'")));
            for real in [0.5, 3.0, -7.0, 1e300, 9e18, 1e19] {
                check(Value::Real(f64::to_bits(real)), format!("{real:e}"));
            }
            check(Value::Null, "NULL".into());
            check(Value::Blob(b"12"), "x'3132'".into());
            // Columns of reals give reals, whatever they store.
            if type_name != "REAL" {
                check(Value::Integer(5), "5".into());
            }
            database.execute_batch("DROP TABLE t").expect("it goes");
        }
    }

    #[test]
    fn affinities_follow_the_manual() {
        let of = |name| Affinity::of(name, false);
        assert_eq!(of("CHARINT"), Affinity::Integer);
        assert_eq!(of("varchar(9)"), Affinity::Text);
        assert_eq!(of(""), Affinity::Blob);
        assert_eq!(of("double precision"), Affinity::Real);
        assert_eq!(of("decimal(9, 2)"), Affinity::Numeric);
        assert_eq!(of("any"), Affinity::Numeric);
        assert_eq!(Affinity::of("any", true), Affinity::Blob);
    }
}
