use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::restore::RestoreRequest;

use crate::args::choices::{ConflictChoice, DanglingChoice, ModeChoice, PreferChoice};
use crate::args::renamed;
use crate::fail::ended;
use crate::setup::{Session, Wanted, masked};
use crate::ui::left_out::Report;
use crate::ui::person::Person;
use crate::ui::restored;

/// Restore a snapshot into an empty or a live database.
///
/// A new or empty database is created from the snapshot and proven equal by hash. In a database with data, only the
/// rows that differ are changed, in one transaction, after a plan is shown and confirmed; `rowkeep undo` reverts it.
/// With --with-schema, the whole database is replaced, also in one transaction. If anything fails, the database stays
/// as it was. Between SQLite and PostgreSQL, the snapshot is translated into a new or empty database, and the plan
/// lists what cannot be translated exactly. Rows of SQLite, or of a file of JSON, NDJSON or CSV, are also restored into
/// tables of a PostgreSQL database with data, in the types of their columns.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Restore {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`
    snapshot: String,
    /// Target database: a name in rowkeep.toml, a URL, or a path [default: the source of the snapshot]
    #[arg(long, value_name = "URL")]
    to: Option<DatabaseRef>,
    /// How to change rows of a database with data
    #[arg(long, value_enum, default_value_t = ModeChoice::Replace)]
    mode: ModeChoice,
    /// Only bring what the snapshot changed since this earlier one; what the database changed since stays
    #[arg(long, value_name = "SNAPSHOT")]
    base: Option<String>,
    /// With --base: what to do with rows and columns that changed on both sides
    #[arg(long, value_enum, default_value_t = PreferChoice::Neither)]
    prefer: PreferChoice,
    /// Restore only these tables or groups
    #[arg(long, visible_alias = "groups", value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Do not change these tables
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    keep_tables: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Name that the file has for a table of the database; can be repeated
    #[arg(long = "call", value_name = "TABLE=NAME", value_parser = renamed)]
    called: Vec<(String, String)>,
    /// Replace the whole database, including its schema
    #[arg(long)]
    with_schema: bool,
    /// Print and save the plan without executing it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    /// What to do if rows changed after the plan was made
    #[arg(long, value_enum, default_value_t = ConflictChoice::Stop)]
    conflict: ConflictChoice,
    /// What to do if rows would reference missing rows
    #[arg(long, value_enum, default_value_t = DanglingChoice::Stop)]
    dangling: DanglingChoice,
    /// Take no safety snapshot; the restore cannot be undone
    #[arg(long)]
    no_safety: bool,
    /// Fire the database's triggers for the changed rows
    #[arg(long)]
    fire_triggers: bool,
    /// Terminate other connections first (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Run this SQL in the same transaction, such as an insert into an audit table
    #[arg(long, value_name = "SQL")]
    also_run: Vec<String>,
    /// Mask rows of a new database, by rules in rowkeep.toml or this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Do not make a new database at all if its server refuses a part of the schema
    ///
    /// Otherwise it is made without that part (a constraint, an index, a trigger, a function), and the exit status is 3.
    #[arg(long)]
    strict: bool,
    /// Write what the server refused to this file, and the statements that complete it to fixups.sql beside it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Do not read a new database back to compare it with the snapshot
    #[arg(long)]
    no_verify: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Do not write the activity row
    #[arg(long)]
    no_activity: bool,
}

impl Restore {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, to: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), to: Some(to.into()), ..Self::default() }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let report = self.report.clone().map(Report::begin).transpose()?;
        let outcome = self.request().run(&session.context, session.workspace()?, &person).await?;
        restored::show(session, &outcome);
        if let Some(report) = report {
            report.write(&outcome)?;
        }
        Ok(ended("restore", outcome.verdict(), outcome.hooks_failed()))
    }

    fn request(self) -> RestoreRequest {
        RestoreRequest {
            snapshot: self.snapshot,
            to: self.to,
            mode: self.mode.into(),
            base: self.base,
            prefer: self.prefer.into(),
            wanted: self.wanted.of(self.tables, self.keep_tables),
            called: self.called.into_iter().collect(),
            with_schema: self.with_schema,
            plan_only: self.dry_run,
            on_changed: self.conflict.into(),
            dangling: self.dangling.into(),
            safety: !self.no_safety,
            fire_triggers: self.fire_triggers,
            end_connections: self.end_connections,
            also_run: self.also_run,
            mask: masked(self.mask),
            strict: self.strict,
            verify: !self.no_verify,
            hooks: !self.no_hooks,
            activity: !self.no_activity,
        }
    }
}
