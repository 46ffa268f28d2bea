use super::types::Chosen;
use crate::outline::tables::{ColumnOutline, DefaultValue};
use crate::sqlite::schema::compose::literal;
use crate::translate::value::ValueMap;

/// A random UUID of version 4, in the words of SQLite.
const RANDOM_UUID: &str = "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4' || \
    substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || \
    substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6))))";

/// A default in the form in which its column's values are stored; else what is to be said of it.
pub(super) fn expression(
    default: &DefaultValue,
    column: &ColumnOutline,
    chosen: &Chosen,
) -> Result<String, String> {
    let left_out =
        |told: &str| Err(format!("DEFAULT {told} is left out: {} cannot take it", chosen.type_name));
    match (default, chosen.map) {
        (DefaultValue::Number(number) | DefaultValue::Text(number), ValueMap::FromDigits) => {
            if number.parse::<i64>().is_ok() { Ok(number.clone()) } else { left_out(number) }
        }
        (DefaultValue::Number(number) | DefaultValue::Text(number), ValueMap::FromFloating) => {
            match number.parse::<f64>() {
                Ok(real) if real.is_finite() => Ok(format!("{real:?}")),
                _ => left_out(number),
            }
        }
        (DefaultValue::Boolean(truth), ValueMap::FromBoolean) => Ok(u8::from(*truth).to_string()),
        (DefaultValue::Text(text), ValueMap::FromBytea) => match bytea_digits(text) {
            Some(digits) => Ok(format!("x'{digits}'")),
            None => left_out(text),
        },
        (DefaultValue::Text(text), ValueMap::FromInstant) => Ok(match text.strip_suffix("+00") {
            Some(_) => literal(&format!("{text}:00")),
            None => literal(text),
        }),
        (DefaultValue::Number(text) | DefaultValue::Text(text), ValueMap::Text) => Ok(literal(text)),
        (DefaultValue::Now, ValueMap::FromInstant) => Ok("(CURRENT_TIMESTAMP || '+00:00')".to_owned()),
        (DefaultValue::Now, ValueMap::Text) if chosen.type_name == "TIMESTAMP" => {
            Ok("CURRENT_TIMESTAMP".to_owned())
        }
        (DefaultValue::Now | DefaultValue::Today, ValueMap::Text) if chosen.type_name == "DATE" => {
            Ok("CURRENT_DATE".to_owned())
        }
        (DefaultValue::Now, ValueMap::Text) if chosen.type_name == "TIME" => Ok("CURRENT_TIME".to_owned()),
        (DefaultValue::RandomUuid, ValueMap::Text) if column.base == "uuid" => Ok(RANDOM_UUID.to_owned()),
        (DefaultValue::Other(told), _) => {
            Err(format!("DEFAULT {told} is left out: it is an expression of PostgreSQL's"))
        }
        (DefaultValue::Number(told) | DefaultValue::Text(told), _) => left_out(told),
        (DefaultValue::Boolean(truth), _) => left_out(&truth.to_string()),
        (DefaultValue::Now, _) => left_out("now()"),
        (DefaultValue::Today, _) => left_out("CURRENT_DATE"),
        (DefaultValue::TimeOfDay, _) => left_out("CURRENT_TIME"),
        (DefaultValue::RandomUuid, _) => left_out("gen_random_uuid()"),
    }
}

/// The digits of a `bytea`, which the server writes in either of its two forms (manual, "Binary Data Types").
fn bytea_digits(text: &str) -> Option<String> {
    if let Some(digits) = text.strip_prefix("\\x") {
        return hex::decode(digits).is_ok().then(|| digits.to_owned());
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after)
            }
            (b'\\', _) => return None,
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Some(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_bytea_are_read() {
        assert_eq!(bytea_digits("\\x00ff").as_deref(), Some("00ff"));
        assert_eq!(bytea_digits("\\000a\\\\\\377").as_deref(), Some("00615cff"));
        assert_eq!(bytea_digits("").as_deref(), Some(""));
        assert_eq!(bytea_digits("\\x0"), None);
        assert_eq!(bytea_digits("\\9"), None);
    }
}
