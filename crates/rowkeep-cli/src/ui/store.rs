//! What the store of a repository was found to do.

use rowkeep::jobs::probe::ProbeOutcome;
use rowkeep::repository::{ProbeReport, StoreFinding, StoreLevel};

use super::units::{counted, plain};

/// What was found, for people.
pub(crate) fn told(outcome: &ProbeOutcome) -> String {
    let mut lines = vec![plain(&outcome.location)];
    for finding in &outcome.report.findings {
        let mark = match finding.level {
            StoreLevel::Ok => "ok     ",
            StoreLevel::Warning => "warning",
            StoreLevel::Error => "ERROR  ",
        };
        lines.push(format!("{mark}  {}: {}", finding.what, plain(&finding.seen)));
        lines.extend(consequences(finding));
    }
    lines.push(left(&outcome.report));
    lines.join("\n")
}

/// What was found otherwise than it should be, for people who asked for something else.
pub(crate) fn faults(report: &ProbeReport) -> Vec<String> {
    let faults = report.findings.iter().filter(|finding| finding.level > StoreLevel::Ok);
    let mut lines: Vec<String> = faults
        .flat_map(|finding| {
            let first = format!("store: {}: {}", finding.what, plain(&finding.seen));
            std::iter::once(first).chain(consequences(finding))
        })
        .collect();
    if !report.left.is_empty() {
        lines.push(left(report));
    }
    lines
}

fn consequences(finding: &StoreFinding) -> impl Iterator<Item = String> {
    let means = finding.means.as_ref().map(|means| format!("         means: {}", plain(means)));
    let remedy = finding.remedy.as_ref().map(|remedy| format!("         to do: {}", plain(remedy)));
    means.into_iter().chain(remedy)
}

/// What stays of the probe.
fn left(report: &ProbeReport) -> String {
    let versions = || counted(report.left_versions, "older version");
    match (report.left.first(), report.left_versions, report.left_until) {
        (Some(object), ..) => {
            let objects = counted(report.left.len() as u64, "object");
            let folder = object.rsplit_once('/').map_or(object.as_str(), |(folder, _)| folder);
            format!("{objects} of the probe could not be removed: {folder}/")
        }
        (None, 0, _) => "everything that the probe wrote is removed".to_owned(),
        (None, _, Some(until)) => {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            format!("what the probe wrote is deleted; {} of it stay until {until}", versions())
        }
        (None, ..) => format!("what the probe wrote is deleted; the bucket keeps {} of it", versions()),
    }
}
