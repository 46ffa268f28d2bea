use std::io::Write as _;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use futures::TryStreamExt;
use rowkeep_server::{AuditFile, AuditFormat, Error};

use crate::fail::{CommandError, DIFFERENCES, DONE, FAILED};
use crate::out;
use crate::setup::{Session, StateOptions};
use crate::ui::audited;

/// Check or export the service's audit while the service is stopped.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check that the audit is what was written
    Verify(Verify),
    /// Print the whole audit, the oldest entry first
    Export(Export),
}

/// Check that the audit is what was written.
///
/// Finds entries that were changed, that are missing between others, and, by what the snapshots in the repository know of the audit, that are
/// missing at the end or were all written anew. Ends with status 3 if something is wrong. A service that is running keeps its state to
/// itself: ask it with GET /api/v1/audit/verification.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    state: StateOptions,
}

/// Print the whole audit, the oldest entry first.
///
/// A service that is running keeps its state to itself: ask it with GET /api/v1/audit?format=csv.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// How it is written; in CSV, what spreadsheets would take for a formula begins with an apostrophe
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    #[command(flatten)]
    state: StateOptions,
}

/// The audit in the state.
async fn open(state: &StateOptions, session: &Session) -> Result<AuditFile> {
    let opened = AuditFile::open(&session.state_place(state)?).await;
    opened.map_err(|error| match error {
            Error::NoState { .. } => CommandError::usage(error.to_string())
                .with_hint("name the service's state with --state: its file, or the URL of its database")
                .into(),
            Error::InUse { .. } => CommandError::failed(error.to_string())
                .with_hint(
                    "ask that service: GET /api/v1/audit/verification, or /api/v1/audit?format=csv, with a token, at the address that it \
                     printed when it started (http://127.0.0.1:8470 where nothing else was said)",
                )
                .into(),
            error => anyhow::Error::from(error),
        })
}

/// How an export is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A JSON object a line
    Ndjson,
    /// With a head, as RFC 4180 has it
    Csv,
}

impl Audit {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        match self {
            Audit::Verify(command) => command.run(session).await,
            Audit::Export(command) => command.run(session).await,
        }
    }
}

impl Verify {
    async fn run(self, session: &Session) -> Result<u8> {
        let audit = open(&self.state, session).await?;
        let found = audit.verify(session.workspace()?).await?;
        session.result(|| &found, || audited::told(&found));
        Ok(match found.intact {
            false => DIFFERENCES,
            // Nobody knows what the snapshots there would have said.
            true if !found.unseen_repositories.is_empty() => FAILED,
            true => DONE,
        })
    }
}

impl Export {
    async fn run(self, session: &Session) -> Result<u8> {
        let format = match self.format {
            Format::Ndjson => AuditFormat::Ndjson,
            Format::Csv => AuditFormat::Csv,
        };
        let audit = open(&self.state, session).await?;
        let mut pages = audit.export(format);
        let mut stdout = out::stream();
        while let Some(page) = pages.try_next().await? {
            if let Err(error) = stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()) {
                out::lost(&error);
                break;
            }
        }
        Ok(DONE)
    }
}
