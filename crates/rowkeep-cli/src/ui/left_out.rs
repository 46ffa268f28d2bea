//! What a server refused of a schema: for people, and as a file that completes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rowkeep::engine::LeftOut;
use rowkeep::jobs::outcome::RestoreOutcome;
use rowkeep::private_files;

use super::units::{counted, plain, short};

/// The file beside a report with the statements to run later.
const FIXUPS: &str = "fixups.sql";

/// So many are shown where nobody asked for a report.
const SHOWN: usize = 10;

/// What was refused, in words.
pub(crate) fn told(database: &str, parts: &[LeftOut]) -> String {
    let mut told = format!(
        "{database} without what its server refused: {}\n",
        counted(parts.len() as u64, "part") + " of the schema"
    );
    for left_out in parts.iter().take(SHOWN) {
        let LeftOut { statement, why, instead, later } = left_out;
        let one_line = |text: &str| plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        let what = match instead {
            Some(_) if left_out.is_unchecked() => "not held against the rows that are there".to_owned(),
            Some(instead) => format!("{} instead of", one_line(instead)),
            None => "left out".to_owned(),
        };
        let _ = write!(
            told,
            "  {what}: {}\n    {}\n    later: {}\n",
            one_line(statement),
            one_line(why),
            one_line(later)
        );
    }
    if let more @ 1.. = parts.len().saturating_sub(SHOWN) {
        let _ = writeln!(told, "  and {more} more: --json shows all, --report FILE keeps them");
    }
    told.trim_end().to_owned()
}

/// A report that is wanted, with the statements beside it.
pub(crate) struct Report {
    file: PathBuf,
    fixups: PathBuf,
}

impl Report {
    /// Begins both files, so that it fails before anything is done where they cannot be written.
    pub(crate) fn begin(file: PathBuf) -> Result<Self> {
        let fixups = file.parent().unwrap_or(Path::new("")).join(FIXUPS);
        let report = Self { file, fixups };
        for file in [&report.file, &report.fixups] {
            private_files::create_if_missing(file).with_context(|| cannot(file))?;
        }
        anyhow::ensure!(
            report.file.file_name() != report.fixups.file_name(),
            "the report cannot be {FIXUPS}, which comes beside it: give it another name"
        );
        Ok(report)
    }

    /// Writes what became of a restore.
    pub(crate) fn write(&self, outcome: &RestoreOutcome) -> Result<()> {
        let RestoreOutcome::New(new) = outcome else {
            let none = "No database was made, so nothing of its schema was left out.\n";
            return self.put(none, &format!("-- {none}"));
        };
        let mut report = format!(
            "Snapshot {} restored to {}: {}, {}.\n",
            short(new.snapshot),
            new.database,
            counted(new.user_tables, "table"),
            counted(new.rows, "row")
        );
        let mut fixups = format!(
            "-- Completes {}, which was restored from snapshot {}.\n",
            new.database,
            short(new.snapshot)
        );
        if new.left_out.iter().any(|left_out| makes_routine(&left_out.later)) {
            fixups += "SET check_function_bodies = off;\n";
        }
        report += &match new.left_out.len() {
            0 => "The server refused no part of the schema.\n".to_owned(),
            count => format!("The server refused {} of the schema:\n", counted(count as u64, "part")),
        };
        for LeftOut { statement, why, instead, later } in &new.left_out {
            let _ = write!(report, "\n{}\n  refused: {}\n", statement.trim(), why.trim());
            if let Some(instead) = instead {
                let _ = writeln!(report, "  done instead: {}", instead.trim());
            }
            let _ = writeln!(report, "  later: {}", later.trim());
            // It may repeat values of rows: nothing of them ends the line.
            let commented: String =
                why.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = write!(fixups, "\n-- {commented}\n{}\n", later.trim());
        }
        for note in &new.notes {
            let _ = writeln!(report, "\nnote: {note}");
        }
        self.put(&report, &fixups)
    }

    fn put(&self, report: &str, fixups: &str) -> Result<()> {
        for (file, text) in [(&self.file, report), (&self.fixups, fixups)] {
            private_files::write(file, text.as_bytes()).with_context(|| cannot(file))?;
        }
        Ok(())
    }
}

/// Whether a statement makes what has a body that the server would look at.
fn makes_routine(statement: &str) -> bool {
    let words = || statement.split_whitespace().take(4);
    words().next() == Some("CREATE") && words().any(|word| word == "FUNCTION" || word == "PROCEDURE")
}

fn cannot(file: &Path) -> String {
    format!("the report cannot be written to {}", file.display())
}
