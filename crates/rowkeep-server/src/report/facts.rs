//! What is known of a database in a period, and what that says of its promise.

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::Promise;

use super::alerts::AlertEntry;
use super::database::{DatabaseReport, LastDrill, Verdict};
use super::gaps::{Gaps, Good, gaps};
use crate::state::jobs::JobState;
use crate::state::period::EndedJob;

/// A backup may be so much later than its schedule says: what failed is tried again for so long.
const GRACE: u64 = 2 * 3_600;

/// What is known of a database in a period.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Whether the configuration has it.
    pub(super) is_configured: bool,
    pub(super) promise: Option<Promise>,
    /// Its schedule in words, and the longest time between two of its times.
    pub(super) schedule: Option<(String, Option<u64>)>,
    /// Backups that ended in the period, and the last before it that was done.
    pub(super) backups: Vec<EndedJob>,
    pub(super) before: Option<EndedJob>,
    /// Snapshots in the repository, by whomever they were made.
    pub(super) snapshots: Vec<Good>,
    pub(super) drills: Vec<EndedJob>,
    pub(super) recovery_ms: Option<u64>,
    /// Its devices whose states were drilled, and the names of those that had states and were not.
    pub(super) drilled: BTreeSet<Option<String>>,
    pub(super) undrilled: Vec<String>,
    pub(super) alerts: Vec<AlertEntry>,
}

fn words(seconds: u64) -> String {
    rowkeep::age(i64::try_from(seconds).unwrap_or(i64::MAX))
}

impl Facts {
    /// The snapshots that were good: those that jobs have made, whether they are still there or not, and those that are there.
    fn good(&self) -> Vec<Good> {
        let done = self.backups.iter().chain(&self.before).filter(|job| job.state == JobState::Done);
        let made = done.map(|job| Good { held: job.started, stored: job.ended });
        made.chain(self.snapshots.iter().copied()).collect()
    }

    /// For how many seconds there may be nothing new.
    fn allowed(&self) -> Option<u64> {
        match (self.promise, &self.schedule) {
            (Some(promise), _) => Some(promise.lose_seconds),
            (None, Some((_, Some(gap)))) => Some(gap.saturating_add(GRACE)),
            (None, _) => None,
        }
    }

    fn last_drill(&self) -> Option<LastDrill> {
        let telling = [JobState::Done, JobState::Differences, JobState::Failed];
        let job = self.drills.iter().rfind(|job| telling.contains(&job.state))?;
        Some(LastDrill {
            job: job.id.clone(),
            ended: job.ended,
            proven: job.state == JobState::Done,
            recovery_ms: self.recovery_ms,
        })
    }

    /// Reasons for which it was not kept, and reasons for which nobody knows.
    fn reasons(
        &self,
        found: &Gaps,
        from: Timestamp,
        begins: Timestamp,
        to: Timestamp,
    ) -> (Vec<String>, Vec<String>) {
        let (mut not_kept, mut unknown) = (Vec::new(), Vec::new());
        if !self.is_configured {
            unknown.push("it is not configured any more, so nobody knows what was promised".to_owned());
            return (not_kept, unknown);
        }
        if let (Some(gap), Some(allowed)) = (found.longest, self.allowed())
            && gap.seconds > allowed
        {
            let what = format!(
                "from {:.0} to {:.0} no newer backup was stored: {}, and {} is allowed",
                gap.from,
                gap.to,
                words(gap.seconds),
                words(allowed)
            );
            // What was made while nobody noted it may have been there, and is pruned since.
            if gap.from < begins { unknown.push(what) } else { not_kept.push(what) }
        }
        match found.begins {
            Some(begun) if begun == to => match begins > from {
                true => unknown.push("no backup of it is known".to_owned()),
                false => not_kept.push("there was no backup of it".to_owned()),
            },
            Some(begun) => unknown.push(format!("no backup of before {begun:.0} is known")),
            None => {}
        }
        if begins > from {
            unknown.push(format!(
                "what was before {begins:.0} is not known: the state of the service begins then"
            ));
        }
        let overdue = self.alerts.iter().filter(|alert| alert.kind == "overdue").count() as u64;
        if overdue > 0 && not_kept.is_empty() {
            not_kept.push(format!(
                "{} told that a backup was overdue",
                rowkeep::units::counted(overdue, "alert")
            ));
        }
        if let Some(limit) = self.promise.and_then(|promise| promise.back_in_seconds) {
            match self.last_drill() {
                None => unknown.push(format!(
                    "no drill was run, so nobody knows whether it is back in {}",
                    words(limit)
                )),
                Some(drill) if !drill.proven => {
                    not_kept.push("the last drill did not prove that it comes back".to_owned())
                }
                Some(LastDrill { recovery_ms: Some(took), .. }) if took > limit.saturating_mul(1_000) => {
                    not_kept.push(format!(
                        "the last drill took {}, and it has to be back in {}",
                        words(took.div_ceil(1_000)),
                        words(limit)
                    ));
                }
                Some(LastDrill { recovery_ms: None, .. }) => {
                    unknown.push("the last drill measured no time".to_owned());
                }
                Some(_) if !self.undrilled.is_empty() => unknown.push(format!(
                    "no state was ever drilled of its devices {}, so nobody knows whether these are back in {}",
                    self.undrilled.join(", "),
                    words(limit)
                )),
                Some(_) => {}
            }
        }
        (not_kept, unknown)
    }

    /// What that says of a period, of which something is known since a moment.
    pub(super) fn told(
        self,
        name: String,
        from: Timestamp,
        to: Timestamp,
        begins: Timestamp,
    ) -> DatabaseReport {
        let found = gaps(&self.good(), from, to);
        let (mut reasons, unknown) = self.reasons(&found, from, begins, to);
        let verdict = match (self.allowed(), reasons.is_empty(), unknown.is_empty()) {
            _ if !self.is_configured => Verdict::Unknown,
            (None, ..) => Verdict::NotPromised,
            (Some(_), false, _) => Verdict::NotKept,
            (Some(_), true, false) => Verdict::Unknown,
            (Some(_), true, true) => Verdict::Kept,
        };
        reasons.extend(unknown);
        if verdict == Verdict::NotPromised {
            reasons.insert(0, "nothing is promised of it, and no backup is scheduled".to_owned());
        }
        let count = |jobs: &[EndedJob], states: &[JobState]| {
            jobs.iter().filter(|job| states.contains(&job.state)).count() as u64
        };
        let wrong = [JobState::Failed, JobState::Differences];
        DatabaseReport {
            name,
            verdict,
            reasons,
            lose_seconds: self.promise.map(|promise| promise.lose_seconds),
            back_in_seconds: self.promise.and_then(|promise| promise.back_in_seconds),
            backups_stored: count(&self.backups, &[JobState::Done]),
            backups_failed: count(&self.backups, &wrong),
            longest_gap: found.longest,
            allowed_gap_seconds: self.allowed(),
            drills_proven: count(&self.drills, &[JobState::Done]),
            drills_failed: count(&self.drills, &wrong),
            last_drill: self.last_drill(),
            schedule: self.schedule.map(|(words, _)| words),
            alerts: self.alerts,
        }
    }
}

/// A snapshot of the repository as one that was good.
pub(super) fn good(summary: &rowkeep::format::Summary) -> Good {
    let took = SignedDuration::from_millis(i64::try_from(summary.duration_ms).unwrap_or(i64::MAX));
    Good { held: summary.time, stored: summary.time.saturating_add(took).unwrap_or(Timestamp::MAX) }
}
