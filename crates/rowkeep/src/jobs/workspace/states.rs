//! Which state is meant.

use rowkeep_engine::{Meant, ViewOptions, is_dump, is_url};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{ContentKeys, SnapshotId, Summary};

use super::Workspace;
use crate::restore::chosen;
use crate::state::by_time::{ByTime, Times};
use crate::state::owner::Owner;
use crate::state::selection::Selection;
use crate::state::snapshots::{ANY, Serves, Snapshot, short_id};
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
        Ok(self.find(context, reference).await?.told(context))
    }

    /// The same, which nobody is told of yet.
    pub(crate) async fn find(&self, context: &Context, reference: &str) -> Result<Found, Error> {
        self.find_serving(context, reference, ANY).await
    }

    /// What is meant where a whole database is to be made: where `latest` or a time means a snapshot of a part of one, the newest
    /// before it that has all of one, or else its schema. Which one is passed over is said.
    ///
    /// `parts` are tables that are enough, where only these are wanted.
    pub(crate) async fn whole(
        &self,
        context: &Context,
        reference: &str,
        found: Found,
        parts: Option<&Selection>,
    ) -> Result<Snapshot, Error> {
        let newest = &found.snapshot;
        let is_moving = found.by_time.is_some() || snapshots::is_latest(reference);
        if !is_moving || newest.manifest.scope == Scope::Full {
            return Ok(found.told(context));
        }
        if let Some(parts) = parts.filter(|_| newest.manifest.scope != Scope::DataOnly)
            && chosen(self.repository().await?, newest, parts).await.is_ok()
        {
            return Ok(found.told(context));
        }
        if self.has_all_configured(newest).await? {
            return Ok(found.told(context));
        }
        let owner = Owner::of(&newest.manifest);
        let is_whole = |summary: &Summary| summary.scope == Scope::Full && owner.owns(summary);
        let has_schema = |summary: &Summary| summary.scope != Scope::DataOnly && owner.owns(summary);
        let preferred: [Serves<'_>; 2] = [&is_whole, &has_schema];
        for serves in preferred {
            match self.find_serving(context, reference, serves).await {
                Ok(instead) if instead.snapshot.id != newest.id => {
                    context.warn(passed_over(newest, &instead.snapshot));
                    return Ok(instead.told(context));
                }
                Ok(_) => break,
                Err(error) if error.is_none_such() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found.told(context))
    }

    /// Whether a snapshot has a schema and the rows of all tables that the configuration backs up of its database: what that leaves
    /// out is in no later one either.
    async fn has_all_configured(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        let configured = self.config.databases.get(&snapshot.manifest.database);
        let Some(database) = configured.filter(|database| !database.selection.is_all()) else {
            return Ok(false);
        };
        if snapshot.manifest.scope != Scope::SomeTables {
            return Ok(false);
        }
        let state = State::snapshot(self.repository().await?, snapshot.clone()).await?;
        let (schema, tables) = (state.schema(), &state.schema().tables);
        let known = || tables.iter().map(|table| (&table.name, table.kind));
        let patterns = database.selection.bind(&[schema], known);
        let Ok(patterns) = patterns else { return Ok(false) };
        let mut own = tables.iter().filter(|table| table.kind.is_user_table());
        Ok(own.all(|table| state.holds(&table.name) || !patterns.choose(&table.name)))
    }

    /// The same, where snapshots that cannot serve are passed over, unless they are named by themselves.
    pub(crate) async fn find_serving(
        &self,
        context: &Context,
        reference: &str,
        serves: Serves<'_>,
    ) -> Result<Found, Error> {
        let times = Times { now: context.now(), zone: &|database| self.config.zone(database) };
        let repository = self.repository().await?;
        let (snapshot, by_time) = snapshots::find_at(repository, reference, Some(&times), serves).await?;
        Ok(Found { snapshot, by_time })
    }

    /// The id of such a snapshot, which may be one that cannot be read.
    pub async fn snapshot_id(&self, context: &Context, reference: &str) -> Result<SnapshotId, Error> {
        let times = Times { now: context.now(), zone: &|database| self.config.zone(database) };
        let (id, by_time) =
            snapshots::find_id(self.repository().await?, reference, Some(&times), ANY).await?;
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
            _ if is_url(name) => "that is the URL of a database".to_owned(),
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
        let is_file = path.is_file() || is_dump(path);
        if !is_file && moments::at(name).is_some() {
            return Ok(None);
        }
        let is_live = is_url(name) || self.config.databases.contains_key(name) || is_file;
        Ok(is_live.then(|| name.to_owned()))
    }
}

/// A snapshot that was found by what it was called.
pub(crate) struct Found {
    snapshot: Snapshot,
    by_time: Option<ByTime>,
}

impl Found {
    /// What is known without looking for it.
    pub(crate) fn of(snapshot: Snapshot) -> Self {
        Self { snapshot, by_time: None }
    }

    /// The snapshot.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The snapshot, of which whoever watches is told how far it is from the time that was asked for.
    pub(crate) fn told(self, context: &Context) -> Snapshot {
        tell_of(context, self.by_time);
        self.snapshot
    }
}

/// Says that a snapshot of a part of a database is not what a database is made of.
fn passed_over(newest: &Snapshot, instead: &Snapshot) -> String {
    let (id, part) = (newest.short_id(), part_of(newest.manifest.scope));
    let (time, older) = (newest.manifest.time, instead.manifest.time);
    format!(
        "snapshot {id} of {time} is newer, but holds {part}: it is passed over for {} of {older}; to use it, name it by its id",
        instead.short_id()
    )
}

/// What a snapshot of a part of a database holds, in words.
fn part_of(scope: Scope) -> &'static str {
    match scope {
        Scope::Full => "all of the database",
        Scope::SomeTables => "the rows of some tables only",
        Scope::SchemaOnly => "no rows",
        Scope::DataOnly => "rows without a schema",
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
