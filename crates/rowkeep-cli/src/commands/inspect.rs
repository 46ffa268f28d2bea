use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::inspect::InspectRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::inspected;

/// Say what a dump or database file is, and whether it is whole.
///
/// Reads the file to its end: which program wrote it, how many tables and rows it has, what is damaged, and whether the SHA-256
/// beside it holds (FILE.sha256, checksums/FILE.sha256, SHA256SUMS). Exits with 1 if it is not whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// File to look at
    file: PathBuf,
    /// Which of several databases in the file is meant
    #[arg(long = "database", value_name = "NAME")]
    in_file: Option<String>,
}

impl Inspect {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = InspectRequest { file: self.file, in_file: self.in_file };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| inspected::json(&outcome), || inspected::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
