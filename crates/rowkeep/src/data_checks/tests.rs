use std::path::Path;

use rowkeep_engine::QueryRows;
use rowkeep_format::{RowBatch, TableName, Value};

use super::judge::{self, Wrong};
use super::read::read_file;
use super::*;
use crate::rows::times;

fn read(text: &str) -> Result<Vec<Check>, String> {
    read_file(text, Path::new("checks.toml")).map_err(|error| error.to_string())
}

fn only(fields: &str) -> Result<Demand, String> {
    read(&format!("[[checks]]\n{fields}")).map(|mut checks| checks.remove(0).demand)
}

#[test]
fn every_demand_is_read() {
    let table = || "t".to_owned();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (fields, demand) in [
        ("table = 't'\nmin_rows = 3", Demand::MinRows { table: table(), rows: 3 }),
        ("table = 't'\nrows_within_percent = 2.5", Demand::RowsWithin { table: table(), percent: 2.5 }),
        ("no_orphans = true", Demand::NoOrphans { table: None }),
        ("no_orphans = true\ntable = 't'", Demand::NoOrphans { table: Some(table()) }),
        (
            "no_orphans = true\ntable = 't'\ncolumns = 'a'\nreferences = 'p'\nreferenced_columns = ['b']",
            Demand::NoOrphansOf {
                table: table(),
                columns: names(&["a"]),
                references: "p".into(),
                referenced_columns: names(&["b"]),
            },
        ),
        (
            "table = 't'\ncolumn = 'c'\nvalues = ['new', 1, 2.5, true]",
            Demand::Values {
                table: table(),
                column: "c".into(),
                values: vec![
                    Allowed::Text("new".into()),
                    Allowed::Integer(1),
                    Allowed::Number(2.5),
                    Allowed::Boolean(true),
                ],
            },
        ),
        ("table = 't'\nnot_null = 'c'", Demand::NotNull { table: table(), columns: names(&["c"]) }),
        (
            "table = 't'\nno_rows = \"a = 'x' AND b IS NULL\"",
            Demand::NoRows { table: table(), condition: "a = 'x' AND b IS NULL".into() },
        ),
        ("table = 't'\nunique = ['a', 'b']", Demand::Unique { table: table(), columns: names(&["a", "b"]) }),
        (
            "table = 't'\nnewest = 'at'\nmax_age = '24h'",
            Demand::Newest { table: table(), column: "at".into(), max_age_seconds: 86_400 },
        ),
        (
            "sql = 'SELECT 1'\nexpect = 'true'\nmax_ms = 50",
            Demand::Sql { sql: "SELECT 1".into(), expect: Some(Expect::True), max_ms: Some(50) },
        ),
    ] {
        assert_eq!(only(fields), Ok(demand), "{fields}");
    }
    let named = read("[[checks]]\nname = 'few'\nlevel = 'warning'\ntable = 't'\nmin_rows = 1");
    let named = named.expect("it is well formed");
    assert_eq!((named[0].title().as_str(), named[0].level), ("few", Level::Warning));
}

#[test]
fn what_cannot_be_meant_is_said() {
    for (fields, says) in [
        ("table = 't'", "checks.toml: check 1: says nothing that must hold; give one of min_rows, "),
        ("table = 't'\nmin_rows = 1\nunique = 'a'", "has min_rows and unique; make a check of each"),
        ("min_rows = 1", "table is missing"),
        (
            "name = 'n'\ntable = 't'\nmin_rows = 1\nmax_age = '1h'",
            "check \"n\": max_age has no meaning beside min_rows",
        ),
        ("table = 't'\nrows_within_percent = -1", "no percentage"),
        ("table = 't'\nvalues = ['a']", "column is missing"),
        ("table = 't'\ncolumn = 'c'\nvalues = []", "values is empty"),
        ("table = 't'\ncolumn = 'c'\nvalues = [inf]", "infinite"),
        ("table = 't'\nunique = []", "unique is missing"),
        ("table = 't'\nnewest = 'at'", "max_age is missing"),
        ("table = 't'\nnewest = 'at'\nmax_age = 'soon'", "\"soon\" is no length of time"),
        ("no_orphans = false", "demands nothing"),
        ("table = 't'\nno_rows = 'a = '", "check 1: no_rows: "),
        ("table = 't'\nno_rows = 'a = 1) UNION (SELECT 1'", "no_rows: "),
        ("no_orphans = true\ntable = 't'\nreferences = 'p'", "columns is missing"),
        (
            "no_orphans = true\ntable = 't'\nreferences = 'p'\ncolumns = ['a', 'b']\nreferenced_columns = 'a'",
            "differ in number",
        ),
        ("sql = 'SELECT 1'", "sql needs expect"),
        ("sql = ' '\nmax_ms = 1", "sql is empty"),
        ("sql = 'SELECT 1'\nexpect = 'much'", "unknown variant `much`, expected `nothing` or `true`"),
        ("table = 't'\nmin_row = 1", "unknown field `min_row`, expected one of `name`, `level`"),
        ("table = 't'\nmin_rows = -1", "invalid value"),
    ] {
        let error = only(fields).expect_err(fields);
        assert!(error.contains(says), "{fields}: {error}");
    }
}

#[test]
fn statements_are_as_both_engines_understand_them() {
    let (child, parent) = (TableName::qualified("my \"s", "child"), TableName::plain("parent"));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let dialect = |engine| rowkeep_engine::dialect_of(engine).expect("it is known");
    let (server, file) = (dialect("postgresql"), dialect("sqlite"));
    assert_eq!(sql::rows(server, &child), "SELECT count(*) FROM \"my \"\"s\".\"child\"");
    assert_eq!(sql::newest(server, &parent, "at"), "SELECT max(\"at\") FROM \"parent\"");
    let orphans = sql::orphans(server, &child, &names(&["a", "b"]), &parent, &names(&["x", "y"]));
    assert_eq!(
        orphans.count,
        "SELECT count(*) FROM \"my \"\"s\".\"child\" c WHERE c.\"a\" IS NOT NULL AND c.\"b\" IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM \"parent\" p WHERE p.\"x\" = c.\"a\" AND p.\"y\" = c.\"b\")"
    );
    let allowed = [Allowed::Text("it's".into()), Allowed::Boolean(true), Allowed::Integer(3)];
    assert_eq!(
        sql::values(server, &parent, "c", &allowed).count,
        "SELECT count(*) FROM \"parent\" WHERE \"c\" IS NOT NULL AND NOT \
         (CAST(\"c\" AS text) IN ('it''s', 'true') OR \"c\" IN (3))"
    );
    assert!(sql::values(file, &parent, "c", &allowed).count.ends_with("IN ('it''s') OR \"c\" IN (1, 3))"));
    assert_eq!(
        sql::nulls(server, &parent, &names(&["a", "b"]), &names(&["id"])).sample.as_deref(),
        Some("SELECT \"id\" FROM \"parent\" WHERE \"a\" IS NULL OR \"b\" IS NULL ORDER BY \"id\" LIMIT 5")
    );
    assert_eq!(sql::nulls(server, &parent, &names(&["a"]), &[]).sample, None);
    assert_eq!(
        sql::duplicates(server, &parent, &names(&["a", "b"])).count,
        "SELECT count(*) FROM (SELECT 1 AS one FROM \"parent\" WHERE \"a\" IS NOT NULL AND \"b\" IS NOT NULL \
         GROUP BY \"a\", \"b\" HAVING count(*) > 1) AS d"
    );
}

fn rows(rows: &[&[&str]]) -> judge::Rows {
    rows.iter().map(|row| row.iter().map(|value| (*value).to_owned()).collect()).collect()
}

#[test]
fn values_read_the_same_whatever_the_engine_calls_them() {
    let mut batch = RowBatch::new(2);
    batch.push_row([Value::Text(b"42"), Value::Null]);
    batch.push_row([Value::Integer(42), Value::Real(2.5f64.to_bits())]);
    batch.push_row([Value::Blob(&[0, 255]), Value::Text("é".repeat(70).as_bytes())]);
    let answer = QueryRows { columns: vec!["a".into(), "b".into()], rows: batch, more: false };
    let read = judge::rows(&answer);
    let long = format!("{}…", "é".repeat(60));
    assert_eq!(read, rows(&[&["42", "NULL"], &["42", "2.5"], &["x'00ff'", &long]]));
    assert_eq!(judge::number(&read), Some(42));
    assert_eq!(judge::number(&rows(&[])), None);
}

#[test]
fn numbers_of_rows_are_judged() {
    assert!(judge::min_rows(3, 3).holds && !judge::min_rows(2, 3).holds);
    for (now, before, percent, holds) in [
        (90, 100, 10.0, true),
        (89, 100, 10.0, false),
        (111, 100, 10.0, false),
        (0, 0, 0.0, true),
        (1, 0, 50.0, false),
    ] {
        assert_eq!(judge::rows_within(now, before, percent).holds, holds, "{now} {before}");
    }
    assert_eq!(judge::rows_within(890, 1000, 10.0).detail, "890 rows, and 1,000 in the snapshot (-11.0 %)");
}

#[test]
fn what_is_wrong_is_shown() {
    let columns = ["status".to_owned()];
    let verdict = judge::none_of(Wrong::Values, 1200, &rows(&[&["lost", "1199"], &["LOST", "1"]]), &columns);
    assert_eq!(verdict.detail, "1,200 rows have values that are not allowed");
    assert_eq!(verdict.samples, ["status = lost (1,199 rows)", "status = LOST (1 row)"]);
    assert!(judge::none_of(Wrong::Values, 0, &rows(&[]), &columns).holds);
    let nulls = judge::none_of(Wrong::Nulls, 1, &rows(&[&["7", "8"]]), &["a".to_owned(), "b".to_owned()]);
    assert_eq!((nulls.detail.as_str(), nulls.samples), ("1 row has NULL", vec!["a = 7, b = 8".to_owned()]));
    let duplicates = judge::none_of(Wrong::Duplicates, 1, &rows(&[&["x", "3"]]), &columns);
    assert_eq!(duplicates.detail, "1 value is there more than once");
    assert_eq!(judge::none_of(Wrong::Orphans, 2, &rows(&[]), &columns).detail, "2 rows refer to none");
}

#[test]
fn ages_are_judged() {
    let now = "2026-11-21T12:00:00Z".parse().expect("it is a time");
    let newest = |value: &str, age| judge::newest(&rows(&[&[value]]), now, age);
    assert!(newest("2026-11-21 11:00:00", 3600).holds);
    let old = newest("2026-11-20 11:00:00+00", 3600);
    assert!(!old.holds);
    assert_eq!(old.detail, "the newest is 1 d 1 h old, of 2026-11-20 11:00:00+00; 1 h are allowed");
    assert!(newest("2027-01-01", 0).holds, "what lies ahead is not old");
    assert_eq!(newest("NULL", 1).detail, "there is no row with a time");
    assert_eq!(newest("infinity", 1).detail, "the newest is \"infinity\", which is no time");
}

#[test]
fn times_are_read_in_the_forms_that_databases_have() {
    let expected = "2026-11-21T10:00:00Z".parse().expect("it is a time");
    for text in [
        "2026-11-21 10:00:00",
        "2026-11-21T10:00:00Z",
        "2026-11-21 10:00:00+00",
        "2026-11-21 15:30:00+05:30",
        "2026-11-21 02:00:00.000-08",
        "1795255200",
        "1795255200000",
    ] {
        assert_eq!(times::read(text), Some(expected), "{text}");
    }
    assert_eq!(times::read("2026-11-21"), Some("2026-11-21T00:00:00Z".parse().expect("it is a time")));
    for text in ["", "yesterday", "-infinity", "2026-13-01", "99999999999999999999", "9223372036854775807"] {
        assert_eq!(times::read(text), None, "{text}");
    }
}

#[test]
fn statements_are_judged_by_what_they_return() {
    let columns = ["n".to_owned()];
    let judged = |found: &[&[&str]], more, expect| {
        judge::statement(&columns, &rows(found), more, Some(expect), 5, None)
    };
    assert!(judged(&[], false, Expect::Nothing).holds);
    let wrong = judged(&[&["1"], &["2"]], true, Expect::Nothing);
    assert_eq!((wrong.detail.as_str(), wrong.samples.len()), ("returned more than 2 rows", 2));
    for (value, holds) in [
        ("t", true),
        ("true", true),
        ("1", true),
        ("2.5", true),
        ("0", false),
        ("f", false),
        ("NULL", false),
        ("NaN", false),
    ] {
        assert_eq!(judged(&[&[value]], false, Expect::True).holds, holds, "{value}");
    }
    assert!(!judged(&[&["1"], &["1"]], false, Expect::True).holds);
    assert!(!judged(&[&["1", "1"]], false, Expect::True).holds);
    assert!(!judged(&[], false, Expect::True).holds);
    let in_time = |ms, max| judge::statement(&columns, &rows(&[&["9"]]), true, None, ms, Some(max));
    assert!(in_time(5, 5).holds);
    assert_eq!(in_time(1200, 5).detail, "in 1,200 ms; 5 are allowed");
    let both = judge::statement(&columns, &rows(&[]), false, Some(Expect::Nothing), 9, Some(5));
    assert_eq!((both.holds, both.detail.as_str()), (false, "returned nothing, in 9 ms; 5 are allowed"));
}
