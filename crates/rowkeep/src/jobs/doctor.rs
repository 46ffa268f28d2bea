//! Doctor: what would stand in the way of a backup.

use rowkeep_engine::Level;
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use super::outcome::Examined;
use super::several::{FailedDatabase, each};
use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::capture::readiness::examine;
use crate::{Context, Error};

/// Which databases are to be looked at.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::doctor::DoctorRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let context = rowkeep::Context::silent();
/// let outcome = DoctorRequest { database: None }.run(&context, workspace, &Unattended).await?;
/// assert!(outcome.healthy);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoctorOutcome {
    /// Whether nothing stands in the way.
    pub healthy: bool,
    /// The databases.
    pub databases: Vec<Examined>,
    /// Those that could not be looked at, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

impl DoctorOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.healthy { Verdict::Done } else { Verdict::Failed }
    }
}

impl DoctorRequest {
    /// Looks at connection, permissions, tools, space and other operations; changes nothing.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<DoctorOutcome, Error> {
        let named = workspace.named(self.database.as_deref())?;
        let (databases, failed) = each(context, caller, &named, String::as_str, async |database| {
            let examined = context.until_cancelled(one(workspace, database)).await?;
            caller.tell(News::Examined(&examined));
            Ok(examined)
        })
        .await?;
        let is_healthy =
            |examined: &Examined| examined.findings.iter().all(|finding| finding.level < Level::Error);
        let healthy = failed.is_empty() && databases.iter().all(is_healthy);
        Ok(DoctorOutcome { healthy, databases, failed })
    }
}

async fn one(workspace: &Workspace, database: &str) -> Result<Examined, Error> {
    let source = workspace.source(database)?;
    let engine = source.engine.as_ref();
    let mut examination = examine(engine, workspace.repository_folder(), &source.selection.meant()).await?;
    let configured = workspace.configured_as(&source.typed);
    if let Some(activity) = configured.and_then(|(_, database)| database.activity.as_ref()) {
        examination.findings.push(activity.examine(engine).await?);
    }
    Ok(Examined {
        database: source.name,
        target: engine.describe(),
        facts: examination.facts,
        findings: examination.findings,
    })
}
