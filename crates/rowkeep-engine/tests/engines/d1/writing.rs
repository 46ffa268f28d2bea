//! What is written is what was to be, once, whatever becomes of answers and whoever writes beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rowkeep_engine::conformance::{Rows, Sandbox, State, assert_same_rows, copy, read_all};
use rowkeep_engine::{ApplyOptions, Contents, CreateOptions, Engine, ErrorKind, Target, ViewOptions};
use rowkeep_format::Schema;
use serde_json::json;

use super::server::Database;
use crate::sqlite::TestFile;

/// Tables and values of every sort that D1 holds.
const EVERY: &str = "
    CREATE TABLE every (id INTEGER PRIMARY KEY AUTOINCREMENT, v, t TEXT, r REAL, half AS (id / 2));
    INSERT INTO every (v) VALUES (9007199254740993), (-9223372036854775808), (1.0), (-0.0), (9e999), (-9e999), (5e-324), (NULL),
      (x''), (x'00ff'), (CAST(x'61ff62' AS TEXT)), (CAST(x'610062' AS TEXT)), (''), ('it''s; \"quoted\" \\ ' || char(10, 13)),
      (zeroblob(200000)), (replace(hex(zeroblob(40000)), '0', 'é')), (replace(hex(randomblob(60000)), 'A', ''''));
    DELETE FROM every WHERE id = 3;
    UPDATE every SET t = v, r = v WHERE typeof(v) <> 'blob' AND id % 2 = 0;
    CREATE TABLE strict (a ANY, b INTEGER NOT NULL, c TEXT) STRICT;
    INSERT INTO strict (rowid, a, b, c) VALUES (-4, 1, 1, '1'), (9007199254740993, 1.0, 2, NULL), (7, x'01', 3, '');
    CREATE TABLE \"odd \"\"name; -- x\" (\"a b\" TEXT COLLATE NOCASE, n, PRIMARY KEY (\"a b\" DESC, n)) WITHOUT ROWID;
    INSERT INTO \"odd \"\"name; -- x\" VALUES ('a', 1), ('B', x'00'), ('', 0.5);
    CREATE TABLE hidden (rowid TEXT, oid TEXT, _rowid_ TEXT); INSERT INTO hidden VALUES ('x', 'y', 'z'), ('x', 'y', 'z');
    CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree, leaf INTEGER REFERENCES leaf);
    CREATE TABLE leaf (id INTEGER PRIMARY KEY, tree INTEGER NOT NULL REFERENCES tree ON DELETE CASCADE);
    INSERT INTO tree VALUES (9, NULL, NULL), (1, 9, NULL), (2, 9, NULL); INSERT INTO leaf VALUES (1, 9), (2, 1);
    UPDATE tree SET leaf = 2 WHERE id = 2;
    CREATE TABLE log (v TEXT);
    CREATE INDEX by_text ON every (t) WHERE id > 0;
    CREATE VIEW later AS SELECT id FROM every;
    CREATE TRIGGER logs AFTER INSERT ON every BEGIN INSERT INTO log VALUES ('a; b'); END;
    CREATE TRIGGER more AFTER UPDATE ON every BEGIN INSERT INTO log VALUES (new.id); END;
    CREATE VIRTUAL TABLE notes USING fts5 (title, body UNINDEXED);
    INSERT INTO notes VALUES ('the fox', 'is quick'), ('the dog', 'is lazy');
    CREATE VIRTUAL TABLE found USING fts5 (t, content='every', content_rowid='id'); INSERT INTO found (found) VALUES ('rebuild');";

/// What is compared: all but what the database makes by itself.
async fn state(engine: &dyn Engine) -> (Schema, Rows) {
    let (mut schema, mut rows) = read_all(engine).await;
    // One of which D1 does not let go comes before others.
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    let by_itself = schema.tables.iter().filter(|table| {
        table.kind == rowkeep_format::TableKind::Shadow && !table.name.name.ends_with("_content")
    });
    for table in by_itself {
        rows.remove(&table.name);
    }
    (schema, rows)
}

async fn assert_same_state(one: &dyn Engine, other: &dyn Engine) {
    let ((schema, rows), (other_schema, other_rows)) = (state(one).await, state(other).await);
    assert_eq!(schema.tables, other_schema.tables);
    assert_same_rows(&rows, &other_rows);
}

/// A file goes into D1 over both ways, in one step and in several, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_are_made_to_the_bit() {
    let file = TestFile::new();
    file.connect().execute_batch(EVERY).expect("it is made");
    let wide: Vec<String> = (0..100).map(|number| format!("c{number}")).collect();
    let wide =
        format!("CREATE TABLE wide ({}); INSERT INTO wide (c99) VALUES (1), (2), (3);", wide.join(", "));
    file.connect().execute_batch(&wide).expect("it is made");
    let (over_worker, over_api) = (Database::new(), Database::new());
    over_api.fail(json!([null, null, "gone", null, "cut", null, 503, null, 429, null, "gone"])).await;
    for (database, engine) in [(&over_worker, over_worker.over_worker()), (&over_api, over_api.over_api())] {
        let notes = copy(&file.sqlite(), &*engine).await;
        assert_eq!(notes, Vec::<String>::new());
        assert_same_state(&file.sqlite(), &*database.over_worker()).await;
        let sql = "SELECT count(*) AS n FROM notes WHERE notes MATCH 'fox' UNION ALL SELECT count(*) FROM found WHERE found MATCH 'it'";
        let found = engine.query(sql, 5).await.expect("the index works");
        assert_eq!((found.rows.rows(), found.rows.value(0, 0)), (2, rowkeep_format::Value::Integer(1)));
    }
}

/// Cut off on the way, a restore leaves nothing, or what the next one clears.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_that_are_cut_off_are_known() {
    let file = TestFile::new();
    file.connect().execute_batch(EVERY).expect("it is made");
    let database = Database::new();
    let engine = database.over_api();
    database.fail(json!({"when": "UPDATE _rowkeep_made", "fault": "refused"})).await;
    let view = file.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let target = engine.create(view.schema(), &Default::default()).await.expect("it begins");
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("rows")).await.expect("they are loaded");
    }
    let error = target.finish().await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(
        engine.contents().await.expect("it is looked at"),
        Contents::Empty,
        "what was begun is cleared"
    );

    // Rows that refer to nothing are refused before anything is sent.
    let dangling = TestFile::new();
    let rows =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (7);";
    dangling.connect().execute_batch(&format!("PRAGMA foreign_keys = off; {rows}")).expect("it is made");
    let view = dangling.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let target = engine.create(view.schema(), &Default::default()).await.expect("it begins");
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("rows")).await.expect("they are loaded");
    }
    let error = target.finish().await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Dangling, "{error}");
    assert!(error.to_string().contains("rows of table c (1) refer to rows of table p"), "{error}");
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Empty);

    // As a killed process leaves it.
    database.run("CREATE TABLE _rowkeep_made (token TEXT, step INTEGER); CREATE TABLE every (id); INSERT INTO every VALUES (1)").await;
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Unfinished);
    copy(&file.sqlite(), &*engine).await;
    assert_same_state(&file.sqlite(), &*engine).await;
}

/// Begins a restore of a file, of which all but the end is done.
async fn begun(file: &TestFile, engine: &dyn Engine, options: &CreateOptions) -> Arc<dyn Target> {
    let view = file.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let target = engine.create(view.schema(), options).await.expect("it begins");
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("rows")).await.expect("they are loaded");
    }
    target
}

/// Somebody else restores into the same database, or it is stopped: what is undone is one's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_undo_what_is_their_own() {
    let file = TestFile::new();
    file.connect().execute_batch(EVERY).expect("it is made");
    let next = "UPDATE _rowkeep_made";
    for (theirs, expected) in [
        (json!(["UPDATE _rowkeep_made SET token = 'theirs'"]), Contents::Unfinished),
        (json!(["DROP TABLE _rowkeep_made"]), Contents::Occupied(Vec::new())),
    ] {
        let database = Database::new();
        let engine = database.over_api();
        let target = begun(&file, &*engine, &CreateOptions::default()).await;
        database.fail(json!({"when": next, "fault": [{"run": theirs}]})).await;
        let error = target.finish().await.expect_err("it is not its own any more");
        assert!(error.to_string().contains("left as it is"), "{error}");
        let contents = match engine.contents().await.expect("it is looked at") {
            Contents::Occupied(_) => Contents::Occupied(Vec::new()),
            other => other,
        };
        assert_eq!(contents, expected);
        let view = engine.open(&ViewOptions::default()).await;
        assert!(view.is_err() || view.is_ok_and(|view| !view.schema().tables.is_empty()), "tables stay");
    }

    // Stopped between two steps.
    let database = Database::new();
    let engine = database.over_api();
    let options = CreateOptions::default();
    let target = begun(&file, &*engine, &options).await;
    database.fail(json!({"when": next, "fault": [503, 503]})).await;
    let finishing = tokio::spawn(async move { target.finish().await });
    while engine.contents().await.expect("it is looked at") != Contents::Unfinished {}
    options.stop.cancel();
    let error = finishing.await.expect("it ends").expect_err("it is stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Empty);

    // What was lost is not done, whatever AUTOINCREMENT has left.
    let small = TestFile::new();
    small.connect().execute_batch("CREATE TABLE small (id INTEGER PRIMARY KEY)").expect("it is made");
    let database = Database::new();
    database.run("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE a").await;
    let engine = database.over_api();
    let target = begun(&small, &*engine, &CreateOptions::default()).await;
    database.fail(json!({"when": "CREATE TABLE small", "fault": "lost"})).await;
    target.finish().await.expect("it is done");
    let contents = engine.contents().await.expect("it is looked at");
    assert_eq!(contents, Contents::Occupied(vec!["small".to_owned()]));
}

/// Two states of one database, and the changes between them.
async fn two_states(database: &Database, second: &str) -> (State, State) {
    let first = State::of(&*database.over_worker()).await;
    database.run(second).await;
    (first, State::of(&*database.over_worker()).await)
}

/// Others write between a copy and the change that was decided on it: theirs is kept, and ours is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_others_are_kept() {
    let database = Arc::new(Database::new());
    database
        .run("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 0), (2, 0); CREATE TABLE busy (n INTEGER); INSERT INTO busy VALUES (0)")
        .await;
    let (first, second) = two_states(&database, "UPDATE t SET v = 1").await;
    let (forth, back) = (first.to(&second), second.to(&first));
    let stop = Arc::new(AtomicBool::new(false));
    let writing = {
        let (database, stop) = (Arc::clone(&database), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut done = 0;
            while !stop.load(Ordering::Relaxed) {
                database.batch(&["UPDATE busy SET n = n + 1".to_owned()]).await.expect("it is counted");
                done += 1;
                tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            }
            done
        })
    };
    let only_t = |changes: &rowkeep_engine::conformance::ListedChanges| changes.clone().only(&["t"]);
    let mut made = 0;
    for round in 0..6 {
        let changes = if round % 2 == 0 { only_t(&back) } else { only_t(&forth) };
        match changes.apply(&*database.over_worker(), &ApplyOptions::default()).await {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Busy | ErrorKind::Conflict), "{error:?}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    let counted: i64 = writing.await.expect("it ends");
    assert!(made > 0, "it comes to an end between two writes");
    let rows = database.over_worker().query("SELECT n FROM busy", 2).await.expect("it is read").rows;
    assert_eq!(rows.value(0, 0), rowkeep_format::Value::Integer(counted), "nothing of others is lost");
}

/// Many rows, more than one transaction takes over the API.
const MANY: &str = "
    CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT, n INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) INSERT INTO many SELECT i, hex(randomblob(30)), i FROM n;
    CREATE TABLE log (v TEXT); CREATE TRIGGER logs AFTER UPDATE ON many BEGIN INSERT INTO log VALUES (new.id); END;";

/// Answers that do not come, and changes that are cut off half-way, are taken up again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_made_once() {
    let database = Database::new();
    database.run(MANY).await;
    let (first, second) =
        two_states(&database, "UPDATE many SET v = hex(randomblob(30)) WHERE n % 2; DELETE FROM many WHERE n % 7 = 0; DELETE FROM log").await;
    let (forth, back) = (first.to(&second), second.to(&first));
    let options = ApplyOptions::default();
    let told = database.over_api().cautions(&forth).await.expect("it is looked at");
    assert!(told[0].contains("it takes about 3 of them"), "{told:?}");
    assert!(database.over_worker().cautions(&forth).await.expect("it is looked at").is_empty());
    for (number, when) in
        ["INSERT INTO _rowkeep_changed", "UPDATE _rowkeep_changed", "DROP TABLE IF EXISTS _rowkeep_changed"]
            .into_iter()
            .flat_map(|when| [when; 2])
            .enumerate()
    {
        let fault = if number % 4 < 2 { "gone" } else { "cut" };
        let (changes, goal) = if number % 2 == 0 { (&back, &first) } else { (&forth, &second) };
        database.fail(json!({"when": when, "fault": fault})).await;
        changes.apply(&*database.over_api(), &options).await.expect("it is done in the end");
        State::of(&*database.over_worker()).await.assert_is(goal, when);
    }
    // Its answer is lost, and others are refused: that it was done is found out nevertheless.
    let faults = json!(["gone", "refused", "refused", "refused"]);
    database.fail(json!({"when": "DROP TABLE IF EXISTS _rowkeep_changed", "fault": faults})).await;
    back.apply(&*database.over_api(), &options).await.expect("it is done in the end");
    State::of(&*database.over_worker()).await.assert_is(&first, "after refusals");
    // Statements of one's own would be done with each round.
    let with_statements = ApplyOptions { statements: vec!["DELETE FROM log".to_owned()], ..options.clone() };
    let error = forth.apply(&*database.over_api(), &with_statements).await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    State::of(&*database.over_worker()).await.assert_is(&first, "nothing was sent");
    forth.apply(&*database.over_api(), &options).await.expect("it is done");
    back.apply(&*database.over_worker(), &options).await.expect("it is one transaction");
    State::of(&*database.over_worker()).await.assert_is(&first, "in one transaction");
    database.fail(json!({"when": "UPDATE _rowkeep_changed", "fault": "refused"})).await;
    forth.apply(&*database.over_api(), &options).await.expect_err("it is cut off");
    assert!(database.over_worker().is_half_changed().await.expect("it is looked at"));
    let view = database.over_worker().open(&ViewOptions::default()).await.expect("it opens");
    assert!(view.notes().iter().any(|note| note.contains("cut off")), "{:?}", view.notes());
    forth.apply(&*database.over_api(), &options).await.expect("it is done");
    State::of(&*database.over_worker()).await.assert_is(&second, "after it was cut off");
    let view = database.over_worker().open(&ViewOptions::default()).await.expect("it opens");
    assert!(view.notes().is_empty(), "{:?}", view.notes());
}
