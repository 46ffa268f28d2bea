//! Whether a promise is kept, and whether it still will be when the next backup is done.

use jiff::{SignedDuration, Timestamp};

use super::condition::Wrong;
use super::message::Severity;

/// No backup is given up for late before.
const SHORTEST_GRACE: SignedDuration = SignedDuration::from_hours(2);

/// The same for a database that has no backup yet, so that nobody knows how long one takes.
const UNKNOWN_GRACE: SignedDuration = SignedDuration::from_hours(24);

/// For so long at least, a backup may make good what was missed while nothing ran.
const CATCHING_UP: SignedDuration = SignedDuration::from_mins(10);

/// What is known of the backups of a database.
#[derive(Debug, Clone, Default)]
pub(super) struct Backups {
    /// When the state of the newest snapshot was.
    pub(super) newest: Option<Timestamp>,
    /// Since when its schedule counts, where no backup was due yet.
    pub(super) begun: Option<Timestamp>,
    /// The seconds of work that may be lost at most, if that is promised.
    pub(super) lose_seconds: Option<u64>,
    /// How long the longest of the last backups took.
    pub(super) longest: Option<SignedDuration>,
    /// The backup that waits or is being made.
    pub(super) pending: Option<Pending>,
    /// When the next begins, if there is one.
    pub(super) next: Option<Timestamp>,
    /// Whether its time has come, and nobody has asked for it yet.
    pub(super) is_being_asked_for: bool,
    /// Whether its states arrive by themselves, so that no backup of it can be scheduled.
    pub(super) arrives: bool,
    /// What is to be said of its devices beside the newest state of all of them.
    pub(super) devices: Vec<String>,
}

/// A backup that waits or is being made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) created: Timestamp,
    /// For which time a schedule wanted it.
    pub(super) scheduled: Option<Timestamp>,
    /// When it began, or begins.
    pub(super) begins: Timestamp,
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn words(seconds: u64) -> String {
    rowkeep::age(i64::try_from(seconds).unwrap_or(i64::MAX))
}

impl Backups {
    /// How long a backup may take until it is late.
    fn patience(&self, least: SignedDuration) -> SignedDuration {
        self.longest.map_or(least, |longest| longest.saturating_mul(2).max(least))
    }

    /// Whether a backup is overdue; nothing where that will be known in a moment.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<Wrong> {
        let Some(lose) = self.lose_seconds else { return self.missing(now) };
        if self.is_being_asked_for {
            return None;
        }
        // Where nothing was due yet, nothing is late: what is promised holds from then on.
        let since = self.newest.or(self.begun);
        let deadline = since.and_then(|since| since.checked_add(seconds(lose)).ok());
        if deadline.is_some_and(|deadline| now <= deadline) {
            return Some(None);
        }
        // While nothing ran, nobody could keep it: what makes it good gets the time that it needs.
        let least = if self.longest.is_some() { CATCHING_UP } else { CATCHING_UP.max(seconds(lose)) };
        let is_caught_up = self.pending.is_some_and(|pending| {
            deadline.is_none_or(|deadline| pending.created >= deadline)
                && now.duration_since(pending.created) < self.patience(least)
        });
        if is_caught_up {
            return None;
        }
        let lost = words(lose);
        let what = match self.newest {
            Some(newest) => {
                let age = now.duration_since(newest).as_secs().unsigned_abs();
                format!(
                    "at most {lost} may be lost, and the newest snapshot is of {newest:.0}: {} ago",
                    words(age)
                )
            }
            None => format!("at most {lost} may be lost, and there is no snapshot"),
        };
        Some(Some((Severity::Critical, self.with_devices(what))))
    }

    fn with_devices(&self, what: String) -> String {
        [std::slice::from_ref(&what), &self.devices].concat().join("; ")
    }

    /// Whether a scheduled backup did not come.
    fn missing(&self, now: Timestamp) -> Option<Wrong> {
        let least = if self.longest.is_some() { SHORTEST_GRACE } else { UNKNOWN_GRACE };
        let late = self.pending.and_then(|pending| pending.scheduled).filter(|scheduled| {
            now.duration_since(*scheduled) > self.patience(least)
                && self.newest.is_none_or(|newest| newest < *scheduled)
        });
        Some(late.map(|scheduled| {
            (Severity::Warning, format!("the backup that was scheduled for {scheduled:.0} is not done yet"))
        }))
    }

    /// Whether a promise will be broken before the next backup can be done; nothing where it is broken already.
    pub(super) fn at_risk(&self, now: Timestamp) -> Option<Wrong> {
        let Some(lose) = self.lose_seconds else { return Some(None) };
        let deadline = self.newest?.checked_add(seconds(lose)).ok()?;
        if now > deadline || self.is_being_asked_for {
            return None;
        }
        let longest = self.longest.unwrap_or(SignedDuration::ZERO);
        let done = match self.pending {
            Some(pending) => pending.begins.checked_add(longest).ok().map(|done| done.max(now)),
            None => self.next.and_then(|next| next.checked_add(longest).ok()),
        };
        let left = deadline.duration_since(now);
        let is_little = left <= seconds(lose / 10);
        let what = match done {
            None if self.arrives && is_little => "no newer state has arrived".to_owned(),
            None if self.arrives => return Some(None),
            None => "no backup is scheduled".to_owned(),
            Some(done) if done > deadline => format!("the next backup can be done at {done:.0}"),
            Some(_) if is_little => "no backup is done yet".to_owned(),
            Some(_) => return Some(None),
        };
        let lost = words(lose);
        let what = format!("at most {lost} may be lost, which holds until {deadline:.0}, and {what}");
        Some(Some((Severity::Warning, self.with_devices(what))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    fn time(text: &str) -> Timestamp {
        format!("2026-11-29T{text}Z").parse().expect("it is a time")
    }

    /// Twelve o'clock's snapshot, of which an hour may be lost; the next at half past.
    fn promised() -> Backups {
        Backups {
            newest: Some(time("12:00:00")),
            lose_seconds: Some(HOUR),
            longest: Some(SignedDuration::from_mins(5)),
            next: Some(time("12:30:00")),
            ..Backups::default()
        }
    }

    fn pending(created: &str, begins: &str) -> Option<Pending> {
        Some(Pending { created: time(created), scheduled: Some(time(created)), begins: time(begins) })
    }

    fn is_wrong(found: Option<Wrong>) -> Option<bool> {
        found.map(|wrong| wrong.is_some())
    }

    #[test]
    fn a_promise_is_at_risk_before_it_is_broken() {
        let good = promised();
        assert_eq!(is_wrong(good.at_risk(time("12:10:00"))), Some(false));
        // The last try that can still make it is over: the next begins at one.
        let failed = Backups { next: Some(time("13:00:00")), ..promised() };
        assert_eq!(is_wrong(failed.at_risk(time("12:31:00"))), Some(true));
        // One that is begun again in time is no risk, one that is too late is.
        let again = Backups { pending: pending("12:30:00", "12:51:00"), ..failed.clone() };
        assert_eq!(is_wrong(again.at_risk(time("12:36:00"))), Some(false));
        let late = Backups { pending: pending("12:30:00", "12:56:00"), ..failed };
        assert_eq!(is_wrong(late.at_risk(time("12:41:00"))), Some(true));
        // One that hangs is seen when a tenth is left.
        let hangs = Backups { pending: pending("12:30:00", "12:30:00"), ..promised() };
        assert_eq!(is_wrong(hangs.at_risk(time("12:53:00"))), Some(false));
        assert_eq!(is_wrong(hangs.at_risk(time("12:54:00"))), Some(true));
        assert_eq!(is_wrong(hangs.at_risk(time("13:00:01"))), None, "it is broken, which is another alert");
        let never = Backups { next: None, ..promised() };
        assert_eq!(is_wrong(never.at_risk(time("12:01:00"))), Some(true));
        // States that arrive come without a schedule.
        let arriving = Backups { arrives: true, ..never };
        assert_eq!(is_wrong(arriving.at_risk(time("12:53:00"))), Some(false));
        let (_, told) = arriving.at_risk(time("12:54:00")).flatten().expect("a tenth of the time is left");
        assert!(told.ends_with("holds until 2026-11-29T13:00:00Z, and no newer state has arrived"), "{told}");
        let named = Backups { devices: vec!["tablet (2 h)".to_owned()], ..arriving.clone() };
        for wrong in [named.at_risk(time("12:54:00")), named.overdue(time("13:00:01"))] {
            let (_, told) = wrong.flatten().expect("it is wrong");
            assert!(told.ends_with("; tablet (2 h)"), "{told}");
        }
        let late = Backups { pending: pending("12:59:00", "12:59:00"), ..arriving.clone() };
        assert_eq!(is_wrong(late.at_risk(time("12:59:00"))), Some(true));
        assert_eq!(is_wrong(arriving.at_risk(time("13:00:01"))), None);
        assert_eq!(is_wrong(Backups::default().at_risk(time("12:01:00"))), Some(false));
    }

    #[test]
    fn a_promise_is_broken_when_its_time_is_over() {
        let good = promised();
        assert_eq!(is_wrong(good.overdue(time("13:00:00"))), Some(false));
        assert_eq!(is_wrong(good.overdue(time("13:00:01"))), Some(true));
        let hangs = Backups { pending: pending("12:30:00", "12:30:00"), ..promised() };
        assert_eq!(is_wrong(hangs.overdue(time("13:00:01"))), Some(true));
        // What was missed while nothing ran is caught up first.
        let asked = Backups { is_being_asked_for: true, ..promised() };
        assert_eq!(is_wrong(asked.overdue(time("20:00:00"))), None);
        let catching_up = Backups { pending: pending("20:00:00", "20:00:00"), ..promised() };
        assert_eq!(is_wrong(catching_up.overdue(time("20:09:59"))), None);
        assert_eq!(is_wrong(catching_up.overdue(time("20:10:00"))), Some(true));
        let none = Backups { newest: None, ..promised() };
        assert_eq!(is_wrong(none.overdue(time("12:00:00"))), Some(true));
        let first = Backups { pending: pending("12:00:00", "12:00:00"), ..none.clone() };
        assert_eq!(is_wrong(first.overdue(time("12:01:00"))), None);
        // A schedule that is new has had no time yet.
        let new = Backups { begun: Some(time("12:00:00")), ..none };
        assert_eq!(is_wrong(new.overdue(time("12:00:01"))), Some(false));
        assert_eq!(is_wrong(new.overdue(time("13:00:01"))), Some(true));
    }

    #[test]
    fn a_backup_without_a_promise_is_missing_when_it_takes_far_too_long() {
        let daily = Backups { lose_seconds: None, pending: pending("02:00:00", "02:00:00"), ..promised() };
        let daily = Backups { newest: Some(time("00:00:00")), ..daily };
        assert_eq!(
            is_wrong(daily.overdue(time("04:00:00"))),
            Some(false),
            "it may be begun again until then"
        );
        assert_eq!(is_wrong(daily.overdue(time("04:00:01"))), Some(true));
        let slow = Backups { longest: Some(SignedDuration::from_hours(2)), ..daily.clone() };
        assert_eq!(is_wrong(slow.overdue(time("05:59:59"))), Some(false));
        let first = Backups { longest: None, ..daily.clone() };
        assert_eq!(is_wrong(first.overdue(time("20:00:00"))), Some(false));
        let by_hand = Backups { newest: Some(time("03:00:00")), ..daily };
        assert_eq!(is_wrong(by_hand.overdue(time("05:00:00"))), Some(false));
    }
}
