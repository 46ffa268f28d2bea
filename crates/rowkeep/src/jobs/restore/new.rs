//! Restoring into a database that is new or empty.

use rowkeep_format::Counts;

use super::request::RestoreRequest;
use crate::Error;
use crate::hooks::{Facts, Operation};
use crate::jobs::caller::News;
use crate::jobs::executing::Scene;
use crate::jobs::outcome::{NewDatabase, RestoreOutcome};
use crate::jobs::workspace::within_hooks;
use crate::restore::verify::{verify, verify_masked, verify_tables};
use crate::restore::{Making, chosen, masked_tables, restore_with};

/// Makes the database and holds it against the snapshot.
pub(super) async fn make(
    request: &RestoreRequest,
    scene: Scene<'_>,
    facts: Facts,
) -> Result<RestoreOutcome, Error> {
    request.refuse_for_empty()?;
    chosen(scene.repository, scene.snapshot, &request.wanted.selection(scene.workspace)).await?;
    let hooks = scene.workspace.hooks(Operation::Restore, scene.to, request.hooks);
    let (mut new, failed) = within_hooks(scene.context, scene.caller, &hooks, facts, async |facts| {
        fill(request, scene, facts).await
    })
    .await?;
    new.hooks_failed = failed;
    Ok(RestoreOutcome::New(new))
}

async fn fill(request: &RestoreRequest, scene: Scene<'_>, facts: &mut Facts) -> Result<NewDatabase, Error> {
    let Scene { context, workspace, caller, repository, snapshot, to } = scene;
    let engine = to.engine.as_ref();
    let watch = context.stopwatch();
    let selection = request.wanted.selection(workspace);
    let tables = chosen(repository, snapshot, &selection).await?;
    let mask = workspace.mask(request.mask.as_ref(), &snapshot.manifest.database)?;
    let making = Making { mask: mask.as_ref(), leaves_out: !request.strict, is_scratch: false };
    let restored = restore_with(context, repository, snapshot, engine, &tables, making).await?;
    scene.nothing_kept().await;
    facts.rows = Some(Counts { inserted: restored.rows, ..Counts::default() });
    let lacking = restored.lacking;
    let mut new = NewDatabase {
        snapshot: snapshot.id,
        database: engine.describe(),
        tables: restored.tables,
        user_tables: tables
            .iter()
            .filter(|table| table.kind.is_user_table() && !lacking.contains(&table.name))
            .count() as u64,
        rows: restored.rows,
        notes: restored.notes,
        left_out: restored.left_out,
        restore_ms: watch.elapsed_ms(),
        masked: mask.is_some(),
        proof: None,
        verify_ms: None,
        hooks_failed: Vec::new(),
    };
    caller.tell(News::Restored(&RestoreOutcome::New(new.clone())));
    if request.verify {
        let watch = context.stopwatch();
        new.proof = Some(match mask {
            Some(rules) => {
                let masked = masked_tables(context, repository, snapshot, &rules, &tables).await?;
                verify_masked(context, repository, snapshot, engine, &masked).await?
            }
            None if selection.is_all() => verify(context, repository, snapshot, engine).await?,
            None => verify_tables(context, repository, snapshot, engine, &tables).await?,
        });
        new.proof = new.proof.map(|proof| proof.without(&new.left_out, &lacking));
        new.verify_ms = Some(watch.elapsed_ms());
    }
    Ok(new)
}
