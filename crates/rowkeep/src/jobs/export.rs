//! Export: the rows of a state are written as files.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rows_wanted::RowsWanted;
use super::workspace::{Masked, Workspace};
use super::{DatabaseRef, Verdict};
use crate::export::{Destination, ExportFormat, ExportOptions, ExportedFile, export};
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
    /// A folder, or a file (a name that ends with .csv, .ndjson, .jsonl or .sql); the caller's stream when not given.
    pub to: Option<PathBuf>,
    /// What is written; by the name of the file, else CSV, when not given.
    #[serde(default)]
    pub format: Option<ExportFormat>,
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
            to: Some(to.into()),
            format: None,
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
        let format = self.format.unwrap_or_else(|| self.format_by_name());
        let with_schema = format == ExportFormat::Sql && !self.data_only;
        let selection = self.wanted.selection(workspace);
        let (name, state) = workspace.state(context, &self.state, with_schema, &selection.meant()).await?;
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
            selection,
            rows: self.wanted.rows()?,
            mask,
            with_schema,
            name,
            force: self.force,
            at_most: self.at_most,
        };
        let masked = options.mask.is_some();
        let done = export(context, &state, &options, self.destination(stream)).await?;
        Ok(ExportOutcome {
            state: state.describe(),
            format,
            masked,
            with_schema: done.with_schema,
            files: done.files,
            rows: done.rows,
            bytes: done.bytes,
            notes: done.notes,
        })
    }

    fn format_by_name(&self) -> ExportFormat {
        match self.to.as_deref().and_then(extension).as_deref() {
            Some("ndjson" | "jsonl") => ExportFormat::Ndjson,
            Some("sql") => ExportFormat::Sql,
            _ => ExportFormat::Csv,
        }
    }

    fn destination(&self, stream: Option<Box<dyn Write + Send>>) -> Destination {
        let Some(to) = &self.to else {
            return Destination::Stream(stream.unwrap_or_else(|| Box::new(std::io::sink())));
        };
        let is_file = matches!(extension(to).as_deref(), Some("csv" | "ndjson" | "jsonl" | "sql"));
        let has_slash = to.to_string_lossy().ends_with('/');
        match is_file && !has_slash && !to.is_dir() {
            true => Destination::File(to.clone()),
            false => Destination::Folder(to.clone()),
        }
    }
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}
