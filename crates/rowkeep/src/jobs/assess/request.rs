//! Which databases are to be assessed.

use std::path::PathBuf;

use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

use super::assess;
use super::findings::Assessment;
use super::next::{Step, next};
use crate::jobs::caller::Caller;
use crate::jobs::several::{FailedDatabase, each};
use crate::jobs::workspace::Workspace;
use crate::jobs::{DatabaseRef, Verdict};
use crate::report::drills;
use crate::{Context, Error};

/// Which databases are to be assessed.
///
/// ```no_run
/// use rowkeep::jobs::assess::AssessRequest;
/// use rowkeep::jobs::caller::Unattended;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = AssessRequest { database: Some("shop".into()), reports: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert!(!outcome.lacking);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
    /// The folder with the reports of drills; the workspace's when not given.
    pub reports: Option<PathBuf>,
}

/// How databases are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssessOutcome {
    /// Whether something is lacking of any of them.
    pub lacking: bool,
    /// The databases.
    pub databases: Vec<Assessed>,
    /// Those of which nothing can be said, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

/// How a database is, and what to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessed {
    /// How it is.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// What to do next.
    pub next: Vec<Step>,
}

impl AssessOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self.lacking {
            _ if !self.failed.is_empty() => Verdict::Failed,
            true => Verdict::Differences,
            false => Verdict::Done,
        }
    }
}

impl AssessRequest {
    /// Looks at the databases, also at those that cannot be reached, and changes nothing.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<AssessOutcome, Error> {
        let named = workspace.named(self.database.as_deref())?;
        // Without it nothing can be said of any database.
        let repository = workspace.repository().await?;
        let (databases, failed) = each(context, caller, &named, String::as_str, async |database| {
            self.one(context, workspace, repository, database).await
        })
        .await?;
        let lacking = databases.iter().any(|assessed| assessed.assessment.lacking);
        Ok(AssessOutcome { lacking, databases, failed })
    }

    async fn one(
        &self,
        context: &Context,
        workspace: &Workspace,
        repository: &Repository,
        database: &str,
    ) -> Result<Assessed, Error> {
        let source = workspace.source(database)?;
        let folder = self.reports.as_deref().unwrap_or(workspace.reports());
        let drills = drills(folder, &source.name).map_err(|error| Error::File {
            problem: format!("cannot read the reports in {}", folder.display()),
            source: error,
        })?;
        let owner = source.owner().await;
        let promise = workspace.config().databases.get(&source.name).and_then(|known| known.promise);
        let engine = source.engine.as_ref();
        let assessment = assess(context, repository, &owner, engine, &drills, promise).await?;
        let next = next(&assessment, called(&source.typed, &assessment.target));
        Ok(Assessed { assessment, next })
    }
}

/// What steps call a database: they are shown and may be stored, which a password must not be.
fn called<'a>(typed: &'a DatabaseRef, target: &'a str) -> &'a str {
    if typed.holds_password() { target } else { typed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_call_a_database_as_it_was_called_but_for_a_password() {
        let target = "postgres://u@h/shop";
        for (typed, name) in [
            ("shop", "shop"),
            ("postgres://u:s3cret@h/shop", target),
            ("postgres://h/shop", "postgres://h/shop"),
        ] {
            assert_eq!(called(&typed.into(), target), name);
        }
    }
}
