//! Applying changesets: every row as it is to be, and back again.

use rowkeep_format::{Counts, Value};

use super::changes::{ListedChanges, State, applied};
use super::fixture::Fixture;
use super::sandbox::numbers;
use super::two_states::TwoStates;
use crate::{Applied, ApplyOptions, ChangeSource, OnConflict};

/// Goes back to the first state, forth to the second, and forth once more, which changes nothing.
async fn there_and_back(fixture: &dyn Fixture, first: &str, second: &str) -> TwoStates {
    let states = TwoStates::new(fixture, first, second).await;
    let (forth, back) = (states.changes(), states.changes().reversed());
    let total = |applied: &Applied| applied.tables.iter().map(|table| table.done.total()).sum::<u64>();
    let expected: u64 = forth.tables().iter().map(|table| table.counts.total()).sum();
    assert!(expected > 0, "the states differ");

    let done = states.apply(&back).await;
    states.now().await.assert_is(&states.first, "back");
    assert_eq!(total(&done), expected, "{done:?}");
    let done = states.apply(&forth).await;
    states.now().await.assert_is(&states.second, "forth");
    for (table, done) in forth.tables().iter().zip(&done.tables) {
        assert_eq!((&table.table.name, table.counts), (&done.table, done.done), "what was done is counted");
        assert_eq!((done.already, done.skipped), (0, 0), "{done:?}");
    }
    states
}

/// Rows of several tables come, change and go.
pub async fn rows_are_changed_and_changed_back(fixture: &dyn Fixture) {
    let states = there_and_back(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, v text, n integer);
         INSERT INTO t VALUES (1, 'one', 1), (2, 'two', NULL), (3, NULL, 3), (4, '', 4);
         CREATE TABLE u (a integer NOT NULL, b text NOT NULL, v text, PRIMARY KEY (a, b));
         INSERT INTO u VALUES (1, 'x', 'same'), (1, 'y', 'other'), (2, 'x', NULL);
         CREATE TABLE untouched (id integer PRIMARY KEY); INSERT INTO untouched VALUES (1);",
        "UPDATE t SET v = 'ONE' WHERE id = 1; UPDATE t SET v = NULL, n = 22 WHERE id = 2; DELETE FROM t WHERE id = 3;
         INSERT INTO t VALUES (5, 'five', 5), (-1, 'minus', NULL);
         UPDATE u SET v = NULL WHERE b = 'y'; DELETE FROM u WHERE a = 2; INSERT INTO u VALUES (2, 'X', 'x'), (3, '', '');",
    )
    .await;
    // Once more: all rows are as they are to become.
    let again = states.apply(&states.changes()).await;
    assert_eq!(applied(&again, "t").done, Counts::default());
    assert_eq!((applied(&again, "t").already, applied(&again, "u").already), (5, 4));
    states.now().await.assert_is(&states.second, "once more");
}

/// Parents and children, in one table and in two, by one column and by two, in a circle.
pub async fn references_hold_in_the_end(fixture: &dyn Fixture) {
    there_and_back(
        fixture,
        "CREATE TABLE parent (id integer PRIMARY KEY, v text);
         CREATE TABLE child (id integer PRIMARY KEY, parent_id integer REFERENCES parent (id));
         CREATE TABLE pair (a integer NOT NULL, b text NOT NULL, PRIMARY KEY (a, b));
         CREATE TABLE of_pair (id integer PRIMARY KEY, a integer, b text, FOREIGN KEY (a, b) REFERENCES pair (a, b));
         CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree (id));
         INSERT INTO parent VALUES (1, 'stays'), (2, 'goes'); INSERT INTO child VALUES (10, 1), (11, 2), (12, NULL), (13, 2);
         INSERT INTO pair VALUES (1, 'x'), (1, 'y'); INSERT INTO of_pair VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 7, NULL);
         INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 3); INSERT INTO tree VALUES (8, 9), (9, 8);",
        "DELETE FROM child WHERE id = 11; UPDATE child SET parent_id = 1 WHERE id = 13; DELETE FROM parent WHERE id = 2;
         INSERT INTO parent VALUES (3, 'comes'); UPDATE child SET parent_id = 3 WHERE id = 10; INSERT INTO child VALUES (14, 3);
         DELETE FROM of_pair WHERE id = 2; DELETE FROM pair WHERE b = 'y'; INSERT INTO pair VALUES (7, 'z');
         UPDATE of_pair SET b = 'z' WHERE id = 3;
         UPDATE tree SET up = NULL WHERE id = 4; DELETE FROM tree WHERE id = 3; DELETE FROM tree WHERE id = 2;
         UPDATE tree SET up = NULL WHERE id = 8; DELETE FROM tree WHERE id = 9; DELETE FROM tree WHERE id = 8;
         INSERT INTO tree VALUES (20, 20), (5, 20);",
    )
    .await;
}

/// `CASCADE` and `SET NULL` do nothing, neither when rows go nor when those are put back that are only changed.
pub async fn referential_actions_do_not_act(fixture: &dyn Fixture) {
    there_and_back(
        fixture,
        "CREATE TABLE parent (id integer PRIMARY KEY, code integer NOT NULL UNIQUE);
         CREATE TABLE goes_too (id integer PRIMARY KEY,
             parent_id integer REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
         CREATE TABLE forgets (id integer PRIMARY KEY, code integer REFERENCES parent (code) ON DELETE SET NULL);
         INSERT INTO parent VALUES (1, 10), (2, 20), (3, 30);
         INSERT INTO goes_too VALUES (1, 1), (2, 2), (3, 3); INSERT INTO forgets VALUES (1, 10), (2, 20), (3, 30);",
        "UPDATE forgets SET code = NULL; UPDATE parent SET code = -1 WHERE id = 1; UPDATE parent SET code = 10 WHERE id = 2;
         UPDATE parent SET code = 20 WHERE id = 1; DELETE FROM goes_too WHERE id = 3; DELETE FROM parent WHERE id = 3;
         UPDATE forgets SET code = 10 WHERE id = 1; UPDATE forgets SET code = 20 WHERE id = 2;",
    )
    .await;
}

/// Rows without a key come and go as often as they are there.
pub async fn rows_without_a_key(fixture: &dyn Fixture) {
    there_and_back(
        fixture,
        "CREATE TABLE t (a integer, b text);
         INSERT INTO t VALUES (1, 'same'), (1, 'same'), (1, 'same'), (2, NULL), (2, NULL), (NULL, NULL), (3, 'x');",
        "DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (1, 'same'), (2, NULL), (NULL, 'new'), (NULL, 'new');
         DELETE FROM t WHERE a = 3;",
    )
    .await;
}

/// Rows take each other's values of a unique column, which never are there twice in the end.
pub async fn unique_values_are_swapped(fixture: &dyn Fixture) {
    there_and_back(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, place integer NOT NULL UNIQUE, a text, b text, UNIQUE (a, b));
         INSERT INTO t VALUES (1, 1, 'x', 'y'), (2, 2, 'y', 'x'), (3, 3, NULL, 'x'), (4, 4, 'z', 'z'), (5, 5, 'q', 'q');",
        "UPDATE t SET place = -place; UPDATE t SET place = 1 - place WHERE id < 5; DELETE FROM t WHERE id = 5;
         UPDATE t SET a = NULL WHERE id < 3; UPDATE t SET a = 'y', b = 'x' WHERE id = 1;
         UPDATE t SET a = 'x', b = 'y' WHERE id = 2; INSERT INTO t VALUES (6, 1, 'q', 'q');",
    )
    .await;
}

/// Some thousand rows, in many batches.
pub async fn many_changes(fixture: &dyn Fixture) {
    let numbers = numbers(6_000);
    let first = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, v text, n integer); CREATE INDEX i ON t (v);
         {numbers} INSERT INTO t SELECT n, 'some value of row ' || CAST(n AS text), n % 7 FROM numbers;"
    );
    there_and_back(
        fixture,
        &first,
        "DELETE FROM t WHERE n = 1; UPDATE t SET v = 'another value' WHERE n = 2;
         INSERT INTO t SELECT id + 100000, v, n FROM t WHERE n = 3;",
    )
    .await;
}

/// A changeset of nothing changes nothing.
pub async fn an_empty_changeset(fixture: &dyn Fixture) {
    let create = "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)";
    let states = TwoStates::new(fixture, create, "INSERT INTO t VALUES (2)").await;
    assert_eq!(states.apply(&ListedChanges::default()).await, Applied::default());
    let mut changes = ListedChanges::default();
    changes.add(&states.first.tables[0], Vec::new());
    let done = states.apply(&changes).await;
    assert_eq!(applied(&done, "t").done, Counts::default());
    states.now().await.assert_is(&states.second, "nothing is changed");
}

/// Triggers act on changed rows when they are to, and not otherwise.
pub async fn triggers_fire_when_they_are_to(fixture: &dyn Fixture) {
    let trigger = fixture.logging_trigger("t", "log");
    let states = TwoStates::new(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE log (v text);
         INSERT INTO t VALUES (1, 'goes'), (2, 'changes')",
        "DELETE FROM t WHERE id = 1; UPDATE t SET v = 'changed' WHERE id = 2; INSERT INTO t VALUES (3, 'comes')",
    )
    .await;
    states.sandbox.run(&trigger).await;
    let (forth, back) = (states.changes(), states.changes().reversed());
    states.apply(&back).await;
    states.now().await.assert_is(&states.first, "back, without triggers");

    let options = ApplyOptions { fire_triggers: true, ..ApplyOptions::default() };
    forth.apply(&*states.sandbox.engine(), &options).await.expect("the changes are applied");
    let now = states.now().await;
    let log = now.rows.iter().find(|(name, _)| name.name == "log").expect("there is a log").1;
    assert_eq!(log.rows(), 3, "the trigger acts once on each row");

    // A trigger that was silenced is not silenced for others.
    states.sandbox.run("INSERT INTO t VALUES (4, 'later')").await;
    let now = states.now().await;
    let log = now.rows.iter().find(|(name, _)| name.name == "log").expect("there is a log").1;
    assert_eq!(log.rows(), 4);
}

/// Columns of which a changeset has no values take their defaults, and are not compared.
pub async fn values_that_are_not_known(fixture: &dyn Fixture) {
    let states = TwoStates::new(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, v text DEFAULT 'by default', w text)",
        "INSERT INTO t VALUES (1, 'not by default', 'w')",
    )
    .await;
    let v = states.first.tables[0].columns.iter().position(|column| column.name == "v").expect("a column");
    let mut changes = states.changes();
    changes.table_mut("t").insert_defaults = vec![v];
    let back = changes.clone().reversed();
    assert_eq!(back.tables()[0].delete_unknown, [v]);
    states.apply(&back).await;
    states.now().await.assert_is(&states.first, "what is not known is not compared");
    states.apply(&changes).await;
    let now = states.now().await;
    let rows = &now.rows[&now.tables[0].name];
    assert_eq!(rows.columns()[v].bytes(0), b"by default");
    let again = states.apply(&changes).await;
    assert_eq!(applied(&again, "t").already, 1);
    states.apply(&back).await;
    states.now().await.assert_is(&states.first, "back");
}

/// Statements run in the transaction, after all changes.
pub async fn statements_run_with_the_changes(fixture: &dyn Fixture) {
    let states = TwoStates::new(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE log (n integer); INSERT INTO t VALUES (1)",
        "INSERT INTO t VALUES (2), (3)",
    )
    .await;
    let statements = vec!["INSERT INTO log SELECT count(*) FROM t".to_owned(); 2];
    let options = ApplyOptions { statements, ..ApplyOptions::default() };
    let back = states.changes().reversed();
    back.apply(&*states.sandbox.engine(), &options).await.expect("the changes are applied");
    let now = states.now().await;
    let log = now.rows.iter().find(|(name, _)| name.name == "log").expect("there is a log").1;
    assert_eq!(log.rows(), 2, "each statement runs once");
    let table = now.tables.iter().find(|table| table.name.name == "log").expect("there is a log");
    let n = table.columns.iter().position(|column| column.name == "n").expect("a column");
    assert!(matches!(log.value(0, n), Value::Integer(1) | Value::Text(b"1")), "statements see the changes");
    assert_eq!(now.rows[&now.tables[0].name].rows() + now.rows[&now.tables[1].name].rows(), 3);
}

/// Nothing but what is in conflict is left when conflicts are skipped.
pub async fn conflicts_are_skipped(fixture: &dyn Fixture) {
    let states = super::refusals::in_conflict(fixture).await;
    let before = states.now().await;
    let options = ApplyOptions { on_conflict: OnConflict::Skip, ..ApplyOptions::default() };
    let changes = states.changes();
    let done = changes.apply(&*states.sandbox.engine(), &options).await.expect("the changes are applied");
    let t = applied(&done, "t");
    assert_eq!((t.skipped, t.already), (4, 1), "{done:?}");
    assert_eq!(t.done, Counts { inserted: 1, updated: 1, deleted: 1 });
    let left = (0..8).filter(|number| t.left.has(*number)).count();
    assert_eq!((left, t.left.has(8)), (5, false), "{done:?}");
    let now = states.now().await;
    let v = |state: &State, id: &str| {
        let rows = &state.rows[&state.tables[0].name];
        (0..rows.rows()).find_map(|row| {
            let is = match rows.value(row, 0) {
                Value::Integer(integer) => integer.to_string() == id,
                value => value == Value::Text(id.as_bytes()),
            };
            is.then(|| String::from_utf8_lossy(rows.columns()[1].bytes(row)).into_owned())
        })
    };
    for id in ["1", "2", "3", "4"] {
        assert_eq!(v(&now, id), v(&before, id), "the row {id} is in conflict");
    }
    assert_eq!(v(&now, "11").as_deref(), Some("changed"));
    assert_eq!(v(&now, "12"), None);
    assert_eq!(v(&now, "13").as_deref(), Some("comes"));
}
