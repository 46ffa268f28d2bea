use std::num::NonZeroU64;
use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::sizes;
use serde_json::json;

use crate::args::pair;
use crate::fail::{FAILED, ended, say};
use crate::out;
use crate::setup::{Session, masked};
use crate::ui::person::Person;
use crate::ui::several::say_failed;

/// Back up a database.
///
/// Without a database, backs up all databases in rowkeep.toml. Everything is read from one consistent state while the
/// application keeps running. If there is no repository, you are asked whether to create one; without a terminal, that takes
/// `create = true` in rowkeep.toml.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
    /// Name of the snapshot
    #[arg(long)]
    name: Option<String>,
    /// Back up only the rows of these tables or groups; `*` matches anything
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Do not back up the rows of these tables or groups
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    exclude: Vec<String>,
    /// Mask rows before they leave this machine, by rules in rowkeep.toml or this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Back up the schema without rows
    #[arg(long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Back up rows without the schema
    #[arg(long)]
    data_only: bool,
    /// Tag the snapshot
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Read no more than this from the database, on average, such as 20MB/s [default: max_rate of the database]
    #[arg(long, value_name = "RATE", value_parser = sizes::rate)]
    max_rate: Option<NonZeroU64>,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
}

impl Backup {
    /// The command for a database without any option.
    pub(crate) fn of(database: &str) -> Self {
        Self {
            database: Some(database.into()),
            name: None,
            tables: Vec::new(),
            exclude: Vec::new(),
            mask: None,
            schema_only: false,
            data_only: false,
            tags: Vec::new(),
            max_rate: None,
            no_hooks: false,
        }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: true };
        let outcome = self.request().run(&session.context, session.workspace()?, &person).await?;
        if session.global.json {
            let mut json = json!({ "snapshots": outcome.snapshots, "failed": outcome.failed });
            if !outcome.behind.is_empty() {
                json["behind"] = json!(outcome.behind);
            }
            out::json(&json);
        }
        if !outcome.failed.is_empty() {
            say_failed(&outcome.failed, outcome.snapshots.len(), "backed up");
            return Ok(FAILED);
        }
        if !outcome.behind.is_empty() {
            say("hint: the next backup copies to the other repositories what they lack");
        }
        Ok(ended("backup", outcome.verdict(), &outcome.hooks_failed))
    }

    fn request(self) -> BackupRequest {
        BackupRequest {
            database: self.database,
            name: self.name,
            tables: self.tables,
            exclude: self.exclude,
            mask: masked(self.mask),
            with_schema: !self.data_only,
            with_data: !self.schema_only,
            tags: self.tags.into_iter().collect(),
            max_rate: self.max_rate,
            hooks: !self.no_hooks,
        }
    }
}
