//! Reports: what checks and drills found, kept and rendered for people and machines.

mod findings;
mod html;
mod junit;
mod keep;
mod markdown;
mod terminal;

#[cfg(test)]
mod tests;

pub use findings::{About, Measures, Report, ReportEntry, ReportKind, Section, Status, Tally, VERSION};
pub use keep::{drills, keep, kept, latest};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// Lines for a terminal.
    Terminal,
    /// One JSON object: `passed`, and `reports`.
    Json,
    /// One page without anything from elsewhere.
    Html,
    /// Markdown, as issue trackers and wikis read it.
    Markdown,
    /// JUnit's XML, as build servers read it. Warnings pass there, and are in the output of the suite.
    Junit,
}

/// Writes reports.
pub fn render(reports: &[Report], format: ReportFormat) -> String {
    match format {
        ReportFormat::Terminal => terminal::render(reports),
        ReportFormat::Json => json(reports),
        ReportFormat::Html => html::render(reports),
        ReportFormat::Markdown => markdown::render(reports),
        ReportFormat::Junit => junit::render(reports),
    }
}

fn json(reports: &[Report]) -> String {
    let passed = reports.iter().all(Report::is_passed);
    let document = serde_json::json!({ "passed": passed, "reports": reports });
    format!("{document:#}\n")
}
