//! Commands that change a database, and the report of what they did.

use std::collections::BTreeMap;
use std::ffi::OsString;

use secrecy::ExposeSecret;

use super::caller::{Caller, News, RunCommand};
use super::outcome::{DifferenceSummary, EffectSummary, SnapshotSummary};
use super::run_between::Effect;
use super::unrecorded::UnrecordedChange;
use super::workspace::{Source, Workspace};
use crate::capture::CaptureOptions;
use crate::config::Database;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;

/// How the snapshots around a command are to be called.
pub(super) fn capturing(workspace: &Workspace, source: &Source) -> CaptureOptions {
    CaptureOptions {
        database: source.name.clone(),
        configured: source.configured,
        name: None,
        tags: BTreeMap::new(),
        environment: workspace.config().environment.clone(),
        selection: Selection::default(),
        mask: None,
        with_schema: true,
        with_data: true,
        trusts_marks: false,
        suspicion: Some(workspace.config().suspicion(&source.name)),
        program: workspace.program().to_owned(),
        repository_folder: workspace.repository_folder().map(std::path::Path::to_owned),
    }
}

/// Tells the caller of the snapshot before a command, and runs the command with variables that name database and snapshot.
pub(super) async fn run_command(
    workspace: &Workspace,
    source: &Source,
    caller: &dyn Caller,
    runner: &dyn RunCommand,
    command: &[OsString],
    before: &Snapshot,
) -> Option<String> {
    let configured = workspace.config().databases.get(&*source.typed);
    let configured_url =
        |configured: &Database| configured.url.value().ok().map(|url| url.expose_secret().to_owned());
    let url = configured.map_or_else(|| Some(source.typed.to_string()), configured_url).unwrap_or_default();
    let target = configured.is_none().then(|| source.engine.describe());
    caller.tell(News::Changing { before: &SnapshotSummary::of(before), target: target.as_deref() });
    let variables = [
        ("ROWKEEP_DATABASE", source.name.clone().into()),
        ("ROWKEEP_DATABASE_URL", url.into()),
        ("ROWKEEP_SNAPSHOT", before.id.to_string().into()),
    ];
    runner.run(command, &variables).await
}

/// What a command did, without the rows.
pub(super) fn summary(before: &Snapshot, effect: &Effect, unrecorded: &[UnrecordedChange]) -> EffectSummary {
    let name = |snapshot: &Snapshot| format!("snapshot {}", snapshot.short_id());
    EffectSummary {
        after: effect.after.id,
        changed: !effect.is_nothing() || !unrecorded.is_empty(),
        difference: DifferenceSummary::of(&effect.difference, name(before), name(&effect.after)),
        not_compared: effect.not_compared.clone(),
        unrecorded: unrecorded.iter().map(UnrecordedChange::told).collect(),
    }
}
