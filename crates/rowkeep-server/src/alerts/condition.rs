//! What was found out about one thing that may be wrong.

use rowkeep::config::channels::AlertKind;

use super::message::Severity;

/// How bad something is, and what is wrong; nothing when nothing is.
pub(super) type Wrong = Option<(Severity, String)>;

/// What was found out: whether something is wrong with an object. Of what nobody knows now, there is no finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: AlertKind,
    /// A database, `repository`, `requests`, a channel.
    pub(super) object: String,
    /// The database that it is about, if it is about one.
    pub(super) database: Option<String>,
    pub(super) wrong: Wrong,
    /// Whether it is about a database whose states arrive by themselves, which nobody can back up from outside.
    pub(super) arrives: bool,
}

impl Finding {
    /// About a database.
    pub(super) fn of_database(kind: AlertKind, name: &str, wrong: Wrong) -> Self {
        Self { kind, object: name.to_owned(), database: Some(name.to_owned()), wrong, arrives: false }
    }

    /// About what is of no database.
    pub(super) fn of(kind: AlertKind, object: impl Into<String>, wrong: Wrong) -> Self {
        Self { kind, object: object.into(), database: None, wrong, arrives: false }
    }
}

/// What an alert about a channel is about.
pub(super) fn object_of(channel: &str) -> String {
    let pinged = channel.strip_prefix("ping:").and_then(|rest| rest.split_once(':'));
    match pinged {
        Some((work, database)) => format!("ping of the {work} of {database}"),
        None => format!("channel {channel}"),
    }
}

/// An alert in one line.
pub(super) fn title(kind: AlertKind, object: &str) -> String {
    match kind {
        AlertKind::BackupFailed => format!("backup of {object} failed"),
        AlertKind::Overdue => format!("backup of {object} is overdue"),
        AlertKind::AtRisk => format!("promise of {object} is at risk"),
        AlertKind::DrillFailed => format!("drill of {object} failed"),
        AlertKind::DrillSlow => format!("recovery of {object} takes too long"),
        AlertKind::Damage if object == "repository" => "the repository is damaged".to_owned(),
        AlertKind::Damage => format!("{object} is damaged"),
        AlertKind::Suspicious => format!("backup of {object} is suspicious"),
        AlertKind::MaintenanceFailed => format!("{object} failed"),
        AlertKind::Storage => format!("{object} has little room left"),
        AlertKind::RecoveryKit => "the recovery kit is old".to_owned(),
        AlertKind::Unauthorised => "many requests were refused".to_owned(),
        AlertKind::ChannelFailed => format!("{object} fails"),
        AlertKind::State => format!("the {object} cannot be relied on"),
    }
}

/// What to do about it; `arrives` as in a finding.
pub(super) fn advice(kind: AlertKind, object: &str, arrives: bool) -> String {
    match kind {
        AlertKind::BackupFailed => format!("Find out why: rowkeep doctor {object}"),
        AlertKind::Overdue | AlertKind::AtRisk if arrives => {
            "Open the application in a browser that has the data: its page sends the state.".to_owned()
        }
        AlertKind::Overdue | AlertKind::AtRisk => format!("Back up now: rowkeep backup {object}"),
        AlertKind::DrillFailed => format!("Try again and look at the report: rowkeep drill {object}"),
        AlertKind::DrillSlow => "Give the drill a faster machine or disk, or promise less in back_in.".to_owned(),
        AlertKind::Damage => {
            "See which snapshots are affected: rowkeep check. What can be mended: rowkeep repair. Of several repositories, say which with --repository."
                .to_owned()
        }
        AlertKind::Suspicious => {
            "Compare with the snapshot before. If it is meant: rowkeep release SNAPSHOT. Until then, both are kept.".to_owned()
        }
        AlertKind::MaintenanceFailed => "Its job says why: GET /api/v1/jobs?state=failed".to_owned(),
        AlertKind::Storage => "Free or add space, or keep fewer snapshots (keep, rowkeep prune).".to_owned(),
        AlertKind::RecoveryKit => {
            "Make one, print it and put it into a safe: rowkeep recovery-kit -o kit.html".to_owned()
        }
        AlertKind::Unauthorised => {
            "See who it was: GET /api/v1/audit, and the log of the proxy before the service.".to_owned()
        }
        AlertKind::State => {
            "Make room on its disk; or stop the service and bring its file back, from where it went or with rowkeep serve --recover. GET /readyz says when it is well."
                .to_owned()
        }
        AlertKind::ChannelFailed => "Look at its address and its secret, and try it: POST /api/v1/channels/{channel}/tests".to_owned(),
    }
}
