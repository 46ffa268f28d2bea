//! An engine that nobody knows but these tests: databases in memory, without streams, transactions or look-up of their own; rows
//! are pushed into its views. It passes the conformance suite, and every job runs on it.

mod apply;
mod dialect;
mod engine;
mod jobs;
mod kind;
mod rows;
mod schema;
mod store;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rowkeep::async_trait;
use rowkeep::engine::Engine;
use rowkeep::engine::conformance::{Abilities, Fixture, Sandbox};

use engine::Memory;

/// Makes databases of names that no other test has.
struct Databases;

static NEXT: AtomicU32 = AtomicU32::new(0);

fn fresh() -> String {
    kind::register();
    format!("case-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A database that is gone when it is dropped.
struct Case(String);

impl Drop for Case {
    fn drop(&mut self) {
        store::remove(&self.0);
    }
}

#[async_trait]
impl Fixture for Databases {
    async fn empty(&self) -> Box<dyn Sandbox> {
        let name = fresh();
        store::put(&name, store::empty());
        Box::new(Case(name))
    }

    async fn missing(&self) -> Arc<dyn Engine> {
        Arc::new(Memory::new(&fresh()))
    }

    fn abilities(&self) -> Abilities {
        Abilities { reads_between: false }
    }

    fn blob_type(&self) -> &'static str {
        "blob"
    }

    fn blob_literal(&self, bytes: &[u8]) -> String {
        format!("x'{}'", hex::encode(bytes))
    }

    fn logging_trigger(&self, table: &str, log: &str) -> String {
        let trigger = |event: &str| {
            format!(
                "CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN INSERT INTO {log} VALUES ('row'); END;"
            )
        };
        ["INSERT", "UPDATE", "DELETE"].map(trigger).concat()
    }
}

#[async_trait]
impl Sandbox for Case {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(Memory::new(&self.0))
    }

    async fn run(&self, sql: &str) {
        store::run(&self.0, sql);
    }

    async fn dump(&self) -> String {
        store::dump(&self.0)
    }
}

mod conforms {
    use super::Databases;

    rowkeep::engine::conformance_tests!(Databases);
    rowkeep::engine::conformance_tests!(@changes Databases);
}
