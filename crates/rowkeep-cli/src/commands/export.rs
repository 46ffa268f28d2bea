use std::path::{Path, PathBuf};

use anyhow::Result;
use rowkeep::State;
use rowkeep::export::{Destination, ExportOptions, Exported, Format, export};
use serde_json::json;

use crate::fail::DONE;
use crate::setup::{Chosen, Session, States};
use crate::ui::units::{bytes, counted, plain};

/// Write the rows of a state as files: CSV, NDJSON or SQL.
///
/// A state is a snapshot (an id or its beginning, a name, `latest`, `latest:DATABASE`), `live` for the configured database,
/// or the URL or path of any database. Files get their names when they are whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The state
    state: String,
    /// A folder, a file (a name that ends with .csv, .ndjson, .jsonl or .sql), or - for stdout
    #[arg(long, value_name = "FOLDER|FILE|-")]
    to: PathBuf,
    /// What is written [default: by the name of the file, else csv]
    #[arg(long, value_enum)]
    format: Option<FormatChoice>,
    #[command(flatten)]
    chosen: Chosen,
    /// Mask rows before they are written, by the rules of rowkeep.toml or of a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// SQL without the schema, for tables that are there
    #[arg(long)]
    data_only: bool,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatChoice {
    /// A file for each table, which spreadsheets and `COPY` read
    Csv,
    /// A JSON object for each row
    Ndjson,
    /// What `psql` and `sqlite3` run
    Sql,
}

impl Export {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let format = self.format();
        let with_schema = format == Format::Sql && !self.data_only;
        let mut states = States::new(session);
        let (name, state) = states.open_with(&self.state, with_schema).await?;
        let mask = match session.mask(self.mask.as_ref(), &name)? {
            None => None,
            // A mask by rules alone could be tried out by anybody; it takes the repository's secrets.
            Some(rules) if rules.key.is_none() => {
                let keys = states.repository().await?.content_keys().clone();
                Some((rules, keys))
            }
            Some(rules) => Some((rules, states.keys())),
        };
        let options = ExportOptions {
            format,
            selection: self.chosen.selection(session)?,
            rows: self.chosen.wanted.rows()?,
            mask,
            with_schema,
            name,
            force: self.force,
        };
        let done = export(&session.context, &state, &options, self.destination()).await?;
        for note in &done.notes {
            eprintln!("note: {}", plain(note));
        }
        self.tell(session, &state, &options, &done);
        Ok(DONE)
    }

    fn format(&self) -> Format {
        match (self.format, extension(&self.to).as_deref()) {
            (Some(FormatChoice::Csv), _) => Format::Csv,
            (Some(FormatChoice::Ndjson), _) | (None, Some("ndjson" | "jsonl")) => Format::Ndjson,
            (Some(FormatChoice::Sql), _) | (None, Some("sql")) => Format::Sql,
            (None, _) => Format::Csv,
        }
    }

    fn destination(&self) -> Destination {
        if self.to.as_os_str() == "-" {
            return Destination::Stream(Box::new(std::io::stdout()));
        }
        let is_file = matches!(extension(&self.to).as_deref(), Some("csv" | "ndjson" | "jsonl" | "sql"));
        let has_slash = self.to.to_string_lossy().ends_with('/');
        match is_file && !has_slash && !self.to.is_dir() {
            true => Destination::File(self.to.clone()),
            false => Destination::Folder(self.to.clone()),
        }
    }

    /// Says what was written; on stderr where stdout is what was written.
    fn tell(&self, session: &Session, state: &State, options: &ExportOptions, done: &Exported) {
        let json = || {
            json!({
                "state": state.describe(),
                "format": options.format,
                "masked": options.mask.is_some(),
                "with_schema": done.with_schema,
                "files": done.files,
                "rows": done.rows,
                "bytes": done.bytes,
                "notes": done.notes,
            })
        };
        let text = || {
            let (rows, size) = (counted(done.rows, "row"), bytes(done.bytes));
            let files = match done.files.as_slice() {
                [only] => only.path.as_ref().map_or("stdout".to_owned(), |path| path.display().to_string()),
                files => format!("{} in {}", counted(files.len() as u64, "file"), self.to.display()),
            };
            format!("exported {}: {rows}, {size} to {files}", state.describe())
        };
        if self.to.as_os_str() != "-" {
            session.result(json, text);
        } else if session.global.json {
            eprintln!("{}", json());
        } else if !session.global.quiet {
            eprintln!("{}", text());
        }
    }
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}
