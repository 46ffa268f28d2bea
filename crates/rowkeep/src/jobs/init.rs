//! Init: a repository is made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::workspace::{Made, Workspace};
use crate::Error;

/// How a repository is to be made.
///
/// ```no_run
/// use rowkeep::jobs::init::InitRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let made = InitRequest::default().run(workspace).await?;
/// assert_eq!(made.location, workspace.location());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitRequest {
    /// Whether it is readable by whoever can read its place.
    pub no_encryption: bool,
    /// Where a key file is to be made that opens it, in place of a passphrase.
    pub key_file: Option<PathBuf>,
}

impl InitRequest {
    /// Makes the repository; see [`Workspace::init`].
    pub async fn run(&self, workspace: &Workspace) -> Result<Made, Error> {
        workspace.init(self.no_encryption, self.key_file.clone()).await
    }
}
