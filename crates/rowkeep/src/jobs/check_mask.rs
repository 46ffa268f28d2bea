//! Check of a mask: whether its rules fit a database, and which columns that look personal they leave alone.

use rowkeep_engine::ViewOptions;
use rowkeep_format::ContentKeys;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::several::{FailedDatabase, each};
use super::workspace::{Masked, Workspace};
use super::{DatabaseRef, Verdict};
use crate::rows::mask::Mask;
use crate::{Context, Error};

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

impl CheckMaskRequest {
    /// Looks the rules up in the tables that a backup would read; reads no row.
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
        let view = source.engine.open_of(&ViewOptions::default(), &source.selection.meant()).await?;
        // Values are not masked here, so any key does.
        let bound = Mask::new(&rules, &ContentKeys::derive(&[0; 32])).bind(view.schema())?;
        let chosen = source.selection.choose_beside(view.schema(), view.unread())?;
        let (mut masked, mut unruled) = (Vec::new(), Vec::<String>::new());
        for table in chosen {
            let named = |column: &str| format!("{}.{column}", table.name);
            let of_table = bound.table(&table.name);
            masked.extend(of_table.iter().flat_map(|mask| mask.columns()).map(named));
            for called in bound.unruled(&table.name) {
                if !unruled.iter().any(|known| known == called) {
                    unruled.push(called.to_owned());
                }
            }
        }
        Ok(Some(CheckedMask { database: source.name, masked, unruled }))
    }
}
