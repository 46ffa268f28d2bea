//! The cases that every engine passes.

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_engine::Engine;
use rowkeep_engine::conformance::{Fixture, Sandbox};

use super::server::{Database, engine};

struct Databases;

#[async_trait]
impl Fixture for Databases {
    async fn empty(&self) -> Box<dyn Sandbox> {
        Box::new(Database::new())
    }

    async fn missing(&self) -> Arc<dyn Engine> {
        engine("d1://account/00000000-0000-4000-8000-000000009999").expect("an engine")
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

rowkeep_engine::conformance_tests!(@cases Databases;
    views_are_of_one_instant, reading_concurrently, dropping_a_stream_lets_others_read, examining_a_sound_database,
    rows_are_found_by_their_values, rows_are_found_in_the_state_of_the_view, rows_lie_between_others,
    statements_that_read, statements_that_do_more_are_refused,
);
