use std::path::PathBuf;

use anyhow::Result;
use rowkeep::export::{Compression, ExportFormat, Program};
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::export::ExportRequest;

use crate::args::renamed;
use crate::fail::status_of;
use crate::out;
use crate::setup::{Chosen, Session, masked};
use crate::ui::exported;

/// Export rows as CSV, NDJSON, SQL or JSON.
///
/// A state is a snapshot (an id or a prefix of it, a name, `latest`, `latest:DATABASE`, `DATABASE@TIME`), `live` for the configured
/// database, or the URL or path of any database. Files appear under their names only once they are complete, with their SHA-256
/// beside them.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// State to export, or the earlier of two
    state: DatabaseRef,
    /// Later state: export what changed until then (format prn)
    later: Option<DatabaseRef>,
    /// Folder, file (.csv, .ndjson, .jsonl, .json or .sql; .gz or .zst after that compress it), or - for stdout
    #[arg(short = 'o', long = "to", alias = "output", value_name = "FOLDER|FILE|-")]
    to: PathBuf,
    /// Format [default: by the extension of the file, else csv]
    #[arg(long, value_enum)]
    format: Option<FormatChoice>,
    /// Program that is to load the SQL [default: psql or sqlite3, by the database]
    #[arg(long = "for", value_enum, value_name = "PROGRAM")]
    program: Option<ProgramChoice>,
    /// Compression [default: by the extension of the file, else none]
    #[arg(long, value_enum)]
    compression: Option<CompressionChoice>,
    #[command(flatten)]
    chosen: Chosen,
    /// Mask rows before they are written, by rules in rowkeep.toml or this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Call a table otherwise in JSON; can be repeated
    #[arg(long = "call", value_name = "TABLE=NAME", value_parser = renamed)]
    names: Vec<(String, String)>,
    /// File name of the full backup that an increment belongs to [default: by the time of the earlier state]
    #[arg(long, value_name = "FILE")]
    base: Option<String>,
    /// Write SQL without the schema, for tables that exist
    #[arg(long)]
    data_only: bool,
    /// Write no files beside: no checksums, no metadata
    #[arg(long)]
    no_checksum: bool,
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
    /// A script for `psql`, `sqlite3` or `wrangler d1 execute`
    Sql,
    /// One file per table, with types, for DuckDB, Spark and pandas
    #[cfg(feature = "parquet")]
    Parquet,
    /// One file as the database's own tools take it: of IndexedDB, that of its module for pages
    Own,
    /// One JSON file: `metadata`, `schema`, `data`, `integrity` (Phone Range Nexus 4.0); between two states an increment
    Prn,
    /// One JSON file: `data` and `metadata` (DINO), in a folder with its `metadata/` and `checksums/`
    Dino,
    /// One JSON file: `timestamp` and `data` (Numericalz)
    Num,
}

impl From<FormatChoice> for ExportFormat {
    fn from(choice: FormatChoice) -> Self {
        match choice {
            FormatChoice::Csv => ExportFormat::Csv,
            FormatChoice::Ndjson => ExportFormat::Ndjson,
            FormatChoice::Sql => ExportFormat::Sql,
            #[cfg(feature = "parquet")]
            FormatChoice::Parquet => ExportFormat::Parquet,
            FormatChoice::Own => ExportFormat::Own,
            FormatChoice::Prn => ExportFormat::Prn,
            FormatChoice::Dino => ExportFormat::Dino,
            FormatChoice::Num => ExportFormat::Num,
        }
    }
}

/// What loads the SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ProgramChoice {
    /// PostgreSQL's psql
    Psql,
    /// SQLite's shell, from 3.40 on
    Sqlite3,
    /// Cloudflare's `wrangler d1 execute --file`
    D1,
}

impl From<ProgramChoice> for Program {
    fn from(choice: ProgramChoice) -> Self {
        match choice {
            ProgramChoice::Psql => Program::Psql,
            ProgramChoice::Sqlite3 => Program::Sqlite3,
            ProgramChoice::D1 => Program::D1,
        }
    }
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CompressionChoice {
    /// .gz
    Gzip,
    /// .zst
    Zstd,
}

impl From<CompressionChoice> for Compression {
    fn from(choice: CompressionChoice) -> Self {
        match choice {
            CompressionChoice::Gzip => Compression::Gzip,
            CompressionChoice::Zstd => Compression::Zstd,
        }
    }
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let (state, since) = match self.later {
            Some(later) => (later, Some(self.state)),
            None => (self.state, None),
        };
        let request = ExportRequest {
            state,
            since,
            to: (self.to.as_os_str() != "-").then_some(self.to),
            format: self.format.map(Into::into),
            program: self.program.map(Into::into),
            compression: self.compression.map(Into::into),
            wanted: self.chosen.rows(),
            mask: masked(self.mask),
            names: self.names.into_iter().collect(),
            base: self.base,
            data_only: self.data_only,
            alone: self.no_checksum,
            force: self.force,
            at_most: None,
        };
        let stdout = request.to.is_none().then(out::stream);
        let outcome = request.run(&session.context, session.workspace()?, stdout).await?;
        exported::show(session, request.to.as_deref(), &outcome);
        Ok(status_of(outcome.verdict()))
    }
}
