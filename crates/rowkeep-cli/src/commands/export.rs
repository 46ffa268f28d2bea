use std::path::PathBuf;

use anyhow::Result;
use rowkeep::export::ExportFormat;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::export::ExportRequest;

use crate::fail::status_of;
use crate::out;
use crate::setup::{Chosen, Session, masked};
use crate::ui::exported;

/// Export rows as CSV, NDJSON or SQL.
///
/// A state is a snapshot (an id or a prefix of it, a name, `latest`, `latest:DATABASE`, `DATABASE@TIME`), `live` for the configured
/// database, or the URL or path of any database. Files appear under their names only once they are complete.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// State to export
    state: DatabaseRef,
    /// Folder, file (.csv, .ndjson, .jsonl or .sql), or - for stdout
    #[arg(long, value_name = "FOLDER|FILE|-")]
    to: PathBuf,
    /// Format [default: by the extension of the file, else csv]
    #[arg(long, value_enum)]
    format: Option<FormatChoice>,
    #[command(flatten)]
    chosen: Chosen,
    /// Mask rows before they are written, by rules in rowkeep.toml or this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Write SQL without the schema, for tables that exist
    #[arg(long)]
    data_only: bool,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatChoice {
    /// One file per table, readable by spreadsheets and `COPY`
    Csv,
    /// One JSON object per row
    Ndjson,
    /// A script for `psql` or `sqlite3`
    Sql,
}

impl From<FormatChoice> for ExportFormat {
    fn from(choice: FormatChoice) -> Self {
        match choice {
            FormatChoice::Csv => ExportFormat::Csv,
            FormatChoice::Ndjson => ExportFormat::Ndjson,
            FormatChoice::Sql => ExportFormat::Sql,
        }
    }
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = ExportRequest {
            state: self.state,
            to: (self.to.as_os_str() != "-").then_some(self.to),
            format: self.format.map(Into::into),
            wanted: self.chosen.rows(),
            mask: masked(self.mask),
            data_only: self.data_only,
            force: self.force,
            at_most: None,
        };
        let stdout = request.to.is_none().then(out::stream);
        let outcome = request.run(&session.context, session.workspace()?, stdout).await?;
        exported::show(session, request.to.as_deref(), &outcome);
        Ok(status_of(outcome.verdict()))
    }
}
