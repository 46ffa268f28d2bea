use anyhow::Result;
use rowkeep::jobs::init::InitRequest;
use rowkeep::jobs::workspace::MadeBy;
use serde_json::json;

use crate::fail::{CommandError, DONE};
use crate::setup::Session;
use crate::ui::made;

/// Create a repository.
///
/// It is opened with a passphrase (ROWKEEP_PASSPHRASE, --passphrase-file, or typed), or with a key file that is created
/// beside it. From then on, this machine remembers which repository is there, and refuses another one in its place. What the store
/// lacks is found out by trying it, and said; `rowkeep doctor --repository` tries more.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// Do not encrypt: whoever can read the repository can read the data
    #[arg(long)]
    no_encryption: bool,
    /// Create a key file here instead of using a passphrase
    #[arg(long, value_name = "FILE", conflicts_with = "no_encryption")]
    make_key_file: Option<std::path::PathBuf>,
}

impl Init {
    /// The command that makes a key file.
    pub(crate) fn with_key_file(file: std::path::PathBuf) -> Self {
        Self { no_encryption: false, make_key_file: Some(file) }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        if self.no_encryption
            && std::env::var("ROWKEEP_PASSPHRASE").is_ok_and(|passphrase| !passphrase.is_empty())
        {
            let message = "--no-encryption, but ROWKEEP_PASSPHRASE is set";
            return Err(CommandError::usage(message).with_hint("unset it, or encrypt").into());
        }
        let request = InitRequest { no_encryption: self.no_encryption, key_file: self.make_key_file };
        let made = request.run(session.workspace()?).await?;
        session.result(
            || {
                json!({
                    "repository": made.repository,
                    "encrypted": made.by != MadeBy::Unencrypted,
                    "key_file": made::key_file(&made),
                    "store": made.store,
                })
            },
            || made::told(&made),
        );
        Ok(DONE)
    }
}
