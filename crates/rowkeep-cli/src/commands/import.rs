use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::import::ImportRequest;
use serde_json::json;

use crate::args::pair;
use crate::fail::status_of;
use crate::setup::{Session, masked};
use crate::ui::imported;
use crate::ui::person::Person;

/// Import a dump or a database file as a snapshot.
///
/// The content of a file says what it is: a dump of `pg_dump` or `sqlite3`, an export of D1, an SQLite database, a JSON backup of an
/// application, NDJSON or CSV (or a folder of such); packed by gzip, zstd, xz, lz4, zip or not at all. The snapshot stands among the others of its database by its time. A file that is damaged is
/// not imported, unless --salvage asks for the tables in it that are whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// File to import; with --all, folder of files
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Database that the snapshot is of [default: what the file says, else its name]
    #[arg(long = "as", value_name = "DATABASE")]
    database: Option<String>,
    /// Which of several databases in the file to import
    #[arg(long = "database", value_name = "NAME")]
    in_file: Option<String>,
    /// Time of the state, such as 2026-11-20T15:30Z [default: what the file says, else when it was last changed]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Import every file in a folder, oldest first
    #[arg(long)]
    all: bool,
    /// Import the whole tables of a damaged file
    #[arg(long)]
    salvage: bool,
    /// Text that stands for NULL in CSV, beside an empty field without quotes
    #[arg(long, value_name = "TEXT")]
    csv_null: Option<String>,
    /// Name of the snapshot
    #[arg(long)]
    name: Option<String>,
    /// Mask rows before they are stored, by rules in rowkeep.toml or this file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Tag the snapshot
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
}

impl Import {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = ImportRequest {
            file: self.file,
            database: self.database,
            in_file: self.in_file,
            time: self.time,
            all: self.all,
            salvage: self.salvage,
            null: self.csv_null,
            name: self.name,
            mask: masked(self.mask),
            tags: self.tags.into_iter().collect(),
            resumed: false,
        };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(|| json!(outcome), || imported::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
