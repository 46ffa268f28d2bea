//! What became of a database in a period.

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::Promise;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::AlertEntry;
use super::gaps::{Gaps, Good, Stretch, gaps};
use crate::state::jobs::JobState;
use crate::state::period::EndedJob;

/// A backup may be so much later than its schedule says: what failed is tried again for so long.
const GRACE: u64 = 2 * 3_600;

/// Whether what was promised was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It was, and that is known of the whole period.
    Kept,
    /// It was not.
    NotKept,
    /// Nobody knows, of some of the period at least.
    Unknown,
    /// Nothing was promised, and nothing is scheduled.
    NotPromised,
}

impl Verdict {
    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Kept => "kept",
            Verdict::NotKept => "not kept",
            Verdict::Unknown => "not known",
            Verdict::NotPromised => "not promised",
        }
    }
}

/// What became of a database in a period.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DatabaseReport {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// Why it is not said to be kept.
    pub(crate) reasons: Vec<String>,
    /// The seconds of work that may be lost at most, where that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lose_seconds: Option<u64>,
    /// The seconds within which it has to be back, where that is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) back_in_seconds: Option<u64>,
    /// When it is backed up, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<String>,
    /// Backups that are stored.
    pub(crate) backups_stored: u64,
    /// Backups that failed for good.
    pub(crate) backups_failed: u64,
    /// The longest time of whose work nothing could have been restored at some moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) longest_gap: Option<Stretch>,
    /// The seconds that such a gap may have by what is promised or scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allowed_gap_seconds: Option<u64>,
    /// Drills that proved a snapshot.
    pub(crate) drills_proven: u64,
    /// Drills that failed, or found that something differs.
    pub(crate) drills_failed: u64,
    /// The drill that ended last; where none did, it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_drill: Option<LastDrill>,
    /// Its alerts.
    pub(crate) alerts: Vec<AlertEntry>,
}

/// The drill that ended last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LastDrill {
    /// The id of its job.
    pub(crate) job: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) ended: Timestamp,
    /// Whether it proved a snapshot.
    pub(crate) proven: bool,
    /// The milliseconds that it took to restore and to prove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recovery_ms: Option<u64>,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        format!("2026-{text}:00Z").parse().expect("it is a time")
    }

    fn job(state: JobState, started: &str, ended: &str) -> EndedJob {
        EndedJob { id: "1".to_owned(), state, started: time(started), ended: time(ended) }
    }

    /// A database whose work of a day may be lost, backed up on each of three days.
    fn kept() -> Facts {
        Facts {
            is_configured: true,
            promise: Some(Promise { lose_seconds: 90_000, back_in_seconds: Some(60) }),
            before: Some(job(JobState::Done, "09-30T02:00", "09-30T02:10")),
            backups: ["10-01", "10-02", "10-03"]
                .map(|day| job(JobState::Done, &format!("{day}T02:00"), &format!("{day}T02:10")))
                .to_vec(),
            drills: vec![job(JobState::Done, "10-02T04:00", "10-02T04:01")],
            recovery_ms: Some(30_000),
            ..Facts::default()
        }
    }

    fn told(facts: Facts, begins: &str) -> (Verdict, String) {
        let told = facts.told("shop".to_owned(), time("10-01T00:00"), time("10-04T00:00"), time(begins));
        (told.verdict, told.reasons.join("; "))
    }

    #[test]
    fn a_promise_is_kept_only_where_all_of_it_is_known() {
        let since = "09-01T00:00";
        assert_eq!(told(kept(), since), (Verdict::Kept, String::new()));
        let (verdict, why) = told(kept(), "10-01T12:00");
        assert!(verdict == Verdict::Unknown && why.contains("begins then"), "{why}");
        let mut missed = kept();
        missed.backups.remove(1);
        let (verdict, why) = told(missed, since);
        assert!(
            verdict == Verdict::NotKept && why.contains("2026-10-01T02:00:00Z to 2026-10-03T02:10:00Z"),
            "{why}"
        );
        let mut failed = kept();
        failed.backups[1].state = JobState::Failed;
        assert_eq!(told(failed.clone(), since).0, Verdict::NotKept);
        // Somebody else had made one.
        failed.snapshots.push(Good { held: time("10-02T03:00"), stored: time("10-02T03:05") });
        assert_eq!(told(failed, since).0, Verdict::Kept);
        let untested = Facts { drills: Vec::new(), recovery_ms: None, ..kept() };
        let (verdict, why) = told(untested, since);
        assert!(verdict == Verdict::Unknown && why.contains("no drill was run"), "{why}");
        assert_eq!(told(Facts { recovery_ms: Some(60_001), ..kept() }, since).0, Verdict::NotKept);
        let unproven = vec![job(JobState::Differences, "10-02T04:00", "10-02T04:01")];
        assert_eq!(told(Facts { drills: unproven, ..kept() }, since).0, Verdict::NotKept);
        let new = Facts { before: None, ..kept() };
        let (verdict, why) = told(new, since);
        assert!(verdict == Verdict::Unknown && why.contains("no backup of before"), "{why}");
        let never = Facts { before: None, backups: Vec::new(), ..kept() };
        assert_eq!(told(never.clone(), since).0, Verdict::NotKept);
        assert_eq!(told(never, "10-02T00:00").0, Verdict::Unknown);
        let gone = Facts { is_configured: false, promise: None, ..kept() };
        assert_eq!(told(gone, since).0, Verdict::Unknown);
    }

    #[test]
    fn a_schedule_is_kept_where_no_gap_is_longer_than_its_own() {
        let since = "09-01T00:00";
        let daily =
            Facts { promise: None, schedule: Some(("daily at 02:00".to_owned(), Some(86_400))), ..kept() };
        assert_eq!(told(daily.clone(), since), (Verdict::Kept, String::new()));
        let mut late = daily.clone();
        late.backups[1] = job(JobState::Done, "10-02T04:05", "10-02T04:10");
        assert_eq!(told(late, since).0, Verdict::NotKept);
        let (verdict, why) = told(Facts { schedule: None, ..daily }, since);
        assert!(verdict == Verdict::NotPromised && why.contains("nothing is promised"), "{why}");
    }
}
