use std::time::Instant;

use anyhow::Result;
use rowkeep::jobs::repository_check::{Checked, check};
use rowkeep::repository::{CheckOptions, ReadData};

use crate::fail::{DIFFERENCES, DONE};
use crate::setup::Session;
use crate::ui::units::{bytes, counted, duration, local_time, plain};

/// Check a repository for damage.
///
/// Looks whether every object is there and opens and whether every snapshot finds all it needs. With --read-data every
/// byte is read, opened and compared with its name. When something is damaged, says which snapshots and tables
/// suffer; the others are whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Read all data too, or this percentage of the packs, chosen anew each time
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "100", value_parser = percentage)]
    read_data: Option<f64>,
}

impl Check {
    /// The command that reads everything.
    pub(crate) fn all() -> Self {
        Self { read_data: Some(100.0) }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let repository = session.open().await?;
        let read_data = match self.read_data {
            None => ReadData::Nothing,
            Some(percent) if percent >= 100.0 => ReadData::Everything,
            Some(percent) => {
                ReadData::Percent { percent, seed: jiff::Timestamp::now().as_nanosecond() as u64 }
            }
        };
        let started = Instant::now();
        let checked = check(&session.context, &repository, CheckOptions { read_data }).await?;
        session.result(
            || {
                let mut json = serde_json::to_value(&checked).unwrap_or_default();
                json["clean"] = checked.is_clean().into();
                json
            },
            || told(&checked, &duration(started.elapsed())),
        );
        Ok(if checked.is_clean() { DONE } else { DIFFERENCES })
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err("expected a percentage above 0 and up to 100".to_owned()),
    }
}

fn told(checked: &Checked, time: &str) -> String {
    let mut lines = Vec::new();
    for note in &checked.notes {
        lines.push(format!("note: {}: {}", plain(&note.object), plain(&note.detail)));
    }
    for problem in &checked.damage {
        lines.push(format!("damage: {}: {}", plain(&problem.object), plain(&problem.detail)));
    }
    for loss in &checked.losses {
        let mut lost: Vec<String> = loss.tables.iter().map(|table| plain(&table.to_string())).collect();
        if loss.schema {
            lost.push("its schema".to_owned());
        }
        if loss.changes {
            lost.push("what `rowkeep undo` needs".to_owned());
        }
        lines.push(format!(
            "snapshot {} of {} ({}) cannot be restored whole: {}",
            &loss.snapshot.to_string()[..8],
            plain(&loss.database),
            local_time(&loss.time),
            lost.join(", ")
        ));
    }
    let read = match checked.bytes_read {
        0 => String::new(),
        read => format!(", {} of them read", bytes(read)),
    };
    let looked = format!(
        "{} and {} ({}{read}) in {time}",
        counted(checked.snapshots, "snapshot"),
        counted(checked.packs, "pack"),
        bytes(checked.pack_bytes),
    );
    lines.push(match checked.is_clean() {
        true => format!("no damage: {looked}"),
        false => {
            format!("DAMAGED: {looked}; {} of them suffer", counted(checked.losses.len() as u64, "snapshot"))
        }
    });
    lines.join("\n")
}
