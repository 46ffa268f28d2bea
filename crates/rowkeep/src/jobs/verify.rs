//! Verify: comparing a database with a snapshot.

use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use super::caller::Unattended;
use super::import::import_state;
use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::restore::in_types::{CalledTables, is_possible, snapshot_in_types};
use crate::restore::verify::{Comparison, verify, verify_rows, verify_taken};
use crate::state::State;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, RequestError};

/// Which database is to be compared with which snapshot.
///
/// ```no_run
/// use rowkeep::jobs::verify::VerifyRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = VerifyRequest::of("latest", "shop.db");
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.comparison.is_equal());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// The snapshot: an id or its beginning, a name, `latest` or `latest:DATABASE`; or a file, of which one is made first.
    pub snapshot: String,
    /// The database.
    pub against: DatabaseRef,
    /// Whether definitions (views, indexes, constraints, triggers, privileges) are left out.
    #[serde(default)]
    pub rows_only: bool,
    /// What tables of the database are called in the snapshot, where that is of a file or of another engine.
    #[serde(default, skip_serializing_if = "CalledTables::is_empty")]
    pub called: CalledTables,
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
    /// A request to compare all of a database with a snapshot.
    pub fn of(snapshot: impl Into<String>, against: impl Into<String>) -> Self {
        let (snapshot, against) = (snapshot.into(), against.into().into());
        Self { snapshot, against, rows_only: false, called: CalledTables::new() }
    }

    /// Reads the database and compares the hashes of its tables, and its definitions; nothing is written into it. Of a file, and of a
    /// snapshot of another engine, rows are compared in the types of the database's tables.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<VerifyOutcome, Error> {
        let source = workspace.source(&self.against)?;
        let repository = workspace.repository().await?;
        let snapshot = self.state(context, workspace).await?;
        let engine = source.engine.as_ref();
        if let Some(lacking) = State::snapshot(repository, snapshot.clone()).await?.not_asked_for() {
            context.warn(format!("not compared: {lacking}"));
        }
        let is_of_others = is_possible(&snapshot.manifest.engine, engine);
        if !is_of_others && !self.called.is_empty() {
            return Err(RequestError::CalledAlike.into());
        }
        let comparison = if is_of_others {
            let all = Selection::default();
            let taken =
                snapshot_in_types(context, repository, &snapshot, &source.engine, &self.called, &all).await?;
            verify_taken(context, repository, &taken, engine).await?
        } else if self.rows_only {
            verify_rows(context, repository, &snapshot, engine).await?
        } else {
            verify(context, repository, &snapshot, engine).await?
        };
        let equal = comparison.is_equal();
        Ok(VerifyOutcome { snapshot: snapshot.id, database: source.engine.describe(), equal, comparison })
    }
    /// The snapshot that is meant, or that of the file that is.
    async fn state(&self, context: &Context, workspace: &Workspace) -> Result<Snapshot, Error> {
        let name = &self.snapshot;
        let is_path = name.contains(['/', '.', '#']);
        if is_path && let Some(imported) = import_state(name, context, workspace, &Unattended).await? {
            return Ok(imported);
        }
        workspace.snapshot(context, name).await
    }
}
