//! Another repository than that of a workspace.

use std::sync::Arc;

use super::{Circumstances, Other, Secrets, StoreOptions, Workspace};
use crate::Config;
use crate::without_secrets::without_secrets;

impl Workspace {
    /// A workspace with another repository, by the name or place of one that is configured or by its location, and all else as it is
    /// here.
    ///
    /// What was given or configured for the repository of this workspace does not count there: neither secrets nor options of
    /// stores.
    pub(crate) fn other(&self, named: &str, create: bool) -> Workspace {
        let known = self.named.repository_named(named);
        let config = match known {
            Some(known) => self.named.with_repository(known),
            None => Config { repository: Some(named.to_owned()), ..self.named.without_repository() },
        };
        let Other { store, secrets } = &self.circumstances.other;
        let StoreOptions { found, rates, .. } = &self.circumstances.store;
        let store = StoreOptions { found: found.clone(), given: store.clone(), rates: *rates };
        let circumstances = Circumstances {
            called: Some(without_secrets(named)),
            store,
            secrets: secrets.clone(),
            ..self.circumstances.alike()
        };
        Workspace::new(Config { create: create || config.create, ..config }, circumstances)
    }
}

impl Circumstances {
    /// The same without what is said of any repository.
    pub(super) fn alike(&self) -> Self {
        Self {
            repository: None,
            called: None,
            store: StoreOptions::default(),
            secrets: Secrets::default(),
            other: Other::default(),
            observer: self.observer.as_ref().map(Arc::clone),
            surroundings: self.surroundings.clone(),
            variable: self.variable.as_ref().map(Arc::clone),
            user: self.user.clone(),
            host: self.host.clone(),
            reports: self.reports.clone(),
            memory: self.memory.clone(),
            program: self.program.clone(),
        }
    }
}
