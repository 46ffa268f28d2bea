use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::check_data::CheckDataRequest;
use rowkeep::report::{ReportFormat, render};

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::reports::{format, format_of, show, write};
use crate::ui::several::say_failed;

/// Run data checks on a database.
///
/// Runs the checks in rowkeep.toml or a file: row counts, orphans, allowed values, duplicates, age, and any SQL query.
/// Reads only. Of a database of IndexedDB, the rows of the newest snapshot of each device are checked. Exits with 3 if a check fails.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckData {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file; or a snapshot of IndexedDB
    #[arg(value_name = "DATABASE|URL|SNAPSHOT")]
    database: Option<DatabaseRef>,
    /// Also run the checks in this file
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// Report format: terminal, json, html, markdown or junit [default: by the extension of --output]
    #[arg(long, value_parser = format, value_name = "FORMAT")]
    format: Option<ReportFormat>,
    /// Write the report to this file, and a summary to the terminal
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl CheckData {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = CheckDataRequest { database: self.database, checks: self.checks };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        if let Some(path) = &self.output {
            write(path, &render(&outcome.reports, self.format.unwrap_or(format_of(path)?)))?;
        }
        let printed = match (&self.output, self.format) {
            (None, Some(format)) => format,
            _ => ReportFormat::Terminal,
        };
        show(session, &outcome, printed);
        say_failed(&outcome.failed, outcome.reports.len(), "checked");
        Ok(status_of(outcome.verdict()))
    }
}
