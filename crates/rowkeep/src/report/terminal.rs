use super::findings::{Report, Status};
use crate::units::plain;

/// Lines for a terminal: what failed stands out by its capitals, so that no colour is needed.
pub(super) fn render(reports: &[Report]) -> String {
    reports.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", plain(&report.database), report.verdict())];
    lines.extend(report.facts().into_iter().map(|(name, value)| format!("  {name:14} {}", plain(&value))));
    for section in report.sections.iter().filter(|section| !section.findings.is_empty()) {
        lines.push(String::new());
        lines.push(plain(&section.title));
        for found in &section.findings {
            let mark = match found.status {
                Status::Passed => "ok",
                Status::Warning => "WARNING",
                Status::Failed => "ERROR",
            };
            lines.push(format!("  {mark:8} {}: {}", plain(&found.title), plain(&found.detail)));
            lines.extend(found.samples.iter().map(|sample| format!("           - {}", plain(sample))));
        }
    }
    lines.push(String::new());
    lines.push(report.tally().told());
    lines.join("\n") + "\n"
}
