//! From where the configuration comes, and what is made of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rowkeep::Config;
use rowkeep::config::{Addition, Combined, ServiceSettings};
use rowkeep::jobs::workspace::{Variable, Workspace};
use secrecy::{ExposeSecret, SecretString};

/// From where the configuration comes, and what is made of it: whoever starts the service knows its machine and its environment.
#[derive(Clone)]
pub struct Configuration {
    path: PathBuf,
    variable: Variable,
    make: Arc<dyn Fn(Config) -> Workspace + Send + Sync>,
}

impl Configuration {
    /// That of a file, which need not be there. `variable` looks up what `${NAME}` in it stands for, and `make` makes what jobs work in.
    pub fn new(
        path: PathBuf,
        variable: Variable,
        make: impl Fn(Config) -> Workspace + Send + Sync + 'static,
    ) -> Self {
        Self { path, variable, make: Arc::new(make) }
    }

    /// Where the file is, or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file, if there is one; or why it cannot be read.
    pub(super) fn text(&self) -> Result<Option<SecretString>, rowkeep::Error> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => {
                let problem = format!("cannot read {}", self.path.display());
                Err(rowkeep::Error::File { problem, source })
            }
        }
    }

    /// How the service is to be reached, by the file alone.
    pub(crate) fn service(&self) -> Result<ServiceSettings, rowkeep::Error> {
        Ok(self.combined(self.text()?.as_ref(), &[])?.config.service)
    }

    /// What a text and additions say together.
    pub(super) fn combined(
        &self,
        text: Option<&SecretString>,
        additions: &[Addition],
    ) -> Result<Combined, rowkeep::Error> {
        let text = text.map_or("", |text| text.expose_secret());
        Combined::read(text, &self.path, additions, &|name| (self.variable)(name))
    }

    /// What jobs work in by a configuration.
    pub(super) fn workspace(&self, config: Config) -> Arc<Workspace> {
        Arc::new((self.make)(config))
    }
}
