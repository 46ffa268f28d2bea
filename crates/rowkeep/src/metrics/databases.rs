//! Figures of databases: those that are known are written.

use jiff::Timestamp;

use super::families::{
    BACKUP_DURATION, DURATION_BOUNDS, Family, LAST_BACKUP_BYTES, LAST_BACKUP_DURATION, LAST_BACKUP_ROWS,
    LAST_BACKUP_SUCCESS, LAST_BACKUP_TIMESTAMP, LAST_DRILL_SUCCESS, LAST_DRILL_TIMESTAMP, RECOVERY_POINT,
    RECOVERY_POINT_TARGET, RECOVERY_TIME, RECOVERY_TIME_TARGET, SNAPSHOTS, STANDING,
};
use super::text::Text;

/// What is known of a database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatabaseFigures {
    /// Its name.
    pub name: String,
    /// How it stands to what was promised, in a word.
    pub standing: &'static str,
    /// When the state of the newest snapshot was.
    pub last_backup: Option<Timestamp>,
    /// Whether the last backup is done.
    pub last_backup_done: Option<bool>,
    /// The milliseconds that it took.
    pub last_backup_ms: Option<u64>,
    /// How long backups took.
    pub backups: Option<Durations>,
    /// Rows of the newest snapshot.
    pub rows: Option<u64>,
    /// Bytes of these rows.
    pub bytes: Option<u64>,
    /// Bytes that it added to the repository.
    pub new_bytes: Option<u64>,
    /// How many snapshots there are.
    pub snapshots: Option<u64>,
    /// The age of the newest.
    pub age_seconds: Option<u64>,
    /// What may be lost at most.
    pub lose_seconds: Option<u64>,
    /// The milliseconds that the last drill took to restore and to prove.
    pub recovery_ms: Option<u64>,
    /// Within which it has to be back.
    pub back_in_seconds: Option<u64>,
    /// When the last drill was.
    pub last_drill: Option<Timestamp>,
    /// Whether everything was as it should be.
    pub last_drill_passed: Option<bool>,
}

/// How long some things took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Durations {
    /// How many took no longer than each of [`DURATION_BOUNDS`].
    pub within: [u64; DURATION_BOUNDS.len()],
    /// How many there are.
    pub count: u64,
    /// How many seconds all of them took.
    pub seconds: f64,
}

type Figure = (Family, fn(&DatabaseFigures) -> Option<f64>);

const FIGURES: [Figure; 11] = [
    (LAST_BACKUP_TIMESTAMP, |of| of.last_backup.map(seconds)),
    (LAST_BACKUP_SUCCESS, |of| of.last_backup_done.map(whether)),
    (LAST_BACKUP_DURATION, |of| of.last_backup_ms.map(milliseconds)),
    (LAST_BACKUP_ROWS, |of| of.rows.map(number)),
    (SNAPSHOTS, |of| of.snapshots.map(number)),
    (RECOVERY_POINT, |of| of.age_seconds.map(number)),
    (RECOVERY_POINT_TARGET, |of| of.lose_seconds.map(number)),
    (RECOVERY_TIME, |of| of.recovery_ms.map(milliseconds)),
    (RECOVERY_TIME_TARGET, |of| of.back_in_seconds.map(number)),
    (LAST_DRILL_TIMESTAMP, |of| of.last_drill.map(seconds)),
    (LAST_DRILL_SUCCESS, |of| of.last_drill_passed.map(whether)),
];

/// Writes the figures of databases.
pub fn databases(text: &mut Text, databases: &[DatabaseFigures]) {
    for (family, figure) in &FIGURES {
        let known = databases.iter().filter_map(|of| Some((vec![("database", &*of.name)], figure(of)?)));
        text.family(family, known);
    }
    let standings =
        databases.iter().map(|of| (vec![("database", &*of.name), ("standing", of.standing)], 1.0));
    text.family(&STANDING, standings);
    let bytes = databases.iter().flat_map(|of| {
        let kinds = [("logical", of.bytes), ("stored", of.new_bytes)];
        kinds.into_iter().filter_map(|(kind, bytes)| {
            Some((vec![("database", &*of.name), ("kind", kind)], bytes.map(number)?))
        })
    });
    text.family(&LAST_BACKUP_BYTES, bytes);
    text.begin(&BACKUP_DURATION);
    for of in databases {
        if let Some(durations) = &of.backups {
            histogram(text, &of.name, durations);
        }
    }
}

fn histogram(text: &mut Text, database: &str, durations: &Durations) {
    let Family { name, .. } = BACKUP_DURATION;
    let (bucket, sum, count) = (format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count"));
    for (bound, within) in DURATION_BOUNDS.iter().zip(durations.within) {
        text.sample(&bucket, &[("database", database), ("le", &bound.to_string())], number(within));
    }
    text.sample(&bucket, &[("database", database), ("le", "+Inf")], number(durations.count));
    text.sample(&sum, &[("database", database)], durations.seconds);
    text.sample(&count, &[("database", database)], number(durations.count));
}

fn seconds(time: Timestamp) -> f64 {
    time.as_second() as f64
}

fn milliseconds(took: u64) -> f64 {
    took as f64 / 1_000.0
}

fn number(number: u64) -> f64 {
    number as f64
}

fn whether(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
