//! Where the repository is, opened or made.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rowkeep::Error;
use rowkeep::repository::{ErrorKind, ObjectStore, Repository, create_store, open_store};

use super::{Session, folder_of};
use crate::fail::CommandError;

/// Where a repository is when nobody says otherwise.
const DEFAULT_LOCATION: &str = "./rowkeep-repository";

/// Settings of object stores that are taken from the environment: the prefix of their names, and those names.
const STORE_VARIABLES: [(&str, &[&str]); 3] = [
    (
        "s3",
        &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_ALLOW_HTTP",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ],
    ),
    ("gs", &["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"]),
    (
        "az",
        &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_SAS_TOKEN",
            "AZURE_STORAGE_CLIENT_ID",
            "AZURE_STORAGE_CLIENT_SECRET",
            "AZURE_STORAGE_TENANT_ID",
            "AZURE_ENDPOINT",
        ],
    ),
];

impl Session {
    /// Where the repository is.
    pub(crate) fn location(&self) -> Result<String> {
        let location = match &self.global.repository {
            Some(location) => location.clone(),
            None => self.config()?.repository.clone().unwrap_or_else(|| DEFAULT_LOCATION.to_owned()),
        };
        Ok(location)
    }

    /// The options of the object store: of the environment, the configuration and the command, the later the stronger.
    pub(crate) fn store_options(&self, location: &str) -> Result<Vec<(String, String)>> {
        let scheme = location.split_once("://").map_or("file", |(scheme, _)| scheme);
        let names = STORE_VARIABLES.iter().find(|(of, _)| *of == scheme).map_or(&[][..], |(_, names)| names);
        let from_environment = |name: &&str| Some((name.to_ascii_lowercase(), std::env::var(name).ok()?));
        let mut options: Vec<_> = names.iter().filter_map(from_environment).collect();
        if matches!(scheme, "s3" | "gs" | "az") {
            options.extend(self.config()?.store.clone());
        }
        options.extend(self.global.store_options.iter().cloned());
        Ok(options)
    }

    /// Opens the repository.
    pub(crate) async fn open(&self) -> Result<Repository> {
        let location = self.location()?;
        let opened = self.try_open(&location).await;
        opened.map_err(|error| match &error {
            Error::Repository(cause) if cause.kind() == ErrorKind::NotARepository => {
                CommandError::failed(format!("there is no repository at {location}"))
                    .with_hint("name another place with --repository, or make one with `rowkeep init`")
                    .into()
            }
            _ => anyhow::Error::new(error).context(format!("cannot open the repository at {location}")),
        })
    }

    /// Opens the repository, or makes it when there is nothing at its place.
    pub(crate) async fn open_or_init(&self) -> Result<Repository> {
        let location = self.location()?;
        match self.try_open(&location).await {
            Err(Error::Repository(cause)) if cause.kind() == ErrorKind::NotARepository => {
                let made = self.init(false, None).await?;
                self.say(made.told());
                Ok(made.repository)
            }
            Err(error) => {
                Err(anyhow::Error::new(error).context(format!("cannot open the repository at {location}")))
            }
            Ok(repository) => Ok(repository),
        }
    }

    async fn try_open(&self, location: &str) -> Result<Repository, Error> {
        let options = self.store_options(location).map_err(config_error)?;
        let store = open_store(location, &options)?;
        let unlock = self.unlock(location, &store).await?;
        Ok(Repository::open(store, &unlock).await?)
    }

    /// The store of a repository that is to be made.
    pub(crate) fn new_store(&self, location: &str) -> Result<Arc<dyn ObjectStore>> {
        let options = self.store_options(location)?;
        Ok(create_store(location, &options).map_err(Error::from)?)
    }

    /// The place of the key file that is looked for when nothing else opens the repository: beside it, or here.
    pub(crate) fn default_key_file(location: &str) -> PathBuf {
        match folder_of(location) {
            Some(folder) => {
                let mut name = folder.file_name().unwrap_or_default().to_owned();
                name.push(".key");
                folder.with_file_name(name)
            }
            None => PathBuf::from("rowkeep-repository.key"),
        }
    }
}

fn config_error(error: anyhow::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::Config { path: PathBuf::from("rowkeep.toml"), message: error.to_string() },
    }
}
