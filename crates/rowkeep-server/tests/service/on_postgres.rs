//! The same with the state in PostgreSQL, and what can happen to it there alone.

use super::support::on_postgres;

/// Tests that are done once more with the state on a server.
macro_rules! once_more {
    ($($room:ident: $($test:ident),+;)+) => {$($(
        #[test]
        fn $test() {
            on_postgres(|| super::$room::$test());
        }
    )+)+};
}

once_more! {
    alerts: an_alert_is_told_once_and_is_over_once, quiet_hours_hold_back_what_can_wait,
        what_was_missed_while_nothing_ran_is_caught_up_without_an_alert, pages_have_each_alert_once;
    audit: snapshots_know_the_audit_of_their_time, a_repository_that_is_away_is_named;
    channels: a_channel_that_fails_is_told_over_the_others, successes_and_summaries_come_to_those_who_want_them,
        pings_join_the_beginning_and_the_end;
    compatibility: backups_are_made_listed_and_deleted, backups_come_back;
    job_events: progress_is_told_until_the_end, the_end_of_the_service_ends_the_events;
    jobs: a_backup_is_made_and_waited_for, pages_of_lists_have_each_entry_once, a_request_that_is_sent_again_is_done_once,
        what_failed_says_why, one_process_serves_with_a_state, a_repository_that_is_away_gets_no_backups;
    metrics: what_is_known_is_said;
    oidc: somebody_is_what_his_groups_make_him_at_each_sign_in;
    operations: each_is_for_those_who_may, requests_that_are_wrong_are_refused_in_words, tokens_end_when_they_are_revoked;
    restores: two_rows_come_back_and_go_again, a_row_that_was_changed_since_the_plan_stops_it,
        a_second_person_executes_where_that_is_wanted, what_is_held_stays;
    schedules: a_backup_comes_when_its_time_has_come_and_is_caught_up_once, what_failed_is_tried_again_after_growing_pauses,
        repositories_are_checked_and_pruned_too;
    sessions: the_first_password_is_for_choosing_another, what_a_session_does_is_its_users_alone,
        roles_and_databases_are_those_of_the_user, codes_of_a_second_factor_count_once, sessions_end,
        users_stay_when_the_service_is_started_again;
}
