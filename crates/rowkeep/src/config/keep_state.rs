//! How often the service keeps its own state in the repository.

use crate::durations::seconds;

/// The name under which the repository has the state of the service; no database can be called that.
pub const SERVICE_DATABASE: &str = "rowkeep-service";

/// How many seconds lie between two copies at least, where nothing else is said.
const DEFAULT_SECONDS: u64 = 15 * 60;

/// How often the service keeps its own state in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepState {
    /// When something changed, but not more often than this.
    Every {
        /// So many seconds.
        seconds: u64,
    },
    /// Never.
    Off,
}

impl Default for KeepState {
    fn default() -> Self {
        KeepState::Every { seconds: DEFAULT_SECONDS }
    }
}

impl KeepState {
    /// Reads a length of time, or `off`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "off" | "never" => Ok(KeepState::Off),
            text => {
                let seconds = seconds(text).map_err(|problem| format!("{problem}, or \"off\""))?;
                Ok(KeepState::Every { seconds })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_or_off() {
        assert_eq!(KeepState::read("5min"), Ok(KeepState::Every { seconds: 300 }));
        assert_eq!(KeepState::read(" off "), Ok(KeepState::Off));
        assert_eq!(KeepState::default(), KeepState::Every { seconds: 900 });
        for wrong in ["", "5", "on", "-5min"] {
            let problem = KeepState::read(wrong).expect_err(wrong);
            assert!(problem.ends_with("or \"off\""), "{problem}");
        }
    }
}
