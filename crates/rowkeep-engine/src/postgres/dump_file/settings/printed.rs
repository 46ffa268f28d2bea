//! Values as a live database gives them, also those within others, which are printed as the server does it (PostgreSQL manual,
//! "Array Input and Output Syntax", "Composite Type Input and Output Syntax", "Range Input and Output").

use std::sync::Arc;

use super::{bytes, time};

/// What has to be done to the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres::dump_file) enum Printed {
    /// Nothing.
    Alike,
    /// Nothing, but values are made of few characters only: whatever else is in one came there by damage.
    Of(&'static [u8]),
    /// A timestamp with time zone.
    Time,
    /// Bytes.
    Bytes,
    /// A text that holds values of which something has to be done to some.
    Holding(Arc<Holding>),
}

impl Printed {
    /// Whether a value is as a live database gives it.
    pub(super) fn is_usual(&self, text: &[u8]) -> bool {
        match self {
            Printed::Alike | Printed::Of(_) => true,
            Printed::Time => {
                text.ends_with(b"+00") || text.ends_with(b"+00 BC") || text.ends_with(b"infinity")
            }
            Printed::Holding(_) => false,
            Printed::Bytes => text.starts_with(b"\\x"),
        }
    }

    /// Writes a value as a live database gives it.
    pub(super) fn write(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        match self {
            _ if self.is_usual(text) => {
                out.extend_from_slice(text);
                Ok(())
            }
            Printed::Time => time::in_utc(text, out).ok_or("a value is no timestamp with time zone"),
            Printed::Bytes => bytes::in_hexadecimal(text, out).ok_or("a value is no bytea"),
            Printed::Holding(holding) => holding.write(text, out),
            Printed::Alike | Printed::Of(_) => Ok(()),
        }
    }
}

/// What values of a type are made of.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::postgres::dump_file) struct Holding {
    form: Form,
    /// How those within are printed: of a row one for each column, else one.
    parts: Vec<Printed>,
}

/// How values are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `{a,b}`, of any number of dimensions.
    Array,
    /// `[a,b)`, and `{[a,b),[c,d)}` where there are several.
    Range,
    /// `(a,b)`.
    Row,
}

impl Holding {
    /// How a type of this form is printed; as it is where all within are.
    pub(super) fn of(form: Form, parts: Vec<Printed>) -> Printed {
        match parts.iter().all(|part| matches!(part, Printed::Alike | Printed::Of(_))) {
            true => Printed::Alike,
            false => Printed::Holding(Arc::new(Self { form, parts })),
        }
    }

    /// Writes a value with those within it as a live database gives them.
    pub(super) fn write(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        const UNENDED: &str = "a value has a quote without an end";
        let (mut at, mut number) = (0, 0);
        // Bounds of an array that does not begin with one come before it.
        if self.form == Form::Array && text.first() == Some(&b'[') {
            at = text.iter().position(|byte| *byte == b'{').ok_or("a value is no array")?;
            out.extend_from_slice(&text[..at]);
        }
        while at < text.len() {
            if self.form.is_structure(text[at]) {
                number += usize::from(text[at] == b',');
                out.push(text[at]);
                at += 1;
                continue;
            }
            let begin = at;
            let mut value = Vec::new();
            let mut is_quoted = false;
            // A part of a value may be in quotes, and what the server prints is in quotes as a whole.
            while at < text.len() && (is_quoted || !self.form.is_structure(text[at])) {
                match (text[at], text.get(at + 1)) {
                    (b'\\', Some(next)) => {
                        value.push(*next);
                        at += 1;
                    }
                    (b'"', Some(b'"')) if is_quoted && self.form != Form::Array => {
                        value.push(b'"');
                        at += 1;
                    }
                    (b'"', _) => is_quoted = !is_quoted,
                    (byte, _) => value.push(byte),
                }
                at += 1;
            }
            if is_quoted {
                return Err(UNENDED);
            }
            self.part(number, &text[begin..at], &value, out)?;
        }
        Ok(())
    }

    /// Writes one of those within, which is printed as `shown` and stands for `value`.
    fn part(&self, number: usize, shown: &[u8], value: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        let place = if self.form == Form::Row { number } else { 0 };
        let is_nothing = match self.form {
            Form::Array => shown == b"NULL",
            Form::Range => shown == b"empty",
            Form::Row => false,
        };
        let mut written = Vec::new();
        match self.parts.get(place) {
            Some(printed) if !is_nothing => printed.write(value, &mut written)?,
            _ => value.clone_into(&mut written),
        }
        if written == value {
            out.extend_from_slice(shown);
            return Ok(());
        }
        if !self.form.needs_quotes(&written) {
            out.extend_from_slice(&written);
            return Ok(());
        }
        out.push(b'"');
        for byte in written {
            match (byte, self.form) {
                (b'"' | b'\\', Form::Array) => out.push(b'\\'),
                (b'"' | b'\\', _) => out.push(byte),
                _ => {}
            }
            out.push(byte);
        }
        out.push(b'"');
        Ok(())
    }
}

impl Form {
    /// Whether a byte outside quotes is no part of a value.
    fn is_structure(self, byte: u8) -> bool {
        match self {
            Form::Array => matches!(byte, b'{' | b'}' | b','),
            Form::Range => matches!(byte, b'{' | b'}' | b'[' | b']' | b'(' | b')' | b','),
            Form::Row => matches!(byte, b'(' | b')' | b','),
        }
    }

    /// Whether the server prints a value in quotes.
    fn needs_quotes(self, value: &[u8]) -> bool {
        let is_special = |byte: &u8| {
            let is_blank = byte.is_ascii_whitespace() || *byte == 0x0b;
            let is_outer = match self {
                Form::Array => matches!(byte, b'{' | b'}' | b','),
                Form::Range => matches!(byte, b'[' | b']' | b'(' | b')' | b','),
                Form::Row => matches!(byte, b'(' | b')' | b','),
            };
            is_blank || is_outer || matches!(byte, b'"' | b'\\')
        };
        let is_null = self == Form::Array && value.eq_ignore_ascii_case(b"null");
        value.is_empty() || is_null || value.iter().any(is_special)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(printed: &Printed, text: &str) -> String {
        let mut out = Vec::new();
        printed.write(text.as_bytes(), &mut out).unwrap_or_else(|what| panic!("{text}: {what}"));
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn values_within_others_are_changed_and_nothing_else_is() {
        let times = Holding::of(Form::Array, vec![Printed::Time]);
        let bytes = Holding::of(Form::Array, vec![Printed::Bytes]);
        let range = Holding::of(Form::Range, vec![Printed::Time]);
        let row = Holding::of(Form::Row, vec![Printed::Time, Printed::Alike, Printed::Bytes, range.clone()]);
        let rows = Holding::of(Form::Array, vec![row.clone()]);
        for (printed, text, expected) in [
            (
                &times,
                r#"[0:1]={{"2024-01-01 05:30:00+05:30",NULL},{infinity,"2024-01-01 00:00:00+00"}}"#,
                r#"[0:1]={{"2024-01-01 00:00:00+00",NULL},{infinity,"2024-01-01 00:00:00+00"}}"#,
            ),
            (
                &bytes,
                r#"{"\\000\\377",abc,NULL,"","\\x00"}"#,
                r#"{"\\x00ff","\\x616263",NULL,"\\x","\\x00"}"#,
            ),
            (&range, r#"["2024-01-01 05:30:00+05:30",)"#, r#"["2024-01-01 00:00:00+00",)"#),
            (&range, "empty", "empty"),
            (
                &range,
                r#"{["2024-01-01 05:30:00+05:30",infinity],(,)}"#,
                r#"{["2024-01-01 00:00:00+00",infinity],(,)}"#,
            ),
            (
                &row,
                r#"("2024-01-01 05:30:00+05:30","seen 2024-01-01 05:30:00+05:30, ""ok""",\\000,)"#,
                r#"("2024-01-01 00:00:00+00","seen 2024-01-01 05:30:00+05:30, ""ok""","\\x00",)"#,
            ),
            (&row, r#"(,,,"[""2024-01-01 05:30:00+05:30"",)")"#, r#"(,,,"[""2024-01-01 00:00:00+00"",)")"#),
            (&rows, r#"{"(\"2024-01-01 05:30:00+05:30\",a,,)"}"#, r#"{"(\"2024-01-01 00:00:00+00\",a,,)"}"#),
        ] {
            assert_eq!(written(printed, text), expected);
        }
        assert_eq!(Holding::of(Form::Array, vec![Printed::Of(b"0")]), Printed::Alike);
        let Printed::Holding(times) = times else { panic!("it holds some") };
        assert!(times.write(b"{\"2024", &mut Vec::new()).is_err());
        assert!(times.write(b"{x}", &mut Vec::new()).is_err());
    }
}
