//! Changesets for tests: from lists of rows, or as the difference of two databases.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use rowkeep_engine::conformance::{Rows, assert_same_rows, read_all};
use rowkeep_engine::{Applied, ApplyOptions, ChangeSource, ChangeStream, Engine, EngineError};
use rowkeep_format::{Changes, Counts, RowBatch, Schema, Table, TableChanges, Value, key};

use super::server::{Database, Server, assert_same_text, chain, connect};

/// A changeset in memory.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    pub(crate) tables: Vec<TableChanges>,
    pub(crate) changes: Vec<Changes>,
}

impl ChangeSource for Lists {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        // In several pieces, as large ones come.
        let all = &self.changes[table];
        let mut pieces = vec![Changes::new(self.tables[table].table.columns.len())];
        for (at, change) in all.iter().enumerate() {
            if at > 0 && at % 1000 == 0 {
                pieces.push(Changes::new(self.tables[table].table.columns.len()));
            }
            let last = pieces.len() - 1;
            pieces[last].push(all, change);
        }
        futures::stream::iter(pieces.into_iter().map(Ok::<_, EngineError>)).boxed()
    }
}

/// A row as its texts.
pub(crate) type Texts<'a> = &'a [Option<&'a str>];

pub(crate) fn row(texts: Texts<'_>) -> RowBatch {
    let mut batch = RowBatch::new(texts.len());
    batch.push_row(texts.iter().map(|text| text.map_or(Value::Null, |text| Value::Text(text.as_bytes()))));
    batch
}

impl Lists {
    /// Adds the changes of a table: rows as they were and as they become.
    pub(crate) fn with(mut self, table: &Table, changes: &[(Option<Texts<'_>>, Option<Texts<'_>>)]) -> Self {
        let mut out = Changes::new(table.columns.len());
        for change in changes {
            match change {
                (Some(before), Some(after)) => out.update(&row(before), 0, &row(after), 0),
                (Some(before), None) => out.delete(&row(before), 0),
                (None, Some(after)) => out.insert(&row(after), 0),
                (None, None) => {}
            }
        }
        self.push(table, out);
        self
    }

    fn push(&mut self, table: &Table, changes: Changes) {
        self.tables.push(TableChanges {
            table: table.clone(),
            counts: Counts::of(&changes),
            insert_defaults: Vec::new(),
            delete_unknown: Vec::new(),
            updated_columns: Vec::new(),
            across: None,
        });
        self.changes.push(changes);
    }

    /// What makes one state into another of the same schema.
    pub(crate) fn between(schema: &Schema, from: &Rows, to: &Rows) -> Self {
        let mut out = Self::default();
        for table in &schema.tables {
            let empty = RowBatch::new(table.columns.len());
            let changes = differences(
                table,
                from.get(&table.name).unwrap_or(&empty),
                to.get(&table.name).unwrap_or(&empty),
            );
            if !changes.is_empty() {
                out.push(table, changes);
            }
        }
        out
    }

    pub(crate) fn reversed(self) -> Self {
        Self {
            tables: self.tables.into_iter().map(TableChanges::reversed).collect(),
            changes: self.changes.into_iter().map(Changes::reversed).collect(),
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.tables.iter().map(|table| table.counts.total()).sum()
    }
}

fn differences(table: &Table, from: &RowBatch, to: &RowBatch) -> Changes {
    let mut rows: BTreeMap<Vec<u8>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (batch, is_from) in [(from, true), (to, false)] {
        for row in 0..batch.rows() {
            let mut bytes = Vec::new();
            key::encode(&table.key, batch, row, &mut bytes).expect("keys have their form");
            let entry = rows.entry(bytes).or_default();
            if is_from { &mut entry.0 } else { &mut entry.1 }.push(row);
        }
    }
    let mut changes = Changes::new(table.columns.len());
    for (before, after) in rows.into_values() {
        let both = before.len().min(after.len());
        for (before, after) in before.iter().zip(&after) {
            if from.row(*before).ne(to.row(*after)) {
                changes.update(from, *before, to, *after);
            }
        }
        before[both..].iter().for_each(|row| changes.delete(from, *row));
        after[both..].iter().for_each(|row| changes.insert(to, *row));
    }
    changes
}

/// Applies changes as they usually are.
pub(crate) async fn apply(engine: &dyn Engine, changes: Lists) -> Result<Applied, EngineError> {
    engine.apply(Arc::new(changes), &ApplyOptions::default()).await
}

pub(crate) fn expect(applied: Result<Applied, EngineError>) -> Applied {
    applied.unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// A database that an ordinary role owns, with everything in it.
pub(crate) struct Owned {
    pub(crate) database: Database,
    pub(crate) role: String,
    /// Whether `citext` is a type that takes letters of both cases as equal.
    pub(crate) has_citext: bool,
}

impl Owned {
    pub(crate) async fn new(server: &Server, setup: &str) -> Self {
        let role = server.role("").await;
        let database = server.database_with(&format!("OWNER {role}")).await;
        let client = database.client().await;
        let run = async |sql: &str| client.batch_execute(sql).await;
        run(&format!("ALTER SCHEMA public OWNER TO {role}")).await.expect("the schema has another owner");
        // Not every server has extensions; there its stand-in has no equality of its own.
        let citext = "SELECT FROM pg_available_extensions WHERE name = 'citext'";
        let has_citext = client.query_opt(citext, &[]).await.expect("the query is answered").is_some();
        let citext = if has_citext { "CREATE EXTENSION citext" } else { "CREATE DOMAIN citext AS text" };
        run(citext).await.expect("the type is made");
        let has_xml = run("SELECT xml ''").await.is_ok();
        drop(client);
        let owned = Self { database, role, has_citext };
        let setup = if has_xml { setup.to_owned() } else { setup.replace(" x xml", " x text") };
        owned.run(&setup).await;
        owned
    }

    pub(crate) fn url(&self) -> String {
        self.database.server.url_as(&self.role, &self.database.name)
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        self.database.server.engine_at(&self.url())
    }

    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        connect(&self.url()).await
    }

    pub(crate) async fn run(&self, sql: &str) {
        if let Err(error) = self.client().await.batch_execute(sql).await {
            panic!("{error:?}: {}", sql.chars().take(500).collect::<String>());
        }
    }

    pub(crate) async fn schema(&self) -> Schema {
        self.state().await.0
    }

    pub(crate) async fn state(&self) -> (Schema, Rows) {
        read_all(&*self.engine()).await
    }

    /// Waits until another session waits for a lock.
    pub(crate) async fn until_somebody_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";
        self.database.until(waiting, |count| count != "0").await;
    }
}

/// A table by its name.
pub(crate) fn table(schema: &Schema, name: &str) -> Table {
    schema.tables.iter().find(|table| table.name.name == name).expect("the table is there").clone()
}

/// Makes a database by `setup`, changes it by `change`, and checks that the differences can be applied, back and forth:
/// rows, schema, triggers and constraints are as they were before. Returns what was applied each time.
pub(crate) async fn back_and_forth(server: &Server, setup: &str, change: &str) -> [Applied; 2] {
    let owned = Owned::new(server, setup).await;
    let (schema, first) = owned.state().await;
    let first_dump = owned.database.dump().await;
    owned.run(change).await;
    let (changed_schema, second) = owned.state().await;
    let second_dump = owned.database.dump().await;
    assert_eq!(schema, changed_schema, "only rows are changed");
    let undo = Lists::between(&schema, &second, &first);
    let (count, redo) = (undo.total(), undo.clone().reversed());
    assert!(count > 0, "something is changed");

    let engine = owned.engine();
    let back = expect(apply(&*engine, undo).await);
    let (_, rows) = owned.state().await;
    assert_same_rows(&rows, &first);
    assert_same_text(&owned.database.dump().await, &first_dump);
    let forth = expect(apply(&*engine, redo).await);
    let (_, rows) = owned.state().await;
    assert_same_rows(&rows, &second);
    assert_same_text(&owned.database.dump().await, &second_dump);
    for applied in [&back, &forth] {
        let done: u64 = applied.tables.iter().map(|table| table.done.total()).sum();
        assert_eq!(done, count, "every change is counted: {applied:?}");
        assert!(applied.tables.iter().all(|table| table.already == 0 && table.skipped == 0), "{applied:?}");
    }
    [back, forth]
}
