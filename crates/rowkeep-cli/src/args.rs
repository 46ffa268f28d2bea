//! What every command takes.

pub(crate) mod choices;
pub(crate) mod refused;
pub(crate) mod rules;

use std::num::NonZeroU64;
use std::path::PathBuf;

use rowkeep::sizes;
use secrecy::SecretString;

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Repository: a folder, s3://bucket/prefix, gs://…, az://…, or a name in rowkeep.toml [default: rowkeep-repository here, or beside the configuration]
    #[arg(long, short = 'r', global = true, env = "ROWKEEP_REPOSITORY", value_name = "URL")]
    pub(crate) repository: Option<String>,
    /// Whether --repository was typed, with a value or without one.
    #[arg(skip)]
    pub(crate) names_repository: bool,
    /// Configuration file [default: ./rowkeep.toml, if it exists]
    #[arg(long, global = true, env = "ROWKEEP_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Whether --config was typed; it may be in the environment too.
    #[arg(skip)]
    pub(crate) names_config: bool,
    /// Open the repository with this key file
    #[arg(long, global = true, env = "ROWKEEP_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Open the repository with the passphrase on the first line of this file
    #[arg(long, global = true, env = "ROWKEEP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Set an option of the object store, such as aws_endpoint=http://localhost:9000
    #[arg(long = "store-option", global = true, value_name = "NAME=VALUE", value_parser = secret_pair)]
    pub(crate) store_options: Vec<(String, SecretString)>,
    /// Send no more than this to the repository, on average, such as 10MB/s [default: max_upload_rate or max_rate of [store]]
    #[arg(long, global = true, value_name = "RATE", visible_alias = "limit-upload", value_parser = sizes::rate)]
    pub(crate) max_upload_rate: Option<NonZeroU64>,
    /// Read no more than this from the repository, on average [default: max_download_rate or max_rate of [store]]
    #[arg(long, global = true, value_name = "RATE", visible_alias = "limit-download", value_parser = sizes::rate)]
    pub(crate) max_download_rate: Option<NonZeroU64>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Read every row, even if the database knows which ones changed since a snapshot
    #[arg(long, global = true)]
    pub(crate) read_all: bool,
    /// Take a database that is changed all the time it is read (Cloudflare D1 only) as it comes, though it is no state it ever had
    #[arg(long, global = true)]
    pub(crate) allow_moving: bool,
    /// Log more detail; repeat for even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Reads `name=value` whose value may be secret.
pub(crate) fn secret_pair(text: &str) -> Result<(String, SecretString), String> {
    pair(text).map(|(name, value)| (name, value.into()))
}

/// Reads how a table is called otherwise: `CountryVisit=countryVisits`.
pub(crate) fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((table, name)) if !table.is_empty() && !name.is_empty() => {
            Ok((table.to_owned(), name.to_owned()))
        }
        _ => Err("a table is called otherwise as TABLE=NAME".to_owned()),
    }
}

/// Reads `name=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
