//! Rows in the binary form of `COPY ... FROM STDIN` (manual, "COPY", "File Formats"), for columns of types whose
//! binary form follows from their text without doubt.
//!
//! The server then need not read numbers and dates out of text, which is most of what a `COPY` of text costs it. What
//! is not written exactly as the server prints it is left to the server: its batch goes as text.

mod number;
mod time;

use rowkeep_format::{Column, RowBatch, Value, lower_hex};

/// What comes before the first row: the signature, no flags, no extension.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What comes after the last row.
pub(crate) const TRAILER: &[u8] = &(-1i16).to_be_bytes();

/// The length that stands for NULL.
const NULL: i32 = -1;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The text itself.
    Text,
    /// A version and the text.
    Jsonb,
    /// `t` or `f`.
    Boolean,
    /// Integers of two, four and eight bytes, and the one that has no sign.
    Int2,
    Int4,
    Int8,
    Oid,
    /// Digits to the base 10 000.
    Numeric,
    /// IEEE 754, big endian.
    Float4,
    Float8,
    /// Days since 2000-01-01.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 2000-01-01.
    Timestamp,
    /// The same, in UTC as our sessions print it.
    TimestampTz,
    /// Sixteen bytes.
    Uuid,
    /// The bytes themselves.
    Bytea,
}

impl Form {
    /// The form of a type as `format_type` prints it; nothing for types that are not known here.
    ///
    /// Types of others never have these names alone: they print with their schema.
    fn of(type_name: &str) -> Option<Self> {
        // What is in parentheses limits what is stored, and the server applies it to both forms alike.
        let plain = match type_name.split_once('(') {
            Some((name, rest)) => format!("{name}{}", rest.split_once(')')?.1),
            None => type_name.to_owned(),
        };
        Some(match plain.as_str() {
            "text" | "character varying" | "character" | "json" => Form::Text,
            "jsonb" => Form::Jsonb,
            "boolean" => Form::Boolean,
            "smallint" => Form::Int2,
            "integer" => Form::Int4,
            "bigint" => Form::Int8,
            "oid" => Form::Oid,
            "numeric" => Form::Numeric,
            "real" => Form::Float4,
            "double precision" => Form::Float8,
            "date" => Form::Date,
            "time without time zone" => Form::Time,
            "timestamp without time zone" => Form::Timestamp,
            "timestamp with time zone" => Form::TimestampTz,
            "uuid" => Form::Uuid,
            "bytea" => Form::Bytea,
            _ => return None,
        })
    }

    /// Appends a value; nothing when it is not written as the server prints it.
    fn append(self, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Form::Text => out.extend_from_slice(text),
            Form::Jsonb => {
                out.push(1);
                out.extend_from_slice(text);
            }
            Form::Boolean => out.push(match text {
                b"t" => 1,
                b"f" => 0,
                _ => return None,
            }),
            Form::Int2 => out.extend_from_slice(&i16::try_from(number::integer(text)?).ok()?.to_be_bytes()),
            Form::Int4 => out.extend_from_slice(&i32::try_from(number::integer(text)?).ok()?.to_be_bytes()),
            Form::Int8 => out.extend_from_slice(&number::integer(text)?.to_be_bytes()),
            Form::Oid => out.extend_from_slice(&u32::try_from(number::integer(text)?).ok()?.to_be_bytes()),
            Form::Numeric => number::numeric(text, out)?,
            Form::Float4 => out.extend_from_slice(&number::float::<f32>(text)?.to_be_bytes()),
            Form::Float8 => out.extend_from_slice(&number::float::<f64>(text)?.to_be_bytes()),
            Form::Date => out.extend_from_slice(&time::date(text)?.to_be_bytes()),
            Form::Time => out.extend_from_slice(&time::time(text)?.to_be_bytes()),
            Form::Timestamp => out.extend_from_slice(&time::timestamp(text, b"")?.to_be_bytes()),
            Form::TimestampTz => out.extend_from_slice(&time::timestamp(text, b"+00")?.to_be_bytes()),
            Form::Uuid => uuid(text, out)?,
            Form::Bytea => hexadecimal(text.strip_prefix(b"\\x")?, out)?,
        }
        Some(())
    }
}

/// The forms of all columns; nothing when one of them has none, for a `COPY` has one form for all.
pub(crate) fn forms(columns: &[Column]) -> Option<Vec<Form>> {
    if columns.is_empty() {
        return None;
    }
    columns.iter().map(|column| Form::of(&column.type_name)).collect()
}

/// Appends the rows of a batch; false, and `out` as it was, when a value has to be left to the server.
pub(crate) fn rows(batch: &RowBatch, forms: &[Form], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let done = try_rows(batch, forms, out).is_some();
    if !done {
        out.truncate(start);
    }
    done
}

fn try_rows(batch: &RowBatch, forms: &[Form], out: &mut Vec<u8>) -> Option<()> {
    let columns = batch.columns();
    let count = i16::try_from(columns.len()).ok().filter(|_| columns.len() == forms.len())?;
    for row in 0..batch.rows() {
        out.extend_from_slice(&count.to_be_bytes());
        for (column, form) in columns.iter().zip(forms) {
            match column.value(row) {
                Value::Null => out.extend_from_slice(&NULL.to_be_bytes()),
                Value::Text(text) => {
                    let start = out.len();
                    out.extend_from_slice(&[0; 4]);
                    form.append(text, out)?;
                    let length = i32::try_from(out.len() - start - 4).ok()?;
                    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
                }
                // No PostgreSQL table gives these.
                Value::Integer(_) | Value::Real(_) | Value::Blob(_) => return None,
            }
        }
    }
    Some(())
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`
fn uuid(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut parts = text.split(|byte| *byte == b'-');
    for digits in [8, 4, 4, 4, 12] {
        hexadecimal(parts.next().filter(|part| part.len() == digits)?, out)?;
    }
    parts.next().is_none().then_some(())
}

/// Digits as the server prints them, which is in lower case.
fn hexadecimal(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.resize(start + text.len() / 2, 0);
    lower_hex::decode(text, &mut out[start..])
}

#[cfg(test)]
#[path = "binary/tests.rs"]
mod tests;
