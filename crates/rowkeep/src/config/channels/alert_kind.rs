//! What alerts there are.

use serde::{Deserialize, Serialize};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The last backup of a database failed, and so did every further try.
    BackupFailed,
    /// A promise is broken, or a scheduled backup is missing.
    Overdue,
    /// A promise will be broken before the next backup can be done.
    AtRisk,
    /// The last drill of a database failed.
    DrillFailed,
    /// The last drill of a database took longer than was promised.
    DrillSlow,
    /// A check found damage in the repository.
    Damage,
    /// A backup lacks so much that somebody should look at it.
    Suspicious,
    /// A check, a prune or a copy failed.
    MaintenanceFailed,
    /// The repository has little room left.
    Storage,
    /// The recovery kit is old, or there never was one.
    RecoveryKit,
    /// Many requests were refused.
    Unauthorised,
    /// A channel does not take what is sent.
    ChannelFailed,
    /// The state of the service has no room, or its file is not there.
    State,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [AlertKind; 13] = [
        AlertKind::BackupFailed,
        AlertKind::Overdue,
        AlertKind::AtRisk,
        AlertKind::DrillFailed,
        AlertKind::DrillSlow,
        AlertKind::Damage,
        AlertKind::Suspicious,
        AlertKind::MaintenanceFailed,
        AlertKind::Storage,
        AlertKind::RecoveryKit,
        AlertKind::Unauthorised,
        AlertKind::ChannelFailed,
        AlertKind::State,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            AlertKind::BackupFailed => "backup_failed",
            AlertKind::Overdue => "overdue",
            AlertKind::AtRisk => "at_risk",
            AlertKind::DrillFailed => "drill_failed",
            AlertKind::DrillSlow => "drill_slow",
            AlertKind::Damage => "damage",
            AlertKind::Suspicious => "suspicious",
            AlertKind::MaintenanceFailed => "maintenance_failed",
            AlertKind::Storage => "storage",
            AlertKind::RecoveryKit => "recovery_kit",
            AlertKind::Unauthorised => "unauthorised",
            AlertKind::ChannelFailed => "channel_failed",
            AlertKind::State => "state",
        }
    }

    /// That of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
