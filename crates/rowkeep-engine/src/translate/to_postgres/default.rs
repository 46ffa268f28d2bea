use super::types::Chosen;
use crate::outline::tables::DefaultValue;
use crate::postgres::schema::compose::literal;

/// A default as an expression that has the type of its column; else what is to be said of it.
pub(super) fn expression(default: &DefaultValue, chosen: &Chosen) -> Result<String, String> {
    let type_name = chosen.type_name.as_str();
    let plain = type_name.split('(').next().unwrap_or(type_name);
    let is_number = matches!(plain, "bigint" | "numeric" | "double precision");
    let is_text = matches!(plain, "text" | "character varying");
    let left_out =
        |told: &str| Err(format!("DEFAULT {told} is left out: it is nothing that {type_name} takes"));
    match default {
        DefaultValue::Number(number) if plain == "boolean" => match number.as_str() {
            "0" => Ok("false".to_owned()),
            "1" => Ok("true".to_owned()),
            _ => left_out(number),
        },
        DefaultValue::Number(number) if plain == "bigint" && number.parse::<i64>().is_err() => {
            left_out(number)
        }
        DefaultValue::Number(number) if is_number => Ok(number.clone()),
        DefaultValue::Number(number) if is_text => Ok(literal(number)),
        DefaultValue::Boolean(truth) if plain == "boolean" => Ok(truth.to_string()),
        DefaultValue::Boolean(truth) if is_number => Ok(u8::from(*truth).to_string()),
        DefaultValue::Text(text) if is_text && !text.contains('\0') => Ok(literal(text)),
        DefaultValue::Text(text) => typed(text, plain).ok_or(()).or_else(|()| left_out(&literal(text))),
        DefaultValue::Now => match plain {
            "timestamp without time zone" => {
                Ok("date_trunc('second', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')".to_owned())
            }
            "timestamp with time zone" => Ok("date_trunc('second', CURRENT_TIMESTAMP)".to_owned()),
            _ if is_text => Ok(printed("YYYY-MM-DD HH24:MI:SS")),
            _ => left_out("CURRENT_TIMESTAMP"),
        },
        DefaultValue::Today => match plain {
            "date" => Ok("(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date".to_owned()),
            "timestamp without time zone" => {
                Ok("date_trunc('day', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')".to_owned())
            }
            _ if is_text => Ok(printed("YYYY-MM-DD")),
            _ => left_out("CURRENT_DATE"),
        },
        DefaultValue::TimeOfDay => match plain {
            "time without time zone" => {
                Ok("date_trunc('second', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::time".to_owned())
            }
            _ if is_text => Ok(printed("HH24:MI:SS")),
            _ => left_out("CURRENT_TIME"),
        },
        DefaultValue::RandomUuid => left_out("of a random UUID"),
        DefaultValue::Number(told) => left_out(told),
        DefaultValue::Boolean(truth) => left_out(&truth.to_string()),
        DefaultValue::Other(told) => {
            Err(format!("DEFAULT {told} is left out: it is an expression of SQLite's"))
        }
    }
}

/// A text as a value of a type that is not text, when it is surely one.
fn typed(text: &str, plain: &str) -> Option<String> {
    use crate::outline::profile::{ColumnProfile, Shape};
    let shape = match plain {
        "date" | "timestamp without time zone" | "timestamp with time zone" => Shape::Timestamp,
        "time without time zone" => Shape::Time,
        "uuid" => Shape::Uuid,
        "json" => Shape::Json,
        "numeric" if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-') => {
            Shape::Float
        }
        "double precision" => Shape::Float,
        "bigint" => Shape::Integer,
        _ => return None,
    };
    let mut profile = ColumnProfile::new(shape);
    profile.observe_text(text.as_bytes());
    profile.only_shaped().then(|| literal(text))
}

/// The present time in UTC as SQLite prints it.
fn printed(pattern: &str) -> String {
    format!("to_char(CURRENT_TIMESTAMP AT TIME ZONE 'UTC', '{pattern}')")
}
