use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::restore::RestoreRequest;

use crate::args::choices::{ConflictChoice, DanglingChoice, ModeChoice};
use crate::fail::ended;
use crate::setup::{Session, Wanted, masked};
use crate::ui::person::Person;
use crate::ui::restored;

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

impl Restore {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, to: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), to: Some(to.to_owned()), ..Self::default() }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let outcome = self.request().run(&session.context, session.workspace()?, &person).await?;
        restored::show(session, &outcome);
        Ok(ended("restore", outcome.verdict(), outcome.hooks_failed()))
    }

    fn request(self) -> RestoreRequest {
        RestoreRequest {
            snapshot: self.snapshot,
            to: self.to.map(Into::into),
            mode: self.mode.into(),
            wanted: self.wanted.of(self.tables, self.keep_tables),
            with_schema: self.with_schema,
            plan_only: self.dry_run,
            on_changed: self.conflict.into(),
            dangling: self.dangling.into(),
            safety: !self.no_safety,
            fire_triggers: self.fire_triggers,
            end_connections: self.end_connections,
            also_run: self.also_run,
            mask: masked(self.mask),
            verify: !self.no_verify,
            hooks: !self.no_hooks,
            activity: !self.no_activity,
        }
    }
}
