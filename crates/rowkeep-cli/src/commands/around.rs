use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use rowkeep::capture::CaptureOptions;
use rowkeep::jobs::run_between::{Effect, around};
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use serde_json::{Value, json};

use super::diff;
use super::restore::live::program;
use crate::child;
use crate::fail::{DONE, FAILED};
use crate::setup::{Session, Source, folder_of};
use crate::ui::units::plain;

/// Run a command that changes a database between two snapshots, and show what it did.
///
/// For imports, bulk operations, upgrades. The command gets ROWKEEP_DATABASE, ROWKEEP_DATABASE_URL and ROWKEEP_SNAPSHOT, the
/// snapshot before it, in its environment. Nothing is rolled back: exits with 1 when the command fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Around {
    #[command(flatten)]
    changing: Changing,
}

/// A command, and the database that it changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Changing {
    /// The database: a name from rowkeep.toml, a URL, or a path
    pub(crate) database: String,
    /// Show the rows that were changed, not only how many
    #[arg(long)]
    pub(crate) rows: bool,
    /// The command with its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

impl Around {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let changing = &self.changing;
        let source = session.source(&changing.database)?;
        let repository = session.open_or_init().await?;
        let options = changing.capture(session, &source)?;
        let command = changing.runs(session, &source)?;
        let engine = source.engine.as_ref();
        let done = around(&session.context, &repository, engine, &options, "around", command).await?;
        let effect = done.effect?;
        let difference = changing.show(session, &done.before, &effect).await?;
        let status = match &done.problem {
            None => DONE,
            Some(problem) => {
                eprintln!("failed: {}", plain(problem));
                FAILED
            }
        };
        if session.global.json {
            let result = json!({
                "succeeded": done.problem.is_none(),
                "problems": done.problem.iter().collect::<Vec<_>>(),
                "before": done.before.id,
                "after": effect.after.id,
                "difference": difference,
            });
            println!("{result}");
        }
        Ok(status)
    }
}

impl Changing {
    /// How the snapshots are to be called.
    pub(crate) fn capture(&self, session: &Session, source: &Source) -> Result<CaptureOptions> {
        Ok(CaptureOptions {
            database: source.name.clone(),
            name: None,
            tags: BTreeMap::new(),
            environment: session.config()?.environment.clone(),
            selection: Selection::default(),
            mask: None,
            with_schema: true,
            with_data: true,
            program: program(),
            repository_folder: folder_of(&session.location()?).map(Path::to_owned),
        })
    }

    /// Says how to go back by hand, then runs the command.
    pub(crate) fn runs<'s>(
        &'s self,
        session: &'s Session,
        source: &Source,
    ) -> Result<impl AsyncFnOnce(&Snapshot) -> Option<String> + use<'s>> {
        let configured = session.config()?.databases.get(&self.database);
        let url = configured.map_or(&self.database, |configured| &configured.url).clone();
        let to = match configured {
            Some(_) => String::new(),
            None => format!(" --to {}", source.engine.describe()),
        };
        let database = source.name.clone();
        Ok(async move |before: &Snapshot| {
            let told = format!(
                "snapshot {} is the state before; by hand, `rowkeep restore {0} --with-schema{to}` goes back to it",
                before.short_id()
            );
            match (session.global.json, session.global.quiet) {
                (true, false) => eprintln!("{}", plain(&told)),
                _ => session.say(plain(&told)),
            }
            let variables = [
                ("ROWKEEP_DATABASE", database.into()),
                ("ROWKEEP_DATABASE_URL", url.into()),
                ("ROWKEEP_SNAPSHOT", before.id.to_string().into()),
            ];
            child::run(session, &self.command, &variables).await
        })
    }

    /// Shows what the command did, as `rowkeep diff` does; returns it for JSON.
    pub(crate) async fn show(&self, session: &Session, before: &Snapshot, effect: &Effect) -> Result<Value> {
        let names =
            (format!("snapshot {}", before.short_id()), format!("snapshot {}", effect.after.short_id()));
        if session.global.json {
            return Ok(diff::summary_json(&effect.difference, &names));
        }
        if effect.is_nothing() {
            session.say("nothing was changed");
            return Ok(Value::Null);
        }
        session.say(diff::summary(&effect.difference, &names));
        for table in &effect.not_compared {
            session.say(format!("! rows of {table} were not compared: what they are known by is gone"));
        }
        if !session.global.quiet && !effect.difference.changes.is_empty() {
            match self.rows {
                true => diff::print_rows(&effect.difference).await?,
                false => session.say(format!(
                    "\n`rowkeep diff {} {} --rows` shows the rows",
                    before.short_id(),
                    effect.after.short_id()
                )),
            }
        }
        Ok(Value::Null)
    }
}
