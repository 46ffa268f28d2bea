//! What every engine must do, as cases that run on a real database of it.
//!
//! An engine's tests implement [`Fixture`] and say `rowkeep_engine::conformance_tests!(its_fixture)`, which makes one
//! test of each case. The cases speak the SQL that all engines understand; what differs is asked of the fixture. A
//! case that fails panics, as tests do.

mod damage;
mod keys;
mod sandbox;
mod states;
mod targets;

use std::sync::Arc;

use async_trait::async_trait;

use crate::Engine;

pub use damage::{databases_that_are_not_there_are_not_found, errors_of_streams_end_the_load};
pub use keys::{
    big_values_survive, composite_keys, empty_tables, integer_keys, many_tables, names_of_every_sort,
    no_keys_with_duplicates, null_is_not_empty, nullable_unique_is_no_key, rows_of_many_batches, text_keys,
    unsorted_integer_keys, wide_tables,
};
pub use sandbox::{Rows, assert_same_rows, copy, read, read_all};
pub use states::{
    dropping_a_stream_lets_others_read, examining_a_sound_database, reading_concurrently,
    views_are_of_one_instant,
};
pub use targets::{
    abandoned_targets_leave_nothing, an_empty_schema_is_restored, dropped_targets_do_not_stop_the_next,
    occupied_targets_are_refused, tables_without_rows_are_created,
};

/// A kind of database that the cases run on.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Makes a database with nothing in it, another one at each call.
    async fn empty(&self) -> Box<dyn Sandbox>;

    /// The engine for a database that does not exist (but whose server, if it has one, does).
    async fn missing(&self) -> Arc<dyn Engine>;

    /// The type of a column of bytes: `bytea`, `blob`.
    fn blob_type(&self) -> &'static str;

    /// A literal of bytes.
    fn blob_literal(&self, bytes: &[u8]) -> String;
}

/// One database, gone when it is dropped.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// The engine for it.
    fn engine(&self) -> Arc<dyn Engine>;

    /// Runs one or more statements on a connection of its own, as an application would, and commits. Waits for locks for
    /// some seconds; panics when a statement fails.
    async fn run(&self, sql: &str);

    /// All of the database as its own dump tool prints it; equal databases give equal text.
    async fn dump(&self) -> String;
}

/// Makes a `#[tokio::test]` of each conformance case; takes an expression that gives a [`Fixture`].
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests!(@cases $fixture;
            integer_keys, unsorted_integer_keys, text_keys, composite_keys, no_keys_with_duplicates,
            nullable_unique_is_no_key, null_is_not_empty, names_of_every_sort, empty_tables, wide_tables, many_tables,
            big_values_survive, rows_of_many_batches,
            views_are_of_one_instant, reading_concurrently, dropping_a_stream_lets_others_read,
            examining_a_sound_database,
            an_empty_schema_is_restored, tables_without_rows_are_created, occupied_targets_are_refused,
            abandoned_targets_leave_nothing, dropped_targets_do_not_stop_the_next,
            databases_that_are_not_there_are_not_found, errors_of_streams_end_the_load,
        );
    };
    (@cases $fixture:expr; $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$case(&$fixture).await;
            }
        )*
    };
}
