use anyhow::Result;
use clap_complete::Shell;

use crate::fail::DONE;

/// Print shell completions.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// Shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut program: clap::Command) -> Result<u8> {
        // Written at once: a reader that goes away in the middle must not make us panic.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "rowkeep", &mut script);
        print!("{}", String::from_utf8_lossy(&script));
        Ok(DONE)
    }
}
