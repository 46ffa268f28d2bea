use std::fmt::Write as _;

use super::findings::{Report, ReportEntry, Status};
use crate::units::plain;

/// One page that needs nothing from elsewhere: the verdict first, then the figures, then every finding.
pub(super) fn render(reports: &[Report]) -> String {
    let passed = reports.iter().filter(|report| report.is_passed()).count();
    let title = match reports {
        [only] => format!("{}: {}", only.database, only.verdict()),
        many => format!("{passed} of {} passed", many.len()),
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escape(&title)
    );
    if reports.len() > 1 {
        let _ = writeln!(out, "<h1>{}</h1>", escape(&title));
    }
    for report in reports {
        one(&mut out, report);
    }
    out + "</main>\n</body>\n</html>\n"
}

fn one(out: &mut String, report: &Report) {
    let class = class(report.status);
    let _ = writeln!(
        out,
        "<article>\n<header class=\"{class}\">\n<p class=\"mark\">{}</p>\n<div>\n<h2>{}</h2>\n<p>{} &middot; {}</p>\n\
         </div>\n</header>\n<dl>",
        sign(report.status),
        escape(&report.database),
        escape(&report.verdict()),
        escape(&report.tally().told()),
    );
    for (name, value) in report.facts() {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value));
    }
    out.push_str("</dl>\n");
    for section in report.sections.iter().filter(|section| !section.findings.is_empty()) {
        let _ = writeln!(out, "<section>\n<h3>{}</h3>\n<ul>", escape(&section.title));
        for found in &section.findings {
            finding(out, found);
        }
        out.push_str("</ul>\n</section>\n");
    }
    out.push_str("</article>\n");
}

fn finding(out: &mut String, found: &ReportEntry) {
    let _ = write!(
        out,
        "<li class=\"{}\"><span class=\"mark\">{}</span><div><b>{}</b><p>{}</p>",
        class(found.status),
        sign(found.status),
        escape(&found.title),
        escape(&found.detail)
    );
    if !found.samples.is_empty() {
        out.push_str("<ul class=\"samples\">");
        for sample in &found.samples {
            let _ = write!(out, "<li><code>{}</code></li>", escape(sample));
        }
        out.push_str("</ul>");
    }
    out.push_str("</div></li>\n");
}

fn class(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Warning => "warning",
        Status::Failed => "failed",
    }
}

/// A sign beside the colour, for those who do not see it and for paper.
fn sign(status: Status) -> &'static str {
    match status {
        Status::Passed => "&#10003;",
        Status::Warning => "!",
        Status::Failed => "&#10007;",
    }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6878; --line: #dfe4ea; --paper: #fff; --ground: #f4f6f8;
  --passed: #1a7f4b; --warning: #96690a; --failed: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #9aa7b6; --line: #333d49; --paper: #1b222b;
  --ground: #12171d; --passed: #4cc38a; --warning: #e0b040; --failed: #ff8a80; } }
* { box-sizing: border-box; margin: 0; padding: 0; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { margin-bottom: 1.5rem; }
article { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; margin-bottom: 2rem; overflow: hidden; }
header { display: flex; gap: 1rem; align-items: center; padding: 1.25rem 1.5rem; border-left: 6px solid var(--tone); }
header .mark { font-size: 2rem; width: 2rem; text-align: center; }
h2 { font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere; }
h3 { font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); margin-bottom: .5rem; }
.passed { --tone: var(--passed); } .warning { --tone: var(--warning); } .failed { --tone: var(--failed); }
.mark { color: var(--tone); font-weight: 700; }
header p { color: var(--tone); }
dl { border-top: 1px solid var(--line); padding: 1rem 1.5rem; display: grid; gap: .25rem; }
dl div { display: grid; grid-template-columns: 9rem 1fr; }
dt { color: var(--soft); } dd { overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 1.25rem 1.5rem; }
section > ul > li { display: grid; grid-template-columns: 1.75rem 1fr; list-style: none; padding: .35rem 0; }
li p { color: var(--soft); } li.failed p, li.warning p { color: var(--tone); }
li b { font-weight: 600; overflow-wrap: anywhere; }
.samples { margin: .25rem 0 .25rem 1.1rem; } code { font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 32rem) { dl div { grid-template-columns: 1fr; } }
@media print { body { background: none; } article { break-inside: avoid-page; } }
";
