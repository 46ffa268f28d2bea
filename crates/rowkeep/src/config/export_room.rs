//! How much room the exports of the service may take.

use crate::sizes;

/// How many bytes exports take together at most that wait to be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportRoom {
    /// So many bytes; with none, nothing is exported.
    pub bytes: u64,
}

/// Ten gibibytes.
impl Default for ExportRoom {
    fn default() -> Self {
        Self { bytes: 10 << 30 }
    }
}

impl ExportRoom {
    /// Reads a size, or `off`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "off" | "never" => Ok(Self { bytes: 0 }),
            text => {
                let bytes = sizes::bytes(text);
                bytes
                    .map(|bytes| Self { bytes })
                    .map_err(|problem| format!("service: exports: {problem}, or \"off\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_or_off() {
        assert_eq!(ExportRoom::read("2GiB"), Ok(ExportRoom { bytes: 2 << 30 }));
        assert_eq!(ExportRoom::read("off"), Ok(ExportRoom { bytes: 0 }));
        assert_eq!(ExportRoom::default().bytes, 10_737_418_240);
        for wrong in ["", "much", "-1GB"] {
            let problem = ExportRoom::read(wrong).expect_err(wrong);
            assert!(
                problem.starts_with("service: exports: ") && problem.ends_with("or \"off\""),
                "{problem}"
            );
        }
    }
}
