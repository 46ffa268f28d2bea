//! The rows of a table that differ between two states, before and after, some of which are to come back.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use rowkeep::units::plain;
use serde_json::Value;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{count, part, short};
use super::values::told;
use super::visitor::Visitor;
use crate::access::Role;
use crate::web::differences;
use crate::web::extract::{Named, Words};
use crate::web::names::{LIVE, known};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// So many rows are shown at once.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "differences.html")]
struct DifferencesPage {
    frame: Frame,
    database: String,
    part: String,
    table: String,
    before: String,
    after: String,
    before_named: String,
    inserted: String,
    updated: String,
    deleted: String,
    rows: Vec<Row>,
    can_restore: bool,
    next: Option<String>,
}

struct Row {
    kind: &'static str,
    word: &'static str,
    colour: &'static str,
    /// By which a restore names it: as people read it, and as a form sends it, for browsers change ends of lines.
    key: Option<(String, String)>,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    before: String,
    after: String,
    differs: bool,
}

fn state_in_words(database: &str, named: &str) -> String {
    match named {
        LIVE => format!("{database} as it is now"),
        named => format!("snapshot {}", short(named)),
    }
}

fn row(columns: &[String], row: &Value) -> Row {
    let (kind, word, colour) = match row["change"].as_str() {
        Some("insert") => ("insert", "came", "good"),
        Some("delete") => ("delete", "gone", "bad"),
        _ => ("update", "changed", "warn"),
    };
    let (before, after) = (row["before"].as_object(), row["after"].as_object());
    let value = |row: Option<&serde_json::Map<String, Value>>, name: &String| {
        row.and_then(|row| row.get(name)).cloned()
    };
    let column = |name: &String| {
        let (old, new) = (value(before, name), value(after, name));
        let differs = before.is_some() && after.is_some() && old != new;
        Column { name: name.clone(), before: told(old.as_ref()), after: told(new.as_ref()), differs }
    };
    let key = row["restore_key"].as_str().map(|key| (plain(key), hex::encode(key)));
    Row { kind, word, colour, key, columns: columns.iter().map(column).collect() }
}

/// Shows the rows of a table that differ.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
    words: Words,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Operator, Some(&database), "comparison.create").await?;
    let word = |name: &str| {
        words.get(name).ok_or_else(|| Problem::malformed(format!("the address does not say {name}")))
    };
    let (before, after, table) = (word("before")?, word("after")?, word("table")?);
    let found =
        differences::page(&service, &database, before, after, table, words.get("cursor"), PAGE).await?;
    let states: BTreeSet<&str> = [before, after].into();
    let address = |cursor: &String| {
        format!(
            "/databases/{}/differences?before={}&after={}&table={}&cursor={}",
            part(&database),
            part(before),
            part(after),
            part(table),
            part(cursor)
        )
    };
    let shown = DifferencesPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("{table} of {database}")),
        part: part(&database),
        table: found.table.to_string(),
        before: state_in_words(&database, before),
        after: state_in_words(&database, after),
        before_named: before.to_owned(),
        inserted: count(found.counts.inserted),
        updated: count(found.counts.updated),
        deleted: count(found.counts.deleted),
        rows: found.rows.iter().map(|found_row| row(&found.columns, found_row)).collect(),
        can_restore: before != LIVE
            && states.len() > 1
            && visitor.caller.0.may(Role::Restorer, Some(&database)),
        next: found.next_cursor.as_ref().map(address),
        database,
    };
    Ok(page(&shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_in_a_row_is_marked() {
        let columns = ["id".to_owned(), "name".to_owned()];
        let change = json!({
            "change": "update", "restore_key": "customers:1",
            "before": { "id": 1, "name": "a" }, "after": { "id": 1, "name": null },
        });
        let changed = row(&columns, &change);
        assert_eq!(changed.columns.iter().map(|column| column.differs).collect::<Vec<_>>(), [false, true]);
        assert_eq!(changed.columns[1].after, "NULL");
        let gone = row(&columns, &json!({ "change": "delete", "before": { "id": 1, "name": "a" } }));
        assert!(gone.columns.iter().all(|column| !column.differs && column.after.is_empty()));
        assert_eq!((gone.word, gone.key), ("gone", None));
        let lines =
            json!({ "change": "delete", "restore_key": "t:'a\nb'", "before": { "id": "a\nb", "name": "" } });
        let lines = row(&columns, &lines).key.expect("it has one");
        assert_eq!(lines, ("t:'a\\nb'".to_owned(), hex::encode("t:'a\nb'")));
    }
}
