use super::findings::{Report, Status};
use crate::units::plain;

/// Markdown with tables, as issue trackers and wikis read it.
pub(super) fn render(reports: &[Report]) -> String {
    reports.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(report: &Report) -> String {
    let mut out = format!("# {}: {}\n\n| | |\n|---|---|\n", escape(&report.database), report.verdict());
    for (name, value) in report.facts() {
        out += &format!("| {name} | {} |\n", escape(&value));
    }
    for section in report.sections.iter().filter(|section| !section.findings.is_empty()) {
        out += &format!("\n## {}\n\n| | what | found |\n|---|---|---|\n", escape(&section.title));
        for found in &section.findings {
            let mark = match found.status {
                Status::Passed => "✅ ok",
                Status::Warning => "⚠️ warning",
                Status::Failed => "❌ **error**",
            };
            let samples: String =
                found.samples.iter().map(|sample| format!("<br>{}", escape(sample))).collect();
            out += &format!("| {mark} | {} | {}{samples} |\n", escape(&found.title), escape(&found.detail));
        }
    }
    out + &format!("\n{}\n", report.tally().told())
}

/// Text that means nothing but itself in a cell of a table.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => out.extend(['\\', c]),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}
