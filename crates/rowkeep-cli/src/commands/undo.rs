use anyhow::Result;
use rowkeep::apply::plan::Safety;
use rowkeep::apply::{execute, last_applied, undo};
use rowkeep::engine::{ApplyOptions, OnConflict};
use rowkeep::hooks::{Facts, Operation};
use rowkeep::restore::replace::{is_taken_back_whole, plan_undo};
use rowkeep::state::snapshots;

use super::restore::{live, schema};
use crate::fail::{DONE, REFUSED};
use crate::setup::Session;
use crate::ui::confirm::confirmed;
use crate::ui::units::counted;

/// Take the last restore into a database back.
///
/// Exactly the rows that it changed get the values that they had before. Rows that were changed again since are noticed.
/// What replaced a database with its schema is taken back by replacing it by the state before.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The database: a name from rowkeep.toml, a URL, or a path
    database: Option<String>,
    /// Take back what was done after this safety snapshot instead of the last restore
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Leave rows that were changed again since as they are, instead of stopping
    #[arg(long)]
    skip_conflicts: bool,
    /// End other connections to the database first (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Do not make this undoable in turn
    #[arg(long)]
    no_safety: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Write no row into the application's own log
    #[arg(long)]
    no_activity: bool,
}

impl Undo {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let source = session.only_source(self.database.as_deref())?;
        let repository = session.open().await?;
        let snapshot = match &self.snapshot {
            Some(name) => snapshots::find(&repository, name).await?,
            None => last_applied(&repository, &source.name).await?,
        };
        let typed = self.database.as_deref().unwrap_or(&source.name);
        let of = snapshot.short_id();
        let activity = session.activity(typed, source.engine.as_ref(), of, self.no_activity).await?;
        let safety = Safety { database: source.name.clone(), program: live::program() };
        let safety = (!self.no_safety && !self.dry_run).then_some(safety);
        let engine = source.engine.as_ref();
        let hooks = session.hooks(Operation::Undo, typed, self.no_hooks)?;
        let mut facts = Facts::new(Operation::Undo, &*source.name, engine.describe());
        facts.snapshot = Some(snapshot.id.to_string());
        if is_taken_back_whole(&snapshot) {
            let plan = plan_undo(&session.context, &repository, engine, &snapshot, safety.as_ref()).await?;
            let how = schema::Execution {
                dry_run: self.dry_run,
                yes: self.yes,
                end_connections: self.end_connections,
                verify: true,
                hooks,
                facts,
            };
            return schema::run(session, &repository, engine, &snapshot, plan, how).await;
        }
        let plan = undo(&session.context, &repository, engine, &snapshot, safety.as_ref()).await?;
        session.say(live::told(&plan));
        if self.dry_run {
            session.result(|| live::plan_json(&plan), || "nothing was changed".to_owned());
            return Ok(DONE);
        }
        let question = format!("change {} of {}?", counted(plan.counts().total(), "row"), plan.database);
        if !self.yes && !confirmed(&question, "--yes")? {
            session.say("nothing was changed");
            return Ok(REFUSED);
        }
        let on_conflict = if self.skip_conflicts { OnConflict::Skip } else { OnConflict::Stop };
        let statements = activity.beside(&[], &plan)?;
        let end_connections = self.end_connections;
        let options = ApplyOptions { on_conflict, statements, end_connections, ..ApplyOptions::default() };
        facts.rows = Some(plan.counts());
        let done = session.within(&hooks, facts, async |facts| {
            let outcome = execute(&session.context, &repository, engine, plan, &options).await?;
            live::note_outcome(facts, &outcome);
            live::say_outcome(session, &outcome);
            Ok(DONE)
        });
        done.await
    }
}
