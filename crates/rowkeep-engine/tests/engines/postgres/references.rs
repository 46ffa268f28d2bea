//! Foreign keys of a restore that does not load everything, or whose rows do not fit together.

use std::sync::Arc;

use rowkeep_engine::conformance::read_all;
use rowkeep_engine::{CreateOptions, Engine, EngineError, Target, View, ViewOptions};

use super::server::{Database, Server, chain};

super::on_every_server!(
    references_to_what_is_loaded_are_checked,
    references_to_what_is_not_loaded_are_not,
    rows_that_do_not_fit_together_are_refused,
    references_are_in_the_schema,
    references_are_checked_where_temporary_files_are_not_allowed,
);

const FAMILY: &str = "CREATE TABLE parents (id integer PRIMARY KEY); INSERT INTO parents VALUES (1), (2);
    CREATE TABLE children (id integer PRIMARY KEY, parent integer CONSTRAINT of_parent REFERENCES parents);
    INSERT INTO children VALUES (1, 1), (2, 2);
    CREATE TABLE parts (id integer PRIMARY KEY, parent integer CONSTRAINT of_part REFERENCES parents) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
    INSERT INTO parts VALUES (1, 1), (11, 2);
    CREATE TABLE notes (part integer CONSTRAINT of_note REFERENCES parts); INSERT INTO notes VALUES (1), (11);";

const VALIDATED: &str = "SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) \
    FROM pg_constraint WHERE contype = 'f' AND conparentid = 0";

async fn restore(from: &dyn Engine, to: &dyn Engine, loaded: &[&str]) -> Result<Vec<String>, EngineError> {
    let view = from.open(&ViewOptions { with_ddl: true }).await?;
    let tables = view.schema().tables.iter().filter(|table| loaded.contains(&table.name.name.as_str()));
    let options = CreateOptions {
        loaded: Some(tables.map(|table| table.name.clone()).collect()),
        ..CreateOptions::default()
    };
    fill(&*view, to.create(view.schema(), &options).await?, loaded).await
}

async fn fill(view: &dyn View, target: Arc<dyn Target>, loaded: &[&str]) -> Result<Vec<String>, EngineError> {
    let tables = view.schema().tables.iter().filter(|table| loaded.contains(&table.name.name.as_str()));
    for table in tables {
        target.load(table, view.rows(table).await?).await?;
    }
    let finished = target.finish().await;
    if finished.is_err() {
        target.abandon().await?;
    }
    finished.map(|finished| finished.notes)
}

async fn family(server: &Server) -> Database {
    let original = server.database().await;
    original.run(FAMILY).await;
    original
}

async fn references_to_what_is_loaded_are_checked(server: Server) {
    let (original, copied) = (family(&server).await, server.database().await);
    let all = ["parents", "children", "parts_1", "parts_2", "notes"];
    let notes = restore(&*server.engine(&original.name), &*server.engine(&copied.name), &all).await;
    assert_eq!(notes.expect("the copy is made"), Vec::<String>::new());
    assert_eq!(copied.value(VALIDATED).await, "of_note true, of_parent true, of_part true");
}

async fn references_to_what_is_not_loaded_are_not(server: Server) {
    let (original, copied) = (family(&server).await, server.database().await);
    let some = ["children", "parts_1", "notes"];
    let notes = restore(&*server.engine(&original.name), &*server.engine(&copied.name), &some).await;
    let notes = notes.expect("the copy is made");
    for name in ["of_parent", "of_note", "of_part"] {
        assert!(notes.iter().any(|note| note.contains(name)), "{name}: {notes:?}");
    }
    // A partitioned table takes an unchecked reference only from version 18 on.
    let expected = if server.major >= 18 {
        "of_note false, of_parent false, of_part false"
    } else {
        "of_note false, of_parent false"
    };
    assert_eq!(copied.value(VALIDATED).await, expected);

    let copied = server.database().await;
    let notes = restore(&*server.engine(&original.name), &*server.engine(&copied.name), &["parents"]).await;
    assert_eq!(notes.expect("the copy is made"), Vec::<String>::new(), "no row refers to what is not there");
    assert_eq!(copied.value(VALIDATED).await, "of_note true, of_parent true, of_part true");
}

async fn rows_that_do_not_fit_together_are_refused(server: Server) {
    let (original, copied) = (family(&server).await, server.database().await);
    original.run("SET session_replication_role = replica; INSERT INTO children VALUES (3, 99)").await;
    let all = ["parents", "children", "parts_1", "parts_2", "notes"];
    let error = restore(&*server.engine(&original.name), &*server.engine(&copied.name), &all).await;
    let error = error.expect_err("a child has no parent");
    let words = chain(&error);
    assert!(
        words.contains("table children") && words.contains("of_parent") && words.contains("(99)"),
        "{words}"
    );
    assert_eq!(copied.value("SELECT count(*) FROM pg_class WHERE relname = 'children'").await, "0");
}

async fn references_are_in_the_schema(server: Server) {
    let original = family(&server).await;
    let (schema, _) = read_all(&*server.engine(&original.name)).await;
    let found: Vec<String> = schema
        .tables
        .iter()
        .flat_map(|table| {
            table.foreign_keys.iter().map(|key| {
                let columns: Vec<&str> =
                    key.columns.iter().map(|column| table.columns[*column].name.as_str()).collect();
                format!("{} {columns:?} {} {:?}", table.name, key.references, key.referenced_columns)
            })
        })
        .collect();
    assert_eq!(
        found,
        [
            r#"children ["parent"] parents ["id"]"#,
            r#"notes ["part"] parts ["id"]"#,
            r#"parts_1 ["parent"] parents ["id"]"#,
            r#"parts_2 ["parent"] parents ["id"]"#,
        ]
    );
}

/// Large tables are compared in parts that are temporary files, unless the server refuses them.
async fn references_are_checked_where_temporary_files_are_not_allowed(server: Server) {
    let original = server.database().await;
    original
        .run(
            "CREATE TABLE places (x integer, y integer, UNIQUE (y, x));
             INSERT INTO places SELECT n, n % 7 FROM generate_series(1, 100000) n;
             CREATE TABLE visits (id integer PRIMARY KEY, x integer, y integer, CONSTRAINT of_place FOREIGN KEY (x, y) REFERENCES places (x, y));
             INSERT INTO visits SELECT n, n, n % 7 FROM generate_series(1, 100000) n",
        )
        .await;
    let copied = server.database().await;
    copied.run(&format!("ALTER DATABASE \"{}\" SET temp_file_limit = 64", copied.name)).await;
    let notes =
        restore(&*server.engine(&original.name), &*server.engine(&copied.name), &["places", "visits"]).await;
    assert_eq!(notes.expect("the copy is made"), Vec::<String>::new());
    assert_eq!(copied.value(VALIDATED).await, "of_place true");

    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let engine = server.engine(&copied.name);
    let target = engine.replace(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    let notes = fill(&*view, target, &["places", "visits"]).await;
    assert_eq!(notes.unwrap_or_else(|error| panic!("{}", chain(&error))), Vec::<String>::new());
    assert_eq!(copied.value(VALIDATED).await, "of_place true");
}
