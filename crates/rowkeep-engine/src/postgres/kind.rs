//! PostgreSQL among the engines.

use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::connect::libpq::complete;
use super::dialect::PostgresDialect;
use super::engine::Postgres;
use super::schema::ddl::ENGINE;
use super::scratch::cluster;
use super::scratch::place::OnServer;
use crate::dialect::Dialect;
use crate::kind::Kind;
use crate::scratch::{ScratchPlace, ScratchWanted};
use crate::url::Location;
use crate::{DatabaseUrl, Engine, EngineError, ErrorKind, Surroundings};

/// PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub struct PostgresKind;

/// The variable with the password of whoever has it.
const PASSWORD: &str = "PGPASSWORD";

/// Keywords of libpq's other form with secrets, wherever they stand in it, and those that it begins with.
const SECRET: [&str; 2] = ["password", "sslpassword"];
const FIRST: [&str; 7] = ["host", "hostaddr", "port", "dbname", "user", "service", "sslmode"];

impl Kind for PostgresKind {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &PostgresDialect
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["postgres://", "postgresql://"]
    }

    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError> {
        if self.schemes().iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Some(DatabaseUrl::of_url(ENGINE, text)));
        }
        // What is left would be a path, which errors show.
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            let problem = "the URL of a PostgreSQL database has // after its scheme";
            return Err(EngineError::new(ErrorKind::InvalidUrl, problem));
        }
        let is_setting =
            |word: &str, name: &str| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        let begins = text.trim_start();
        if SECRET.iter().any(|name| text.split_whitespace().any(|word| is_setting(word, name)))
            || FIRST.iter().any(|name| is_setting(begins, name))
        {
            let problem = "connection strings of keywords and values are not understood: write \
                           postgres://user@host:port/dbname?setting=value, as psql takes it too";
            return Err(EngineError::new(ErrorKind::InvalidUrl, problem));
        }
        Ok(None)
    }

    fn connect(
        &self,
        url: &DatabaseUrl,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(Postgres::new(text(url)?, surroundings)?))
    }

    fn completed(&self, url: DatabaseUrl, surroundings: &Surroundings) -> Result<DatabaseUrl, EngineError> {
        Ok(DatabaseUrl::of_url(ENGINE, complete(text(&url)?, &surroundings.libpq)?))
    }

    fn secret_of_environment(&self, url: &DatabaseUrl, surroundings: &Surroundings) -> Option<&'static str> {
        let mut without = surroundings.libpq.clone();
        without.variables.remove(PASSWORD)?;
        let completed = |environment| complete(text(url).ok()?, environment).ok();
        (completed(&surroundings.libpq) != completed(&without)).then_some(PASSWORD)
    }

    fn name_of(&self, url: &DatabaseUrl) -> Option<String> {
        let url = text(url).ok()?;
        let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        // A password may hold a slash or a question mark.
        let place = after_scheme.split_once('@').map_or(after_scheme, |(_, place)| place);
        let before_options = place.split('?').next().unwrap_or_default();
        let name = before_options.split_once('/').map(|(_, name)| name).filter(|name| !name.is_empty());
        name.map(str::to_owned)
    }

    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String {
        format!("{}_{}", text(url).unwrap_or_default(), suffix.replace('-', "_"))
    }

    fn scratch_on(
        &self,
        server: &SecretString,
        surroundings: &Surroundings,
    ) -> Result<Option<Box<dyn ScratchPlace>>, EngineError> {
        Ok(Some(Box::new(OnServer::of(server, surroundings)?)))
    }

    fn scratch_in(
        &self,
        folder: &Path,
        wanted: &ScratchWanted,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError> {
        Ok(Box::new(OnServer::own(folder, wanted, surroundings)?))
    }

    fn end_scratch(&self, folder: &Path, surroundings: &Surroundings) {
        cluster::stop_left(folder, surroundings);
    }
}

fn text(url: &DatabaseUrl) -> Result<&str, EngineError> {
    match url.location() {
        Location::Url(url) => Ok(url.expose_secret()),
        Location::File(path) => {
            let message = format!("{} is no URL of a PostgreSQL database", path.display());
            Err(EngineError::new(ErrorKind::InvalidUrl, message))
        }
    }
}
