//! How a repository is to be checked.

use rowkeep_repository::{CheckOptions, ReadData};
use serde::{Deserialize, Serialize};

use super::check;
use super::findings::Checked;
use crate::jobs::Verdict;
use crate::jobs::workspace::Workspace;
use crate::{Context, Error};

/// How a repository is to be checked.
///
/// ```no_run
/// use rowkeep::jobs::repository_check::CheckRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = CheckRequest { read_percent: Some(100.0), ..CheckRequest::default() };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.clean);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Of how many packs in a hundred all data is read, chosen anew each time; none when not given.
    pub read_percent: Option<f64>,
    /// Which of several repositories is meant, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// How a repository is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// Whether nothing is damaged or lost.
    pub clean: bool,
    /// What was found.
    #[serde(flatten)]
    pub checked: Checked,
    /// How long it took, in milliseconds.
    pub check_ms: u64,
}

impl CheckOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.clean { Verdict::Done } else { Verdict::Differences }
    }
}

impl CheckRequest {
    /// Checks the repository.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<CheckOutcome, Error> {
        let workspace = workspace.of_repository(self.repository.as_deref())?;
        let repository = workspace.repository().await?;
        let read_data = match self.read_percent {
            None => ReadData::Nothing,
            Some(percent) if percent >= 100.0 => ReadData::Everything,
            Some(percent) => ReadData::Percent { percent, seed: context.randomness().number()? },
        };
        let watch = context.stopwatch();
        let checked = check(context, repository, CheckOptions { read_data }).await?;
        Ok(CheckOutcome { clean: checked.is_clean(), checked, check_ms: watch.elapsed_ms() })
    }
}
