//! How much room what waits in the service may take.

use crate::sizes;

/// How many bytes there are together at most of what waits in the service: to be downloaded, or to become snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many bytes; with none, there is nothing of it.
    pub bytes: u64,
}

/// Ten gibibytes.
impl Default for Room {
    fn default() -> Self {
        Self { bytes: 10 << 30 }
    }
}

impl Room {
    /// Reads a size, or `off`, of what has a name.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, String> {
        match text.trim() {
            "off" | "never" => Ok(Self { bytes: 0 }),
            text => {
                let bytes = sizes::bytes(text);
                bytes
                    .map(|bytes| Self { bytes })
                    .map_err(|problem| format!("service: {name}: {problem}, or \"off\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_or_off() {
        assert_eq!(Room::read("exports", "2GiB"), Ok(Room { bytes: 2 << 30 }));
        assert_eq!(Room::read("exports", "off"), Ok(Room { bytes: 0 }));
        assert_eq!(Room::default().bytes, 10_737_418_240);
        for wrong in ["", "much", "-1GB"] {
            let problem = Room::read("arrivals", wrong).expect_err(wrong);
            assert!(
                problem.starts_with("service: arrivals: ") && problem.ends_with("or \"off\""),
                "{problem}"
            );
        }
    }
}
