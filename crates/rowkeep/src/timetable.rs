//! What is to be done by itself, and when: what is written for a database, what follows from its promise, what is written for all.

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::{Config, Promise, Work};
use crate::durations::age;
use crate::schedule::Schedule;

/// One kind of work of one database, or of the repository, and when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// The work.
    pub work: Work,
    /// The database; none for what is done for the repository.
    pub database: Option<String>,
    /// When.
    pub schedule: Schedule,
    /// Whether it follows from a promise, and nobody wrote it.
    pub is_promised: bool,
}

/// When backups run that keep a promise: twice within what may be lost, so that one that fails breaks nothing.
fn backups(promise: Promise) -> Schedule {
    let minutes = (promise.lose_seconds / 120).clamp(1, 366 * 24 * 60);
    let text = match (minutes % 60, minutes / 60) {
        (0, hours) => format!("every {hours} hours"),
        _ => format!("every {minutes} minutes"),
    };
    text.parse().expect("an interval of minutes is a schedule")
}

/// When drills run that show that one is kept.
fn drills() -> Schedule {
    "weekly on Sunday at 04:00".parse().expect("it is a schedule")
}

impl Config {
    /// Everything that is to be done by itself: what is written for a database, else what follows from its promise, else what is
    /// written for all.
    pub fn timetable(&self) -> Vec<Scheduled> {
        let mut timetable = Vec::new();
        for (name, database) in &self.databases {
            for work in Work::ALL.into_iter().filter(|work| work.is_of_database()) {
                // States that arrive are tried like others, and not fetched.
                let is_out_of_reach = database.arrives() && work != Work::Drill;
                if is_out_of_reach || work == Work::Refresh && database.refresh.is_none() {
                    continue;
                }
                let stated = database.schedules.of(work);
                let promised = database.promise.filter(|promise| {
                    let follows = match work {
                        Work::Backup => true,
                        Work::Drill => promise.back_in_seconds.is_some(),
                        _ => false,
                    };
                    stated.is_none() && follows
                });
                let schedule = match (stated, promised) {
                    (Some(stated), _) => stated.cloned(),
                    (None, Some(promise)) if work == Work::Backup => Some(backups(promise)),
                    (None, Some(_)) => Some(drills()),
                    (None, None) => self.schedules.of(work).flatten().cloned(),
                };
                let Some(schedule) = schedule else { continue };
                let is_promised = promised.is_some();
                timetable.push(Scheduled { work, database: Some(name.clone()), schedule, is_promised });
            }
        }
        for work in Work::ALL.into_iter().filter(|work| !work.is_of_database()) {
            if let Some(schedule) = self.schedules.of(work).flatten().cloned() {
                timetable.push(Scheduled { work, database: None, schedule, is_promised: false });
            }
        }
        timetable
    }

    /// The time zone of a schedule: its own, else that of its database, else that of the file.
    pub fn zone_of(&self, scheduled: &Scheduled) -> TimeZone {
        let own = scheduled.schedule.zone().cloned();
        own.unwrap_or_else(|| match &scheduled.database {
            Some(name) => self.zone(name),
            None => self.timezone.clone().unwrap_or(TimeZone::UTC),
        })
    }

    /// By how much work is put off, by what it is and so the same every time.
    pub fn put_off(&self, scheduled: &Scheduled) -> SignedDuration {
        let jitter = self.schedules.jitter_seconds();
        if jitter == 0 {
            return SignedDuration::ZERO;
        }
        let name = format!("{} {}", scheduled.work.name(), scheduled.database.as_deref().unwrap_or_default());
        let hash = blake3::hash(name.as_bytes());
        let number =
            u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has more than eight bytes"));
        SignedDuration::from_secs(i64::try_from(number % jitter).unwrap_or(0))
    }

    /// When work is to be done next.
    pub fn next(&self, scheduled: &Scheduled, now: Timestamp) -> Option<Timestamp> {
        let put_off = self.put_off(scheduled);
        let next = scheduled.schedule.next(now.checked_sub(put_off).ok()?, &self.zone_of(scheduled))?;
        next.checked_add(put_off).ok()
    }

    /// Which promises cannot be kept by what is configured, by database, with why.
    pub fn broken_promises(&self, now: Timestamp) -> Vec<(String, String)> {
        let timetable = self.timetable();
        let mut broken = Vec::new();
        for (name, database) in &self.databases {
            let Some(promise) = database.promise else { continue };
            let backups = timetable.iter().find(|scheduled| {
                scheduled.work == Work::Backup && scheduled.database.as_deref() == Some(name)
            });
            let words = |seconds: u64| age(i64::try_from(seconds).unwrap_or(i64::MAX));
            if database.arrives() {
                // How often states arrive is seen when they do not.
                continue;
            }
            let lose = words(promise.lose_seconds);
            let Some(backups) = backups else {
                broken
                    .push((name.clone(), format!("at most {lose} may be lost, and no backup is scheduled")));
                continue;
            };
            match backups.schedule.longest_gap(now, &self.zone(name)) {
                Some(gap) if gap <= promise.lose_seconds => {}
                gap => {
                    let gap = gap.map_or_else(|| "more than a year".to_owned(), words);
                    let schedule = &backups.schedule;
                    let why = format!(
                        "at most {lose} may be lost, and with \"{schedule}\" up to {gap} lie between two backups"
                    );
                    broken.push((name.clone(), why));
                }
            }
        }
        broken
    }
}
