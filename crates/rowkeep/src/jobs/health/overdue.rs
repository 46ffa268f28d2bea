//! Backups that a schedule wanted, and that did not come.

use jiff::{SignedDuration, Timestamp};
use rowkeep_format::Summary;

use crate::config::Config;
use crate::timetable::Scheduled;

/// How long after its time a backup may be there at the earliest before it is missed.
const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// The last time for which the schedule of a database's backups wanted one that did not come since its newest snapshot.
///
/// A backup takes its time, and may have waited for another: it is missed when twice as long as the last one took is over.
pub fn overdue_since(
    config: &Config,
    backups: &Scheduled,
    newest: &Summary,
    now: Timestamp,
) -> Option<Timestamp> {
    let took = SignedDuration::from_millis(i64::try_from(newest.duration_ms).unwrap_or(i64::MAX));
    let grace = took.saturating_mul(2).max(GRACE);
    let put_off = config.put_off(backups);
    // Before the time that a snapshot was put off to, its own time had come.
    let mark = newest.time.checked_sub(put_off).ok()?;
    let until = now.checked_sub(put_off).ok()?.checked_sub(grace).ok()?;
    if until <= mark {
        return None;
    }
    backups.schedule.last_between(mark, until, &config.zone_of(backups))?.checked_add(put_off).ok()
}

#[cfg(test)]
mod tests {
    use rowkeep_format::manifest::Scope;

    use super::*;

    fn since(schedule: &str, took_ms: u64, newest: &str, now: &str) -> Option<String> {
        let text = format!("[schedule]\nbackup = '{schedule}'\n[databases.shop]\nurl = 'shop.db'");
        let config = Config::parse(&text, "rowkeep.toml".as_ref(), &|_| None).expect("it is well formed");
        let time = |text: &str| text.parse::<Timestamp>().expect("it is a time");
        let summary = summary(time(newest), took_ms);
        let timetable = config.timetable();
        let backups = timetable.first()?;
        overdue_since(&config, backups, &summary, time(now)).map(|since| since.to_string())
    }

    fn summary(time: Timestamp, duration_ms: u64) -> Summary {
        let json = serde_json::json!({
            "id": "0".repeat(32), "database": "shop", "engine": "sqlite", "source": "shop.db", "time": time,
            "scope": serde_json::to_value(Scope::Full).expect("it has a JSON form"),
            "all_tables": 1, "tables": 1, "rows": 1, "bytes": 1, "new_bytes": 1, "duration_ms": duration_ms,
        });
        serde_json::from_value(json).expect("it is a summary")
    }

    #[test]
    fn a_backup_that_did_not_come_is_missed_after_a_while() {
        let daily = "daily at 02:00";
        let missed = Some("2026-11-29T02:00:00Z".to_owned());
        assert_eq!(since(daily, 1, "2026-11-28T02:00:05Z", "2026-11-29T02:14:59Z"), None);
        assert_eq!(since(daily, 1, "2026-11-28T02:00:05Z", "2026-11-29T02:15:00Z"), missed);
        assert_eq!(since(daily, 1, "2026-11-20T02:00:05Z", "2026-11-29T12:00:00Z"), missed);
        assert_eq!(since(daily, 1, "2026-11-29T02:00:05Z", "2026-11-30T01:00:00Z"), None);
        // One that takes an hour is waited for longer.
        assert_eq!(since(daily, 3_600_000, "2026-11-28T02:00:05Z", "2026-11-29T03:59:00Z"), None);
        assert_eq!(since(daily, 3_600_000, "2026-11-28T02:00:05Z", "2026-11-29T04:00:00Z"), missed);
        assert_eq!(since("off", 1, "2020-01-01T00:00:00Z", "2026-11-29T02:15:00Z"), None);
        // By a clock that was put back, the newest is yet to come.
        assert_eq!(since(daily, 1, "2027-11-28T02:00:05Z", "2026-11-29T12:00:00Z"), None);
    }
}
