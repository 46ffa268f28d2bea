//! Another repository than that of a workspace.

use std::sync::Arc;

use super::{Circumstances, Other, StoreOptions, Workspace};
use crate::Config;

impl Workspace {
    /// A workspace with another repository, and all else as it is here.
    ///
    /// What is configured for the repository of this workspace does not count there: neither its secrets nor the options of its
    /// store.
    pub(crate) fn other(&self, location: &str, create: bool) -> Workspace {
        let config = Config {
            repository: None,
            create,
            key_file: None,
            passphrase_file: None,
            store: Default::default(),
            store_variables: Vec::new(),
            ..self.config.clone()
        };
        let Circumstances {
            store, other, surroundings, variable, user, host, reports, memory, program, ..
        } = &self.circumstances;
        let circumstances = Circumstances {
            repository: Some(location.to_owned()),
            store: StoreOptions { found: store.found.clone(), given: other.store.clone() },
            secrets: other.secrets.clone(),
            other: Other::default(),
            surroundings: surroundings.clone(),
            variable: variable.as_ref().map(Arc::clone),
            user: user.clone(),
            host: host.clone(),
            reports: reports.clone(),
            memory: memory.clone(),
            program: program.clone(),
        };
        Workspace::new(config, circumstances)
    }
}
