//! Definitions of tables that ask for less, by which rows are put back that do not conform to all of the real one.

use rowkeep_format::Table;

use super::clauses::{is_blank, tokens};
use crate::sqlite::literal::literal;
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
    let own_key = parts.iter().position(|part| !is_of_table(part) && is_integer_key(part));
    let mut written = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        written.push(match is_of_table(part) {
            true => part.concat(),
            false => lenient_column(part, has_no_rowid, key_is_apart, own_key == Some(number)),
        });
    }
    // Without a rowid, SQLite makes the index of a key that is one INTEGER column after all others, and numbers it so.
    let last = match own_key.and_then(|own| parts[own].iter().find(|token| !is_blank(token))) {
        _ if !has_no_rowid => None,
        Some(column) => Some(format!("PRIMARY KEY ({column})")),
        None => {
            let key = parts.iter().position(|part| is_of_table(part) && has(part, "PRIMARY"));
            key.filter(|key| is_of_one_integer(&parts, *key)).map(|key| written.remove(key))
        }
    };
    written.extend(last);
    format!(
        "{}({}){}",
        tokens[..open].concat(),
        written.join(","),
        if has_no_rowid { " WITHOUT ROWID" } else { "" }
    )
}

/// Which tokens of a part are in no parentheses.
fn outside(part: &[&str]) -> Vec<bool> {
    let mut depth = 0;
    let depths = part.iter().map(|token| {
        depth += i32::from(*token == "(") - i32::from(*token == ")");
        depth == 0 && *token != ")"
    });
    depths.collect()
}

/// Whether a part has a word in no parentheses.
fn has(part: &[&str], word: &str) -> bool {
    outside(part).iter().zip(part).any(|(outside, token)| *outside && is(token, word))
}

/// Where the type of a column begins and ends.
fn type_of(part: &[&str]) -> (usize, usize) {
    let outside = outside(part);
    let name = part.iter().position(|token| !is_blank(token)).unwrap_or(part.len().saturating_sub(1));
    let ends_type = |at: &usize| outside[*at] && AFTER_TYPE.iter().any(|word| is(part[*at], word));
    let rest = (name + 1..part.len()).find(ends_type).unwrap_or(part.len());
    (name + 1, rest.max(name + 1))
}

/// Whether the type of a column is the one of rowids.
fn is_integer(part: &[&str]) -> bool {
    let (begin, end) = type_of(part);
    let mut words = part.get(begin..end).unwrap_or_default().iter().filter(|token| !is_blank(token));
    words.next().is_some_and(|word| is(word, "INTEGER")) && words.next().is_none()
}

/// Whether a column alone is the key, as rowids are.
fn is_integer_key(part: &[&str]) -> bool {
    let key = part.iter().position(|token| is(token, "PRIMARY")).and_then(|at| next(part, at));
    let descends = key.and_then(|key| next(part, key)).is_some_and(|after| is(part[after], "DESC"));
    is_integer(part) && has(part, "PRIMARY") && !descends
}

/// Whether a key of the table is one column of the type of rowids.
fn is_of_one_integer(parts: &[Vec<&str>], key: usize) -> bool {
    let named = |token: &str| token.trim_matches(['"', '\'', '`', '[', ']']).to_ascii_lowercase();
    let key = &parts[key];
    let open = key.iter().position(|token| *token == "(").unwrap_or(key.len());
    let column = next(key, open).map(|at| named(key[at]));
    let is_it =
        |part: &&Vec<&str>| part.iter().find(|token| !is_blank(token)).map(|name| named(name)) == column;
    !key.contains(&",") && parts.iter().find(is_it).is_some_and(|part| is_integer(part))
}

/// A column without `NOT NULL`, and without its type; and without its key, where that is to stand apart.
fn lenient_column(part: &[&str], has_no_rowid: bool, key_is_apart: bool, is_own_key: bool) -> String {
    let Some(name) = part.iter().position(|token| !is_blank(token)) else { return part.concat() };
    let outside = outside(part);
    let (_, rest) = type_of(part);
    let is_rowid = is_integer(part) && !has_no_rowid && (key_is_apart || has(part, "PRIMARY"));
    let keeps_type = has(&part[rest..], "AS") || is_rowid;
    let goes = |at: usize, first: &str, second: &str| {
        next(part, at).filter(|next| outside[at] && is(part[at], first) && is(part[*next], second))
    };

    let mut out = part[..=name].concat() + " ";
    if keeps_type {
        out += &part[name + 1..rest].concat();
    }
    let mut at = rest;
    while at < part.len() {
        let key = goes(at, "PRIMARY", "KEY").filter(|_| is_own_key && has_no_rowid);
        let ascending = |key: usize| next(part, key).filter(|after| is(part[*after], "ASC"));
        let key = key.map(|key| ascending(key).unwrap_or(key));
        let Some(second) = key.or_else(|| goes(at, "NOT", "NULL")) else {
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

/// The statements that make a table again by its own definition, of the rows that it has; what belongs to it follows. Rows that do not
/// conform to the definition are put back under one that takes them.
pub(crate) fn made_again(table: &Table, sql: &str, has_odd_rows: bool) -> String {
    let name = quoted(&table.name.name);
    let columns = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let kept = (0..table.columns.len()).map(|place| format!("c{place}")).collect::<Vec<_>>().join(", ");
    let (made, then) = match has_odd_rows {
        true => (lenient(sql), format!("\n{}", redefined(table, sql))),
        false => (sql.to_owned(), String::new()),
    };
    // A table that goes takes with it the largest rowid that it ever had.
    let (before, after) = match tokens(sql).iter().any(|token| is(token, "AUTOINCREMENT")) {
        true => (
            format!(
                "CREATE TEMP TABLE rowkeep_sequence AS SELECT * FROM main.sqlite_sequence WHERE name = {};\n",
                literal(&table.name.name)
            ),
            format!(
                "\nDELETE FROM main.sqlite_sequence WHERE name = {};\n\
                 INSERT INTO main.sqlite_sequence SELECT * FROM temp.rowkeep_sequence;\nDROP TABLE temp.rowkeep_sequence;",
                literal(&table.name.name)
            ),
        ),
        false => Default::default(),
    };
    format!(
        "PRAGMA foreign_keys = OFF;\n{before}CREATE TEMP TABLE rowkeep_kept ({kept});\n\
         INSERT INTO temp.rowkeep_kept SELECT {columns} FROM main.{name};\nDROP TABLE main.{name};\n{made};\n\
         INSERT INTO main.{name} ({columns}) SELECT {kept} FROM temp.rowkeep_kept;\nDROP TABLE temp.rowkeep_kept;{after}{then}"
    )
}

/// The statements that give a table another definition of the same pages.
fn redefined(table: &Table, sql: &str) -> String {
    format!(
        "PRAGMA writable_schema = ON;\n\
         UPDATE sqlite_schema SET sql = {} WHERE type = 'table' AND name = {};\n\
         PRAGMA writable_schema = RESET;",
        literal(sql),
        literal(&table.name.name)
    )
}

/// SQL that computes anew what a table computes, for whoever has the functions that its definition names. Rows that are there under
/// another definition keep their values under that one alone.
pub(crate) fn computed_again(table: &Table, definition: &str, for_now: &str) -> String {
    let (name, column) = (quoted(&table.name.name), table.columns.last());
    let column = column.map_or_else(String::new, |column| quoted(&column.name));
    // First the indexes that compute, which hold NULL; then the values that are stored; then the indexes of those.
    let computing = format!("REINDEX {name};\nUPDATE {name} SET {column} = {column};\nREINDEX {name};");
    let computing = match definition == for_now {
        true => computing,
        false => format!("{}\n{computing}\n{}", redefined(table, for_now), redefined(table, definition)),
    };
    format!("PRAGMA foreign_keys = OFF;\n{computing}")
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
                "CREATE TABLE t (a INTEGER PRIMARY KEY ASC ON CONFLICT FAIL NOT NULL, b TEXT UNIQUE, UNIQUE (b, a)) WITHOUT ROWID",
                "CREATE TABLE t (a , b UNIQUE, UNIQUE (b, a), PRIMARY KEY (a)) WITHOUT ROWID",
            ),
            (
                "CREATE TABLE t (\"A\" INTEGER, b UNIQUE, CONSTRAINT k PRIMARY KEY (a DESC), UNIQUE (b, a)) WITHOUT ROWID",
                "CREATE TABLE t (\"A\" , b UNIQUE, UNIQUE (b, a), CONSTRAINT k PRIMARY KEY (a DESC)) WITHOUT ROWID",
            ),
            (
                "CREATE TABLE t (a INTEGER PRIMARY KEY DESC, b INT UNIQUE) WITHOUT ROWID",
                "CREATE TABLE t (a PRIMARY KEY DESC, b UNIQUE) WITHOUT ROWID",
            ),
            (
                "CREATE TABLE t (a INTEGER NOT NULL, b INT, PRIMARY KEY (a))",
                "CREATE TABLE t (a  INTEGER , b , PRIMARY KEY (a))",
            ),
        ] {
            // Blanks around commas and parentheses say nothing.
            let words = |text: &str| {
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                words.replace(" ,", ",").replace(", ", ",").replace(" )", ")")
            };
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
