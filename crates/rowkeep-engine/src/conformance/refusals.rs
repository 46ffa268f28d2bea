//! Changesets that cannot be applied: nothing is changed, and it is said why.

use super::changes::ListedChanges;
use super::fixture::Fixture;
use super::two_states::TwoStates;
use crate::{ApplyOptions, EngineError, ErrorKind};

/// A database whose rows 1 to 4 are neither of the first state nor of the second, row 10 is of the second and rows 11 to
/// 13 are of the first.
pub(super) async fn in_conflict(fixture: &dyn Fixture) -> TwoStates {
    let first = "CREATE TABLE t (id integer PRIMARY KEY, v text);
        INSERT INTO t VALUES (1, 'to change'), (2, 'to go'), (4, 'to change'), (10, 'to go'), (11, 'to change'), (12, 'to go')";
    let second = "UPDATE t SET v = 'changed' WHERE v = 'to change'; DELETE FROM t WHERE v = 'to go';
        INSERT INTO t VALUES (3, 'comes'), (13, 'comes')";
    let states = TwoStates::new(fixture, first, second).await;
    states.apply(&states.changes().reversed()).await;
    states.now().await.assert_is(&states.first, "back");
    let other = "UPDATE t SET v = 'by another' WHERE id IN (1, 2); INSERT INTO t VALUES (3, 'by another');
        DELETE FROM t WHERE id IN (4, 10)";
    states.sandbox.run(other).await;
    states
}

/// Fails, changes nothing, and gives the message.
async fn refused(
    states: &TwoStates,
    changes: &ListedChanges,
    options: &ApplyOptions,
    kind: ErrorKind,
) -> String {
    let before = states.now().await;
    let error = changes.apply(&*states.sandbox.engine(), options).await.expect_err("the changes are refused");
    assert_eq!(error.kind(), kind, "{error:?}");
    states.now().await.assert_is(&before, "nothing is changed");
    with_causes(&error)
}

/// An error with all its causes, as people are shown it.
pub(super) fn with_causes(error: &EngineError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}

async fn refused_for(states: &TwoStates, changes: &ListedChanges, kind: ErrorKind) -> String {
    refused(states, changes, &ApplyOptions::default(), kind).await
}

/// A row that somebody else has changed stops everything.
pub async fn conflicts_stop_everything(fixture: &dyn Fixture) {
    let states = in_conflict(fixture).await;
    let statements = vec!["INSERT INTO t VALUES (99, 'not even this')".to_owned()];
    let options = ApplyOptions { statements, ..ApplyOptions::default() };
    let said = refused(&states, &states.changes(), &options, ErrorKind::Conflict).await;
    assert!(said.contains('4') && said.contains("table t") && said.contains("id = 1"), "{said}");
}

/// Children whose parents are not there, and parents whose children stay.
pub async fn broken_references_are_refused(fixture: &dyn Fixture) {
    let states = TwoStates::new(
        fixture,
        "CREATE TABLE parent (id integer PRIMARY KEY, code integer NOT NULL UNIQUE);
         CREATE TABLE child (id integer PRIMARY KEY, parent_id integer REFERENCES parent (id) ON DELETE CASCADE,
             code integer REFERENCES parent (code) ON DELETE SET NULL);
         INSERT INTO parent VALUES (1, 10), (2, 20); INSERT INTO child VALUES (1, 1, 10)",
        "INSERT INTO parent VALUES (3, 30), (4, 40); INSERT INTO child VALUES (2, 3, NULL), (3, NULL, 30);
         UPDATE child SET parent_id = 2, code = 20 WHERE id = 1; DELETE FROM parent WHERE id = 1",
    )
    .await;
    let (forth, back) = (states.changes(), states.changes().reversed());
    // Now in the second state. Parents 3 and 4 go, children 2 and 3 stay; parent 1 comes.
    let said = refused_for(&states, &back.clone().only(&["parent"]), ErrorKind::Dangling).await;
    assert!(said.contains("child") && said.contains("parent"), "{said}");
    // Child 1 goes back to parent 1, which does not come.
    let said = refused_for(&states, &back.clone().only(&["child"]), ErrorKind::Dangling).await;
    assert!(said.contains("child") && said.contains("parent"), "{said}");
    states.apply(&back).await;
    states.now().await.assert_is(&states.first, "with both, all is well");
    refused_for(&states, &forth.clone().only(&["child"]), ErrorKind::Dangling).await;
    refused_for(&states, &forth.clone().only(&["parent"]), ErrorKind::Dangling).await;
    states.apply(&forth).await;
    states.now().await.assert_is(&states.second, "with both, all is well");
}

/// A row of each table comes back whose unique value another row has taken meanwhile, or which a check does not allow.
pub async fn rows_that_are_not_allowed_are_refused(fixture: &dyn Fixture) {
    let create = "CREATE TABLE t (id integer PRIMARY KEY, code integer NOT NULL UNIQUE);
        CREATE TABLE other (id integer PRIMARY KEY); INSERT INTO t VALUES (1, 10)";
    let states = TwoStates::new(fixture, create, "DELETE FROM t; INSERT INTO other VALUES (1)").await;
    let back = states.changes().reversed();
    states.sandbox.run("INSERT INTO t VALUES (2, 10)").await;
    let said = refused_for(&states, &back, ErrorKind::Constraint).await;
    assert!(said.contains('t') && said.contains("code"), "{said}");
    states.sandbox.run("DELETE FROM t WHERE id = 2").await;
    states.apply(&back).await;

    let states = TwoStates::new(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, n integer)",
        "INSERT INTO t VALUES (1, -5)",
    )
    .await;
    let changes = states.changes();
    states.sandbox.run("DROP TABLE t").await;
    states.sandbox.run("CREATE TABLE t (id integer PRIMARY KEY, n integer CHECK (n > 0))").await;
    refused_for(&states, &changes, ErrorKind::Constraint).await;
}

/// A statement that fails takes all changes with it.
pub async fn statements_that_fail_undo_everything(fixture: &dyn Fixture) {
    let create = "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)";
    let states = TwoStates::new(fixture, create, "INSERT INTO t VALUES (2)").await;
    let back = states.changes().reversed();
    let with = |sql: &str| ApplyOptions { statements: vec![sql.to_owned()], ..ApplyOptions::default() };
    let said =
        refused(&states, &back, &with("INSERT INTO no_such_table VALUES (1)"), ErrorKind::Statement).await;
    assert!(said.contains("no_such_table"), "{said}");
    refused(&states, &back, &with("INSERT INTO"), ErrorKind::Statement).await;
    states.apply(&back).await;
    states.now().await.assert_is(&states.first, "without them, all is well");
}
