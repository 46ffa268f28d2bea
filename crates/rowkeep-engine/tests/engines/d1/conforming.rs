//! The cases that every engine passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        engine(&format!("d1://account/missing-{number}")).expect("an engine")
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

rowkeep_engine::conformance_tests!(@changes Databases);
// But for what D1 does not take: tables of more columns, values of three million bytes, rows that refer to nothing.
rowkeep_engine::conformance_tests!(@cases Databases;
    integer_keys, unsorted_integer_keys, text_keys, composite_keys, no_keys_with_duplicates, nullable_unique_is_no_key,
    null_is_not_empty, names_of_every_sort, empty_tables, many_tables, rows_of_many_batches,
    views_are_of_one_instant, reading_concurrently, dropping_a_stream_lets_others_read, examining_a_sound_database,
    an_empty_schema_is_restored, occupied_targets_are_refused,
    abandoned_targets_leave_nothing, dropped_targets_do_not_stop_the_next, stopped_targets_leave_nothing,
    databases_that_are_not_there_are_not_found, errors_of_streams_end_the_load,
);
