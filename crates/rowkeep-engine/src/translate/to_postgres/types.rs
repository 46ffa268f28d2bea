//! The type that holds every value of a column of SQLite.

use crate::outline::profile::{ColumnProfile, Shape};
use crate::translate::value::ValueMap;

/// A type, what becomes of values, and what is worth knowing of the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) type_name: String,
    pub(super) map: ValueMap,
    pub(super) note: Option<String>,
}

/// What a declared type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Boolean,
    Integer,
    Real,
    /// With digits in all and after the point, where they were declared.
    Decimal(Option<(usize, usize)>),
    Text,
    /// With the most characters.
    Varying(usize),
    Blob,
    Date,
    /// With whether a zone was declared.
    Timestamp(bool),
    Time,
    Uuid,
    Json,
    /// Whatever there is.
    Anything,
}

impl Meaning {
    fn of(declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let (name, arguments) = match upper.split_once('(') {
            Some((name, rest)) => (name.trim(), numbers(rest)),
            None => (upper.trim(), Vec::new()),
        };
        let has = |part: &str| name.contains(part);
        match name {
            "" | "ANY" => return Meaning::Anything,
            "BOOL" | "BOOLEAN" => return Meaning::Boolean,
            "DATE" => return Meaning::Date,
            "TIME" => return Meaning::Time,
            "UUID" | "GUID" => return Meaning::Uuid,
            "JSON" | "JSONB" | "JSON TEXT" => return Meaning::Json,
            _ if name.starts_with("DATETIME") || name.starts_with("TIMESTAMP") => {
                let rest = upper.replace("WITHOUT TIME ZONE", "");
                return Meaning::Timestamp(rest.contains("TZ") || rest.contains("WITH TIME ZONE"));
            }
            _ if name.contains("BINARY") || name == "BYTEA" => return Meaning::Blob,
            _ => {}
        }
        // The rules of SQLite's own affinity, in their order.
        if has("INT") {
            Meaning::Integer
        } else if has("CHAR") {
            match arguments[..] {
                [most] if most > 0 => Meaning::Varying(most),
                _ => Meaning::Text,
            }
        } else if has("CLOB") || has("TEXT") {
            Meaning::Text
        } else if has("BLOB") {
            Meaning::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Meaning::Real
        } else {
            Meaning::Decimal(match arguments[..] {
                [digits] if digits > 0 => Some((digits, 0)),
                [digits, scale] if digits > 0 && scale <= digits => Some((digits, scale)),
                _ => None,
            })
        }
    }
}

/// The numbers in `9, 2)`; none when there is anything else.
fn numbers(arguments: &str) -> Vec<usize> {
    const MOST: usize = 1000;
    let inner = arguments.split(')').next().unwrap_or_default();
    let parsed: Option<Vec<usize>> =
        inner.split(',').map(|number| number.trim().parse().ok().filter(|number| *number <= MOST)).collect();
    parsed.unwrap_or_default()
}

/// What texts of a column of a declared type are looked at for.
pub(super) fn shape(declared: &str) -> Shape {
    match Meaning::of(declared) {
        Meaning::Date | Meaning::Timestamp(_) => Shape::Timestamp,
        Meaning::Time => Shape::Time,
        Meaning::Uuid => Shape::Uuid,
        Meaning::Json => Shape::Json,
        _ => Shape::Any,
    }
}

/// Chooses the declared type when it holds all values, else the nearest that does.
pub(super) fn choose(declared: &str, profile: &ColumnProfile) -> Chosen {
    let meaning = Meaning::of(declared);
    if let Some(chosen) = as_declared(meaning, profile) {
        return chosen;
    }
    let (type_name, map, loss) = by_values(profile);
    let loss = loss.map(|loss| format!(", {loss}")).unwrap_or_default();
    let note = (meaning != Meaning::Anything || !loss.is_empty()).then(|| {
        let declared = if declared.is_empty() { "no type" } else { declared };
        format!("declared {declared}, holds {}: becomes {type_name}{loss}", profile.told())
    });
    Chosen { type_name: type_name.to_owned(), map, note }
}

fn as_declared(meaning: Meaning, profile: &ColumnProfile) -> Option<Chosen> {
    let chosen =
        |type_name: &str, map: ValueMap| Some(Chosen { type_name: type_name.to_owned(), map, note: None });
    let numbers = profile.integers + profile.reals == profile.values();
    let reals = profile.reals == profile.values();
    let shaped = profile.only_shaped();
    match meaning {
        Meaning::Boolean if profile.only_integers(0, 1) => chosen("boolean", ValueMap::Boolean),
        Meaning::Integer if profile.only_integers(i64::MIN, i64::MAX) => chosen("bigint", ValueMap::Digits),
        Meaning::Real if reals => chosen("double precision", ValueMap::Floating),
        Meaning::Decimal(Some((digits, scale))) if numbers && fits(profile, digits, scale) => {
            chosen(&format!("numeric({digits},{scale})"), ValueMap::Decimal(Some(scale)))
        }
        Meaning::Decimal(declared) if numbers && profile.infinite == 0 => Some(Chosen {
            type_name: "numeric".to_owned(),
            map: ValueMap::Decimal(None),
            note: declared
                .map(|(digits, scale)| format!("becomes numeric, for numbers do not fit ({digits},{scale})")),
        }),
        Meaning::Decimal(_) if numbers && reals => chosen("double precision", ValueMap::Floating),
        Meaning::Varying(most) if profile.only_texts() => Some(if profile.longest <= most {
            Chosen { type_name: format!("character varying({most})"), map: ValueMap::Text, note: None }
        } else {
            let note = format!("becomes text, for a text has {} characters", profile.longest);
            Chosen { type_name: "text".to_owned(), map: ValueMap::Text, note: Some(note) }
        }),
        Meaning::Text if profile.only_texts() => chosen("text", ValueMap::Text),
        Meaning::Blob if profile.blobs == profile.values() => chosen("bytea", ValueMap::Bytea),
        Meaning::Date if shaped && profile.dates == profile.values() => chosen("date", ValueMap::Text),
        Meaning::Date | Meaning::Timestamp(_) if shaped => timestamp(meaning, profile),
        Meaning::Time if shaped => {
            let chosen = Chosen {
                type_name: "time without time zone".to_owned(),
                map: ValueMap::TimeOfDay,
                note: respelt(profile),
            };
            Some(chosen)
        }
        Meaning::Uuid if shaped => chosen("uuid", ValueMap::Text),
        Meaning::Json if shaped => chosen("json", ValueMap::Text),
        _ => None,
    }
}

/// Times that all have a zone, or all have none.
fn timestamp(meaning: Meaning, profile: &ColumnProfile) -> Option<Chosen> {
    let (type_name, map) = match (profile.instants, profile.values()) {
        (0, 0) if meaning == Meaning::Timestamp(true) => ("timestamp with time zone", ValueMap::Instant),
        (0, _) => ("timestamp without time zone", ValueMap::Timestamp),
        (instants, all) if instants == all => ("timestamp with time zone", ValueMap::Instant),
        _ => return None,
    };
    let note = match (respelt(profile), meaning) {
        (Some(note), _) => Some(note),
        (None, Meaning::Date) => Some(format!("becomes {type_name}, for it holds times of day")),
        (None, _) => None,
    };
    Some(Chosen { type_name: type_name.to_owned(), map, note })
}

fn respelt(profile: &ColumnProfile) -> Option<String> {
    (profile.respelt > 0)
        .then(|| format!("{} times are the same, and will be written as PostgreSQL does", profile.respelt))
}

/// Whether all numbers are in so many digits, so many of them after the point.
fn fits(profile: &ColumnProfile, digits: usize, scale: usize) -> bool {
    profile.infinite == 0 && profile.fraction_digits <= scale && profile.whole_digits <= digits - scale
}

/// The type that holds all values, whatever was declared, and what cannot be told apart in it.
fn by_values(profile: &ColumnProfile) -> (&'static str, ValueMap, Option<&'static str>) {
    let all = profile.values();
    if all == 0 {
        ("text", ValueMap::AnyText, None)
    } else if profile.integers == all {
        ("bigint", ValueMap::Digits, None)
    } else if profile.reals == all {
        ("double precision", ValueMap::Floating, None)
    } else if profile.integers + profile.reals == all && profile.infinite == 0 {
        ("numeric", ValueMap::Decimal(None), Some("where 5 and 5.0 are the same"))
    } else if profile.blobs == all {
        ("bytea", ValueMap::Bytea, None)
    } else if profile.blobs > 0 || profile.no_text > 0 {
        let mixed = profile.texts < all;
        ("bytea", ValueMap::Bytea, mixed.then_some("where the kinds cannot be told apart"))
    } else if profile.texts == all {
        ("text", ValueMap::Text, None)
    } else {
        ("text", ValueMap::AnyText, Some("where the kinds cannot be told apart"))
    }
}

/// Types of one family can be compared by a reference.
pub(super) fn family(type_name: &str) -> &str {
    let plain = type_name.split('(').next().unwrap_or(type_name);
    match plain {
        "bigint" | "numeric" | "double precision" => "number",
        "text" | "character varying" => "text",
        other => other,
    }
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
