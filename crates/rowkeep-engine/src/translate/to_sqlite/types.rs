//! The type of SQLite that holds every value of a type of PostgreSQL.

use crate::examination::counted;
use crate::outline::profile::{ColumnProfile, Shape};
use crate::outline::tables::ColumnOutline;
use crate::translate::value::ValueMap;

/// A type, what becomes of values, and what is worth knowing of the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) type_name: &'static str,
    pub(super) map: ValueMap,
    pub(super) note: Option<String>,
}

/// Digits that an integer of SQLite holds, whatever they are.
const INTEGER_DIGITS: usize = 18;

/// What values of a type are looked at for.
pub(super) fn shape(type_name: &str) -> Shape {
    match plain(type_name) {
        "real" | "double precision" => Shape::Float,
        "numeric" if is_whole(type_name) => Shape::Integer,
        // What a domain is made of is not known where rows are looked at.
        name if name.contains('.') => Shape::Float,
        _ => Shape::Any,
    }
}

/// The name of a type without what is in parentheses.
fn plain(type_name: &str) -> &str {
    // An array is another type.
    if type_name.ends_with(']') { type_name } else { type_name.split('(').next().unwrap_or(type_name) }
}

/// Whether a `numeric` has no digits after the point, and few enough before it.
fn is_whole(type_name: &str) -> bool {
    let arguments = type_name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let mut numbers = arguments.unwrap_or_default().split(',').map(|number| number.trim().parse::<usize>());
    let digits = numbers.next().and_then(Result::ok);
    let scale = numbers.next();
    digits.is_some_and(|digits| digits <= INTEGER_DIGITS) && matches!(scale, None | Some(Ok(0)))
}

/// Chooses the type of a column.
pub(super) fn choose(column: &ColumnOutline, profile: &ColumnProfile) -> Chosen {
    let chosen = |type_name: &'static str, map: ValueMap| Chosen { type_name, map, note: None };
    let noted = |note: String| Chosen { type_name: "TEXT", map: ValueMap::Text, note: Some(note) };
    let declared = &column.declared;
    if !column.labels.is_empty() {
        return noted(format!("enumeration {declared} becomes TEXT, with a CHECK of its labels"));
    }
    let name = plain(&column.base);
    let chosen = match name {
        "smallint" | "integer" | "bigint" | "oid" => chosen("INTEGER", ValueMap::FromDigits),
        "boolean" => chosen("BOOLEAN", ValueMap::FromBoolean),
        "numeric" if is_whole(&column.base) && profile.only_shaped() && declared == &column.base => {
            chosen("INTEGER", ValueMap::FromDigits)
        }
        "numeric" => noted(format!(
            "{declared} becomes TEXT with all its digits: it is compared and sorted as text, unless cast"
        )),
        "real" | "double precision" if profile.only_shaped() => Chosen {
            note: (profile.negative_zeros > 0).then(|| {
                let zeros = counted(profile.negative_zeros as usize, "value");
                format!("{declared} becomes REAL, and {zeros} of -0 in it 0: SQLite keeps no sign of zero")
            }),
            ..chosen("REAL", ValueMap::FromFloating)
        },
        "real" | "double precision" => {
            noted(format!("{declared} becomes TEXT, for it holds NaN, which SQLite has not"))
        }
        "bytea" => chosen("BLOB", ValueMap::FromBytea),
        "date" => chosen("DATE", ValueMap::Text),
        "uuid" => chosen("UUID", ValueMap::Text),
        _ if name.starts_with("timestamp") && column.base.ends_with("without time zone") => {
            chosen("TIMESTAMP", ValueMap::Text)
        }
        _ if name.starts_with("timestamp") && column.base.ends_with("with time zone") => {
            chosen("TIMESTAMPTZ", ValueMap::FromInstant)
        }
        _ if name.starts_with("time") && column.base.ends_with("without time zone") => {
            chosen("TIME", ValueMap::Text)
        }
        "text" | "character varying" | "json" | "jsonb" | "name" | "citext" | "public.citext" => {
            chosen("TEXT", ValueMap::Text)
        }
        "character" | "\"char\"" => chosen("TEXT", ValueMap::Text),
        _ => noted(format!("{declared} becomes TEXT, as PostgreSQL prints it")),
    };
    match chosen.note {
        None if declared != &column.base => {
            let note = format!("domain {declared} becomes {}", chosen.type_name);
            Chosen { note: Some(note), ..chosen }
        }
        _ => chosen,
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{RowBatch, Value};

    use super::*;
    use crate::outline::profile::TableProfile;

    fn chosen(declared: &str, base: &str, values: &[&str]) -> Chosen {
        let column = ColumnOutline {
            source: 0,
            name: "c".into(),
            declared: declared.into(),
            base: base.into(),
            labels: Vec::new(),
            not_null: false,
            default: None,
            numbered: None,
        };
        let mut batch = RowBatch::new(1);
        values.iter().for_each(|value| batch.push_row([Value::Text(value.as_bytes())]));
        let mut profile = TableProfile::new([shape(declared)]);
        profile.observe(&batch);
        choose(&column, &profile.columns[0])
    }

    #[test]
    fn types_that_lose_nothing_are_chosen_without_a_note() {
        for (declared, values, expected) in [
            ("smallint", vec!["-1"], "INTEGER"),
            ("boolean", vec!["t"], "BOOLEAN"),
            ("numeric(18,0)", vec!["999999999999999999"], "INTEGER"),
            ("real", vec!["1.5", "Infinity"], "REAL"),
            ("double precision", vec![], "REAL"),
            ("bytea", vec![], "BLOB"),
            ("character varying(9)", vec![], "TEXT"),
            ("character(9)", vec![], "TEXT"),
            ("jsonb", vec![], "TEXT"),
            ("uuid", vec![], "UUID"),
            ("date", vec![], "DATE"),
            ("time without time zone", vec![], "TIME"),
            ("timestamp(3) without time zone", vec![], "TIMESTAMP"),
            ("timestamp with time zone", vec![], "TIMESTAMPTZ"),
        ] {
            let chosen = chosen(declared, declared, &values);
            assert_eq!((chosen.type_name, chosen.note), (expected, None), "{declared}");
        }
    }

    #[test]
    fn other_types_become_text_and_are_noted() {
        for (declared, values) in [
            ("numeric", vec!["1"]),
            ("numeric(10,2)", vec!["1.00"]),
            ("numeric(19,0)", vec!["1"]),
            ("numeric(5,0)", vec!["NaN"]),
            ("double precision", vec!["NaN"]),
            ("integer[]", vec!["{1}"]),
            ("character varying(9)[]", vec!["{a}"]),
            ("interval", vec!["01:00:00"]),
            ("time with time zone", vec!["10:00:00+00"]),
            ("int4range", vec!["[1,2)"]),
            ("public.pair", vec!["(1,2)"]),
            ("money", vec!["$1.00"]),
        ] {
            let chosen = chosen(declared, declared, &values);
            assert_eq!((chosen.type_name, chosen.note.is_some()), ("TEXT", true), "{declared}");
        }
        let zero = chosen("real", "real", &["0", "-0", "-0.5"]);
        assert_eq!((zero.type_name, zero.map), ("REAL", ValueMap::FromFloating));
        assert!(zero.note.is_some_and(|note| note.contains("1 value of -0")));
        let domain = chosen("public.whole", "integer", &["5"]);
        assert_eq!((domain.type_name, domain.note.is_some()), ("INTEGER", true));
        assert_eq!(chosen("public.rate", "double precision", &["NaN"]).type_name, "TEXT");
        assert_eq!(chosen("public.rate", "double precision", &["0.5"]).type_name, "REAL");
        assert_eq!(chosen("public.code", "numeric(5,0)", &["NaN"]).type_name, "TEXT");
    }

    /// No type name may have an affinity that changes what is stored under it.
    #[test]
    fn affinities_keep_values() {
        let connection = rusqlite::Connection::open_in_memory().expect("memory is there");
        for (type_name, text) in [
            ("TEXT", "1.10"),
            ("DATE", "2024-01-01"),
            ("DATE", "infinity"),
            ("TIME", "10:00:00"),
            ("TIMESTAMP", "2024-01-01 00:00:00"),
            ("TIMESTAMPTZ", "-infinity"),
            ("UUID", "00000000-0000-0000-0000-000000000001"),
        ] {
            let sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t (c {type_name})");
            connection.execute_batch(&sql).expect("the table is made");
            connection.execute("INSERT INTO t VALUES (?)", [text]).expect("a row goes in");
            let kept: String =
                connection.query_row("SELECT c FROM t", [], |row| row.get(0)).expect("it is still text");
            assert_eq!(kept, text, "{type_name}");
        }
    }
}
