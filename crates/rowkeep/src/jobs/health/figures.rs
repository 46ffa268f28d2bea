//! How databases are, as figures for Prometheus.

use super::outcome::{DatabaseHealth, HealthOutcome};
use super::standing::Standing;
use crate::metrics::{DatabaseFigures, REPOSITORY_BYTES, Text, databases};

impl HealthOutcome {
    /// Figures in Prometheus' text format, as a program of some version says them: those that can be known without a service.
    pub fn metrics(&self, version: &str) -> String {
        let mut text = Text::of_version(version);
        let figures: Vec<DatabaseFigures> = self.databases.iter().map(figures).collect();
        databases(&mut text, &figures);
        text.family(&REPOSITORY_BYTES, self.repository_bytes.map(|bytes| (Vec::new(), bytes as f64)));
        text.into_string()
    }
}

fn figures(database: &DatabaseHealth) -> DatabaseFigures {
    let (newest, drill) = (database.newest.as_ref(), database.last_drill.as_ref());
    DatabaseFigures {
        name: database.name.clone(),
        standing: database.standing.name(),
        last_backup: newest.map(|newest| newest.time),
        last_backup_ms: newest.map(|newest| newest.duration_ms),
        rows: newest.map(|newest| newest.rows),
        bytes: newest.map(|newest| newest.bytes),
        new_bytes: newest.map(|newest| newest.new_bytes),
        snapshots: (database.standing != Standing::Unknown).then_some(database.snapshots),
        age_seconds: newest.map(|newest| newest.age_seconds),
        lose_seconds: database.lose_seconds,
        recovery_ms: drill.and_then(|drill| drill.recovery_ms),
        back_in_seconds: database.back_in_seconds,
        last_drill: drill.map(|drill| drill.time),
        last_drill_passed: drill.map(|drill| drill.passed),
        ..DatabaseFigures::default()
    }
}
