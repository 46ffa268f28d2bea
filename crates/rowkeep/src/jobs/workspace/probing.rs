//! The store of the repository is tried, and what it lacks is written down.

use std::path::Path;
use std::sync::Arc;

use rowkeep_repository::{
    ErrorKind, Probe, ProbeDepth, ProbeReport, Repository, open_bucket, open_store_to_probe,
};

use super::Workspace;
use crate::{Error, RequestError};

impl Workspace {
    /// Tries what the store can do, and has the repository, where there is one, go by what it lacks.
    pub(crate) async fn probe(&self, depth: ProbeDepth) -> Result<ProbeReport, Error> {
        let location = self.location();
        let options = self.store_options(location);
        let store = open_store_to_probe(location, &options).map_err(|error| match error.kind() {
            ErrorKind::NotARepository => {
                Error::from(RequestError::NoRepository { location: self.shown_location() })
            }
            _ => error.into(),
        })?;
        let probe = Probe {
            store: Arc::clone(&store),
            bucket: open_bucket(location, &options)?,
            folder: self.repository_folder().map(Path::to_owned),
            clock: Arc::clone(&self.surroundings().clock),
        };
        let report = probe.run(depth).await?;
        if let Err(error) = Repository::record_lacks(store, &report.lacks).await {
            tracing::warn!(%error, "what the store lacks cannot be written down");
        }
        Ok(report)
    }
}
