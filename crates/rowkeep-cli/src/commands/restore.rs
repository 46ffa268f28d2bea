use std::path::PathBuf;
use std::time::Instant;

pub(crate) mod live;
pub(crate) mod schema;
mod translated;

use anyhow::Result;
use live::{ConflictChoice, DanglingChoice, ModeChoice};
use rowkeep::apply::plan::Safety;
use rowkeep::engine::{Contents, Engine};
use rowkeep::format::{Counts, TableEntry};
use rowkeep::hooks::{Facts, Hooks, Operation};
use rowkeep::repository::Repository;
use rowkeep::restore::verify::{verify, verify_tables};
use rowkeep::restore::{Restored, chosen, restore_masked};
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::{self, Snapshot};
use serde_json::json;

use super::verify::told as comparison_told;
use crate::fail::{CommandError, DIFFERENCES, DONE};
use crate::setup::{Session, Source, Wanted};
use crate::ui::units::{counted, duration, plain};

/// Restore a snapshot: into a new or empty database, or into one that holds data.
///
/// A new or empty database is made from the snapshot and proven equal by hash. In one that holds data, exactly the
/// rows that differ are changed, in one transaction, after a plan is shown and confirmed; `rowkeep undo` takes that
/// back. With --with-schema all of it is made again from the snapshot, also in one transaction. When something fails the
/// database is left as it was. Between SQLite and PostgreSQL, a new or empty database is made by a translation, whose
/// plan says what does not come over exactly.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Restore {
    /// An id or its beginning, a name, `latest` or `latest:DATABASE`
    snapshot: String,
    /// The database: a name from rowkeep.toml, a URL, or a path [default: where the snapshot was taken]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// How rows of a database that holds data become those of the snapshot
    #[arg(long, value_enum, default_value_t = ModeChoice::Replace)]
    mode: ModeChoice,
    /// Only these tables, or groups of them
    #[arg(long, visible_alias = "groups", value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Leave these tables as they are
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    keep_tables: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Replace all of a database that holds data, schema included
    #[arg(long)]
    with_schema: bool,
    /// Print the plan, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// What to do where rows were changed since the plan was made
    #[arg(long, value_enum, default_value_t = ConflictChoice::Stop)]
    conflict: ConflictChoice,
    /// What to do where rows would refer to rows that are not there
    #[arg(long, value_enum, default_value_t = DanglingChoice::Stop)]
    dangling: DanglingChoice,
    /// Take no safety snapshot: the restore cannot be undone
    #[arg(long)]
    no_safety: bool,
    /// Let the database's own triggers act on the changed rows
    #[arg(long)]
    fire_triggers: bool,
    /// End other connections to the database first (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Run this SQL in the same transaction, such as a row for the application's own log
    #[arg(long, value_name = "SQL")]
    also_run: Vec<String>,
    /// Mask rows on their way into a new database, by the rules of rowkeep.toml or of a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Do not read a new database again to compare it with the snapshot
    #[arg(long)]
    no_verify: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Write no row into the application's own log
    #[arg(long)]
    no_activity: bool,
}

/// A snapshot on its way into a database.
#[derive(Clone, Copy)]
struct Transfer<'a> {
    session: &'a Session,
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    to: &'a Source,
}

impl<'a> Transfer<'a> {
    fn engine(&self) -> &'a dyn Engine {
        self.to.engine.as_ref()
    }

    /// What hooks are told before anything is done.
    fn facts(&self) -> Facts {
        let mut facts = Facts::new(Operation::Restore, &*self.to.name, self.engine().describe());
        facts.snapshot = Some(self.snapshot.id.to_string());
        facts
    }
}

impl Restore {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, to: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), to: Some(to.to_owned()), ..Self::default() }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let to = self.to.as_ref().map(|to| session.source(to)).transpose()?;
        // Deriving the repository's key and looking at the database both take a while, and neither needs the other.
        let look = async |to: &Option<Source>| match to {
            Some(to) => Some(to.engine.contents().await),
            None => None,
        };
        let (repository, contents) = tokio::join!(session.open(), look(&to));
        let repository = repository?;
        let snapshot = snapshots::find(&repository, &self.snapshot).await?;
        let to = match to {
            Some(to) => to,
            None => session.configured(&snapshot.manifest.database)?,
        };
        let transfer = Transfer { session, repository: &repository, snapshot: &snapshot, to: &to };
        if rowkeep::restore::translate::is_possible(&snapshot, transfer.engine()) {
            return self.translate(transfer).await;
        }
        let contents = match contents {
            Some(contents) => contents,
            None => transfer.engine().contents().await,
        };
        match contents.map_err(rowkeep::Error::from)? {
            Contents::Occupied(_) if self.with_schema => self.replace_all(transfer).await,
            Contents::Occupied(_) => self.change_live(transfer).await,
            Contents::Missing | Contents::Empty | Contents::Unfinished => self.make_new(transfer).await,
        }
    }

    async fn make_new(&self, transfer: Transfer<'_>) -> Result<u8> {
        self.refuse_for_empty()?;
        let session = transfer.session;
        chosen(transfer.snapshot, &self.selection(session)?)?;
        let facts = transfer.facts();
        let hooks = self.hooks(session, &facts)?;
        session.within(&hooks, facts, async |facts| self.fill(transfer, facts).await).await
    }

    async fn fill(&self, transfer: Transfer<'_>, facts: &mut Facts) -> Result<u8> {
        let Transfer { session, repository, snapshot, .. } = transfer;
        let engine = transfer.engine();
        let started = Instant::now();
        let selection = self.selection(session)?;
        let tables = chosen(snapshot, &selection)?;
        let mask = session.mask(self.mask.as_ref(), &snapshot.manifest.database)?;
        let context = &session.context;
        let restored = restore_masked(context, repository, snapshot, engine, &tables, mask.as_ref()).await?;
        let restoring = started.elapsed();
        facts.rows = Some(Counts { inserted: restored.rows, ..Counts::default() });
        for note in &restored.notes {
            eprintln!("note: {}", plain(note));
        }
        session.say(told(snapshot, &tables, &restored, &engine.describe(), &duration(restoring)));
        let mut result = json!({
            "snapshot": snapshot.id,
            "tables": restored.tables,
            "rows": restored.rows,
            "notes": restored.notes,
            "restore_ms": restoring.as_millis() as u64,
        });
        let mut status = DONE;
        if mask.is_some() {
            result["masked"] = json!(true);
            session.say("rows were masked, so they were not compared with the snapshot");
        } else if !self.no_verify {
            let started = Instant::now();
            let comparison = match selection.is_all() {
                true => verify(&session.context, repository, snapshot, engine).await?,
                false => verify_tables(&session.context, repository, snapshot, engine, &tables).await?,
            };
            session.say(comparison_told(&comparison, &snapshot.short_id(), &engine.describe()));
            result["equal"] = json!(comparison.is_equal());
            result["verify_ms"] = json!(started.elapsed().as_millis() as u64);
            if !comparison.is_equal() {
                status = DIFFERENCES;
            }
        }
        if session.global.json {
            println!("{result}");
        }
        Ok(status)
    }

    /// The tables that were meant.
    fn selection(&self, session: &Session) -> Result<Selection> {
        let groups = session.config()?.groups();
        Ok(Selection {
            include: self.wanted.tables(self.tables.clone()),
            exclude: self.keep_tables.clone(),
            groups,
        })
    }

    /// The safety snapshot that is to be taken of a database, unless nothing is to be undone.
    fn safety(&self, to: &Source) -> Option<Safety> {
        let safety = Safety { database: to.name.clone(), program: live::program() };
        (!self.no_safety && !self.dry_run).then_some(safety)
    }

    /// The hooks around it.
    fn hooks(&self, session: &Session, facts: &Facts) -> Result<Hooks> {
        let typed = self.to.as_deref().unwrap_or(&facts.database);
        session.hooks(Operation::Restore, typed, self.no_hooks)
    }

    /// What can only be meant of a database that holds data.
    fn refuse_for_empty(&self) -> Result<()> {
        let meant_otherwise = [
            ("--where", self.wanted.condition.is_some()),
            ("--key", !self.wanted.keys.is_empty()),
            ("--with-related", self.wanted.with_related),
            ("--dry-run", self.dry_run),
            ("--also-run", !self.also_run.is_empty()),
        ];
        match meant_otherwise.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => {
                let message =
                    format!("{option} is for a database that holds data, and this one is new or empty");
                Err(CommandError::usage(message).with_hint("restore the whole snapshot, without it").into())
            }
        }
    }
}

fn told(
    snapshot: &Snapshot,
    tables: &[TableEntry],
    restored: &Restored,
    database: &str,
    time: &str,
) -> String {
    let tables = tables.iter().filter(|table| table.kind.is_user_table()).count();
    format!(
        "restored snapshot {} to {database}: {}, {} in {time}",
        snapshot.short_id(),
        counted(tables as u64, "table"),
        counted(restored.rows, "row"),
    )
}
