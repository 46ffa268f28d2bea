//! Which state is meant.

use anyhow::Result;
use rowkeep::State;
use rowkeep::engine::ViewOptions;
use rowkeep::format::ContentKeys;
use rowkeep::repository::Repository;
use rowkeep::state::snapshots;

use super::Session;
use crate::fail::CommandError;

/// Opens states, and the repository at most once, when the first snapshot is asked for.
pub(crate) struct States<'s> {
    session: &'s Session,
    repository: Option<Repository>,
}

impl<'s> States<'s> {
    pub(crate) fn new(session: &'s Session) -> Self {
        Self { session, repository: None }
    }

    /// The state of a name: `live` or `live:DATABASE`, a URL or a path, or whatever names a snapshot.
    pub(crate) async fn open(&mut self, name: &str) -> Result<State> {
        Ok(self.open_with(name, false).await?.1)
    }

    /// The same with the name of its database, and with the DDL of a live one where that is wanted.
    pub(crate) async fn open_with(&mut self, name: &str, with_ddl: bool) -> Result<(String, State)> {
        if let Some(database) = self.live(name)? {
            let source = self.session.source(&database)?;
            let state = State::live_with(source.engine.as_ref(), &ViewOptions { with_ddl }).await?;
            return Ok((source.name, state));
        }
        let repository = self.repository().await?;
        let snapshot = snapshots::find(repository, name).await?;
        let database = snapshot.manifest.database.clone();
        Ok((database, State::snapshot(repository, snapshot).await?))
    }

    /// The repository.
    pub(crate) async fn repository(&mut self) -> Result<&Repository> {
        let repository = match self.repository.take() {
            Some(repository) => repository,
            None => self.session.open().await?,
        };
        Ok(self.repository.insert(repository))
    }

    /// What names the chunks of both states.
    pub(crate) fn keys(&self) -> ContentKeys {
        match &self.repository {
            Some(repository) => repository.content_keys().clone(),
            // Nothing is stored, so these need to be no secret.
            None => ContentKeys::derive(&[0; 32]),
        }
    }

    /// The database that a name means, when it means a live one.
    fn live(&self, name: &str) -> Result<Option<String>> {
        if let Some(database) = name.strip_prefix("live:") {
            return Ok(Some(database.to_owned()));
        }
        if name == "live" {
            let databases: Vec<&String> = self.session.config()?.databases.keys().collect();
            return match databases.as_slice() {
                [only] => Ok(Some((*only).clone())),
                [] => Err(CommandError::usage("live means the configured database, and none is configured")
                    .with_hint("give its URL or path, or name it in rowkeep.toml")
                    .into()),
                many => {
                    let names: Vec<String> = many.iter().map(|name| format!("live:{name}")).collect();
                    Err(CommandError::usage("live could mean several databases")
                        .with_hint(format!("say which: {}", names.join(", ")))
                        .into())
                }
            };
        }
        let is_live = name.contains("://")
            || name.starts_with("sqlite:")
            || self.session.config()?.databases.contains_key(name)
            || std::path::Path::new(name).is_file();
        Ok(is_live.then(|| name.to_owned()))
    }
}
