//! What every engine must do, as cases that run on a real database of it.
//!
//! Not part of what is released: the feature `conformance` has it.
//!
//! An engine's tests implement [`Fixture`] and say `rowkeep_engine::conformance_tests!(its_fixture)`, which makes one
//! test of each case. The cases speak the SQL that all engines understand; what differs is asked of the fixture, and what an engine
//! cannot do it says by its [`Abilities`] and the [`Consistency`](crate::Consistency) of its views. A
//! case that fails panics, as tests do.

mod apply;
mod changes;
mod damage;
mod fixture;
mod keys;
mod random;
mod refusals;
mod replace;
mod sandbox;
mod search;
mod states;
mod targets;
mod two_states;

pub use apply::{
    an_empty_changeset, conflicts_are_skipped, many_changes, references_hold_in_the_end,
    referential_actions_do_not_act, rows_are_changed_and_changed_back, rows_without_a_key,
    statements_run_with_the_changes, triggers_fire_when_they_are_to, unique_values_are_swapped,
    values_that_are_not_known,
};
pub use changes::{ListedChanges, State, applied};
pub use damage::{databases_that_are_not_there_are_not_found, errors_of_streams_end_the_load};
pub use fixture::{Abilities, Fixture, Sandbox};
pub use keys::{
    big_values_survive, composite_keys, empty_tables, integer_keys, many_tables, names_of_every_sort,
    no_keys_with_duplicates, null_is_not_empty, nullable_unique_is_no_key, rows_of_many_batches, text_keys,
    unsorted_integer_keys, wide_tables,
};
pub use random::any_state_becomes_any_other;
pub use refusals::{
    broken_references_are_refused, conflicts_stop_everything, rows_that_are_not_allowed_are_refused,
    statements_that_fail_undo_everything,
};
pub use replace::{
    databases_are_replaced, readers_see_the_old_or_the_new, replacements_that_do_not_end_leave_the_old,
    what_is_missing_is_made,
};
pub use sandbox::{Rows, assert_same_rows, copy, read, read_all};
pub use search::{
    rows_are_found_by_their_values, rows_are_found_in_the_state_of_the_view, rows_lie_between_others,
    statements_that_do_more_are_refused, statements_that_read,
};
pub use states::{
    dropping_a_stream_lets_others_read, examining_a_sound_database, reading_concurrently,
    views_are_of_one_instant,
};
pub use targets::{
    abandoned_targets_leave_nothing, an_empty_schema_is_restored, dropped_targets_do_not_stop_the_next,
    occupied_targets_are_refused, stopped_targets_leave_nothing, tables_without_rows_are_created,
};

/// Makes a `#[tokio::test]` of each conformance case; takes an expression that gives a [`Fixture`].
#[macro_export]
macro_rules! conformance_tests {
    // What changes rows of a database in use, and finds some.
    (@changes $fixture:expr) => {
        $crate::conformance_tests!(@cases $fixture;
            rows_are_changed_and_changed_back, references_hold_in_the_end, referential_actions_do_not_act,
            rows_without_a_key, unique_values_are_swapped, many_changes, an_empty_changeset,
            triggers_fire_when_they_are_to, values_that_are_not_known, statements_run_with_the_changes,
            conflicts_are_skipped, conflicts_stop_everything, broken_references_are_refused,
            rows_that_are_not_allowed_are_refused, statements_that_fail_undo_everything,
            any_state_becomes_any_other,
            databases_are_replaced, replacements_that_do_not_end_leave_the_old, readers_see_the_old_or_the_new,
            what_is_missing_is_made,
            rows_are_found_by_their_values, rows_are_found_in_the_state_of_the_view, rows_lie_between_others,
            statements_that_read, statements_that_do_more_are_refused,
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
    ($fixture:expr) => {
        $crate::conformance_tests!(@cases $fixture;
            integer_keys, unsorted_integer_keys, text_keys, composite_keys, no_keys_with_duplicates,
            nullable_unique_is_no_key, null_is_not_empty, names_of_every_sort, empty_tables, wide_tables, many_tables,
            big_values_survive, rows_of_many_batches,
            views_are_of_one_instant, reading_concurrently, dropping_a_stream_lets_others_read,
            examining_a_sound_database,
            an_empty_schema_is_restored, tables_without_rows_are_created, occupied_targets_are_refused,
            abandoned_targets_leave_nothing, dropped_targets_do_not_stop_the_next, stopped_targets_leave_nothing,
            databases_that_are_not_there_are_not_found, errors_of_streams_end_the_load,
        );
    };
}
