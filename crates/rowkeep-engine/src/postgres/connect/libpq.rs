//! What libpq takes from a user's environment where a URL says nothing (manual, "Environment Variables", "The Connection
//! Service File", "The Password File"): so that passwords need not stand in URLs, which other users see in `ps`.

mod files;
mod percent;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::address::split_query;
use super::parameters::VARIABLES;
use crate::{EngineError, LibpqEnvironment};
use files::{Looked, password_of, service_of};
use percent::{decoded, encoded, encoded_host};

/// The URL with what libpq would add to it: from the service that it or `PGSERVICE` names, then from variables, then the
/// password from a password file.
pub(crate) fn complete(url: &str, environment: &LibpqEnvironment) -> Result<String, EngineError> {
    let mut parts = Parts::of(url);
    let service = parts.take("service").or_else(|| environment.variable("PGSERVICE").map(str::to_owned));
    let file = parts.take("servicefile");
    let mut defaults = match &service {
        Some(name) => service_of(name, &service_files(file, environment))?,
        None => HashMap::new(),
    };
    for (setting, variable) in VARIABLES {
        if let Some(value) = environment.variable(variable) {
            defaults.entry(setting.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    if let Some(file) = parts.take("passfile") {
        defaults.insert("passfile".to_owned(), file);
    }
    let given = defaults.remove("passfile").map(PathBuf::from);
    parts.fill(defaults);
    if !parts.has_password() {
        let default = environment.home.as_ref().map(|home| home.join(".pgpass"));
        if let Some(file) = given.or(default) {
            parts.password = password(&parts, &file)?;
        }
    }
    Ok(parts.into_url())
}

fn service_files(given: Option<String>, environment: &LibpqEnvironment) -> Vec<PathBuf> {
    let own = given.or_else(|| environment.variable("PGSERVICEFILE").map(str::to_owned)).map(PathBuf::from);
    let own = own.or_else(|| environment.home.as_ref().map(|home| home.join(".pg_service.conf")));
    let system = environment.variable("PGSYSCONFDIR").map(|folder| Path::new(folder).join("pg_service.conf"));
    own.into_iter().chain(system).collect()
}

fn password(parts: &Parts, file: &Path) -> Result<Option<String>, EngineError> {
    let user = parts.user().unwrap_or_default();
    let database = parts.database().unwrap_or_else(|| user.clone());
    let port = parts.ports().into_iter().next().unwrap_or_else(|| "5432".to_owned());
    let named = parts.hosts().into_iter().next().or_else(|| parts.setting("hostaddr"));
    let host = named.unwrap_or_else(|| "localhost".to_owned());
    password_of(file, &Looked { host: &host, port: &port, database: &database, user: &user })
}

/// A URL in pieces. What stands in it stays as it is written; what is added is percent-encoded.
struct Parts {
    scheme: String,
    user: Option<String>,
    password: Option<String>,
    /// Each host with its port, as they are written.
    places: Vec<(String, Option<String>)>,
    database: Option<String>,
    settings: Vec<(String, String)>,
}

impl Parts {
    fn of(url: &str) -> Self {
        let (base, query) = split_query(url);
        let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
        let (credentials, rest) = match rest.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (hosts, database) = match rest.split_once('/') {
            Some((hosts, database)) => (hosts, Some(database)),
            None => (rest, None),
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (user, password) = match credentials.map(|both| both.split_once(':').unwrap_or((both, ""))) {
            Some((user, password)) => (some(user), some(password)),
            None => (None, None),
        };
        let place = |place: &str| {
            let port = place.rfind(':').filter(|at| !place[*at..].contains(']'));
            match port {
                Some(at) => (place[..at].to_owned(), some(&place[at + 1..])),
                None => (place.to_owned(), None),
            }
        };
        let places = if hosts.is_empty() { Vec::new() } else { hosts.split(',').map(place).collect() };
        let settings = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        });
        let settings = settings.collect();
        Self {
            scheme: scheme.to_owned(),
            user,
            password,
            places,
            database: database.and_then(some),
            settings,
        }
    }

    /// A setting, decoded; it is one no more.
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.settings.iter().position(|(known, _)| known == name)?;
        Some(decoded(&self.settings.remove(at).1))
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| decoded(value))
    }

    fn has_password(&self) -> bool {
        self.password.is_some() || self.setting("password").is_some()
    }

    fn user(&self) -> Option<String> {
        self.user.as_deref().map(decoded).or_else(|| self.setting("user"))
    }

    fn database(&self) -> Option<String> {
        self.database.as_deref().map(decoded).or_else(|| self.setting("dbname"))
    }

    fn hosts(&self) -> Vec<String> {
        match (self.places.as_slice(), self.setting("host")) {
            ([], Some(hosts)) => hosts.split(',').map(str::to_owned).collect(),
            (places, _) => places.iter().map(|(host, _)| decoded(host)).collect(),
        }
    }

    fn ports(&self) -> Vec<String> {
        let of_places: Vec<String> = self.places.iter().filter_map(|(_, port)| port.clone()).collect();
        match (of_places.is_empty(), self.setting("port")) {
            (true, Some(ports)) => ports.split(',').map(str::to_owned).collect(),
            _ => of_places,
        }
    }

    /// Adds what is not there.
    fn fill(&mut self, mut defaults: HashMap<String, String>) {
        let mut default = |name: &str| defaults.remove(name).filter(|value| !value.is_empty());
        let (host, address, port) = (default("host"), default("hostaddr"), default("port"));
        let names_none =
            self.places.is_empty() && self.setting("host").is_none() && self.setting("hostaddr").is_none();
        if names_none && let Some(hosts) = host {
            self.places = hosts.split(',').map(|host| (encoded_host(host), None)).collect();
        }
        // An address is that of the host beside it, not of one that the URL names.
        if names_none && let Some(addresses) = address {
            self.settings.push(("hostaddr".to_owned(), encoded(&addresses)));
        }
        if self.setting("port").is_none()
            && let Some(ports) = port
        {
            let ports: Vec<&str> = ports.split(',').collect();
            match self.places.is_empty() {
                true => self.settings.push(("port".to_owned(), encoded(ports[0]))),
                false => self
                    .places
                    .iter_mut()
                    .enumerate()
                    .filter(|(_, (_, port))| port.is_none())
                    .for_each(|(at, (_, port))| *port = Some(encoded(ports.get(at).unwrap_or(&ports[0])))),
            }
        }
        let (user, password, database) = (default("user"), default("password"), default("dbname"));
        if self.user().is_none() {
            self.user = user.map(|user| encoded(&user));
        }
        if self.database().is_none() {
            self.database = database.map(|database| encoded(&database));
        }
        if !self.has_password() {
            self.password = password.map(|password| encoded(&password));
        }
        let mut others: Vec<(String, String)> = defaults.into_iter().collect();
        others.sort();
        for (name, value) in others {
            if self.setting(&name).is_none() {
                self.settings.push((name, encoded(&value)));
            }
        }
    }

    fn into_url(self) -> String {
        let mut url = format!("{}://", self.scheme);
        if self.user.is_some() || self.password.is_some() {
            url += self.user.as_deref().unwrap_or_default();
            if let Some(password) = &self.password {
                url += &format!(":{password}");
            }
            url.push('@');
        }
        let place = |(host, port): &(String, Option<String>)| match port {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        url += &self.places.iter().map(place).collect::<Vec<_>>().join(",");
        if let Some(database) = &self.database {
            url += &format!("/{database}");
        }
        let settings = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let settings = settings.collect::<Vec<_>>().join("&");
        if self.database.is_none() && !settings.is_empty() {
            url.push('/');
        }
        if settings.is_empty() { url } else { format!("{url}?{settings}") }
    }
}

#[cfg(test)]
#[path = "libpq/tests.rs"]
mod tests;
