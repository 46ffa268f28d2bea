//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands;

const STATUSES: &str = "Exit status: 0 done, 1 failed, 2 usage, 3 differences or damage found, \
4 locked out or refused.

Environment: ROWKEEP_REPOSITORY, ROWKEEP_PASSPHRASE, ROWKEEP_PASSPHRASE_FILE, ROWKEEP_KEY_FILE, ROWKEEP_CONFIG; \
ROWKEEP_PG_BIN names folders with PostgreSQL's client programs; an object store takes its usual variables \
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT, GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_NAME, ...).";

/// Backs up databases as rows: compares any two states, puts back exactly what is missing, proves every restore.
#[derive(Debug, Parser)]
#[command(name = "rowkeep", version, after_help = STATUSES, propagate_version = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Where backups live: a folder, s3://bucket/prefix, gs://…, az://… [default: ./rowkeep-repository]
    #[arg(long, short = 'r', global = true, env = "ROWKEEP_REPOSITORY", value_name = "URL")]
    pub(crate) repository: Option<String>,
    /// The configuration [default: ./rowkeep.toml, where there is one]
    #[arg(long, global = true, env = "ROWKEEP_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Open the repository with this key file
    #[arg(long, global = true, env = "ROWKEEP_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Open the repository with the passphrase in the first line of this file
    #[arg(long, global = true, env = "ROWKEEP_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// An option of the object store, such as aws_endpoint=http://localhost:9000
    #[arg(long = "store-option", global = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) store_options: Vec<(String, String)>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print neither progress nor results, only errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Read every row, also where the database tells which were written since a snapshot
    #[arg(long, global = true)]
    pub(crate) read_all: bool,
    /// Say more on what is done; twice for even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole loop on a small database made on the spot
    Demo(commands::demo::Demo),
    /// Make a repository
    Init(commands::init::Init),
    /// Back up a database
    Backup(commands::backup::Backup),
    /// List snapshots
    #[command(visible_alias = "list")]
    Snapshots(commands::snapshots::Snapshots),
    /// Show what a snapshot holds
    Show(commands::show::Show),
    /// Compare two states row by row
    Diff(commands::diff::Diff),
    /// Restore a snapshot, into an empty database or a live one
    Restore(commands::restore::Restore),
    /// Take the last restore back
    Undo(commands::undo::Undo),
    /// Write the rows of a state as files: CSV, NDJSON, SQL
    Export(commands::export::Export),
    /// Run a migration; when it fails, the database becomes what it was
    Migrate(commands::migrate::Migrate),
    /// Run a command between two snapshots, and show what it did
    Around(commands::around::Around),
    /// Prove that a database equals a snapshot
    Verify(commands::verify::Verify),
    /// Check a repository for damage
    Check(commands::check::Check),
    /// Check whether the data of a database is as it must be
    CheckData(commands::check_data::CheckData),
    /// Try a recovery: restore into a scratch database, prove, check, measure
    Drill(commands::drill::Drill),
    /// In an emergency: what is lost, which snapshot is best, what to do next
    Assess(commands::assess::Assess),
    /// Show every version of one row
    History(commands::history::History),
    /// Take what is personal out of rows
    #[command(subcommand)]
    Mask(commands::mask::Mask),
    /// Delete snapshots
    Delete(commands::delete::Delete),
    /// Manage what opens a repository
    #[command(subcommand)]
    Key(commands::key::Key),
    /// Look at what would stand in the way of a backup
    Doctor(commands::doctor::Doctor),
    /// Print completions for a shell
    Completions(commands::completions::Completions),
}

/// Reads `name=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
