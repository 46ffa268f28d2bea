//! Channels: where alerts go, and which go there.

mod alert_kind;
mod delivery;
mod file;
mod quiet;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

use crate::schedule::Schedule;
pub use alert_kind::AlertKind;
pub use delivery::{Delivery, Mail, MailSecurity};
pub(super) use file::{FileChannel, Surroundings, check_url, read_all};
pub use quiet::Quiet;

/// Where alerts go, and which go there.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// How they get there.
    pub delivery: Delivery,
    /// The alerts that it gets; all when there is no list.
    pub alerts: Option<Vec<AlertKind>>,
    /// The databases of which it gets them; those of all, and what is of no database, when there is no list.
    pub databases: Option<Vec<String>>,
    /// When it gets nothing that can wait.
    pub quiet: Option<Quiet>,
    /// The time zone of that, and of its summary.
    pub zone: TimeZone,
    /// Whether it gets a notice of every backup that is done.
    pub success: bool,
    /// When it gets a summary.
    pub summary: Option<Schedule>,
    /// When it gets the report of the month before in short.
    pub report: Option<Schedule>,
    /// Whether it may be at an address of a private network.
    pub private_network: bool,
}

impl Channel {
    /// Whether it gets an alert of a kind about a database, or about none.
    pub fn gets(&self, kind: AlertKind, database: Option<&str>) -> bool {
        self.alerts.as_ref().is_none_or(|alerts| alerts.contains(&kind)) && self.is_for(database)
    }

    /// Whether it has to do with a database, or with what is of none.
    pub fn is_for(&self, database: Option<&str>) -> bool {
        match (&self.databases, database) {
            (None, _) => true,
            (Some(own), Some(database)) => own.iter().any(|name| name == database),
            (Some(_), None) => false,
        }
    }

    /// What cannot be had of it now, such as a variable that is not set.
    pub fn problem(&self) -> Option<String> {
        self.delivery.secrets().find_map(|secret| secret.read().err())
    }
}
