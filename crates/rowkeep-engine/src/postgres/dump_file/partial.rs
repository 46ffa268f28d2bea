//! What a whole dump was made without, in words: rows, or all but rows.

use std::collections::BTreeSet;

use rowkeep_format::TableName;

use super::contents::Contents;
use super::definition::Definitions;
use crate::postgres::schema::cursor::Cursor;

/// How many tables are named.
const MOST_NAMED: usize = 10;

/// Says what a dump of these tables is only a part of; `left_out` are those whose rows it was made without, `held` those that it has
/// rows of.
pub(super) fn told(
    contents: &Contents,
    definitions: &Definitions,
    tables: &BTreeSet<TableName>,
    left_out: &[TableName],
    held: &BTreeSet<TableName>,
) -> Option<String> {
    let makes =
        |sql: &String| sql.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("create "));
    let defines = contents.before.iter().chain(&contents.after).any(makes);
    if !held.is_empty() && !defines {
        return Some(
            "it holds rows alone, as pg_dump --data-only makes them: types, keys, defaults and all other definitions are not in it, so \
             values are as they were printed, such as timestamps in the time zone of that session"
                .to_owned(),
        );
    }
    let alters = |sql: &String| {
        let cursor = Cursor::new(sql);
        cursor.sees(&["alter", "table", "only"])
            || cursor.sees(&["create", "index"])
            || cursor.sees(&["create", "unique"])
    };
    if definitions.tables.is_empty() && held.is_empty() && contents.after.iter().any(alters) {
        return Some(
            "it holds only what comes after rows, as pg_dump --section=post-data makes it: neither tables nor rows are in it"
                .to_owned(),
        );
    }
    if left_out.is_empty() {
        return None;
    }
    if left_out.len() == tables.len() {
        return Some(
            "it holds definitions alone, as pg_dump --schema-only makes them: it was made without the rows of any table"
                .to_owned(),
        );
    }
    let named: Vec<String> = left_out.iter().take(MOST_NAMED).map(TableName::to_string).collect();
    let more = match left_out.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} others"),
    };
    Some(format!("it was made without the rows of {}{more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dump_is_a_part_of_is_said() {
        let names = |names: &[&str]| -> BTreeSet<TableName> {
            names.iter().map(|name| TableName::qualified("s", *name)).collect()
        };
        let of = |before: &str, tables: &[&str], left_out: &[&str], held: &[&str]| {
            let contents = Contents { before: vec![before.to_owned()], ..Contents::default() };
            let left_out: Vec<TableName> = names(left_out).into_iter().collect();
            let mut definitions = Definitions::default();
            definitions.read(before);
            told(&contents, &definitions, &names(tables), &left_out, &names(held)).unwrap_or_default()
        };
        let create = "CREATE TABLE s.a (x integer);";
        assert_eq!(of(create, &["a"], &[], &["a"]), "");
        assert_eq!(of(create, &["a"], &[], &[]), "", "a database of empty tables");
        assert!(of("SET x = 1;", &["a"], &[], &["a"]).contains("rows alone"));
        assert!(of(create, &["a", "b"], &["a", "b"], &[]).contains("definitions alone"));
        assert_eq!(of(create, &["a", "b"], &["a"], &["b"]), "it was made without the rows of s.a");
        let after =
            Contents { after: vec!["CREATE UNIQUE INDEX u ON s.a (x);".into()], ..Contents::default() };
        let said = told(&after, &Definitions::default(), &names(&[]), &[], &names(&[]));
        assert!(said.is_some_and(|said| said.contains("post-data")));
        let many: Vec<String> = (10..22).map(|number| format!("t{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(of(create, &[&many[..], &["z"]].concat(), &many, &["z"]).ends_with("s.t19 and 2 others"));
    }
}
