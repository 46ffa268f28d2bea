//! The names of all figures, and what they are. No label ever has the id of a snapshot: series would grow without end.

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only goes up.
    Counter,
    /// How many values lie below each of some bounds.
    Histogram,
}

/// Figures of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name, with the unit in which the figures are.
    pub name: &'static str,
    /// Which kind of figures.
    pub kind: Kind,
    /// What they are.
    pub help: &'static str,
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help }
}

/// The version.
pub const BUILD_INFO: Family = gauge("rowkeep_build_info", "The version that says this.");

pub(super) const STANDING: Family =
    gauge("rowkeep_standing", "How a database stands to what was promised: 1 for what it is.");

pub(super) const LAST_BACKUP_TIMESTAMP: Family =
    gauge("rowkeep_last_backup_timestamp_seconds", "When the state of the newest snapshot was.");

pub(super) const LAST_BACKUP_SUCCESS: Family =
    gauge("rowkeep_last_backup_success", "Whether the last backup is done.");

pub(super) const LAST_BACKUP_DURATION: Family =
    gauge("rowkeep_last_backup_duration_seconds", "How long the last backup took.");

pub(super) const BACKUP_DURATION: Family = Family {
    name: "rowkeep_backup_duration_seconds",
    kind: Kind::Histogram,
    help: "How long the backups took that are done.",
};

pub(super) const LAST_BACKUP_ROWS: Family = gauge("rowkeep_last_backup_rows", "Rows of the newest snapshot.");

pub(super) const LAST_BACKUP_BYTES: Family = gauge(
    "rowkeep_last_backup_bytes",
    "Bytes of the newest snapshot: of all its rows (logical), and what it added to the repository (stored).",
);

pub(super) const SNAPSHOTS: Family = gauge("rowkeep_snapshots", "Snapshots of the database.");

pub(super) const RECOVERY_POINT: Family =
    gauge("rowkeep_recovery_point_seconds", "The age of what the newest snapshot holds.");

pub(super) const RECOVERY_POINT_TARGET: Family =
    gauge("rowkeep_recovery_point_target_seconds", "What may be lost at most.");

pub(super) const RECOVERY_TIME: Family =
    gauge("rowkeep_recovery_time_seconds", "How long the last drill took to restore and to prove.");

pub(super) const RECOVERY_TIME_TARGET: Family =
    gauge("rowkeep_recovery_time_target_seconds", "Within which the database has to be back.");

pub(super) const LAST_DRILL_TIMESTAMP: Family =
    gauge("rowkeep_last_drill_timestamp_seconds", "When the last drill was.");

pub(super) const LAST_DRILL_SUCCESS: Family = gauge(
    "rowkeep_last_drill_success",
    "Whether the last drill was done, and everything was as it should be.",
);

/// How much is stored.
pub const REPOSITORY_BYTES: Family =
    gauge("rowkeep_repository_bytes", "Bytes that the repository holds, as stored.");

/// When the repository was checked.
pub const LAST_CHECK_TIMESTAMP: Family =
    gauge("rowkeep_last_check_timestamp_seconds", "When the last check of the repository ended.");

/// Whether the repository is whole, as far as that was checked.
pub const LAST_CHECK_SUCCESS: Family =
    gauge("rowkeep_last_check_success", "Whether the last check of the repository found no damage.");

/// Jobs that are not over.
pub const JOBS: Family = gauge("rowkeep_jobs", "Jobs that wait or are being done.");

/// Jobs that are over.
pub const JOBS_COMPLETED: Family =
    Family { name: "rowkeep_jobs_completed_total", kind: Kind::Counter, help: "Jobs that are over." };

/// How long nothing was noted in the audit.
pub const AUDIT_HEAD_AGE: Family =
    gauge("rowkeep_audit_head_age_seconds", "How long ago the last entry of the audit was made.");

/// What is wrong now.
pub const ALERTS_FIRING: Family = gauge("rowkeep_alerts_firing", "Alerts that are open.");

/// The seconds below which durations of backups are counted.
pub const DURATION_BOUNDS: [u32; 12] = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];

/// All of them.
pub const ALL: [Family; 22] = [
    BUILD_INFO,
    STANDING,
    LAST_BACKUP_TIMESTAMP,
    LAST_BACKUP_SUCCESS,
    LAST_BACKUP_DURATION,
    BACKUP_DURATION,
    LAST_BACKUP_ROWS,
    LAST_BACKUP_BYTES,
    SNAPSHOTS,
    RECOVERY_POINT,
    RECOVERY_POINT_TARGET,
    RECOVERY_TIME,
    RECOVERY_TIME_TARGET,
    LAST_DRILL_TIMESTAMP,
    LAST_DRILL_SUCCESS,
    REPOSITORY_BYTES,
    LAST_CHECK_TIMESTAMP,
    LAST_CHECK_SUCCESS,
    JOBS,
    JOBS_COMPLETED,
    AUDIT_HEAD_AGE,
    ALERTS_FIRING,
];
