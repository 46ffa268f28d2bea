//! The audit of a service that does not run.

use rowkeep::jobs::workspace::Workspace;

use super::export::{AuditFormat, AuditPages, pages};
use super::verification::{AuditVerification, verify};
use crate::Error;
use crate::state::State;
use crate::state::place::StatePlace;

/// The audit in the state of a service that does not run; a service that runs keeps its state for itself.
pub struct AuditFile {
    state: State,
}

impl AuditFile {
    /// Opens the state, which has to be there. Nobody serves with it until this is dropped.
    pub async fn open(place: &StatePlace) -> Result<Self, Error> {
        Ok(Self { state: State::existing(place).await? })
    }

    /// Looks through the whole audit, and whether it has what snapshots in the workspace's repositories know of it.
    pub async fn verify(&self, workspace: &Workspace) -> Result<AuditVerification, Error> {
        verify(&self.state, workspace).await
    }

    /// Writes down all of it, a part at a time.
    pub fn export(&self, format: AuditFormat) -> AuditPages {
        pages(self.state.clone(), format)
    }
}
