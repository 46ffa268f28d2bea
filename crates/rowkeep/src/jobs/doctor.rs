//! Doctor: what would stand in the way of a backup, and of a restore.

use rowkeep_engine::Level;
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use super::outcome::Examined;
use super::several::{FailedDatabase, each};
use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::capture::readiness::examine;
use crate::diff::SERVER_VERSION;
use crate::state::snapshots::read_schema;
use crate::{Context, Error};

/// Which databases are to be looked at.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::doctor::DoctorRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let context = rowkeep::Context::silent();
/// let outcome = DoctorRequest::default().run(&context, workspace, &Unattended).await?;
/// assert!(outcome.healthy);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DoctorRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
    /// Whether rows are read too, each table at most once, for what of them a restore would meet.
    pub deep: bool,
    /// A snapshot that is to be restored into the database, which need not be there: then it is looked for what of that its server does
    /// not take, and nothing else.
    pub restoring: Option<String>,
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
        if let Some(snapshot) = &self.restoring {
            let examined = self.target(context, workspace, snapshot).await?;
            caller.tell(News::Examined(&examined));
            return Ok(DoctorOutcome {
                healthy: is_healthy(&examined),
                databases: vec![examined],
                failed: Vec::new(),
            });
        }
        let named = workspace.named(self.database.as_deref())?;
        let (databases, failed) = each(context, caller, &named, String::as_str, async |database| {
            let examined = context.until_cancelled(one(workspace, database, self.deep)).await?;
            caller.tell(News::Examined(&examined));
            Ok(examined)
        })
        .await?;
        let healthy = failed.is_empty() && databases.iter().all(is_healthy);
        Ok(DoctorOutcome { healthy, databases, failed })
    }

    async fn target(
        &self,
        context: &Context,
        workspace: &Workspace,
        snapshot: &str,
    ) -> Result<Examined, Error> {
        let to = workspace.only_source(self.database.as_deref())?;
        let repository = workspace.repository().await?;
        let snapshot = workspace.snapshot(context, snapshot).await?;
        let lacks = |lack| Error::Lacks { state: snapshot.told(), lack };
        if snapshot.manifest.engine != to.engine.name() {
            return Err(lacks("is of another engine than the database it is to become"));
        }
        let schema = read_schema(&repository.reader().await?, &snapshot.manifest).await?;
        let version = snapshot.manifest.environment.get(SERVER_VERSION).map(String::as_str);
        let findings =
            context.until_cancelled(async { Ok(to.engine.examine_for(&schema, version).await?) }).await?;
        Ok(Examined { database: to.name, target: to.engine.describe(), facts: Vec::new(), findings })
    }
}

fn is_healthy(examined: &Examined) -> bool {
    examined.findings.iter().all(|finding| finding.level < Level::Error)
}

async fn one(workspace: &Workspace, database: &str, deep: bool) -> Result<Examined, Error> {
    let source = workspace.source(database)?;
    let engine = source.engine.as_ref();
    let mut examination = examine(engine, workspace.repository_folder(), &source.selection.meant()).await?;
    if deep {
        examination.findings.extend(engine.examine_rows(&source.selection.meant()).await?);
    }
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
