//! One file a command: its arguments, one call, how the result looks.

pub(crate) mod apply;
pub(crate) mod around;
pub(crate) mod assess;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod check_data;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod hold;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod keep;
pub(crate) mod key;
pub(crate) mod mask;
pub(crate) mod merge;
pub(crate) mod migrate;
pub(crate) mod plans;
pub(crate) mod prune;
pub(crate) mod recovery_kit;
pub(crate) mod refresh;
pub(crate) mod release;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod snapshots;
pub(crate) mod undo;
pub(crate) mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::setup::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    Backup(backup::Backup),
    Import(import::Import),
    Inspect(inspect::Inspect),
    #[command(visible_alias = "list")]
    Snapshots(snapshots::Snapshots),
    Show(show::Show),
    Diff(diff::Diff),
    Restore(restore::Restore),
    Undo(undo::Undo),
    Refresh(refresh::Refresh),
    Apply(apply::Apply),
    Plans(plans::Plans),
    Export(export::Export),
    Migrate(migrate::Migrate),
    Around(around::Around),
    Merge(merge::Merge),
    Replay(replay::Replay),
    Verify(verify::Verify),
    Check(check::Check),
    Repair(repair::Repair),
    CheckData(check_data::CheckData),
    Drill(drill::Drill),
    Assess(assess::Assess),
    History(history::History),
    #[command(subcommand)]
    Mask(mask::Mask),
    Keep(keep::Keep),
    Hold(hold::Hold),
    Release(release::Release),
    Copy(copy::Copy),
    Delete(delete::Delete),
    Prune(prune::Prune),
    RecoveryKit(recovery_kit::RecoveryKit),
    #[command(subcommand)]
    Key(key::Key),
    Doctor(doctor::Doctor),
    Health(health::Health),
    Serve(serve::Serve),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Config(config::Config),
    Completions(completions::Completions),
}

impl Command {
    /// Whether it answers many who ask at once.
    pub(crate) fn answers_many(&self) -> bool {
        matches!(self, Command::Serve(_))
    }

    /// Whether its result says what is damaged in the repository.
    pub(crate) fn tells_of_damage(&self) -> bool {
        matches!(
            self,
            Command::Snapshots(_)
                | Command::Keep(_)
                | Command::Check(_)
                | Command::Repair(_)
                | Command::Copy(_)
        )
    }
}

/// Runs a command and gives its exit status; `program` is all that can be typed, for completions.
pub(crate) async fn run(command: Command, program: fn() -> clap::Command, session: &Session) -> Result<u8> {
    match command {
        Command::Demo(command) => command.run(session).await,
        Command::Init(command) => command.run(session).await,
        Command::Backup(command) => command.run(session).await,
        Command::Import(command) => command.run(session).await,
        Command::Inspect(command) => command.run(session).await,
        Command::Snapshots(command) => command.run(session).await,
        Command::Show(command) => command.run(session).await,
        Command::Restore(command) => command.run(session).await,
        Command::Undo(command) => command.run(session).await,
        Command::Refresh(command) => command.run(session).await,
        Command::Apply(command) => command.run(session).await,
        Command::Plans(command) => command.run(session).await,
        Command::Diff(command) => command.run(session).await,
        Command::Migrate(command) => command.run(session).await,
        Command::Around(command) => command.run(session).await,
        Command::Merge(command) => command.run(session).await,
        Command::Replay(command) => command.run(session).await,
        Command::Verify(command) => command.run(session).await,
        Command::Check(command) => command.run(session).await,
        Command::Repair(command) => command.run(session).await,
        Command::CheckData(command) => command.run(session).await,
        Command::Export(command) => command.run(session).await,
        Command::Drill(command) => command.run(session).await,
        Command::Assess(command) => command.run(session).await,
        Command::History(command) => command.run(session).await,
        Command::Mask(command) => command.run(session).await,
        Command::Keep(command) => command.run(session).await,
        Command::Hold(command) => command.run(session).await,
        Command::Release(command) => command.run(session).await,
        Command::Copy(command) => command.run(session).await,
        Command::Delete(command) => command.run(session).await,
        Command::Prune(command) => command.run(session).await,
        Command::RecoveryKit(command) => command.run(session).await,
        Command::Key(command) => command.run(session).await,
        Command::Doctor(command) => command.run(session).await,
        Command::Health(command) => command.run(session).await,
        Command::Serve(command) => command.run(session).await,
        Command::Audit(command) => command.run(session).await,
        Command::Config(command) => command.run(session).await,
        Command::Completions(command) => command.run(program()),
    }
}
