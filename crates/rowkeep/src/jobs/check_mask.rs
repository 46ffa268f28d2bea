//! Check of a mask: whether its rules fit a database, and which columns that look personal they leave alone.

use rowkeep_engine::ViewOptions;
use rowkeep_format::{ContentKeys, Schema, Table};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::several::{FailedDatabase, each};
use super::workspace::{Masked, Workspace};
use super::{DatabaseRef, Verdict};
use crate::rows::mask::{BoundMask, Mask};
use crate::state::devices::newest_of_each;
use crate::state::owner::unmasked;
use crate::state::snapshots::{self, read_schema};
use crate::{Context, Error, RequestError};

/// Which rules are to be checked, against which databases.
///
/// ```no_run
/// use rowkeep::jobs::Verdict;
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::check_mask::CheckMaskRequest;
/// use rowkeep::jobs::workspace::Masked;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = CheckMaskRequest { database: Some("shop".into()), mask: Masked::Configured };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckMaskRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
    /// By which rules.
    pub mask: Masked,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckMaskOutcome {
    /// By database.
    pub databases: Vec<CheckedMask>,
    /// Those that could not be looked at, or whose rules do not fit, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

/// What rules do to a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedMask {
    /// Its name.
    pub database: String,
    /// The columns that are masked.
    pub masked: Vec<String>,
    /// The columns that look personal by their names and have no rule, so that a masked backup is refused.
    pub unruled: Vec<String>,
}

impl CheckMaskOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        let is_whole = self.databases.iter().all(|checked| checked.unruled.is_empty());
        match is_whole {
            _ if !self.failed.is_empty() => Verdict::Failed,
            true => Verdict::Done,
            false => Verdict::Differences,
        }
    }
}

impl CheckedMask {
    /// Adds what bound rules do to tables.
    fn add(&mut self, bound: &BoundMask, tables: &[&Table]) {
        let add = |to: &mut Vec<String>, name: String| {
            if !to.contains(&name) {
                to.push(name);
            }
        };
        for table in tables {
            for column in bound.table(&table.name).iter().flat_map(|mask| mask.columns()) {
                add(&mut self.masked, format!("{}.{column}", table.name));
            }
            for called in bound.unruled(&table.name) {
                add(&mut self.unruled, called.to_owned());
            }
        }
    }
}

/// What the newest state of each device of a database looks like whose states arrive.
async fn arrived(workspace: &Workspace, database: &str) -> Result<Vec<Schema>, Error> {
    let repository = workspace.repository().await?;
    let catalog = repository.catalog().await?;
    let owner = workspace.owner(database, &catalog)?;
    let reader = repository.reader().await?;
    let mut schemas = Vec::new();
    for newest in newest_of_each(unmasked(&catalog, &owner)).into_values() {
        let snapshot = snapshots::open(repository, newest.id).await?;
        schemas.push(read_schema(&reader, &snapshot.manifest).await?);
    }
    match schemas.is_empty() {
        true => Err(RequestError::NothingArrived { database: database.to_owned() }.into()),
        false => Ok(schemas),
    }
}

impl CheckMaskRequest {
    /// Looks the rules up in the tables that a backup would read; of a database whose states arrive, in those of the newest unmasked state
    /// of each device. Reads no row.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<CheckMaskOutcome, Error> {
        let named = workspace.named(self.database.as_deref())?;
        let (databases, failed) = each(context, caller, &named, String::as_str, async |database| {
            context.until_cancelled(self.one(workspace, database)).await
        })
        .await?;
        Ok(CheckMaskOutcome { databases: databases.into_iter().flatten().collect(), failed })
    }

    async fn one(&self, workspace: &Workspace, database: &str) -> Result<Option<CheckedMask>, Error> {
        let source = workspace.source(database)?;
        let Some(rules) = workspace.mask(Some(&self.mask), &source.name)? else { return Ok(None) };
        // Values are not masked here, so any key does.
        let mask = Mask::new(&rules, &ContentKeys::derive(&[0; 32]));
        let mut checked =
            CheckedMask { database: source.name.clone(), masked: Vec::new(), unruled: Vec::new() };
        if source.engine.arrives() {
            for schema in arrived(workspace, &source.name).await? {
                checked.add(&mask.bind(&schema)?, &source.selection.choose(&schema)?);
            }
        } else {
            let view = source.engine.open_of(&ViewOptions::default(), &source.selection.meant()).await?;
            let chosen = source.selection.choose_beside(view.schema(), view.unread())?;
            checked.add(&mask.bind(view.schema())?, &chosen);
        }
        Ok(Some(checked))
    }
}
