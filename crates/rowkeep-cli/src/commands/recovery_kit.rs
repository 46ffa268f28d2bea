use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::recovery_kit::{KitKey, KitMade, KitOptions};
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;

/// Make a printable page with all that it takes to read the backups.
///
/// It says where the repository is, has the key as text and QR code, and the steps with and without rowkeep. Print it, put it into
/// a safe, and delete the file: whoever has it and the repository can read every backup. A passphrase is a line to write by hand.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoveryKit {
    /// File to write: a page (.html) or text (.txt)
    #[arg(short = 'o', long = "to", value_name = "FILE")]
    to: PathBuf,
    /// Where a passphrase opens the repository: add a key for the kit alone, and print that
    #[arg(long)]
    with_key: bool,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

impl RecoveryKit {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = KitOptions { to: self.to, with_key: self.with_key, force: self.force };
        let made = request.run(session.workspace()?).await?;
        session.result(|| json!(made), || told(&made));
        Ok(DONE)
    }
}

fn told(made: &KitMade) -> String {
    let file = made.file.display();
    match made.key {
        KitKey::Printed => {
            format!("recovery kit in {file}, with the key: print it, keep it safe, and delete the file")
        }
        KitKey::ToBeWritten => {
            format!("recovery kit in {file}: print it, and write the passphrase on it by hand")
        }
        KitKey::NotNeeded => format!("recovery kit in {file}; the repository is not encrypted"),
    }
}
