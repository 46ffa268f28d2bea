use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use rowkeep::Error;
use rowkeep::data_checks::{Check, Circumstances, Demand, read::read_file, run_checks};
use rowkeep::report::{Format, Report, render};
use rowkeep::state::snapshots;

use crate::fail::{CommandError, DIFFERENCES, DONE};
use crate::setup::{Session, Source};

/// Check whether the data of a database is as it must be.
///
/// Runs the checks that rowkeep.toml or a file names: rows, orphans, allowed values, duplicates, age, and any SQL. Only
/// reads. Exits with 3 when a check fails.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckData {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
    /// Run the checks of this file too
    #[arg(long, value_name = "FILE")]
    checks: Option<PathBuf>,
    /// How the report is written: terminal, json, html, markdown or junit [default: by the name of --output]
    #[arg(long, value_parser = format, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the report to this file, and print it for people
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl CheckData {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let more = more_checks(self.checks.as_deref())?;
        let mut sources = session.sources(self.database.as_deref())?;
        for source in &mut sources {
            source.checks.extend(more.iter().cloned());
        }
        sources.retain(|source| !source.checks.is_empty());
        if sources.is_empty() {
            return Err(CommandError::usage("there is nothing to check")
                .with_hint("write [[databases.NAME.checks]] in rowkeep.toml, or give a file with --checks")
                .into());
        }
        let mut reports = Vec::new();
        for source in sources {
            reports.push(examine(session, &source).await?);
        }
        if let Some(path) = &self.output {
            write(path, &render(&reports, self.format.unwrap_or(format_of(path)?)))?;
        }
        let printed = match (&self.output, self.format) {
            (None, Some(format)) => format,
            _ => Format::Terminal,
        };
        show(session, &reports, printed);
        Ok(status(&reports))
    }
}

async fn examine(session: &Session, source: &Source) -> Result<Report> {
    let (time, started) = (Timestamp::now(), Instant::now());
    let compares = source.checks.iter().any(|check| matches!(check.demand, Demand::RowsWithin { .. }));
    let before = match compares {
        true => snapshots::latest(&session.open().await?, Some(&source.name)).await?,
        false => None,
    };
    let circumstances =
        Circumstances { now: time, before: before.as_ref().map(|snapshot| &snapshot.manifest), strict: true };
    let found = run_checks(&session.context, source.engine.as_ref(), &source.checks, circumstances).await?;
    let took = started.elapsed();
    Ok(Report::of_checks(&source.name, &source.engine.describe(), before.as_ref(), time, took, found))
}

/// The checks of a file, if one is named.
pub(crate) fn more_checks(file: Option<&Path>) -> Result<Vec<Check>, anyhow::Error> {
    let Some(path) = file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| Error::Config {
        path: path.to_owned(),
        message: format!("cannot be read: {error}"),
    })?;
    Ok(read_file(&text, path)?)
}

/// Prints reports for people, or as JSON, or in another form.
pub(crate) fn show(session: &Session, reports: &[Report], format: Format) {
    let format = if session.global.json { Format::Json } else { format };
    if session.global.json || !session.global.quiet {
        print!("{}", render(reports, format));
    }
}

/// Writes a report to a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The form that the name of a file asks for.
pub(crate) fn format_of(path: &Path) -> Result<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("txt" | "log") => Ok(Format::Terminal),
        Some("json") => Ok(Format::Json),
        Some("html" | "htm") => Ok(Format::Html),
        Some("md" | "markdown") => Ok(Format::Markdown),
        Some("xml") => Ok(Format::Junit),
        _ => Err(CommandError::usage(format!("{}: what kind of report is that?", path.display()))
            .with_hint("end its name with .txt, .json, .html, .md or .xml (JUnit)")
            .into()),
    }
}

pub(crate) fn status(reports: &[Report]) -> u8 {
    if reports.iter().all(Report::is_passed) { DONE } else { DIFFERENCES }
}

fn format(text: &str) -> Result<Format, String> {
    Ok(match text {
        "terminal" => Format::Terminal,
        "json" => Format::Json,
        "html" => Format::Html,
        "markdown" => Format::Markdown,
        "junit" => Format::Junit,
        _ => return Err("expected terminal, json, html, markdown or junit".to_owned()),
    })
}
