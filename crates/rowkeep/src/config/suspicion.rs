//! When a backup is suspicious, as a file says it.

use serde::Deserialize;

use crate::capture::suspicion::Threshold;

/// What a file says of when a backup is suspicious.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSuspicion {
    rows: Option<String>,
    #[serde(default = "yes")]
    tables: bool,
}

fn yes() -> bool {
    true
}

impl FileSuspicion {
    /// Reads when a backup is suspicious: a percentage of rows, or `off`.
    pub(super) fn read(&self) -> Result<Threshold, String> {
        let default = Threshold::default();
        let rows_percent = match self.rows.as_deref().map(str::trim) {
            None => default.rows_percent,
            Some("off") => None,
            Some(text) => {
                let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<u64>().ok());
                let percent = percent.filter(|percent| (1..100).contains(percent));
                let malformed = || {
                    format!(
                        "suspicion: {text:?} is no part of the rows; write \"30%\", from 1% to 99%, or \"off\""
                    )
                };
                Some(percent.ok_or_else(malformed)?)
            }
        };
        Ok(Threshold { rows_percent, tables: self.tables })
    }
}
