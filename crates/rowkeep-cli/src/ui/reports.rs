//! Reports of checks and drills: printed, and written into files.

use std::path::Path;

use anyhow::{Context as _, Result};
use rowkeep::jobs::Verdict;
use rowkeep::jobs::check_data::ReportsOutcome;
use rowkeep::private_files;
use rowkeep::report::{ReportFormat, render};
use serde_json::json;

use crate::fail::CommandError;
use crate::out;
use crate::setup::Session;
use crate::wrap::{width_of_results, wrapped};

/// Prints reports for people, or as JSON, or in another form.
pub(crate) fn show(session: &Session, outcome: &ReportsOutcome, format: ReportFormat) {
    if session.global.json {
        let passed = outcome.verdict() == Verdict::Done;
        out::json(&json!({ "passed": passed, "reports": outcome.reports, "failed": outcome.failed }));
    } else if !session.global.quiet {
        let text = render(&outcome.reports, format);
        // A report in another form may be for a program.
        let width = if format == ReportFormat::Terminal { width_of_results() } else { None };
        out::text(wrapped(&text, width));
    }
}

/// Writes a report to a file, a new one for its owner's eyes only.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    private_files::write(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The form that the name of a file asks for.
pub(crate) fn format_of(path: &Path) -> Result<ReportFormat> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("txt" | "log") => Ok(ReportFormat::Terminal),
        Some("json") => Ok(ReportFormat::Json),
        Some("html" | "htm") => Ok(ReportFormat::Html),
        Some("md" | "markdown") => Ok(ReportFormat::Markdown),
        Some("xml") => Ok(ReportFormat::Junit),
        _ => Err(CommandError::usage(format!("{}: unknown report format", path.display()))
            .with_hint("end its name with .txt, .json, .html, .md or .xml (JUnit)")
            .into()),
    }
}

/// The form of a name that was typed.
pub(crate) fn format(text: &str) -> Result<ReportFormat, String> {
    Ok(match text {
        "terminal" => ReportFormat::Terminal,
        "json" => ReportFormat::Json,
        "html" => ReportFormat::Html,
        "markdown" => ReportFormat::Markdown,
        "junit" => ReportFormat::Junit,
        _ => return Err("expected terminal, json, html, markdown or junit".to_owned()),
    })
}
