//! What a report says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durations::age;
use crate::state::devices::device;
use crate::state::snapshots::{SHORT_ID, Snapshot};
use crate::units::{bytes, count, counted, duration};

/// The version of the form that reports have as JSON.
pub const VERSION: u32 = 1;

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// What was done.
    pub kind: ReportKind,
    /// The name of the database.
    pub database: String,
    /// What was looked at: a URL without secrets, a path, or where the scratch database was.
    pub target: String,
    /// The snapshot that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<About>,
    /// When it began.
    pub time: Timestamp,
    /// One more than the highest of all reports that were in the folder when it was kept, so that their order needs no clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// How long it took.
    pub duration_ms: u64,
    /// The worst of all that was found.
    pub status: Status,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Measures>,
    /// What was found, under headings.
    pub sections: Vec<Section>,
}

/// What a report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// Checks of a database that is in use, or of what arrived of one.
    Checks,
    /// A recovery test.
    Drill,
}

/// The snapshot that a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The device that it is of, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The time of its state.
    pub time: Timestamp,
    /// Why that time cannot be right, where it cannot: nobody knows how old the snapshot is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_doubt: Option<String>,
}

/// What a drill measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Tables that came back.
    pub tables: u64,
    /// Rows that came back.
    pub rows: u64,
    /// Bytes of these rows.
    pub bytes: u64,
    /// Reading the snapshot and writing the database, which are done at once.
    pub restore_ms: u64,
    /// Proving that it equals the snapshot.
    pub verify_ms: u64,
    /// Running its checks.
    pub checks_ms: u64,
    /// Restored and proven: how long a recovery takes at least.
    pub recovery_ms: u64,
    /// The age of the snapshot when the drill began: the data that a recovery would have lost.
    pub data_loss_seconds: u64,
    /// Whether what came back is the file that a page restores, which no browser did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_page_file: bool,
}

/// Findings under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What was found, in the order in which it was looked at.
    pub findings: Vec<ReportEntry>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEntry {
    /// What must hold, or what was done.
    pub title: String,
    /// How it ended.
    pub status: Status,
    /// What was seen.
    pub detail: String,
    /// The first of what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Passed,
    /// Not as it should be, and only worth knowing.
    Warning,
    /// Not as it must be.
    Failed,
}

/// How many findings ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// As they should be.
    pub passed: u64,
    /// Worth knowing.
    pub warnings: u64,
    /// Failures.
    pub failed: u64,
}

impl Report {
    /// A report of checks of a database that is in use, compared with a snapshot where one was asked for; or of the rows of a
    /// snapshot.
    pub fn of_checks(
        database: &str,
        target: &str,
        snapshot: Option<&Snapshot>,
        time: Timestamp,
        took: std::time::Duration,
        found: Vec<ReportEntry>,
    ) -> Self {
        let report = Self {
            version: VERSION,
            kind: ReportKind::Checks,
            database: database.to_owned(),
            target: target.to_owned(),
            snapshot: snapshot.map(About::of),
            time,
            sequence: None,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            status: Status::Passed,
            measures: None,
            sections: vec![Section { title: "Checks".to_owned(), findings: found }],
        };
        report.judged()
    }

    /// All findings, whatever their heading.
    pub fn findings(&self) -> impl Iterator<Item = &ReportEntry> {
        self.sections.iter().flat_map(|section| &section.findings)
    }

    /// Whether nothing failed.
    pub fn is_passed(&self) -> bool {
        self.status != Status::Failed
    }

    /// How many findings ended how.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for found in self.findings() {
            match found.status {
                Status::Passed => tally.passed += 1,
                Status::Warning => tally.warnings += 1,
                Status::Failed => tally.failed += 1,
            }
        }
        tally
    }

    /// Takes the worst of the findings for the whole.
    pub(crate) fn judged(mut self) -> Self {
        self.status = self.findings().map(|found| found.status).max().unwrap_or(Status::Passed);
        self
    }

    /// The verdict in a few words.
    pub(super) fn verdict(&self) -> String {
        let what = match self.kind {
            ReportKind::Checks => "checks",
            ReportKind::Drill => "drill",
        };
        let how = match self.status {
            Status::Passed => "passed",
            Status::Warning => "passed, with warnings",
            Status::Failed => "FAILED",
        };
        format!("{what} {how}")
    }

    /// What people want to know first: names and values.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(about) = &self.snapshot {
            let name = about.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
            let device = about.device.as_ref().map(|device| format!(", device {device}")).unwrap_or_default();
            facts.push(("snapshot", format!("{}{name} of {}{device}", short(&about.id), utc(about.time))));
        }
        if let Some(measures) = &self.measures {
            if measures.recovery_ms > 0 {
                let (recovery, restore) = (millis(measures.recovery_ms), millis(measures.restore_ms));
                let verify = millis(measures.verify_ms);
                let told = match measures.is_page_file {
                    false => format!("{recovery} (restored in {restore}, proven in {verify})"),
                    true => format!(
                        "{recovery} (written in {restore}, read again in {verify}), and what a browser takes to load it"
                    ),
                };
                facts.push(("recovery time", told));
            }
            let lost = i64::try_from(measures.data_loss_seconds).unwrap_or(i64::MAX);
            let doubt = self.snapshot.as_ref().and_then(|about| about.time_doubt.as_ref());
            facts.push((
                "data loss",
                match doubt {
                    Some(doubt) => format!("unknown, as is the age of the snapshot: {doubt}"),
                    None => format!("{}: the age of the snapshot", age(lost)),
                },
            ));
            if measures.recovery_ms > 0 {
                let what = if measures.is_page_file { "written" } else { "restored" };
                facts.push((
                    what,
                    format!(
                        "{}, {}, {}{}",
                        counted(measures.tables, "table"),
                        counted(measures.rows, "row"),
                        bytes(measures.bytes),
                        speed(measures)
                    ),
                ));
            }
        }
        facts.push(("target", self.target.clone()));
        facts.push(("time", format!("{}, {}", utc(self.time), millis(self.duration_ms))));
        facts
    }
}

impl About {
    /// What a report says of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let manifest = &snapshot.manifest;
        Self {
            id: snapshot.id.to_string(),
            name: manifest.name.clone(),
            device: device(&manifest.tags).map(str::to_owned),
            time: manifest.time,
            time_doubt: None,
        }
    }
}

impl Tally {
    pub(super) fn told(self) -> String {
        format!(
            "{} passed, {}, {}",
            count(self.passed),
            counted(self.warnings, "warning"),
            counted(self.failed, "error")
        )
    }
}

pub(super) fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

fn millis(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        _ => duration(std::time::Duration::from_millis(ms)),
    }
}

fn speed(measures: &Measures) -> String {
    match measures.restore_ms {
        0 => String::new(),
        ms => {
            let per_second = u128::from(measures.rows) * 1000 / u128::from(ms);
            format!(" at {} a second", counted(u64::try_from(per_second).unwrap_or(u64::MAX), "row"))
        }
    }
}

/// A time to the second, in UTC, so that a report means the same wherever it is read.
fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
