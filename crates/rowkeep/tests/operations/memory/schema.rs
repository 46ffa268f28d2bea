//! What a database is made of.

use rowkeep::format::schema::{Ddl, KeyColumn};
use rowkeep::format::{Column, ForeignKey, Key, KeyForm, Schema, Table, TableKind, TableName};
use rusqlite::Connection;

use super::kind::NAME;
use super::store::lines;

/// Statements that make tables, and those that come after rows.
pub(super) const PARTS: [&str; 2] = ["tables", "others"];

pub(super) fn schema(database: &Connection, with_ddl: bool) -> Schema {
    let names = lines(
        database,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
    );
    let statements = |condition: &str| {
        let sql = format!("SELECT sql FROM sqlite_schema WHERE sql NOT NULL AND {condition} ORDER BY rowid");
        serde_json::to_string(&lines(database, &sql)).expect("text is JSON")
    };
    let ddl = match with_ddl {
        true => vec![
            Ddl { part: PARTS[0].to_owned(), sql: statements("type = 'table'") },
            Ddl { part: PARTS[1].to_owned(), sql: statements("type <> 'table'") },
        ],
        false => Vec::new(),
    };
    let tables = names.iter().map(|name| table(database, name)).collect();
    Schema { engine: NAME.to_owned(), tables, inherits: Vec::new(), ddl }
}

/// The statements of a part.
pub(super) fn statements(schema: &Schema, part: usize) -> Vec<String> {
    serde_json::from_str(schema.ddl(PARTS[part])).unwrap_or_default()
}

fn table(database: &Connection, name: &str) -> Table {
    let mut columns = Vec::new();
    let mut primary: Vec<(i64, usize)> = Vec::new();
    let mut statement =
        database.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)").expect("a query");
    let mut rows = statement.query([name]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let (type_name, pk): (String, i64) = (row.get(1).expect("text"), row.get(3).expect("a number"));
        let is_number = pk > 0 && type_name.eq_ignore_ascii_case("integer");
        let not_null = row.get::<_, bool>(2).expect("a truth") || is_number;
        if pk > 0 {
            primary.push((pk, columns.len()));
        }
        columns.push(Column { name: row.get(0).expect("text"), type_name, not_null, hidden: false });
    }
    primary.sort_unstable();
    let primary: Vec<usize> = primary.into_iter().map(|(_, column)| column).collect();
    let all_there = |key: &Vec<usize>| !key.is_empty() && key.iter().all(|column| columns[*column].not_null);
    let key = Some(primary)
        .filter(all_there)
        .or_else(|| unique(database, name, &columns).into_iter().find(all_there));
    let part = |column: usize| KeyColumn { column, form: KeyForm::Native };
    let key = match key {
        Some(key) => Key { columns: key.into_iter().map(part).collect(), unique: true },
        None => Key::whole_row(columns.len()),
    };
    let foreign_keys = foreign_keys(database, name, &columns);
    Table { name: TableName::plain(name), kind: TableKind::Table, columns, key, identity: None, foreign_keys }
}

/// The columns of unique indexes.
fn unique(database: &Connection, name: &str, columns: &[Column]) -> Vec<Vec<usize>> {
    let indexes = "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND NOT partial ORDER BY seq DESC";
    let mut statement = database.prepare(indexes).expect("a query");
    let indexes = statement.query_map([name], |row| row.get::<_, String>(0)).expect("rows");
    let of = |index: String| {
        let mut statement =
            database.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno").expect("a query");
        let names = statement.query_map([index], |row| row.get::<_, Option<String>>(0)).expect("rows");
        let place =
            |name: Option<String>| columns.iter().position(|column| Some(&column.name) == name.as_ref());
        names.map(|name| place(name.expect("text"))).collect::<Option<Vec<_>>>()
    };
    indexes.filter_map(|index| of(index.expect("text"))).collect()
}

fn foreign_keys(database: &Connection, name: &str, columns: &[Column]) -> Vec<ForeignKey> {
    let sql = "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
    let mut statement = database.prepare(sql).expect("a query");
    let mut rows = statement.query([name]).expect("rows");
    let mut found: Vec<(i64, ForeignKey)> = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let (id, parent): (i64, String) = (row.get(0).expect("a number"), row.get(1).expect("text"));
        let (from, to): (String, Option<String>) = (row.get(2).expect("text"), row.get(3).expect("text"));
        let place = columns.iter().position(|column| column.name.eq_ignore_ascii_case(&from));
        if found.last().is_none_or(|(last, _)| *last != id) {
            let key = ForeignKey {
                name: None,
                columns: Vec::new(),
                references: TableName::plain(parent),
                referenced_columns: Vec::new(),
            };
            found.push((id, key));
        }
        let (_, key) = found.last_mut().expect("there is one");
        key.columns.push(place.expect("its column is there"));
        key.referenced_columns.extend(to);
    }
    found.into_iter().map(|(_, key)| key).collect()
}
