//! One file a command: its arguments, one call, how the result looks.

pub(crate) mod apply;
pub(crate) mod around;
pub(crate) mod assess;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod check_data;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod mask;
pub(crate) mod migrate;
pub(crate) mod plans;
pub(crate) mod restore;
pub(crate) mod show;
pub(crate) mod snapshots;
pub(crate) mod undo;
pub(crate) mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::setup::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole loop on a small database made on the spot
    Demo(demo::Demo),
    /// Make a repository
    Init(init::Init),
    /// Back up a database
    Backup(backup::Backup),
    /// List snapshots
    #[command(visible_alias = "list")]
    Snapshots(snapshots::Snapshots),
    /// Show what a snapshot holds
    Show(show::Show),
    /// Compare two states row by row
    Diff(diff::Diff),
    /// Restore a snapshot, into an empty database or a live one
    Restore(restore::Restore),
    /// Take the last restore back
    Undo(undo::Undo),
    /// Execute a plan that --dry-run has made
    Apply(apply::Apply),
    /// List the plans that --dry-run has made, or delete some
    Plans(plans::Plans),
    /// Write the rows of a state as files: CSV, NDJSON, SQL
    Export(export::Export),
    /// Run a migration; when it fails, the database becomes what it was
    Migrate(migrate::Migrate),
    /// Run a command between two snapshots, and show what it did
    Around(around::Around),
    /// Prove that a database equals a snapshot
    Verify(verify::Verify),
    /// Check a repository for damage
    Check(check::Check),
    /// Check whether the data of a database is as it must be
    CheckData(check_data::CheckData),
    /// Try a recovery: restore into a scratch database, prove, check, measure
    Drill(drill::Drill),
    /// In an emergency: what is lost, which snapshot is best, what to do next
    Assess(assess::Assess),
    /// Show every version of one row
    History(history::History),
    /// Take what is personal out of rows
    #[command(subcommand)]
    Mask(mask::Mask),
    /// Delete snapshots
    Delete(delete::Delete),
    /// Manage what opens a repository
    #[command(subcommand)]
    Key(key::Key),
    /// Look at what would stand in the way of a backup
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// Runs a command and gives its exit status; `program` is all that can be typed, for completions.
pub(crate) async fn run(command: Command, program: fn() -> clap::Command, session: &Session) -> Result<u8> {
    match command {
        Command::Demo(command) => command.run(session).await,
        Command::Init(command) => command.run(session).await,
        Command::Backup(command) => command.run(session).await,
        Command::Snapshots(command) => command.run(session).await,
        Command::Show(command) => command.run(session).await,
        Command::Restore(command) => command.run(session).await,
        Command::Undo(command) => command.run(session).await,
        Command::Apply(command) => command.run(session).await,
        Command::Plans(command) => command.run(session).await,
        Command::Diff(command) => command.run(session).await,
        Command::Migrate(command) => command.run(session).await,
        Command::Around(command) => command.run(session).await,
        Command::Verify(command) => command.run(session).await,
        Command::Check(command) => command.run(session).await,
        Command::CheckData(command) => command.run(session).await,
        Command::Export(command) => command.run(session).await,
        Command::Drill(command) => command.run(session).await,
        Command::Assess(command) => command.run(session).await,
        Command::History(command) => command.run(session).await,
        Command::Mask(command) => command.run(session).await,
        Command::Delete(command) => command.run(session).await,
        Command::Key(command) => command.run(session).await,
        Command::Doctor(command) => command.run(session).await,
        Command::Completions(command) => command.run(program()),
    }
}
