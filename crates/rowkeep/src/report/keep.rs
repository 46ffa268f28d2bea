//! Where reports of drills are kept: one JSON file each, in a folder, named by database and time.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::findings::{Report, ReportKind, VERSION, short};
use crate::private_files;

/// Keeps a report in a folder, which is made when it is not there, as the newest of it; returns the file.
///
/// The report gets the number that says so.
///
/// The file appears whole or not at all, for its owner's eyes only.
pub fn keep(report: &mut Report, folder: &Path) -> io::Result<PathBuf> {
    private_files::make_folder(folder)?;
    let highest = kept(folder)?.iter().filter_map(|report| report.sequence).max();
    report.sequence = Some(highest.unwrap_or(0).saturating_add(1));
    let json = serde_json::to_vec_pretty(report)?;
    let mut file = tempfile::Builder::new().prefix(".report-").tempfile_in(folder)?;
    file.write_all(&json)?;
    file.as_file().sync_all()?;
    // Several reports of a database may be made within a second.
    for copy in 1_u32.. {
        let path = folder.join(name(report, copy));
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
    }
    Err(io::Error::other("there is no name left for a report"))
}

/// The reports in a folder, the oldest first; none when there is no folder.
///
/// Files that are no reports, or of a newer form, or that cannot be read, are passed over: the folder is the users'.
pub fn kept(folder: &Path) -> io::Result<Vec<Report>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut reports = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let report = fs::read(&path).ok().and_then(|json| serde_json::from_slice::<Report>(&json).ok());
            reports.extend(report.filter(|report| report.version == VERSION));
        }
    }
    // Reports of older programs have no number, and were there before those that have one.
    reports.sort_by_key(|report| (report.sequence, report.time));
    Ok(reports)
}

/// The drills of a database, the oldest first.
pub fn drills(folder: &Path, database: &str) -> io::Result<Vec<Report>> {
    let mut reports = kept(folder)?;
    reports.retain(|report| report.kind == ReportKind::Drill && report.database == database);
    Ok(reports)
}

/// The newest of some drills that brought a database back whole.
pub fn latest(drills: &[Report]) -> Option<&Report> {
    let restored =
        |report: &&Report| report.measures.as_ref().is_some_and(|measures| measures.recovery_ms > 0);
    drills.iter().rfind(restored)
}

/// `drill-shop-20261121T103000Z-1a2b3c4d.json`: for people to find; the order of reports is in them.
fn name(report: &Report, copy: u32) -> String {
    let safe = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let database: String = report.database.chars().map(safe).take(80).collect();
    let time = report.time.strftime("%Y%m%dT%H%M%S");
    let snapshot = report.snapshot.as_ref().map(|about| format!("-{}", short(&about.id)));
    let kind = match report.kind {
        ReportKind::Checks => "checks",
        ReportKind::Drill => "drill",
    };
    let copy = if copy > 1 { format!("-{copy}") } else { String::new() };
    format!("{kind}-{database}-{time}Z{}{copy}.json", snapshot.unwrap_or_default())
}
