//! Suggest: which columns look personal, and what could be done to them.

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::several::{FailedDatabase, each};
use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::rows::mask::{Suggestion, suggest};
use crate::{Context, Error};

/// For which databases rules are to be proposed.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::suggest_mask::SuggestMaskRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = SuggestMaskRequest { database: Some("shop.db".into()) };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert!(!outcome.databases[0].rules.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestMaskRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestMaskOutcome {
    /// By database.
    pub databases: Vec<SuggestedRules>,
    /// Those that could not be looked at, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

impl SuggestMaskOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.failed.is_empty() { Verdict::Done } else { Verdict::Failed }
    }
}

/// What is proposed for a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestedRules {
    /// Its name.
    pub database: String,
    /// The rules.
    pub rules: Vec<Suggestion>,
}

impl SuggestMaskRequest {
    /// Looks at the names of columns and at a sample of their values, which are not kept.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<SuggestMaskOutcome, Error> {
        let named = workspace.named(self.database.as_deref())?;
        let (databases, failed) = each(context, caller, &named, String::as_str, async |database| {
            let source = workspace.source(database)?;
            let rules = suggest(context, source.engine.as_ref()).await?;
            Ok(SuggestedRules { database: source.name, rules })
        })
        .await?;
        Ok(SuggestMaskOutcome { databases, failed })
    }
}
