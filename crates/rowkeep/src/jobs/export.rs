//! Export: the rows of a state are written as files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rows_wanted::RowsWanted;
use super::workspace::{Masked, Workspace};
use super::{DatabaseRef, Verdict};
use crate::export::{
    Compression, Destination, ExportFormat, ExportOptions, ExportedFile, Program, export, export_between,
};
use crate::state::State;
use crate::{Context, Error};

/// What is to be exported, and where to.
///
/// ```no_run
/// use rowkeep::jobs::export::ExportRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = ExportRequest::of("latest:shop", "exported");
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, None).await?;
/// assert!(!outcome.files.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// The state: a snapshot, `live`, or a database.
    pub state: DatabaseRef,
    /// The state before it, where what changed since is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DatabaseRef>,
    /// A folder, or a file (a name that ends with .csv, .ndjson, .jsonl, .json or .sql, and with .gz or .zst after that where it is
    /// compressed); the caller's stream when not given.
    pub to: Option<PathBuf>,
    /// What is written; by the name of the file, else CSV, when not given.
    #[serde(default)]
    pub format: Option<ExportFormat>,
    /// The program that is to load SQL; by the engine when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// How files are compressed; by the name of the file when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// What tables are called in JSON, where not by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The full backup that an increment is called one of; by the time of the state before when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Whether nothing comes beside the files: no checksums, no folder of metadata.
    #[serde(default)]
    pub alone: bool,
    /// The tables and rows that are meant.
    #[serde(default)]
    pub wanted: RowsWanted,
    /// Whether and by which rules rows are masked.
    #[serde(default)]
    pub mask: Option<Masked>,
    /// Whether SQL is without the schema.
    #[serde(default)]
    pub data_only: bool,
    /// Whether files that are there are replaced.
    #[serde(default)]
    pub force: bool,
    /// How many bytes may be written at most; an export that needs more fails and leaves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportOutcome {
    /// The state, in words.
    pub state: String,
    /// What was written.
    pub format: ExportFormat,
    /// Whether rows were masked.
    pub masked: bool,
    /// Whether SQL begins with the schema.
    pub with_schema: bool,
    /// The files.
    pub files: Vec<ExportedFile>,
    /// The files beside them: checksums, metadata.
    #[serde(default)]
    pub beside: Vec<PathBuf>,
    /// All rows.
    pub rows: u64,
    /// All bytes.
    pub bytes: u64,
    /// What people should know of it, in their words.
    pub notes: Vec<String>,
}

impl ExportOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        Verdict::Done
    }
}

impl ExportRequest {
    /// A request to export all of a state into a file or folder.
    pub fn of(state: impl Into<String>, to: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into().into(),
            since: None,
            to: Some(to.into()),
            format: None,
            program: None,
            compression: None,
            names: BTreeMap::new(),
            base: None,
            alone: false,
            wanted: RowsWanted::default(),
            mask: None,
            data_only: false,
            force: false,
            at_most: None,
        }
    }

    /// Writes the rows; `stream` is where they go when the request names no place, nowhere when it is not given.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        stream: Option<Box<dyn Write + Send>>,
    ) -> Result<ExportOutcome, Error> {
        let format = self.format()?;
        let with_schema = format == ExportFormat::Own || format == ExportFormat::Sql && !self.data_only;
        let selection = self.wanted.selection(workspace);
        let (name, state) = workspace.state(context, &self.state, with_schema, &selection.meant()).await?;
        let since = match &self.since {
            None => None,
            Some(since) => Some(workspace.state(context, since, false, &selection.meant()).await?.1),
        };
        let mask = match workspace.mask(self.mask.as_ref(), &name)? {
            None => None,
            // A mask by rules alone could be tried out by anybody; it takes the repository's secrets.
            Some(rules) if rules.key.is_none() => {
                let keys = workspace.repository().await?.content_keys().clone();
                Some((rules, keys))
            }
            Some(rules) => Some((rules, workspace.comparing_keys())),
        };
        let options = ExportOptions {
            format,
            program: self.program,
            compression: self.compression.or_else(|| self.to.as_deref().and_then(Compression::of_name)),
            selection,
            rows: self.wanted.rows()?,
            mask,
            with_schema,
            name,
            names: self.names.clone(),
            base: self.base.clone(),
            alone: self.alone,
            force: self.force,
            at_most: self.at_most,
        };
        let masked = options.mask.is_some();
        let destination = self.destination(stream);
        let done = match &since {
            None => export(context, &state, &options, destination).await?,
            Some(since) => {
                let keys = workspace.comparing_keys();
                export_between(context, &keys, (since, &state), &options, destination).await?
            }
        };
        Ok(ExportOutcome {
            state: described(since.as_ref(), &state),
            format,
            masked,
            with_schema: done.with_schema,
            files: done.files,
            beside: done.beside,
            rows: done.rows,
            bytes: done.bytes,
            notes: done.notes,
        })
    }

    fn format(&self) -> Result<ExportFormat, Error> {
        let of_json = |formats: &[ExportFormat]| {
            let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
            Err(Error::Export(format!(
                "several formats are JSON: say by --format which is meant: {}",
                names.join(", ")
            )))
        };
        match (self.format, self.to.as_deref().map(ending).as_deref()) {
            (Some(format), _) => {
                if self.program.is_some() && format != ExportFormat::Sql {
                    return Err(Error::Export(format!(
                        "no program loads {}: --for is for SQL",
                        format.name()
                    )));
                }
                Ok(format)
            }
            (None, _) if self.program.is_some() => Ok(ExportFormat::Sql),
            (None, Some("ndjson" | "jsonl")) => Ok(ExportFormat::Ndjson),
            (None, Some("sql")) => Ok(ExportFormat::Sql),
            #[cfg(feature = "parquet")]
            (None, Some("parquet")) => Ok(ExportFormat::Parquet),
            (None, Some("json")) => of_json(&[ExportFormat::Prn, ExportFormat::Dino, ExportFormat::Num]),
            (None, _) => Ok(ExportFormat::Csv),
        }
    }

    fn destination(&self, stream: Option<Box<dyn Write + Send>>) -> Destination {
        let Some(to) = &self.to else {
            return Destination::Stream(stream.unwrap_or_else(|| Box::new(std::io::sink())));
        };
        let is_file = matches!(&*ending(to), "csv" | "ndjson" | "jsonl" | "json" | "sql" | "parquet");
        let has_slash = to.to_string_lossy().ends_with('/');
        match is_file && !has_slash && !to.is_dir() {
            true => Destination::File(to.clone()),
            false => Destination::Folder(to.clone()),
        }
    }
}

/// The state, or what changed in it.
fn described(since: Option<&State>, state: &State) -> String {
    match since {
        None => state.describe(),
        Some(since) => format!("what changed from {} to {}", since.describe(), state.describe()),
    }
}

/// How a name ends, in front of what says that the file is compressed.
fn ending(path: &Path) -> String {
    let plain = match Compression::of_name(path) {
        Some(_) => path.with_extension(""),
        None => path.to_owned(),
    };
    plain.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}
