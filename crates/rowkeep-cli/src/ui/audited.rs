//! Whether an audit is what was written.

use rowkeep_server::{AuditVerification, DifferingHead};

use super::units::{count, counted, plain, short};

/// For people.
pub(crate) fn told(found: &AuditVerification) -> String {
    let entries = match found.entries {
        1 => "1 entry".to_owned(),
        entries => format!("{} entries", count(entries.unsigned_abs())),
    };
    let mut lines = match found.intact {
        true => vec![format!("the audit is what was written: {entries}")],
        false => vec!["the audit is not what was written".to_owned()],
    };
    if let (Some(at), Some(reason)) = (found.broken_at, &found.reason) {
        lines.push(format!("entry {at}: {reason}"));
        lines.push(format!("before it are {entries} that are what was written"));
    }
    let snapshots = counted(found.snapshots, "snapshot");
    match (found.snapshots, found.differing) {
        (0, _) => lines.push(
            "no snapshot names an entry, so nothing shows whether entries are missing at the end".to_owned(),
        ),
        (_, 0) if found.broken_at.is_none() => {
            lines.push(format!("entries named by {snapshots} are all in it"));
        }
        (_, 0) => {}
        (_, differing) => {
            let differing = count(differing);
            lines.push(format!("{differing} of {snapshots} name an entry that is not in it:"));
        }
    }
    lines.extend(found.differing_snapshots.iter().map(of_snapshot));
    let more = found.differing.saturating_sub(found.differing_snapshots.len() as u64);
    if more > 0 {
        lines.push(format!("… and {}", counted(more, "other snapshot")));
    }
    for unseen in &found.unseen_repositories {
        let (repository, error) = (plain(&unseen.repository), plain(&unseen.error));
        lines.push(format!("the snapshots in {repository} were not compared: {error}"));
    }
    lines.join("\n")
}

fn of_snapshot(differing: &DifferingHead) -> String {
    let DifferingHead { snapshot, database, repository, reason, .. } = differing;
    let place = repository.as_ref().map(|name| format!(" in {}", plain(name))).unwrap_or_default();
    format!("  snapshot {} of {}{place}: {}", short(snapshot), plain(database), plain(reason))
}
