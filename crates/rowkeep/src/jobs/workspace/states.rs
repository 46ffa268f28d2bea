//! Which state is meant.

use rowkeep_engine::{Meant, ViewOptions};
use rowkeep_format::{ContentKeys, SnapshotId};

use super::Workspace;
use crate::state::by_time::{ByTime, Times};
use crate::state::snapshots::{Snapshot, short_id};
use crate::state::{State, snapshots};
use crate::{Context, Error, Event, RequestError};
use crate::{config, moments};

impl Workspace {
    /// The state of a name, with the name of its database: `live` or `live:DATABASE`, a URL or a path, or whatever names a
    /// snapshot. The DDL of a live one is read where that is wanted, and what is not meant of it need not be readable.
    pub async fn state(
        &self,
        context: &Context,
        name: &str,
        with_ddl: bool,
        meant: &Meant,
    ) -> Result<(String, State), Error> {
        if let Some(database) = self.live(name)? {
            return self.live_state(&database, with_ddl, meant).await;
        }
        let repository = self.repository().await?;
        let snapshot = match self.snapshot(context, name).await {
            // What looks like a path is one, and what is wrong with that is what there is to say.
            Err(Error::NoSuchSnapshot { database: None, .. })
                if name.contains(['/', '.']) && self.source(name).is_ok() =>
            {
                return self.live_state(name, with_ddl, meant).await;
            }
            found => found?,
        };
        let database = snapshot.manifest.database.clone();
        Ok((database, State::snapshot(repository, snapshot).await?))
    }

    /// The snapshot of a name: an id or the beginning of one, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`, of
    /// which whoever watches is told how far it is from that time.
    pub async fn snapshot(&self, context: &Context, reference: &str) -> Result<Snapshot, Error> {
        let times = Times { now: context.now(), zone: &|database| self.config.zone(database) };
        let (snapshot, by_time) =
            snapshots::find_at(self.repository().await?, reference, Some(&times)).await?;
        tell_of(context, by_time);
        Ok(snapshot)
    }

    /// The id of such a snapshot, which may be one that cannot be read.
    pub async fn snapshot_id(&self, context: &Context, reference: &str) -> Result<SnapshotId, Error> {
        let times = Times { now: context.now(), zone: &|database| self.config.zone(database) };
        let (id, by_time) = snapshots::find_id(self.repository().await?, reference, Some(&times)).await?;
        tell_of(context, by_time);
        Ok(id)
    }

    async fn live_state(
        &self,
        database: &str,
        with_ddl: bool,
        meant: &Meant,
    ) -> Result<(String, State), Error> {
        let source = self.source(database)?;
        let state = State::live_of(source.engine.as_ref(), &ViewOptions { with_ddl }, meant).await?;
        let time = source.engine.state_time(&self.config.zone(&source.name));
        Ok((source.name, state.of_time(time)))
    }

    /// Refuses a name for a snapshot that means a state already: the newest snapshot, a live database.
    pub fn check_name(&self, name: &str) -> Result<(), RequestError> {
        let why = match name {
            "" => "that is no name".to_owned(),
            _ if self.config.databases.contains_key(name) => "that is a database of rowkeep.toml".to_owned(),
            _ if name.contains("://") || name.starts_with("sqlite:") => {
                "that is the URL of a database".to_owned()
            }
            _ => match config::taken_name(name) {
                Some(why) => why.to_owned(),
                None => return Ok(()),
            },
        };
        Err(RequestError::TakenName { what: "a snapshot", name: name.to_owned(), why })
    }

    /// What names chunks when two states are compared: the keys of the repository where one of them is from there.
    pub(crate) fn comparing_keys(&self) -> ContentKeys {
        match self.opened() {
            Some(repository) => repository.content_keys().clone(),
            // Nothing is stored, so these need to be no secret.
            None => ContentKeys::derive(&[0; 32]),
        }
    }

    /// The database that a name means, when it means a live one.
    pub(crate) fn live(&self, name: &str) -> Result<Option<String>, Error> {
        if let Some(database) = name.strip_prefix("live:") {
            return Ok(Some(database.to_owned()));
        }
        if name == "live" {
            let known = self.known();
            return match known.as_slice() {
                [only] => Ok(Some(only.clone())),
                [] => Err(RequestError::NoLive.into()),
                _ => Err(RequestError::SeveralLive { known }.into()),
            };
        }
        let path = std::path::Path::new(name);
        let is_file = path.is_file() || rowkeep_engine::is_dump(path);
        if !is_file && moments::at(name).is_some() {
            return Ok(None);
        }
        let is_live = name.contains("://")
            || name.starts_with("sqlite:")
            || self.config.databases.contains_key(name)
            || is_file;
        Ok(is_live.then(|| name.to_owned()))
    }
}

/// Tells whoever watches which snapshot a time means, and which are passed over.
fn tell_of(context: &Context, by_time: Option<ByTime>) {
    let Some(ByTime { found, doubtful }) = by_time else { return };
    context.observe(Event::AtMoment(&found));
    for (id, doubt) in doubtful {
        let id = short_id(id);
        context.warn(format!(
            "snapshot {id} is later and may be the one that is meant, but {doubt}: it is passed over; to use it, name it by \
             its id"
        ));
    }
}
