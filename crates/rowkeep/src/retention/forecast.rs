//! What rules come to: how many snapshots are there after so long, and how old the oldest is.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{SnapshotId, Summary};

use super::{Marks, Rules, Subject, decide};

/// What rules come to after so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// How many snapshots are kept.
    pub kept: u64,
    /// How many days old the oldest of them is.
    pub oldest_days: u64,
}

/// What rules keep of a database that is backed up once a day, so many days later.
pub fn forecast(rules: &Rules, days: u16, zone: &TimeZone, now: Timestamp) -> Forecast {
    let day = |ago: u16| now.saturating_sub(SignedDuration::from_hours(24 * i64::from(ago)));
    let history: Vec<Subject> = (0..days)
        .rev()
        .filter_map(|ago| {
            let summary = Arc::new(plain(ago, day(ago).ok()?));
            Some(Subject { summary, doubt: None })
        })
        .collect();
    let decisions = decide(&history, Some(rules), zone, &Marks::default(), now);
    let kept: Vec<&Subject> = history
        .iter()
        .zip(&decisions)
        .filter(|(_, decision)| decision.is_kept())
        .map(|(subject, _)| subject)
        .collect();
    let oldest = kept.first().map(|subject| now.duration_since(subject.summary.time).as_hours() / 24);
    Forecast {
        kept: kept.len() as u64,
        oldest_days: oldest.and_then(|days| u64::try_from(days).ok()).unwrap_or(0),
    }
}

/// A snapshot of which nothing is known but its time.
fn plain(number: u16, time: Timestamp) -> Summary {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    Summary {
        id: SnapshotId(id),
        database: "".into(),
        engine: "".into(),
        source: "".into(),
        identity: None,
        name: None,
        time,
        parent: None,
        sequence: None,
        scope: Scope::Full,
        tags: Default::default(),
        before: None,
        origin: None,
        masked: false,
        suspicious_after: None,
        all_tables: 0,
        tables: 0,
        rows: 0,
        bytes: 0,
        row_counts: None,
        new_bytes: 0,
        duration_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::StatedRules;

    #[test]
    fn rules_come_to_so_many() {
        let now = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let of = |text: &str, days: u16| {
            let stated: StatedRules = toml::from_str(text).expect("they are well formed");
            forecast(&stated.rules().expect("they hold"), days, &TimeZone::UTC, now)
        };
        assert_eq!(of("daily = 30", 365), Forecast { kept: 30, oldest_days: 29 });
        assert_eq!(of("daily = 30", 10), Forecast { kept: 10, oldest_days: 9 });
        let year = of("daily = 30\nmonthly = 12", 3650);
        assert_eq!(year.kept, 30 + 12 - 2, "the newest of two months are among the days");
        assert!((330..=366).contains(&year.oldest_days), "{year:?}");
    }
}
