//! Definitions of tables that ask for less, by which rows are put back that do not conform to all of the real one.

use rowkeep_format::Table;

use super::clauses::{is_blank, tokens};
use crate::sqlite::quote::quoted;

/// The collations that SQLite has itself.
const OWN_COLLATIONS: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

/// What ends the type of a column.
const AFTER_TYPE: [&str; 13] = [
    "AS",
    "CHECK",
    "COLLATE",
    "CONSTRAINT",
    "DEFAULT",
    "DEFERRABLE",
    "GENERATED",
    "INITIALLY",
    "NOT",
    "NULL",
    "PRIMARY",
    "REFERENCES",
    "UNIQUE",
];

/// What a constraint of the table begins with.
const OF_TABLE: [&str; 5] = ["CHECK", "CONSTRAINT", "FOREIGN", "PRIMARY", "UNIQUE"];

/// The SQL of a table without the collations that only an application knows.
pub(crate) fn without_foreign_collations(sql: &str) -> String {
    let tokens = tokens(sql);
    let (mut out, mut at) = (String::with_capacity(sql.len()), 0);
    while at < tokens.len() {
        let name = match is(tokens[at], "COLLATE") {
            true => next(&tokens, at),
            false => None,
        };
        match name {
            Some(name) if !is_own_collation(tokens[name].trim_matches(['"', '\'', '`', '[', ']'])) => {
                at = name + 1;
            }
            _ => {
                out.push_str(tokens[at]);
                at += 1;
            }
        }
    }
    out
}

/// Whether SQLite has a collation itself.
pub(crate) fn is_own_collation(name: &str) -> bool {
    OWN_COLLATIONS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The SQL of a table that takes any value in any column, and keeps it in the same pages: without `NOT NULL`, `STRICT` and the types of
/// columns, but for a type that makes the column the rowid, or what is computed what it is.
pub(crate) fn lenient(sql: &str) -> String {
    let tokens = tokens(sql);
    let open = tokens.iter().position(|token| *token == "(").unwrap_or(tokens.len());
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    let (mut depth, mut at) = (0, open);
    while at < tokens.len() {
        match tokens[at] {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        match (tokens[at], depth) {
            (")", 0) => break,
            ("(", 1) if at == open => {}
            (",", 1) => parts.push(Vec::new()),
            (token, _) => parts.last_mut().expect("there is a first").push(token),
        }
        at += 1;
    }
    let is_of_table = |part: &[&str]| {
        let first = part.iter().find(|token| !is_blank(token));
        first.is_some_and(|first| OF_TABLE.iter().any(|word| is(first, word)))
    };
    let key_is_apart =
        parts.iter().any(|part| is_of_table(part) && part.iter().any(|token| is(token, "PRIMARY")));
    let has_no_rowid = tokens[at.min(tokens.len())..].iter().any(|token| is(token, "WITHOUT"));
    let parts = parts.iter().map(|part| match is_of_table(part) {
        true => part.concat(),
        false => lenient_column(part, !has_no_rowid, key_is_apart),
    });
    format!(
        "{}({}){}",
        tokens[..open].concat(),
        parts.collect::<Vec<_>>().join(","),
        if has_no_rowid { " WITHOUT ROWID" } else { "" }
    )
}

/// A column without `NOT NULL`, and without its type.
fn lenient_column(part: &[&str], has_rowid: bool, key_is_apart: bool) -> String {
    let Some(name) = part.iter().position(|token| !is_blank(token)) else { return part.concat() };
    let mut depth = 0;
    let outside: Vec<bool> = part
        .iter()
        .map(|token| {
            depth += i32::from(*token == "(") - i32::from(*token == ")");
            depth == 0 && *token != ")"
        })
        .collect();
    let ends_type = |at: usize| outside[at] && AFTER_TYPE.iter().any(|word| is(part[at], word));
    let rest = (name + 1..part.len()).find(|at| ends_type(*at)).unwrap_or(part.len());
    let has = |word: &str| (rest..part.len()).any(|at| outside[at] && is(part[at], word));
    let mut type_name = part[name + 1..rest].iter().filter(|token| !is_blank(token));
    let is_integer = type_name.next().is_some_and(|word| is(word, "INTEGER")) && type_name.next().is_none();
    let keeps_type = has("AS") || is_integer && has_rowid && (key_is_apart || has("PRIMARY"));

    let mut out = part[..=name].concat() + " ";
    if keeps_type {
        out += &part[name + 1..rest].concat();
    }
    let mut at = rest;
    while at < part.len() {
        let second =
            next(part, at).filter(|second| outside[at] && is(part[at], "NOT") && is(part[*second], "NULL"));
        let Some(second) = second else {
            out += part[at];
            at += 1;
            continue;
        };
        at = second + 1;
        // What is done about a conflict goes with it.
        let conflict = next(part, second).filter(|on| is(part[*on], "ON")).and_then(|on| next(part, on));
        if let Some(how) =
            conflict.filter(|word| is(part[*word], "CONFLICT")).and_then(|word| next(part, word))
        {
            at = how + 1;
        }
    }
    out
}

/// The SQL of a table of nothing but the columns that rows have.
pub(crate) fn plain(table: &Table) -> String {
    let key = &table.key.columns;
    let column = |(place, column): (usize, &rowkeep_format::Column)| {
        let is_rowid = key.len() == 1 && key[0].column == place && is(&column.type_name, "INTEGER");
        format!("{}{}", quoted(&column.name), if is_rowid { " INTEGER PRIMARY KEY" } else { "" })
    };
    let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden).map(column);
    format!("CREATE TABLE {} ({})", quoted(&table.name.name), columns.collect::<Vec<_>>().join(", "))
}

/// The statements that make a table again by its own definition, of the rows that it has; what belongs to it follows.
pub(crate) fn made_again(table: &Table, sql: &str) -> String {
    let name = quoted(&table.name.name);
    let columns = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let kept = (0..table.columns.len()).map(|place| format!("c{place}")).collect::<Vec<_>>().join(", ");
    format!(
        "PRAGMA foreign_keys = OFF;\nCREATE TEMP TABLE rowkeep_kept ({kept});\n\
         INSERT INTO temp.rowkeep_kept SELECT {columns} FROM main.{name};\nDROP TABLE main.{name};\n{sql};\n\
         INSERT INTO main.{name} ({columns}) SELECT {kept} FROM temp.rowkeep_kept;\nDROP TABLE temp.rowkeep_kept;"
    )
}

fn is(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

/// The token after another that is no blank.
fn next(tokens: &[&str], at: usize) -> Option<usize> {
    (at + 1..tokens.len()).find(|next| !is_blank(tokens[*next]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_an_applications_collations_go() {
        for (sql, expected) in [
            ("CREATE TABLE t (a TEXT COLLATE unicase PRIMARY KEY)", "CREATE TABLE t (a TEXT  PRIMARY KEY)"),
            (
                "CREATE TABLE t (a collate \"Own\", b COLLATE nocase, \"collate\" DEFAULT 'collate x', UNIQUE (a COLLATE [own] DESC))",
                "CREATE TABLE t (a , b COLLATE nocase, \"collate\" DEFAULT 'collate x', UNIQUE (a  DESC))",
            ),
        ] {
            assert_eq!(without_foreign_collations(sql), expected);
        }
    }

    #[test]
    fn what_is_lenient_takes_all_and_keeps_its_pages() {
        for (sql, expected) in [
            (
                "CREATE TABLE t (a INT NOT NULL, b varchar(9, 2) CONSTRAINT n NOT NULL ON CONFLICT FAIL DEFAULT (NULL), c)",
                "CREATE TABLE t (a ,b CONSTRAINT n  DEFAULT (NULL), c)",
            ),
            (
                "CREATE TABLE \"t (\" (id INTEGER PRIMARY KEY, n INTEGER CHECK (n NOT NULL), g TEXT NOT NULL AS (n) STORED) STRICT",
                "CREATE TABLE \"t (\" (id  INTEGER PRIMARY KEY, n CHECK (n NOT NULL), g  TEXT  AS (n) STORED)",
            ),
            (
                "CREATE TABLE t (a INTEGER, b TEXT NOT NULL, PRIMARY KEY (a)) strict, without rowid",
                "CREATE TABLE t (a , b , PRIMARY KEY (a)) WITHOUT ROWID",
            ),
            (
                "CREATE TABLE t (a INTEGER NOT NULL, b INT, PRIMARY KEY (a))",
                "CREATE TABLE t (a  INTEGER , b , PRIMARY KEY (a))",
            ),
        ] {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&lenient(sql)), words(expected), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(sql: String) {
            let _ = (lenient(&format!("CREATE TABLE t ({sql}")), without_foreign_collations(&sql));
        }
    }
}
