//! Whose snapshots are meant: a database by its name and by what it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use rowkeep_engine::{DatabaseUrl, Engine, place};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{Identity, Manifest, Sameness, Summary};
use rowkeep_repository::Catalog;

use crate::Error;
use crate::without_secrets::without_secrets;

/// The snapshots of a database with rows as they were, in the order of their chain.
pub(crate) fn unmasked<'c>(catalog: &'c Catalog, owner: &'c Owner) -> impl Iterator<Item = &'c Arc<Summary>> {
    let has_rows =
        |summary: &Summary| !summary.is_aside() && !summary.masked && summary.scope != Scope::SchemaOnly;
    catalog.snapshots().filter(move |summary| owner.owns(summary) && has_rows(summary))
}

/// A database, by the name that its snapshots have and by what it is.
///
/// Two files of one name in two folders are two databases, and so are two databases of one name on two servers. A name
/// of the configuration says by itself which database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The name.
    pub name: String,
    /// What it is, as far as that is known.
    pub identity: Option<Identity>,
}

impl Owner {
    /// A database of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), identity: None }
    }

    /// A database that may be asked what it is; where it cannot be asked, only its place is known.
    pub async fn live(name: impl Into<String>, configured: bool, engine: &dyn Engine) -> Self {
        let identity = engine.identity().await.unwrap_or_else(|_| Identity::at(engine.place()));
        Self { name: name.into(), identity: Some(Identity { configured, ..identity }) }
    }

    /// A database that is not to be asked: of what it is, only the place is known.
    pub fn unasked(name: impl Into<String>, configured: bool, engine: &dyn Engine) -> Self {
        let identity = Identity { configured, ..Identity::at(engine.place()) };
        Self { name: name.into(), identity: Some(identity) }
    }

    /// The database that a snapshot is of.
    pub fn of(manifest: &Manifest) -> Self {
        Self { name: manifest.database.clone(), identity: manifest.identity.clone() }
    }

    /// The database in words: its place where that is known.
    pub fn told(&self) -> String {
        self.identity.as_ref().map_or_else(|| self.name.clone(), |identity| identity.place.clone())
    }

    /// Whether its name is one of a configuration.
    fn is_configured(&self) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.configured)
    }

    /// Whether it has snapshots that somebody can want, not only those that were taken before it was changed.
    pub(crate) fn has_backups(&self, catalog: &Catalog) -> bool {
        catalog.snapshots().any(|summary| !summary.is_safety() && self.owns(summary))
    }

    /// Whether a snapshot belongs to the history of this database: to be listed, restored from, or compared with it.
    ///
    /// That of a database that was at the same place under the same name before does, for what is restored after a loss is
    /// another database. One without identity does by its name.
    pub fn owns(&self, summary: &Summary) -> bool {
        let is_namesake = *summary.database == *self.name;
        let (Some(own), Some(other)) = (&self.identity, &summary.identity) else { return is_namesake };
        let is_configured = own.configured && other.configured;
        match own.compare(other) {
            Sameness::Same => is_namesake || !is_configured,
            Sameness::Unknown => is_namesake,
            Sameness::Other => is_namesake && (is_configured || own.is_at_place_of(other)),
        }
    }

    /// Whether a snapshot can come before the next one of this database: it must be of the same, not of one that was at its
    /// place before.
    pub fn continues(&self, summary: &Summary) -> bool {
        let is_configured = summary.identity.as_ref().is_some_and(|identity| identity.configured);
        let is_named = self.is_configured() && is_configured;
        self.owns(summary) && (is_named || self.sameness(summary) != Sameness::Other)
    }

    /// Whether a snapshot is of this very database, whatever either is called. Names decide nothing here where more is known:
    /// what is done by it cannot be done to another.
    pub fn sameness(&self, summary: &Summary) -> Sameness {
        let is_namesake = *summary.database == *self.name;
        let found = match (&self.identity, &summary.identity) {
            (Some(own), Some(other)) => own.compare(other),
            _ => Sameness::Unknown,
        };
        if found == Sameness::Unknown && !is_namesake { Sameness::Other } else { found }
    }
}

/// The databases that have snapshots of a name, each as its last snapshot has it, in the order of their first.
pub fn owners(catalog: &Catalog, name: &str) -> Vec<Owner> {
    let mut known: Vec<Vec<Owner>> = Vec::new();
    let mut before = None;
    for summary in catalog.of(Some(name)).filter(|summary| summary.identity.is_some()) {
        // Most are of the same database as the one before: the last that is known.
        if std::mem::replace(&mut before, summary.identity.as_ref()) == summary.identity.as_ref() {
            continue;
        }
        let this = Owner { name: name.to_owned(), identity: summary.identity.as_deref().cloned() };
        match known.iter_mut().find(|known| known.iter().any(|owner| owner.owns(summary))) {
            Some(known) => {
                // The last one stays last.
                known.retain(|owner| *owner != this);
                known.push(this);
            }
            None => known.push(vec![this]),
        }
    }
    let mut owners: Vec<Owner> = known.into_iter().filter_map(|mut known| known.pop()).collect();
    if owners.is_empty() && catalog.of(Some(name)).next().is_some() {
        owners.push(Owner::named(name));
    }
    owners
}

/// The snapshots of one database.
#[derive(Debug, Clone)]
pub struct History {
    /// The database, as its last snapshot has it.
    pub owner: Owner,
    /// Its snapshots, the oldest first.
    pub snapshots: Vec<Arc<Summary>>,
}

/// The snapshots of each database, in the order of their first. Each snapshot is in one of them.
pub fn histories(catalog: &Catalog) -> Vec<History> {
    let mut known: Vec<(Vec<Owner>, History)> = Vec::new();
    for summary in catalog.snapshots() {
        let this =
            Owner { name: summary.database.to_string(), identity: summary.identity.as_deref().cloned() };
        let is_its =
            |(owners, _): &&mut (Vec<Owner>, History)| owners.iter().any(|owner| owner.owns(summary));
        match known.iter_mut().rev().find(is_its) {
            Some((owners, history)) => {
                if !owners.contains(&this) {
                    owners.push(this.clone());
                }
                history.owner = this;
                history.snapshots.push(Arc::clone(summary));
            }
            None => {
                let history = History { owner: this.clone(), snapshots: vec![Arc::clone(summary)] };
                known.push((vec![this], history));
            }
        }
    }
    known.into_iter().map(|(_, history)| history).collect()
}

/// The names that more than one database has snapshots of.
pub fn shared_names(catalog: &Catalog) -> BTreeSet<String> {
    let shared = catalog.databases().filter(|name| owners(catalog, name).len() > 1);
    shared.map(str::to_owned).collect()
}

/// The database that a name, a URL or a path means, of those that have snapshots; none where none is meant. Fails where a
/// name means several and the configuration none of them.
pub fn meant(catalog: &Catalog, text: &str) -> Result<Option<Owner>, Error> {
    let mut named = owners(catalog, text);
    if named.len() > 1 && named.iter().any(|owner| owner.has_backups(catalog)) {
        // Of the others there are only snapshots that were taken before they were changed.
        named.retain(|owner| owner.has_backups(catalog));
    }
    let configured = named.iter().filter(|owner| owner.is_configured()).count();
    if named.len() > 1 && configured == 1 {
        named.retain(Owner::is_configured);
    }
    if named.len() > 1 {
        let places = named.iter().map(Owner::told).collect();
        return Err(Error::AmbiguousDatabase { name: text.to_owned(), places });
    }
    if let Some(only) = named.pop() {
        return Ok(Some(only));
    }
    let is_place = text.contains(['/', '.', ':']);
    let Some(place) = DatabaseUrl::parse(text).ok().filter(|_| is_place).and_then(|url| place(&url).ok())
    else {
        return Ok(None);
    };
    let at_place = |summary: &Summary| summary.identity.as_ref().is_some_and(|known| known.place == place);
    let found = catalog.snapshots().rfind(|summary| at_place(summary));
    Ok(found.map(|summary| Owner {
        name: summary.database.to_string(),
        identity: summary.identity.as_deref().cloned(),
    }))
}

/// Says that a name, a URL or a path means no database that has snapshots.
pub(crate) fn unknown(catalog: &Catalog, text: &str) -> Error {
    let names: BTreeSet<&str> = catalog.snapshots().map(|summary| &*summary.database).collect();
    let candidates = names.into_iter().map(str::to_owned).collect();
    Error::Unknown { what: "database", name: without_secrets(text), candidates }
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
