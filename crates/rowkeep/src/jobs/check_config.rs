//! Whether a configuration holds, and what it wants when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::verdict::Verdict;
use crate::Config;
use crate::config::Work;
use crate::moments::told;

/// What a configuration wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigOutcome {
    /// How many databases it has.
    pub databases: u64,
    /// What is done by itself.
    pub schedules: Vec<ScheduledWork>,
    /// The promises that these cannot keep.
    pub broken_promises: Vec<BrokenPromise>,
    /// Values that cannot be used now, such as URLs with variables that are not set.
    pub unusable: Vec<Unusable>,
    /// Checks that nothing can run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks_not_run: Vec<CheckNotRun>,
    /// Channels that can send nothing now, and addresses that cannot be pinged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<Mute>,
    /// Why the service cannot speak TLS, where it is to: whoever has looked at the certificate says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_problem: Option<String>,
    /// What was added on pages of the service, which counts with it: whoever has read its state says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<AdditionStanding>,
}

/// Something that was added on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionStanding {
    /// `the repository`, `database shop`.
    pub subject: String,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Work that is done by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledWork {
    /// The work.
    pub work: Work,
    /// The database; none for what is done for the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// When, as it was written.
    pub schedule: String,
    /// The time zone of that.
    pub timezone: String,
    /// Whether it follows from a promise.
    pub promised: bool,
    /// What `[schedule]` says of such work of all databases, where the promise is in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// When it is done next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// The same in words, in that time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_next: Option<String>,
}

/// A promise that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenPromise {
    /// The database.
    pub database: String,
    /// Why not.
    pub reason: String,
}

/// A database that cannot be reached as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// The database.
    pub database: String,
    /// Why not.
    pub reason: String,
}

/// A check that nothing can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckNotRun {
    /// The database.
    pub database: String,
    /// What the check is called.
    pub check: String,
    /// Why not.
    pub reason: String,
}

/// A channel that can send nothing as it is configured, or an address that cannot be pinged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// `channel ops`, `ping of shop`, `sign-in with Company login`.
    pub what: String,
    /// Why not.
    pub reason: String,
}

impl ConfigOutcome {
    /// Whether nothing is wrong with it.
    pub fn holds(&self) -> bool {
        let is_usable = self.unusable.is_empty() && self.mute.is_empty() && self.tls_problem.is_none();
        self.broken_promises.is_empty() && self.checks_not_run.is_empty() && is_usable
    }

    /// How it ended: a promise that cannot be kept is one that must not be made.
    pub fn verdict(&self) -> Verdict {
        match self.holds() {
            true => Verdict::Done,
            false => Verdict::Failed,
        }
    }
}

/// Looks at a configuration; no database and no repository is opened.
///
/// ```
/// use rowkeep::Config;
/// use rowkeep::jobs::check_config::check;
///
/// let text = "[databases.shop]\nurl = 'shop.db'\npromise = { lose = '6h' }";
/// let config = Config::parse(text, "rowkeep.toml".as_ref(), &|_| None)?;
/// let outcome = check(&config, "2026-11-29T12:00:00Z".parse().expect("it is a time"));
/// assert_eq!(outcome.schedules[0].schedule, "every 3 hours");
/// # Ok::<(), rowkeep::Error>(())
/// ```
pub fn check(config: &Config, now: Timestamp) -> ConfigOutcome {
    let schedules = config.timetable().into_iter().map(|scheduled| {
        let (zone, next) = (config.zone_of(&scheduled), config.next(&scheduled, now));
        let of_all = config.schedules.of(scheduled.work).filter(|_| scheduled.is_promised);
        ScheduledWork {
            work: scheduled.work,
            instead_of: of_all.map(|of_all| of_all.map_or_else(|| "off".to_owned(), ToString::to_string)),
            schedule: scheduled.schedule.to_string(),
            timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
            promised: scheduled.is_promised,
            told_next: next.map(|next| told(next, &zone)),
            next,
            database: scheduled.database,
        }
    });
    let broken = config.broken_promises(now).into_iter();
    let unusable = config.databases.iter().filter_map(|(name, database)| {
        let reason = database.url.value().err()?.to_owned();
        Some(Unusable { database: name.clone(), reason })
    });
    let arriving = config.databases.iter().filter(|(_, database)| database.arrives());
    let not_run = arriving.flat_map(|(name, database)| {
        database.checks.iter().filter_map(|check| {
            let reason = check.demand.beyond_rows()?.to_owned();
            Some(CheckNotRun { database: name.clone(), check: check.title(), reason })
        })
    });
    let channels = config.channels.iter().filter_map(|channel| {
        Some(Mute { what: format!("channel {}", channel.name), reason: channel.problem()? })
    });
    let pings = config.databases.iter().flat_map(|(name, database)| {
        let addresses = [&database.pings.backup, &database.pings.drill].into_iter().flatten();
        let unset = addresses.filter_map(|address| address.value().err());
        unset.map(move |reason| Mute { what: format!("ping of {name}"), reason: reason.to_owned() })
    });
    let sign_in = config.service.oidc.iter().filter_map(|oidc| {
        Some(Mute { what: format!("sign-in with {}", oidc.name), reason: oidc.client_secret.read().err()? })
    });
    ConfigOutcome {
        mute: channels.chain(pings).chain(sign_in).collect(),
        databases: config.databases.len() as u64,
        schedules: schedules.collect(),
        broken_promises: broken.map(|(database, reason)| BrokenPromise { database, reason }).collect(),
        unusable: unusable.collect(),
        checks_not_run: not_run.collect(),
        tls_problem: None,
        additions: Vec::new(),
    }
}
