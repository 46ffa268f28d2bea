use std::fmt::Write as _;

use super::findings::{Report, ReportEntry, Status};
use crate::units::plain;

/// JUnit's XML, in the order and with the attributes that the strictest of its usual schemas asks for.
///
/// Written here, because `quick-junit` (0.8) puts the zone into times and totals on the outermost element, for which that
/// schema has no place.
pub(super) fn render(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, report) in reports.iter().enumerate() {
        suite(&mut out, id, report);
    }
    out + "</testsuites>\n"
}

fn suite(out: &mut String, id: usize, report: &Report) {
    let tally = report.tally();
    let tests = tally.passed + tally.warnings + tally.failed;
    let name = format!("{} of {}", report.verdict().split(' ').next().unwrap_or_default(), report.database);
    // The schema has no place for a zone; the time is UTC.
    let time = report.time.strftime("%Y-%m-%dT%H:%M:%S");
    let _ = writeln!(
        out,
        "  <testsuite id=\"{id}\" package=\"rowkeep\" name=\"{}\" timestamp=\"{}\" hostname=\"localhost\" \
         tests=\"{tests}\" failures=\"{}\" errors=\"0\" time=\"{}\">\n    <properties>",
        escape(&name),
        time,
        tally.failed,
        seconds(report.duration_ms),
    );
    for (name, value) in report.facts() {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escape(&value));
    }
    out.push_str("    </properties>\n");
    for section in &report.sections {
        for found in &section.findings {
            case(out, &format!("{}.{}", report.database, section.title), found);
        }
    }
    out.push_str("    <system-out>");
    for found in report.findings().filter(|found| found.status == Status::Warning) {
        let _ = writeln!(out, "warning: {}: {}", escape(&found.title), escape(&told(found)));
    }
    out.push_str("</system-out>\n    <system-err></system-err>\n  </testsuite>\n");
}

fn case(out: &mut String, class: &str, found: &ReportEntry) {
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escape(class),
        escape(&found.title),
        seconds(found.duration_ms)
    );
    match found.status {
        Status::Passed | Status::Warning => out.push_str("/>\n"),
        Status::Failed => {
            let _ = writeln!(
                out,
                ">\n      <failure message=\"{}\" type=\"failed\">{}</failure>\n    </testcase>",
                escape(&found.detail),
                escape(&told(found))
            );
        }
    }
}

fn told(found: &ReportEntry) -> String {
    let mut told = found.detail.clone();
    for sample in &found.samples {
        told.push_str("; ");
        told.push_str(sample);
    }
    told
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Text for an attribute or an element; what XML cannot hold at all is written as Rust would.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
