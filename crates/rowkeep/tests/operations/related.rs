//! Rows restored with the rows that hang together with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::plan::{Mode, PlanOptions, plan};
use rowkeep::apply::{Executed, execute};
use rowkeep::diff::{DiffOptions, Filter, Related, WantedRows, diff};
use rowkeep::engine::ApplyOptions;
use rowkeep::format::{ContentKeys, Value};
use rowkeep::rows::condition::{Condition, parse_key};
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::apply::{File, Live, done, hashes, safety, take_back};
use crate::postgres::{Database, servers};
use crate::world::asked_for;

/// Three levels below customers, a key of two columns, a reference to a unique column, one to the table itself, a cycle
/// between two tables, and references that may be NULL.
pub(crate) const SHOP: &str = "
    CREATE TABLE regions (id integer PRIMARY KEY, code varchar(10) NOT NULL UNIQUE);
    CREATE TABLE customers (id integer PRIMARY KEY, region varchar(10) REFERENCES regions (code), name text,
        boss integer REFERENCES customers (id));
    CREATE TABLE products (id integer PRIMARY KEY, price integer);
    CREATE TABLE orders (shop integer NOT NULL, id integer NOT NULL, customer integer REFERENCES customers (id) ON DELETE CASCADE,
        PRIMARY KEY (shop, id));
    CREATE TABLE lines (id integer PRIMARY KEY, shop integer, orders integer, product integer REFERENCES products (id),
        FOREIGN KEY (shop, orders) REFERENCES orders (shop, id) ON DELETE CASCADE);
    CREATE TABLE notes (t text, line integer REFERENCES lines (id) ON DELETE CASCADE);";

pub(crate) const TABLES: [&str; 6] = ["regions", "customers", "products", "orders", "lines", "notes"];

pub(crate) const ROWS: &str = "
    INSERT INTO regions VALUES (1, 'north'), (2, 'south'), (3, 'east');
    INSERT INTO customers VALUES (1, 'north', 'Ada', NULL), (2, 'south', 'Ben', 1), (3, NULL, 'Cleo', 2), (4, 'east', 'Dan', 4);
    INSERT INTO products VALUES (1, 10), (2, 20), (3, 30);
    INSERT INTO orders VALUES (1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, NULL), (2, 3, 3);
    INSERT INTO lines VALUES (1, 1, 1, 1), (2, 1, 2, 2), (3, 2, 1, NULL), (4, 2, NULL, 1), (5, 2, 3, 3);
    INSERT INTO notes VALUES ('a', 2), ('a', 2), ('b', 3), ('c', NULL), ('d', 5);";

/// Every row of every table in words.
pub(crate) fn contents(live: &dyn Live) -> BTreeMap<&'static str, Vec<String>> {
    let engine = live.world().engine(live.url());
    let rows = |table: &'static str| {
        let found = live.world().block_on(engine.query(&format!("SELECT * FROM {table}"), 10_000));
        let found = found.expect("it is read").rows;
        let mut rows: Vec<String> =
            (0..found.rows()).map(|row| found.row(row).map(word).collect::<Vec<_>>().join(" ")).collect();
        rows.sort();
        (table, rows)
    };
    TABLES.into_iter().map(rows).collect()
}

fn word(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Integer(integer) => integer.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn wanted(keys: &[&str], condition: Option<&str>) -> WantedRows {
    WantedRows {
        keys: keys.iter().map(|key| parse_key(key).expect("it is a key")).collect(),
        condition: condition.map(|text| Condition::parse(text).expect("it is a condition")),
    }
}

pub(crate) fn restore(live: &dyn Live, snapshot: &Snapshot, options: PlanOptions) -> Result<Executed, Error> {
    let world = live.world();
    let (engine, context) = (world.engine(live.url()), Context::silent());
    world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot.clone()).await?;
        let plan = plan(&context, &world.repository, engine.as_ref(), &target, &options).await?;
        let planned = plan.counts();
        let outcome =
            execute(&context, &world.repository, engine.as_ref(), plan, &ApplyOptions::default()).await?;
        assert_eq!(done(&outcome), planned, "what was planned is what happens");
        Ok(outcome)
    })
}

fn with_related(rows: WantedRows) -> PlanOptions {
    PlanOptions {
        rows: Some(Arc::new(rows)),
        related: true,
        safety: Some(safety()),
        ..PlanOptions::default()
    }
}

/// A fresh shop, and its snapshot.
pub(crate) fn shop(live: &dyn Live) -> Snapshot {
    let tables =
        TABLES.iter().rev().map(|table| format!("DROP TABLE IF EXISTS {table};")).collect::<String>();
    live.sql(&tables);
    live.sql(SHOP);
    live.sql(ROWS);
    live.world().capture(live.url()).expect("it is captured")
}

/// Deletes what is below a customer, and the customer.
const LOSE_BEN: &str = "
    DELETE FROM notes WHERE line IN (2, 3); DELETE FROM lines WHERE id IN (2, 3);
    DELETE FROM orders WHERE customer = 2; UPDATE customers SET boss = NULL WHERE boss = 2; DELETE FROM customers WHERE id = 2;";

fn a_customer_comes_back_with_all_that_was_his(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql(LOSE_BEN);
    let lost = contents(live);
    // Others have gone on: what is not his stays, also where his rows refer to it.
    live.sql("UPDATE products SET price = 21 WHERE id = 2; UPDATE customers SET name = 'Adam' WHERE id = 1");
    live.sql("INSERT INTO orders VALUES (9, 9, 1)");
    let outcome =
        restore(live, &snapshot, with_related(wanted(&["customers:2"], None))).expect("it is restored");
    // Ben, two orders, two lines, three notes, and Cleo, whose boss he was.
    assert_eq!(done(&outcome).inserted, 1 + 2 + 2 + 3);
    assert_eq!(done(&outcome).updated, 1);
    let now = contents(live);
    for table in ["regions", "lines", "notes"] {
        assert_eq!(now[table], before[table], "{table}");
    }
    assert_eq!(now["orders"].len(), before["orders"].len() + 1);
    assert!(now["customers"].iter().any(|row| row.contains("Adam")), "a row above keeps its values: {now:?}");
    assert!(now["products"].iter().any(|row| row.contains("21")), "{now:?}");
    take_back(live);
    assert_eq!(contents(live)["lines"], lost["lines"]);
}

fn rows_above_come_where_they_are_missing(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    // A line, its order, its customer, his region: each only in the snapshot, up to the top.
    live.sql(LOSE_BEN);
    live.sql("DELETE FROM regions WHERE code = 'south'; DELETE FROM products WHERE id = 2");
    let outcome = restore(live, &snapshot, with_related(wanted(&["lines:2"], None))).expect("it is restored");
    // Region, customer, order, product; the line with its two notes. Not his other order, nor Cleo's boss.
    assert_eq!((done(&outcome).inserted, done(&outcome).updated), (4 + 3, 0));
    let now = contents(live);
    assert_eq!((&now["regions"], &now["products"]), (&before["regions"], &before["products"]));
    assert_eq!(now["orders"].len(), before["orders"].len() - 1);
    // A row that a unique column names gets that value back.
    live.sql("UPDATE customers SET region = NULL WHERE id = 2; UPDATE regions SET code = 'odd' WHERE id = 2");
    let outcome =
        restore(live, &snapshot, with_related(wanted(&["customers:2"], None))).expect("it is restored");
    assert_eq!(contents(live)["regions"], before["regions"], "{outcome:?}");
}

fn rows_that_go_take_theirs_along(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql(
        "INSERT INTO customers VALUES (7, 'north', 'New', 7); INSERT INTO orders VALUES (7, 7, 7);
              INSERT INTO lines VALUES (7, 7, 7, 1); INSERT INTO notes VALUES ('new', 7)",
    );
    restore(live, &snapshot, with_related(wanted(&["customers:7"], None))).expect("it is restored");
    assert_eq!(contents(live), before);
    // By a condition, too, and from all rows that fulfil it, also those that are as they were.
    live.sql("DELETE FROM notes; DELETE FROM lines WHERE id <> 4; DELETE FROM orders WHERE customer = 2");
    let mut options = with_related(wanted(&[], Some("name = 'Ben'")));
    options.selection.include = vec!["customers".to_owned()];
    restore(live, &snapshot, options).expect("it is restored");
    let now = contents(live);
    assert_eq!(now["lines"].len(), 3 + 1, "two of Ben's, one of Cleo's, whose boss he is, one of nobody's");
    assert_eq!(now["orders"], before["orders"]);
    // What is to be left as it is stays so.
    let kept = hashes(&live.world().capture(live.url()).expect("it is captured"));
    live.sql("DELETE FROM notes");
    let mut options = with_related(wanted(&["customers:2"], None));
    options.selection.exclude = vec!["notes".to_owned()];
    restore(live, &snapshot, options).expect("there is nothing to do");
    assert!(contents(live)["notes"].is_empty() && !kept.is_empty());
}

/// Rows are meant by what either state says of them, and hang together by the foreign keys of either.
fn what_only_the_state_has_comes_back(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql(LOSE_BEN);
    let mut options = with_related(wanted(&[], Some("name = 'Ben'")));
    options.selection.include = vec!["customers".to_owned()];
    restore(live, &snapshot, options).expect("it is restored");
    assert_eq!(contents(live), before);

    live.sql(
        "DROP TABLE notes; CREATE TABLE notes (t text, line integer);
        INSERT INTO notes VALUES ('a', 2), ('a', 2), ('b', 3), ('c', NULL), ('d', 5)",
    );
    live.sql(LOSE_BEN);
    restore(live, &snapshot, with_related(wanted(&["customers:2"], None))).expect("it is restored");
    assert_eq!(contents(live), before);
}

/// Related rows come, change and go only as the mode says.
fn modes_hold_for_related_rows(live: &dyn Live) {
    let snapshot = shop(live);
    live.sql(
        "
        UPDATE customers SET name = 'Benno' WHERE id = 2; INSERT INTO orders VALUES (9, 9, 2);
        UPDATE lines SET product = 3 WHERE id = 2; DELETE FROM notes WHERE line = 3",
    );
    let later = contents(live);
    let mode = |mode| PlanOptions { mode, ..with_related(wanted(&["customers:2"], None)) };
    restore(live, &snapshot, mode(Mode::Merge)).expect("it is restored");
    let now = contents(live);
    for table in ["customers", "orders", "lines"] {
        assert_eq!(now[table], later[table], "{table}");
    }
    assert_eq!(now["notes"].len(), later["notes"].len() + 1);
    let outcome = restore(live, &snapshot, mode(Mode::Update)).expect("it is restored");
    assert_eq!((done(&outcome).updated, done(&outcome).deleted), (2, 0));
    assert_eq!(contents(live)["orders"], later["orders"]);
}

/// Keys in more runs than one, on every level.
fn many_rows_come_back(live: &dyn Live) {
    const MANY: u64 = 1200;
    shop(live);
    for sql in ["orders SELECT 5, i, 2", "lines SELECT 10 + i, 5, i, 1", "notes SELECT 'n', 10 + i"] {
        live.sql(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) INSERT INTO {sql} FROM n"
        ));
    }
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    let before = contents(live);
    live.sql("DELETE FROM notes WHERE line > 10; DELETE FROM lines WHERE shop = 5; DELETE FROM orders WHERE shop = 5");
    live.sql(LOSE_BEN);
    let outcome =
        restore(live, &snapshot, with_related(wanted(&["customers:2"], None))).expect("it is restored");
    assert_eq!(done(&outcome).inserted, 3 * MANY + 1 + 2 + 2 + 3);
    assert_eq!(contents(live), before);

    // As many that are meant by themselves, with what they refer to.
    live.sql("DELETE FROM notes WHERE line > 10; DELETE FROM lines WHERE shop = 5; DELETE FROM orders WHERE shop = 5");
    let keys: Vec<String> = (1..=MANY).map(|id| format!("lines:{}", 10 + id)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let outcome = restore(live, &snapshot, with_related(wanted(&keys, None))).expect("it is restored");
    assert_eq!(done(&outcome).inserted, 3 * MANY);
    assert_eq!(contents(live), before);
}

fn differences_show_related_rows(live: &dyn Live) {
    let snapshot = shop(live);
    live.sql("UPDATE products SET price = 21 WHERE id = 2; DELETE FROM notes WHERE line = 2; UPDATE products SET price = 99 WHERE id = 1; UPDATE lines SET product = NULL WHERE id = 2");
    let world = live.world();
    let difference = world.block_on(async {
        let before = State::snapshot(&world.repository, snapshot).await.expect("it opens");
        let after = State::live(world.engine(live.url()).as_ref()).await.expect("it opens");
        let rows = Some(Arc::new(wanted(&["orders:1,2"], None)) as Arc<_>);
        let filter = Filter { rows, ..Filter::default() };
        let options = DiffOptions { filter, related: Some(Related::Whole), ..DiffOptions::default() };
        diff(&Context::silent(), &ContentKeys::derive(&[0; 32]), &before, &after, &options).await
    });
    let difference = difference.expect("they are compared");
    let related: Vec<_> =
        difference.related.iter().map(|(table, rows)| (table.name.as_str(), *rows)).collect();
    // Its product is what the line refers to in the first state alone.
    assert_eq!(related, [("lines", 1), ("notes", 2), ("products", 1)]);
    assert_eq!(difference.counts().total(), 4);
}

pub(crate) fn everywhere(test: fn(&dyn Live), name: &str) {
    test(&File::new());
    for server in servers() {
        test(&Database::new(&server, name));
    }
}

#[test]
fn a_lost_customer() {
    everywhere(a_customer_comes_back_with_all_that_was_his, "rowkeep_test_related_a");
}

#[test]
fn missing_parents() {
    everywhere(rows_above_come_where_they_are_missing, "rowkeep_test_related_b");
}

#[test]
fn rows_that_came_since() {
    everywhere(rows_that_go_take_theirs_along, "rowkeep_test_related_c");
}

#[test]
fn rows_of_the_state_alone() {
    everywhere(what_only_the_state_has_comes_back, "rowkeep_test_related_g");
}

#[test]
fn modes_of_related_rows() {
    everywhere(modes_hold_for_related_rows, "rowkeep_test_related_h");
}

#[test]
fn many_related_rows() {
    everywhere(many_rows_come_back, "rowkeep_test_related_f");
}

#[test]
fn related_differences() {
    everywhere(differences_show_related_rows, "rowkeep_test_related_d");
}

/// Random shops: whatever is lost with a customer comes back with him, and nothing else changes.
fn lost_and_found(live: &dyn Live, cases: u32) {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 40,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let orders = prop::collection::vec(0u8..5, 0..12);
    let lines = prop::collection::vec((0u8..12, 0u8..3), 0..20);
    let strategy = (orders, lines, prop::collection::vec(prop::option::of(0u8..5), 5), 0u8..5);
    let outcome = TestRunner::new(config).run(&strategy, |(orders, lines, bosses, lost)| {
        shop(live);
        let mut sql = "DELETE FROM notes; DELETE FROM lines; DELETE FROM orders; UPDATE customers SET boss = NULL; DELETE FROM customers;".to_owned();
        use std::fmt::Write;
        for id in 0..5 {
            let _ = write!(sql, "INSERT INTO customers VALUES ({id}, 'north', 'n', NULL);");
        }
        for (id, boss) in bosses.iter().enumerate() {
            if let Some(boss) = boss {
                let _ = write!(sql, "UPDATE customers SET boss = {boss} WHERE id = {id};");
            }
        }
        for (id, customer) in orders.iter().enumerate() {
            let _ = write!(sql, "INSERT INTO orders VALUES ({}, {id}, {customer});", id % 2);
        }
        for (id, (order, product)) in lines.iter().enumerate().filter(|(_, (order, _))| usize::from(*order) < orders.len()) {
            let _ = write!(sql, "INSERT INTO lines VALUES ({id}, {}, {order}, {});", order % 2, product + 1);
            let _ = write!(sql, "INSERT INTO notes VALUES ('n', {id});");
        }
        live.sql(&sql);
        let before = contents(live);
        let snapshot = live.world().capture(live.url()).expect("it is captured");
        // All below one customer goes, where others have him for a boss, with them.
        let below = format!(
            "WITH RECURSIVE gone(id) AS (SELECT id FROM customers WHERE id = {lost} \
             UNION SELECT c.id FROM customers c JOIN gone g ON c.boss = g.id)"
        );
        let theirs = format!("SELECT id FROM lines l WHERE EXISTS (SELECT 1 FROM orders o WHERE o.shop = l.shop AND o.id = l.orders AND o.customer IN ({below} SELECT id FROM gone))");
        live.sql(&format!(
            "DELETE FROM notes WHERE line IN ({theirs}); DELETE FROM lines WHERE id IN ({theirs});
             DELETE FROM orders WHERE customer IN ({below} SELECT id FROM gone);
             DELETE FROM customers WHERE id IN ({below} SELECT id FROM gone);
             UPDATE products SET price = 77 WHERE id = 1"
        ));
        let gone: usize = before.values().map(Vec::len).sum::<usize>() - contents(live).values().map(Vec::len).sum::<usize>();
        let key = format!("customers:{lost}");
        let outcome = restore(live, &snapshot, with_related(wanted(&[&key], None)));
        let outcome = outcome.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(done(&outcome).total(), gone as u64);
        let mut now = contents(live);
        prop_assert!(now["products"].iter().any(|row| row.contains("77")));
        now.insert("products", before["products"].clone());
        prop_assert_eq!(now, before);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn whatever_is_lost_with_a_row_comes_back_with_it() {
    lost_and_found(&File::new(), 24);
    lost_and_found(&Database::new(&servers()[0], "rowkeep_test_related_e"), 8);
}
