use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use rowkeep::capture::{CaptureOptions, capture};
use rowkeep::hooks::{Facts, Operation};
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use serde_json::{Value, json};

use super::show;
use crate::args::pair;
use crate::fail::{CommandError, DONE};
use crate::setup::{Session, Source, folder_of};
use crate::ui::units::{bytes, counted, duration, plain};

/// Back up a database, or all that rowkeep.toml names.
///
/// Everything is read from one consistent state while the application goes on. The repository is made when there is
/// none yet.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
    /// Give the snapshot a name
    #[arg(long)]
    name: Option<String>,
    /// Only the rows of these tables or groups; `*` stands for anything
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Not the rows of these tables or groups
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    exclude: Vec<String>,
    /// Mask rows before they leave this machine, by the rules of rowkeep.toml or of a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Only the schema, no rows
    #[arg(long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Only rows, no schema
    #[arg(long)]
    data_only: bool,
    /// Give the snapshot a label
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
}

impl Backup {
    /// The command for a database without any option.
    pub(crate) fn of(database: &str) -> Self {
        Self {
            database: Some(database.to_owned()),
            name: None,
            tables: Vec::new(),
            exclude: Vec::new(),
            mask: None,
            schema_only: false,
            data_only: false,
            tags: Vec::new(),
            no_hooks: false,
        }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        if self.name.as_deref().is_some_and(|name| name == "latest" || name.starts_with("latest:")) {
            return Err(
                CommandError::usage("a snapshot cannot be named latest: that means the newest").into()
            );
        }
        let sources = session.sources(self.database.as_deref())?;
        let repository = session.open_or_init().await?;
        let mut results = Vec::new();
        let mut status = DONE;
        for source in sources {
            let options = self.options(session, &source)?;
            let engine = source.engine.as_ref();
            let typed = self.database.as_deref().unwrap_or(&source.name);
            let hooks = session.hooks(Operation::Backup, typed, self.no_hooks)?;
            let facts = Facts::new(Operation::Backup, &*source.name, engine.describe());
            let ended = session.within(&hooks, facts, async |facts| {
                let snapshot = capture(&session.context, &repository, engine, &options).await?;
                facts.snapshot = Some(snapshot.id.to_string());
                session.say(told(&snapshot));
                results.push(show::summary(&snapshot));
                Ok(DONE)
            });
            status = status.max(ended.await?);
        }
        if session.global.json {
            println!("{}", json!({ "snapshots": Value::Array(results) }));
        }
        Ok(status)
    }

    fn options(&self, session: &Session, source: &Source) -> Result<CaptureOptions> {
        let configured = &source.selection;
        let or = |typed: &[String], configured: &[String]| {
            if typed.is_empty() { configured.to_vec() } else { typed.to_vec() }
        };
        Ok(CaptureOptions {
            database: source.name.clone(),
            name: self.name.clone(),
            tags: self.tags.iter().cloned().collect::<BTreeMap<_, _>>(),
            environment: session.config()?.environment.clone(),
            selection: Selection {
                include: or(&self.tables, &configured.include),
                exclude: or(&self.exclude, &configured.exclude),
                groups: configured.groups.clone(),
            },
            mask: session.mask(self.mask.as_ref(), &source.name)?,
            with_schema: !self.data_only,
            with_data: !self.schema_only,
            program: concat!("rowkeep ", env!("CARGO_PKG_VERSION")).to_owned(),
            repository_folder: folder_of(&session.location()?).map(Path::to_owned),
        })
    }
}

fn told(snapshot: &Snapshot) -> String {
    let manifest = &snapshot.manifest;
    let tables = manifest.tables.iter().filter(|table| table.kind.is_user_table()).count();
    format!(
        "snapshot {} of {}: {}, {} in {}; {} new in the repository",
        snapshot.short_id(),
        plain(&manifest.database),
        counted(tables as u64, "table"),
        counted(manifest.rows(), "row"),
        duration(Duration::from_millis(manifest.cost.duration_ms)),
        bytes(manifest.cost.new_bytes),
    )
}
