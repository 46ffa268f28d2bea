use anyhow::Result;
use rowkeep::diff::StoredBy;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::diff::DiffRequest;

use crate::args::renamed;
use crate::fail::status_of;
use crate::out;
use crate::setup::{Chosen, Session};
use crate::ui::difference::{print_lines, print_objects, summary};
use crate::ui::pager::Pager;

/// Compare two states row by row.
///
/// A state is a snapshot (an id or a prefix of it, a name, `latest`, `latest:DATABASE`, `DATABASE@TIME`), `live` for the configured
/// database, or the URL or path of any database. The output shows what turns the first state into the second. Exits
/// with 3 if they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// First state
    before: DatabaseRef,
    /// Second state
    after: DatabaseRef,
    #[command(flatten)]
    chosen: Chosen,
    /// Print only how many rows differ in each table
    #[arg(long, conflicts_with = "rows")]
    summary: bool,
    /// Print the rows that differ
    #[arg(long)]
    rows: bool,
    /// Compare rows alone, not definitions
    #[arg(long)]
    rows_only: bool,
    /// Treat as equal what a format cannot tell; then one may be a file and the other a database of any kind
    #[arg(long, value_enum, value_name = "FORMAT")]
    as_stored_by: Option<StoredByChoice>,
    /// Name that the file has for a table of the database; can be repeated
    #[arg(long = "call", value_name = "TABLE=NAME", value_parser = renamed)]
    called: Vec<(String, String)>,
}

/// A format that does not tell everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StoredByChoice {
    /// JSON of an application with Prisma: decimals and big integers as text, times to the millisecond, bytes in base64
    PrismaJson,
}

impl From<StoredByChoice> for StoredBy {
    fn from(choice: StoredByChoice) -> Self {
        match choice {
            StoredByChoice::PrismaJson => StoredBy::PrismaJson,
        }
    }
}

impl Diff {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = DiffRequest {
            before: self.before,
            after: self.after,
            wanted: self.chosen.rows(),
            rows_only: self.rows_only,
            as_stored_by: self.as_stored_by.map(Into::into),
            called: self.called.into_iter().collect(),
        };
        let (outcome, changes) = request.run(&session.context, session.workspace()?).await?;
        let difference = &outcome.difference;
        if session.global.json {
            if self.rows {
                print_objects(&changes).await?;
            }
            out::json(&difference);
        } else if !session.global.quiet {
            let mut pager = Pager::begin();
            if !self.rows {
                pager.line(&summary(difference));
            }
            if !self.summary && difference.rows.total() > 0 {
                if !self.rows {
                    pager.line("");
                }
                print_lines(&changes, &mut pager).await?;
            }
        }
        Ok(status_of(outcome.verdict()))
    }
}
