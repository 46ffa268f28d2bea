//! What the values of a column are in a file, and the column of SQLite that keeps them exactly.

use super::json::{is_half, text};

/// A column while its values are seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// How many values there are that are not null.
    pub(super) values: u64,
    /// In how many rows it stands, null or not.
    pub(super) present: u64,
    booleans: u64,
    /// Integers that every program holds exactly.
    integers: u64,
    /// Other numbers that are the shortest digits of a floating-point number.
    reals: u64,
    /// Numbers that are only kept exactly as their digits.
    digits: u64,
    /// Numbers whose value is kept by any program, and only their digits are not: `12.50`, `-0`.
    written: u64,
    texts: u64,
    /// Texts with half a pair of surrogates, which are only kept exactly as JSON.
    halves: u64,
    nested: u64,
    /// Texts that are decimal numbers, and such that are times to the millisecond.
    decimals: u64,
    times: u64,
    /// The type that the file itself says, whose values are staged as SQLite keeps them.
    #[cfg(feature = "parquet")]
    pub(super) own: Option<&'static str>,
}

/// What keeps all values of a column exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// There is none.
    Nothing,
    Boolean,
    Integer,
    Real,
    Text,
    /// As JSON, to the letter.
    Json,
    /// As the type that the file itself says.
    #[cfg(feature = "parquet")]
    Own(&'static str),
}

impl Kept {
    /// The type that the column is declared with.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Kept::Nothing => "",
            Kept::Boolean => "BOOLEAN",
            Kept::Integer => "INTEGER",
            Kept::Real => "REAL",
            Kept::Text => "TEXT",
            // In this word order SQLite takes numbers in it for text.
            Kept::Json => "JSON TEXT",
            #[cfg(feature = "parquet")]
            Kept::Own(declared) => declared,
        }
    }

    /// The value of a staged one, in SQL.
    pub(super) fn expression(self, staged: &str) -> String {
        match self {
            Kept::Nothing => "NULL".to_owned(),
            Kept::Boolean => format!("CASE {staged} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
            Kept::Integer => format!("CAST({staged} AS INTEGER)"),
            Kept::Real => format!("plain_real({staged})"),
            Kept::Text => format!("plain_text({staged})"),
            Kept::Json => staged.to_owned(),
            #[cfg(feature = "parquet")]
            Kept::Own(_) => staged.to_owned(),
        }
    }

    /// Whether a column of it may name rows.
    pub(super) fn may_name(self) -> bool {
        match self {
            Kept::Integer | Kept::Text => true,
            #[cfg(feature = "parquet")]
            Kept::Own(declared) => matches!(declared, "INTEGER" | "TEXT"),
            _ => false,
        }
    }
}

impl Column {
    pub(super) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Sees a value, which is JSON.
    pub(super) fn see(&mut self, raw: &[u8]) {
        self.present += 1;
        if raw == b"null" {
            return;
        }
        self.values += 1;
        match raw.first() {
            Some(b'"') => {
                self.texts += 1;
                self.halves += u64::from(is_half(raw));
                // Whatever looks like one is short, and escapes nothing.
                let inner = &raw[1..raw.len().saturating_sub(1)];
                self.decimals += u64::from(is_decimal(inner));
                self.times += u64::from(is_time(inner));
            }
            Some(b't' | b'f') => self.booleans += 1,
            Some(b'{' | b'[') => self.nested += 1,
            _ => self.see_number(&String::from_utf8_lossy(raw)),
        }
    }

    fn see_number(&mut self, digits: &str) {
        let is_safe = |integer: i64| integer.unsigned_abs() < 1 << 53 && integer.to_string() == digits;
        if digits.parse::<i64>().is_ok_and(is_safe) {
            self.integers += 1;
            return;
        }
        match digits.parse::<f64>() {
            Ok(real) if is_shortest(real, digits) => self.reals += 1,
            Ok(real) if is_exact(real, digits) => self.written += 1,
            _ => self.digits += 1,
        }
    }

    /// What keeps all of its values.
    pub(super) fn kept(&self) -> Kept {
        #[cfg(feature = "parquet")]
        if let Some(declared) = self.own {
            return Kept::Own(declared);
        }
        let kinds = [
            (self.booleans, Kept::Boolean),
            (self.integers, Kept::Integer),
            (self.integers + self.reals, Kept::Real),
            (self.texts - self.halves, Kept::Text),
        ];
        match self.values {
            0 => Kept::Nothing,
            all => kinds.into_iter().find(|(count, _)| *count == all).map_or(Kept::Json, |(_, kept)| kept),
        }
    }

    /// What nobody can tell of it any more, or may not expect, in words.
    pub(super) fn told(&self, rows: u64) -> Vec<&'static str> {
        let mut told = Vec::new();
        if self.texts == self.values && self.values > 0 {
            if self.decimals == self.values {
                told.push("texts that are numbers, as a Decimal or BigInt becomes: whether they were numbers is not known");
            }
            if self.times == self.values {
                told.push("times to the millisecond: finer digits are cut if there were any");
            }
        }
        if self.digits > 0 {
            told.push("numbers of more digits than JavaScript keeps: they are kept digit by digit");
        }
        if self.written > 0 {
            told.push("numbers with digits that add nothing, such as 12.50: they are kept digit by digit");
        }
        if self.halves > 0 {
            told.push("texts with half of a surrogate pair, which is no character: they are kept as JSON");
        }
        let numbers = self.integers + self.reals + self.digits + self.written;
        let kinds = [self.booleans, numbers, self.texts, self.nested];
        if kinds.into_iter().filter(|count| *count > 0).count() > 1 {
            told.push("values of several types: they are kept as JSON");
        }
        if self.present < rows {
            told.push("missing in some rows, which is taken for NULL");
        }
        told
    }
}

/// Whether the digits are those that JavaScript prints for a number, or with which any program comes back to it.
fn is_shortest(real: f64, digits: &str) -> bool {
    // Digits behind the last that counts would be lost.
    let has_idle_zeros = digits.contains('.') && !digits.contains(['e', 'E']) && digits.ends_with('0');
    !has_idle_zeros && is_exact(real, digits) && (real != 0.0 || digits == "0")
}

/// Whether a number is the one that the digits say, however they are written.
fn is_exact(real: f64, digits: &str) -> bool {
    if !real.is_finite() {
        return false;
    }
    let significant = |text: &str| -> (String, i64) {
        let unsigned = text.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_start_matches('0');
        let leading = all.len() - kept.len();
        let point = (whole.len() as i64 - leading as i64).checked_add(exponent.parse().unwrap_or(0));
        let point = point.unwrap_or(i64::MIN);
        // Zero has no place for a point.
        (kept.trim_end_matches('0').to_owned(), if kept.is_empty() { 0 } else { point })
    };
    significant(digits) == significant(&format!("{real:e}"))
}

fn is_decimal(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mut points = 0;
    let is_digit = |byte: &u8| {
        points += usize::from(*byte == b'.');
        byte.is_ascii_digit() || *byte == b'.' && points == 1
    };
    unsigned.first().is_some_and(u8::is_ascii_digit)
        && unsigned.last().is_some_and(u8::is_ascii_digit)
        && unsigned.iter().all(is_digit)
}

/// `2026-01-02T03:04:05.678Z`
fn is_time(text: &[u8]) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == FORM.len() && text.iter().zip(FORM).all(fits)
}

/// The text of a staged string.
pub(super) fn staged_text(raw: &[u8]) -> String {
    text(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> Column {
        let mut column = Column::new("c".to_owned());
        values.iter().for_each(|value| column.see(value.as_bytes()));
        column
    }

    #[test]
    fn columns_keep_what_their_values_are() {
        for (values, kept) in [
            (&["null"][..], Kept::Nothing),
            (&["true", "null", "false"], Kept::Boolean),
            (&["1", "-9007199254740991"], Kept::Integer),
            (&["1", "9007199254740993"], Kept::Json),
            (&["1", "2.5", "0.1", "1e-7", "1e+21"], Kept::Real),
            (&["12.50"], Kept::Json),
            (&["0.1000000000000000055"], Kept::Json),
            (&["1e400"], Kept::Json),
            (&["0.01e-2147483648", "0.01e-9223372036854775808", "-0.0e-99999999999999999999"], Kept::Json),
            (&["\"a\"", "\"\\ud800\""], Kept::Json),
            (&["\"\\ud83d\\ude00\""], Kept::Text),
            (&["-0"], Kept::Json),
            (&["\"a\"", "\"12.50\""], Kept::Text),
            (&["\"a\"", "1"], Kept::Json),
            (&["{\"a\":1}"], Kept::Json),
        ] {
            assert_eq!(column(values).kept(), kept, "{values:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_told() {
        let told = |values: &[&str], rows| column(values).told(rows).join("; ");
        assert!(told(&["\"12.50\"", "\"-3\""], 2).contains("Decimal or BigInt"));
        assert!(told(&["\"2026-01-02T03:04:05.678Z\""], 1).contains("finer digits"));
        assert!(told(&["1", "\"a\""], 2).contains("several types"));
        assert!(told(&["12.50"], 2).contains("missing in some rows"));
        let more = "more digits than JavaScript keeps";
        for (value, has_more) in [
            ("12.50", false),
            ("0.0", false),
            ("-0", false),
            ("1.0e2", false),
            ("9007199254740993", true),
            ("0.1000000000000000055", true),
            ("1e400", true),
        ] {
            assert_eq!(told(&[value], 1).contains(more), has_more, "{value}");
            assert_eq!(told(&[value], 1).contains("digit by digit"), value != "1.0e2", "{value}");
        }
        assert_eq!(told(&["\"a\"", "null"], 2), "");
        assert_eq!(told(&["\"1.2.3\"", "\"-\"", "\".5\""], 3), "");
    }
}
