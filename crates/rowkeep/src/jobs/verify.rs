//! Verify: comparing a database with a snapshot.

use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::restore::verify::{Comparison, verify, verify_rows};
use crate::{Context, Error};

/// Which database is to be compared with which snapshot.
///
/// ```no_run
/// use rowkeep::jobs::verify::VerifyRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = VerifyRequest { snapshot: "latest".to_owned(), against: "shop.db".into(), rows_only: false };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.comparison.is_equal());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// The snapshot: an id or its beginning, a name, `latest` or `latest:DATABASE`.
    pub snapshot: String,
    /// The database.
    pub against: DatabaseRef,
    /// Whether definitions (views, indexes, constraints, triggers, privileges) are left out.
    #[serde(default)]
    pub rows_only: bool,
}

/// How a database compares with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyOutcome {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The database, in words that show no secret.
    pub database: String,
    /// Whether all is equal.
    pub equal: bool,
    /// How each table compares.
    #[serde(flatten)]
    pub comparison: Comparison,
}

impl VerifyOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.equal { Verdict::Done } else { Verdict::Differences }
    }
}

impl VerifyRequest {
    /// Reads the database and compares the hashes of its tables, and its definitions; nothing is written.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<VerifyOutcome, Error> {
        let source = workspace.source(&self.against)?;
        let repository = workspace.repository().await?;
        let snapshot = workspace.snapshot(context, &self.snapshot).await?;
        let engine = source.engine.as_ref();
        let comparison = match self.rows_only {
            true => verify_rows(context, repository, &snapshot, engine).await?,
            false => verify(context, repository, &snapshot, engine).await?,
        };
        let equal = comparison.is_equal();
        Ok(VerifyOutcome { snapshot: snapshot.id, database: source.engine.describe(), equal, comparison })
    }
}
