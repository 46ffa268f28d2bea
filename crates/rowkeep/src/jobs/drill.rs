//! Drill: a snapshot is restored into a scratch database, proven, checked, timed, and the scratch removed.
//!
//! Of a database that only its pages make, the file that they restore is written and read again in place of that.

mod damage;
mod findings;
mod options;
mod page_file;
mod request;
mod salvage;
mod scratch;

use jiff::Timestamp;
use rowkeep_format::manifest::Scope;
use rowkeep_format::{Schema, TableEntry};
use rowkeep_repository::Repository;

use crate::config::Objectives;
use crate::data_checks::Circumstances;
use crate::durations::{age, seconds_between};
use crate::report::{self, About, Measures, Report, ReportEntry, ReportKind, Section, Status};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::state::times::doubt_of;
use crate::units::counted;
use crate::{Context, Error, ErrorKind};
use findings::{equality, found, proof, refused};
pub use options::DrillOptions;
pub use request::DrillRequest;
use salvage::Salvage;
use scratch::{Scratch, Workshop};

/// The newest snapshot from which a database can be made.
pub fn newest_restorable<'s>(
    snapshots: impl DoubleEndedIterator<Item = &'s Snapshot> + Clone,
) -> Option<&'s Snapshot> {
    let whole = snapshots.clone().rfind(|snapshot| snapshot.manifest.scope == Scope::Full);
    whole.or_else(|| snapshots.clone().rfind(|snapshot| snapshot.manifest.scope != Scope::DataOnly))
}

/// Tries a recovery, and tells how it went.
///
/// What is wrong with the snapshot is in the report; an error says that the drill itself could not be done. Either way
/// the scratch database is gone afterwards, and that of a drill which is killed is removed by the next one. Where the
/// snapshot is damaged, the tables that are not are restored and proven by themselves.
pub async fn drill(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    options: &DrillOptions,
) -> Result<Report, Error> {
    let (began, watch) = (context.now(), context.stopwatch());
    let workshop = Workshop::open(context, &snapshot.manifest, options).await?;
    let time_doubt = doubt_of(snapshot.id, &*repository.catalog().await?, began);
    let mut drill = Drill {
        context,
        repository,
        snapshot,
        options,
        workshop: &workshop,
        began,
        time_doubt: time_doubt.as_deref(),
        out: Out::default(),
    };
    let done = Box::pin(drill.run()).await;
    let out = drill.out;
    let target = workshop.describe();
    let closed = workshop.close().await;
    done?;
    let mut report = Report {
        version: report::VERSION,
        kind: ReportKind::Drill,
        database: snapshot.manifest.database.clone(),
        target,
        snapshot: Some(About { time_doubt, ..About::of(snapshot) }),
        time: began,
        sequence: None,
        duration_ms: watch.elapsed_ms(),
        status: Status::Passed,
        measures: Some(out.measures),
        sections: vec![
            Section { title: "Recovery".to_owned(), findings: out.recovery },
            Section { title: "Damage".to_owned(), findings: out.damage },
            Section { title: "Checks".to_owned(), findings: out.checks },
        ],
    };
    if let Err(error) = closed {
        report.sections[0].findings.push(found(
            "scratch removed",
            Status::Warning,
            error.in_one_line(),
            None,
        ));
    }
    report.sections.retain(|section| !section.findings.is_empty());
    Ok(report.judged())
}

/// A report of a snapshot that cannot even be opened, so that nobody can tell what it held.
pub fn unreadable(context: &Context, database: &str, id: &str, error: &Error) -> Report {
    let detail = format!("{}; it may be of this database or of another", error.in_one_line());
    let finding = found(format!("snapshot {id} can be opened"), Status::Failed, detail, None);
    not_drilled(context, database, None, Section { title: "Damage".to_owned(), findings: vec![finding] })
}

/// A report of a snapshot whose drill could not be done, so that nobody can tell whether it can be restored.
fn impossible(context: &Context, snapshot: &Snapshot, error: &Error) -> Report {
    let finding = found("drilled", Status::Failed, error.in_one_line(), None);
    let section = Section { title: "Recovery".to_owned(), findings: vec![finding] };
    not_drilled(context, &snapshot.manifest.database, Some(About::of(snapshot)), section)
}

fn not_drilled(context: &Context, database: &str, snapshot: Option<About>, section: Section) -> Report {
    Report {
        version: report::VERSION,
        kind: ReportKind::Drill,
        database: database.to_owned(),
        target: "none".to_owned(),
        snapshot,
        time: context.now(),
        sequence: None,
        duration_ms: 0,
        status: Status::Failed,
        measures: None,
        sections: vec![section],
    }
}

/// What a drill has found so far.
#[derive(Default)]
struct Out {
    recovery: Vec<ReportEntry>,
    damage: Vec<ReportEntry>,
    checks: Vec<ReportEntry>,
    measures: Measures,
}

struct Drill<'a> {
    context: &'a Context,
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    options: &'a DrillOptions,
    workshop: &'a Workshop,
    began: Timestamp,
    /// Why the snapshot's time cannot be right.
    time_doubt: Option<&'a str>,
    out: Out,
}

impl Drill<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        for left in self.workshop.cleared() {
            let detail = format!("{left} was left by a drill that was killed");
            self.out.recovery.push(found("remains removed", Status::Passed, detail, None));
        }
        for left in self.workshop.left() {
            let detail = format!("{left}; it was left by a drill that was killed");
            self.out.recovery.push(found("remains left", Status::Warning, detail, None));
        }
        let lost = seconds_between(self.snapshot.manifest.time, self.began);
        self.out.measures.data_loss_seconds = u64::try_from(lost).unwrap_or(0);
        let schema = match self.schema().await {
            Ok(schema) => schema,
            Err(error) if error.kind() == ErrorKind::Damage => {
                let detail =
                    format!("{}; without it no database can be made from this snapshot", error.in_one_line());
                self.out.damage.push(found("schema", Status::Failed, detail, None));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let scratch = self.workshop.make(&schema).await?;
        let recovered = Box::pin(self.recover(&scratch)).await;
        let removed = scratch.remove().await;
        if let Err(error) = removed {
            self.out.recovery.push(found("scratch removed", Status::Warning, error.in_one_line(), None));
        }
        match recovered {
            Ok(()) => {
                self.hold_objectives();
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Damage => {
                self.out.recovery.push(found(self.filled(), Status::Failed, error.in_one_line(), None));
                let (context, repository, snapshot) = (self.context, self.repository, self.snapshot);
                let salvage = Salvage { context, repository, snapshot, workshop: self.workshop };
                self.out.damage = Box::pin(salvage.run(&schema)).await?;
                Ok(())
            }
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(error) => {
                self.out.recovery.push(found(self.filled(), Status::Failed, error.in_one_line(), None));
                Ok(())
            }
        }
    }

    /// What is done to bring the snapshot back.
    fn filled(&self) -> &'static str {
        if self.workshop.makes_files() { "written as its page restores it" } else { "restored" }
    }

    async fn schema(&self) -> Result<Schema, Error> {
        let reader = self.repository.reader().await?;
        read_schema(&reader, &self.snapshot.manifest).await
    }

    /// Restores, proves and checks; an error of the restore alone is given back.
    async fn recover(&mut self, scratch: &Scratch) -> Result<(), Error> {
        let watch = self.context.stopwatch();
        let tables = &self.snapshot.manifest.tables;
        let is_page_file = self.workshop.makes_files();
        let restored = scratch.fill(self.context, self.repository, self.snapshot, tables).await?;
        let restore_ms = watch.elapsed_ms();
        let measures = &mut self.out.measures;
        measures.restore_ms = restore_ms;
        let is_there =
            |table: &&TableEntry| table.kind.is_user_table() && !restored.lacking.contains(&table.name);
        measures.tables = tables.iter().filter(is_there).count() as u64;
        measures.rows = restored.rows;
        measures.bytes = tables.iter().map(|table| table.root.bytes).sum();
        measures.is_page_file = is_page_file;
        let detail = format!("{} and {}", counted(measures.tables, "table"), counted(restored.rows, "row"));
        if is_page_file {
            let read = "every chunk was read, decoded and held against its name";
            self.out.recovery.push(found("stored and checked", Status::Passed, read, None));
        }
        self.out.recovery.push(found(self.filled(), Status::Passed, detail, Some(restore_ms)));
        for note in &restored.notes {
            let title = if is_page_file { "written whole" } else { "restored exactly" };
            self.out.recovery.push(found(title, Status::Warning, note, None));
        }
        self.out.recovery.extend(refused(&restored.left_out, &restored.lacking));
        let watch = self.context.stopwatch();
        let comparison = scratch.verify(self.context, self.repository, self.snapshot).await?;
        let comparison = comparison.without(&restored.left_out, &restored.lacking);
        let verify_ms = watch.elapsed_ms();
        self.out.recovery.push(match is_page_file {
            false => proof(&comparison, verify_ms),
            true => equality(&comparison, verify_ms),
        });
        self.out.measures.verify_ms = verify_ms;
        self.out.measures.recovery_ms = (restore_ms + verify_ms).max(1);
        let watch = self.context.stopwatch();
        let circumstances = Circumstances {
            now: self.snapshot.manifest.time,
            before: self.options.before.as_ref(),
            strict: false,
        };
        let (checks, snapshot) = (&self.options.checks, self.snapshot);
        let checked = scratch.check(self.context, self.repository, snapshot, checks, circumstances);
        self.out.checks = checked.await?;
        self.out.measures.checks_ms = watch.elapsed_ms();
        Ok(())
    }

    fn hold_objectives(&mut self) {
        let Objectives { recovery_seconds, data_loss_seconds } = self.options.objectives;
        let measures = &self.out.measures;
        let mut held = Vec::new();
        if let Some(limit) = recovery_seconds {
            let mut within = objective("recovery time", measures.recovery_ms.div_ceil(1000), limit);
            if measures.is_page_file {
                within.detail += "; what a browser takes to load it comes on top";
            }
            held.push(within);
        }
        if let Some(limit) = data_loss_seconds.filter(|_| self.options.is_newest) {
            held.push(match self.time_doubt {
                Some(doubt) => {
                    let detail = format!("unknown, as is the age of the snapshot: {doubt}");
                    found(objective_title("data loss", limit), Status::Failed, detail, None)
                }
                None => objective("data loss", measures.data_loss_seconds, limit),
            });
        }
        self.out.recovery.extend(held);
    }
}

fn objective(what: &str, seconds: u64, limit: u64) -> ReportEntry {
    let words = |seconds: u64| age(i64::try_from(seconds).unwrap_or(i64::MAX));
    let status = if seconds <= limit { Status::Passed } else { Status::Failed };
    let detail = format!("{}; {} are allowed", words(seconds), words(limit));
    found(objective_title(what, limit), status, detail, None)
}

fn objective_title(what: &str, limit: u64) -> String {
    format!("{what} within {}", age(i64::try_from(limit).unwrap_or(i64::MAX)))
}
