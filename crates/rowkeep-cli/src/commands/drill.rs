use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::report::{Format, render};

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::reports::{format_of, show, write};

/// Try a recovery: restore a snapshot into a scratch database, prove it, check its data, measure, and clean up.
///
/// SQLite is restored to a temporary file; PostgreSQL to a database of its own on the server that --to-server names, or
/// on a throwaway server when PostgreSQL's programs are on this machine. The report is kept in ./rowkeep-reports. Exits
/// with 3 when the drill fails; of a damaged snapshot the report says what is damaged and what can still be restored.
#[derive(Debug, clap::Args)]
pub(crate) struct Drill {
    /// A name from rowkeep.toml, or the name that snapshots have [default: all]
    database: Option<String>,
    /// Drill this snapshot: an id or its beginning, a name, `latest:DATABASE` [default: the newest]
    #[arg(long, conflicts_with_all = ["each", "database"])]
    snapshot: Option<String>,
    /// Drill every snapshot
    #[arg(long)]
    each: bool,
    /// Make PostgreSQL's scratch databases on this server; any of its databases will do
    #[arg(long, value_name = "URL")]
    to_server: Option<String>,
    /// Run the checks of this file too
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// Write the report to this file too: .txt, .json, .html, .md, or .xml for JUnit
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Keep reports in this folder [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

impl Drill {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let formats: Vec<Format> = self.report.iter().map(|path| format_of(path)).collect::<Result<_>>()?;
        let request = DrillRequest {
            database: self.database,
            snapshot: self.snapshot,
            each: self.each,
            to_server: self.to_server.map(Into::into),
            checks: self.checks,
            reports: self.reports,
        };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        for (path, format) in self.report.iter().zip(formats) {
            write(path, &render(&outcome.reports, format))?;
        }
        show(session, &outcome.reports, Format::Terminal);
        Ok(status_of(outcome.verdict()))
    }
}
