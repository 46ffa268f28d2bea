use anyhow::Result;
use rowkeep::jobs::diff::DiffRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::{Chosen, Session};
use crate::ui::difference::{print_lines, print_objects, summary};
use crate::ui::pager::Pager;

/// Compare two states row by row.
///
/// A state is a snapshot (an id or its beginning, a name, `latest`, `latest:DATABASE`), `live` for the configured database,
/// or the URL or path of any database. What is printed is what makes the first the second. Exit status 3 when they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The first state
    before: String,
    /// The second state
    after: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Print how many rows differ in each table, not the rows
    #[arg(long, conflicts_with = "rows")]
    summary: bool,
    /// Print the rows that differ, not how many
    #[arg(long)]
    rows: bool,
}

impl Diff {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request =
            DiffRequest { before: self.before.into(), after: self.after.into(), wanted: self.chosen.rows() };
        let (outcome, changes) = request.run(&session.context, session.workspace()?).await?;
        let difference = &outcome.difference;
        if session.global.json {
            if self.rows {
                print_objects(&changes).await?;
            }
            println!("{}", json!(difference));
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
