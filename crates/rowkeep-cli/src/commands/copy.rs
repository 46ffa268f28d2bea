use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::copy::CopyRequest;
use secrecy::SecretString;

use crate::args::secret_pair;
use crate::fail::status_of;
use crate::setup::{Beside, Session};
use crate::ui::copied;
use crate::ui::person::Person;

/// Copy snapshots into another repository.
///
/// Copies what the other repository lacks, under its own key; no database is read. What is already there is passed over, so a
/// copy that was interrupted continues when it is run again. Each table is proven: the rows that were stored have the hash that
/// the source has for them. Nothing is deleted in the other repository: it has its own `rowkeep prune`.
///
/// The other repository is opened with --to-key-file, --to-passphrase-file, ROWKEEP_TO_PASSPHRASE, the key file beside it, or
/// a passphrase that you type.
#[derive(Debug, clap::Args)]
pub(crate) struct Copy {
    /// Copy only snapshots of these databases
    #[arg(value_name = "DATABASE")]
    databases: Vec<DatabaseRef>,
    /// Repository to copy to: a folder, s3://bucket/prefix, gs://…, az://…, or a name in rowkeep.toml
    #[arg(long, value_name = "URL")]
    to: String,
    /// Open the other repository with this key file
    #[arg(long, env = "ROWKEEP_TO_KEY_FILE", value_name = "FILE")]
    to_key_file: Option<PathBuf>,
    /// Open the other repository with the passphrase on the first line of this file
    #[arg(long, env = "ROWKEEP_TO_PASSPHRASE_FILE", value_name = "FILE")]
    to_passphrase_file: Option<PathBuf>,
    /// Set an option of the other repository's object store
    #[arg(long = "to-store-option", value_name = "NAME=VALUE", value_parser = secret_pair)]
    to_store_options: Vec<(String, SecretString)>,
    /// Create the other repository if there is none, without asking
    #[arg(long)]
    create: bool,
    /// Also copy snapshots that no rule of rowkeep.toml keeps
    #[arg(long)]
    expired: bool,
    /// Print what would be copied without doing it
    #[arg(long)]
    dry_run: bool,
}

impl Copy {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = CopyRequest {
            to: self.to,
            databases: self.databases,
            expired: self.expired,
            create: self.create,
            plan_only: self.dry_run,
        };
        let workspace = session.workspace_beside(Beside {
            key_file: self.to_key_file,
            passphrase_file: self.to_passphrase_file,
            store_options: self.to_store_options,
        })?;
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, workspace, &person).await?;
        session.result(|| copied::json(&outcome), || copied::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
