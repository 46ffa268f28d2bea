//! Inspect: what a file is, and whether it is whole.

mod checksum;
mod outcome;

use std::path::PathBuf;

use futures::StreamExt;
use rowkeep_engine::{
    DatabaseUrl, Engine, FileChoice, FileEngine, View, ViewOptions, connect, database_file,
};
use serde::{Deserialize, Serialize};

pub use checksum::Checksum;
pub(super) use checksum::of as sums_of;
pub use outcome::{InspectOutcome, InspectedTable};

use crate::jobs::workspace::Workspace;
use crate::{Context, Error, RequestError};

/// Which file is to be looked at.
///
/// ```no_run
/// use rowkeep::jobs::inspect::InspectRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = InspectRequest { file: "shop.sql.gz".into(), in_file: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.is_whole());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectRequest {
    /// The file.
    pub file: PathBuf,
    /// Which of several databases in it is meant.
    #[serde(default)]
    pub in_file: Option<String>,
}

impl InspectRequest {
    /// Reads the file to its end, row by row; nothing is written.
    ///
    /// What is wrong with the file is in the outcome. An error where nobody can say what it is.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<InspectOutcome, Error> {
        context.until_cancelled(self.inspect(workspace)).await
    }

    async fn inspect(&self, workspace: &Workspace) -> Result<InspectOutcome, Error> {
        let file = &self.file;
        let surroundings = workspace.surroundings();
        let choice =
            |salvage| FileChoice { database: self.in_file.clone(), salvage, ..FileChoice::default() };
        let Some(found) = FileEngine::find(file, surroundings)? else {
            let Some(what) = Some(file).filter(|file| file.is_file()).and_then(|file| database_file(file))
            else {
                return Err(RequestError::NoDump { file: file.clone(), is_there: file.exists() }.into());
            };
            let engine = connect(&DatabaseUrl::of_file(file), surroundings)?;
            let mut outcome = InspectOutcome::new(file, what.to_owned());
            match engine.open(&ViewOptions { with_ddl: true }).await {
                Ok(view) => read(view.as_ref(), &mut outcome).await,
                Err(error) => outcome.problems.push(Error::from(error).in_one_line()),
            }
            outcome.checksum = checksum::of(file).await?.sum;
            return Ok(outcome);
        };
        let found = found.choosing(choice(false));
        let zone = workspace.config().zone(found.database().unwrap_or_default());
        let mut outcome = InspectOutcome::new(found.path(), found.what());
        outcome.written_by = found.written_by().map(str::to_owned);
        outcome.database = found.database().map(str::to_owned);
        outcome.time = found.time(&zone);
        let path = found.path().to_owned();
        let options = ViewOptions { with_ddl: true };
        match found.open(&options).await {
            Ok(view) => {
                outcome.notes.extend(view.notes().iter().cloned());
                read(view.as_ref(), &mut outcome).await;
            }
            Err(error) => {
                outcome.problems.push(Error::from(error).in_one_line());
                // What could be saved of it.
                if let Ok(view) = found.choosing(choice(true)).open(&options).await {
                    outcome.notes.extend(view.notes().iter().cloned());
                    read(view.as_ref(), &mut outcome).await;
                }
            }
        }
        let own = checksum::of(&path).await?;
        if path.is_dir() {
            outcome.problems.extend(own.wrong);
        }
        outcome.checksum = own.sum;
        Ok(outcome)
    }
}

/// Counts the rows of every table.
async fn read(view: &dyn View, outcome: &mut InspectOutcome) {
    outcome.written_by = outcome.written_by.take().or_else(|| fact(view, "written_by"));
    for table in view.schema().tables.iter().filter(|table| table.kind.is_user_table()) {
        let name = table.name.to_string();
        if let Some(unread) = view.unread().iter().find(|unread| unread.name == table.name) {
            let left_out = view.left_out().contains(&table.name);
            if !left_out {
                outcome.problems.push(unread.told());
            }
            outcome.tables.push(InspectedTable { name, rows: None, left_out });
            continue;
        }
        let (mut rows, mut problem) = (0, None);
        match view.rows(table).await {
            Ok(mut stream) => {
                while let Some(batch) = stream.next().await {
                    match batch {
                        Ok(batch) => rows += batch.rows() as u64,
                        Err(error) => problem = Some(Error::from(error).in_one_line()),
                    }
                }
            }
            Err(error) => problem = Some(Error::from(error).in_one_line()),
        }
        outcome.tables.push(InspectedTable {
            name,
            rows: problem.is_none().then_some(rows),
            left_out: false,
        });
        outcome.problems.extend(problem);
    }
}

fn fact(view: &dyn View, wanted: &str) -> Option<String> {
    view.environment().into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
}
