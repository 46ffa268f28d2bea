use anyhow::Result;
use clap_complete::Shell;

use crate::fail::DONE;
use crate::out;

/// Print shell completions.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// Shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut program: clap::Command) -> Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "rowkeep", &mut script);
        out::text(String::from_utf8_lossy(&script));
        Ok(DONE)
    }
}
