//! The statement that takes texts as values of columns.

use super::form::Form;
use crate::postgres::quote;

/// The columns that get values.
pub(super) struct Target {
    pub(super) names: Vec<String>,
    pub(super) types: Vec<Type>,
    /// How the row that is there is found, where it can be.
    pub(super) key: Option<Key>,
}

/// The type of a column.
pub(super) struct Type {
    /// As it is declared, as SQL.
    pub(super) name: String,
    /// What it is made of, without a limit.
    pub(super) base: String,
    /// Whether it limits or rounds its values: `varchar(20)`, `numeric(10,2)`.
    pub(super) is_limited: bool,
    /// Its equality as SQL, where it has one.
    pub(super) equality: Option<String>,
    pub(super) form: Form,
}

/// What names the rows of a table.
pub(super) struct Key {
    /// The table as SQL.
    pub(super) table: String,
    pub(super) is_partitioned: bool,
    pub(super) columns: Vec<usize>,
}

impl Target {
    /// One column alone.
    pub(super) fn only(&self, column: usize) -> Self {
        let of = &self.types[column];
        let of = Type {
            name: of.name.clone(),
            base: of.base.clone(),
            is_limited: of.is_limited,
            equality: of.equality.clone(),
            form: of.form.clone(),
        };
        Self { names: vec![self.names[column].clone()], types: vec![of], key: None }
    }
}

/// Gives the values in order, and behind them the first column whose type would change one of them.
///
/// A file may tell less of a value than the database holds: times to the millisecond, numbers without idle zeros, JSON without its
/// white space. Where the row that is there has such a value, it is that one.
pub(super) fn select(target: &Target, texts: &[Vec<Option<String>>]) -> String {
    let (mut arrays, mut aliases, mut inner, mut outer, mut lost) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, of) in target.types.iter().enumerate() {
        arrays.push(format!("{}::text[]", array(texts, at)));
        aliases.push(format!("c{at}"));
        inner.push(format!("CAST(u.c{at} AS {}) AS c{at}", of.name));
        if of.is_limited {
            inner.push(format!("CAST(u.c{at} AS {}) AS p{at}", of.base));
            lost.push(format!("WHEN NOT (v.p{at} = v.c{at}) THEN '{at}'"));
        }
        // The nearest number that the type has is another where the file's has more digits. A `real` may stand there as the double that
        // it is.
        if matches!(&*of.base, "real" | "double precision") {
            let number = format!("CASE WHEN u.c{at} ~ '^[-+0-9.eE]+$' THEN u.c{at}::numeric END");
            inner.push(format!("{number} AS q{at}"));
            let as_double = match &*of.base {
                "real" => {
                    inner.push(format!("CAST(u.c{at} AS double precision) AS d{at}"));
                    format!(" AND v.d{at} <> v.c{at}::double precision")
                }
                _ => String::new(),
            };
            lost.push(format!(
                "WHEN CASE WHEN v.q{at} IS NULL THEN false ELSE v.q{at} <> v.c{at}::text::numeric{as_double} END \
                 THEN '{at}'"
            ));
        }
        let there = format!("t.{}", quote::ident(&target.names[at]));
        let same =
            target.key.as_ref().and_then(|_| of.form.same(&there, &format!("v.c{at}"), &format!("v.m{at}")));
        match same {
            Some(same) => {
                inner.push(format!("u.c{at} LIKE '%.___Z' AS m{at}"));
                outer.push(format!("CASE WHEN {same} THEN {there} ELSE v.c{at} END"));
            }
            None => outer.push(format!("v.c{at}")),
        }
    }
    outer.push(match lost.is_empty() {
        true => "NULL".to_owned(),
        false => format!("CASE {} END", lost.join(" ")),
    });
    let join = target.key.as_ref().map(|key| {
        let only = if key.is_partitioned { "" } else { "ONLY " };
        let on = key.columns.iter().map(|column| {
            let name = quote::ident(&target.names[*column]);
            let equals = target.types[*column].equality.as_deref().unwrap_or("=");
            format!("t.{name} {equals} v.c{column}")
        });
        format!(" LEFT JOIN {only}{} t ON {}", key.table, on.collect::<Vec<_>>().join(" AND "))
    });
    format!(
        "SELECT {} FROM (SELECT u.n, {} FROM unnest({}) WITH ORDINALITY AS u ({}, n)) v{} ORDER BY v.n",
        outer.join(", "),
        inner.join(", "),
        arrays.join(", "),
        aliases.join(", "),
        join.unwrap_or_default()
    )
}

/// The texts of one column as an array.
fn array(texts: &[Vec<Option<String>>], column: usize) -> String {
    let elements = texts.iter().map(|row| match &row[column] {
        None => "NULL".to_owned(),
        Some(text) => element(text),
    });
    quote::literal(&format!("{{{}}}", elements.collect::<Vec<_>>().join(",")))
}

/// A text as an element of an array.
pub(super) fn element(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
