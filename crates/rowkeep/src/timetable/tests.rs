//! What runs by itself, as it is configured.

use std::path::Path;

use super::*;
use crate::Config;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("rowkeep.toml"), &|_| None).map_err(|error| error.to_string())
}

/// Each kind of work with its database, schedule, and whether it follows from a promise.
fn timetable(text: &str) -> Vec<String> {
    let config = parse(text).expect("it is well formed");
    let told = |scheduled: Scheduled| {
        let of = scheduled.database.map(|name| format!(" of {name}")).unwrap_or_default();
        let promise = if scheduled.is_promised { " (promise)" } else { "" };
        format!("{}{of}: {}{promise}", scheduled.work.name(), scheduled.schedule)
    };
    config.timetable().into_iter().map(told).collect()
}

#[test]
fn the_nearest_word_counts() {
    let text = "[schedule]\nbackup = 'daily at 02:00'\ndrill = 'weekly'\ncheck = 'monthly'\njitter = '10min'\n\
        [databases.a]\nurl = 'a.db'\n\
        [databases.b]\nurl = 'b.db'\nschedule = { backup = 'every 6 hours', drill = 'off' }\n\
        [databases.c]\nurl = 'c.db'\npromise = { lose = '6h', back_in = '30min' }\n\
        [databases.d]\nurl = 'd.db'\npromise = { lose = '15min' }\n\
        [databases.e]\nurl = 'e.db'\npromise = { lose = '25h' }\nschedule = { backup = 'daily at 03:00' }\n\
        [databases.f]\nurl = 'f.db'\nschedule = { backup = 'off' }\n\
        [databases.g]\nurl = 'indexeddb:g'\n\
        [databases.h]\nurl = 'indexeddb:h'\npromise = { lose = '25h', back_in = '1h' }\n\
        [databases.i]\nurl = 'indexeddb:i'\nschedule = { drill = 'monthly' }";
    assert_eq!(
        timetable(text),
        [
            "backup of a: daily at 02:00",
            "drill of a: weekly",
            "backup of b: every 6 hours",
            "backup of c: every 3 hours (promise)",
            "drill of c: weekly on Sunday at 04:00 (promise)",
            "backup of d: every 7 minutes (promise)",
            "drill of d: weekly",
            "backup of e: daily at 03:00",
            "drill of e: weekly",
            "drill of f: weekly",
            "drill of g: weekly",
            "drill of h: weekly on Sunday at 04:00 (promise)",
            "drill of i: monthly",
            "check: monthly",
        ]
    );
    assert_eq!(timetable("[databases.a]\nurl = 'a.db'"), Vec::<String>::new());
}

#[test]
fn promises_that_cannot_be_kept_are_named() {
    let text = "[databases.a]\nurl = 'a'\npromise = { lose = '6h' }\nschedule = { backup = 'daily at 02:00' }\n\
        [databases.b]\nurl = 'b'\npromise = { lose = '25h' }\nschedule = { backup = 'daily at 02:00' }\ntimezone = 'Europe/London'\n\
        [databases.c]\nurl = 'c'\npromise = { lose = '24h' }\nschedule = { backup = 'daily at 02:00' }\ntimezone = 'Europe/London'\n\
        [databases.d]\nurl = 'd'\npromise = { lose = '24h' }\nschedule = { backup = 'off' }\n\
        [databases.e]\nurl = 'e'\npromise = { lose = '2min' }\n\
        [databases.f]\nurl = 'f'\npromise = { lose = '8w' }\nschedule = { backup = '0 0 29 2 *' }\n\
        [databases.g]\nurl = 'indexeddb:g'\npromise = { lose = '25h', back_in = '30min' }\n\
        [databases.h]\nurl = 'indexeddb:h'\npromise = { lose = '25h' }";
    let broken = parse(text)
        .expect("it is well formed")
        .broken_promises("2026-01-01T00:00:00Z".parse().expect("a time"));
    let told: Vec<String> = broken.into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
    assert_eq!(
        told,
        [
            "a: at most 6 h may be lost, and with \"daily at 02:00\" up to 1 d lie between two backups",
            // On the day when the clocks are put back.
            "c: at most 1 d may be lost, and with \"daily at 02:00\" up to 1 d 1 h lie between two backups",
            "d: at most 1 d may be lost, and no backup is scheduled",
            "f: at most 56 d may be lost, and with \"0 0 29 2 *\" up to more than a year lie between two backups",
        ]
    );
}

#[test]
fn mistakes_are_named() {
    for (text, why) in [
        (
            "[schedule]\nbackups = 'daily'",
            "nothing called backups is done by itself; there is backup, drill, refresh, check, prune, copy",
        ),
        (
            "[databases.a]\nurl = 'a'\nschedule = { prune = 'daily' }",
            "nothing called prune is done by itself; there is backup, drill, refresh",
        ),
        (
            "[databases.a]\nurl = 'indexeddb:a'\nschedule = { backup = 'daily' }",
            "database a: schedule: backup: its states arrive when its pages send them, and only these write to it; a drill can be scheduled",
        ),
        (
            "[databases.a]\nurl = 'a'\nschedule = { backup = 'often' }",
            "database a: schedule: backup: \"often\" is no schedule",
        ),
        ("[schedule]\ncopy = 'daily'", "schedule: copy: there are no several [[repositories]]"),
        ("[schedule]\nread_data = '120%'", "schedule: read_data: \"120%\" is no part of the data"),
        ("[schedule]\nread_data = '5'", "schedule: read_data: \"5\" is no part of the data"),
        ("[schedule]\njitter = 'some'", "schedule: jitter: \"some\" is no length of time"),
        (
            "[databases.a]\nurl = 'a'\npromise = { lose = '10s' }",
            "promise: lose: \"10s\" is less than a minute",
        ),
        ("[databases.a]\nurl = 'a'\npromise = { back_in = '1h' }", "missing field `lose`"),
        ("[databases.a]\nurl = 'a'\npromise = { lose = '1h', gain = '1h' }", "unknown field `gain`"),
    ] {
        let problem = parse(text).expect_err(text);
        assert!(problem.contains(why), "{text}: {problem}");
    }
}

#[test]
fn promises_are_what_drills_hold_to() {
    let text =
        "[databases.a]\nurl = 'a'\npromise = { lose = '6h', back_in = '30min' }\nmax_recovery_time = '5min'";
    let objectives = parse(text).expect("it is well formed").databases["a"].objectives;
    assert_eq!((objectives.data_loss_seconds, objectives.recovery_seconds), (Some(21_600), Some(300)));
}

#[test]
fn work_is_put_off_by_what_it_is() {
    let text = "[schedule]\nbackup = 'daily'\ndrill = 'daily'\njitter = '10min'\n\
        [databases.a]\nurl = 'a'\n[databases.b]\nurl = 'b'\n[databases.c]\nurl = 'c'";
    let config = parse(text).expect("it is well formed");
    let put_off: Vec<i64> =
        config.timetable().iter().map(|scheduled| config.put_off(scheduled).as_secs()).collect();
    assert!(put_off.iter().all(|seconds| (0..600).contains(seconds)), "{put_off:?}");
    assert!(put_off.iter().any(|seconds| *seconds != put_off[0]), "{put_off:?}");
    let now = "2026-11-29T12:00:00Z".parse().expect("a time");
    for (scheduled, seconds) in config.timetable().iter().zip(put_off) {
        let next = config.next(scheduled, now).expect("it comes");
        assert_eq!(next.as_second() % 86_400, seconds);
    }
}
