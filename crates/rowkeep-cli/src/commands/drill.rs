use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::report::{ReportFormat, render};

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::reports::{format_of, show, write};
use crate::ui::several::say_failed;

/// Test a recovery: restore into a scratch database, verify, measure.
///
/// SQLite is restored to a temporary file; PostgreSQL to a scratch database on the server given with --to-server, or on
/// a temporary server if PostgreSQL is installed on this machine. With --to-server d1://ACCOUNT/DATABASE, SQLite and D1 are
/// restored to a scratch D1 database of that account. Of IndexedDB, the file that a page restores is written and read again; no browser
/// loads it. The report is saved in ./rowkeep-reports. Exits with 3
/// if the drill fails; for a damaged snapshot, the report lists what is damaged and what can still be restored.
#[derive(Debug, clap::Args)]
pub(crate) struct Drill {
    /// Database, as named in rowkeep.toml or in snapshots [default: all]
    database: Option<DatabaseRef>,
    /// Snapshot: an id or a prefix of it, a name, `latest:DATABASE`, `DATABASE@TIME` [default: the newest]
    #[arg(long, conflicts_with_all = ["each", "database"])]
    snapshot: Option<String>,
    /// Drill every snapshot
    #[arg(long)]
    each: bool,
    /// Create scratch databases on this server, or in this Cloudflare account (URL of any of its databases)
    #[arg(long, value_name = "URL")]
    to_server: Option<DatabaseRef>,
    /// Also run the checks in this file
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// Also write the report to this file: .txt, .json, .html, .md, or .xml for JUnit
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Save reports in this folder [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

impl Drill {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let formats: Vec<ReportFormat> =
            self.report.iter().map(|path| format_of(path)).collect::<Result<_>>()?;
        let request = DrillRequest {
            database: self.database,
            snapshot: self.snapshot,
            each: self.each,
            to_server: self.to_server,
            checks: self.checks,
            reports: self.reports,
        };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        for (path, format) in self.report.iter().zip(formats) {
            write(path, &render(&outcome.reports, format))?;
        }
        show(session, &outcome, ReportFormat::Terminal);
        let drilled: BTreeSet<_> = outcome.reports.iter().map(|report| &report.database).collect();
        say_failed(&outcome.failed, drilled.len(), "drilled");
        Ok(status_of(outcome.verdict()))
    }
}
