//! Cloudflare D1 among the engines.

use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::D1;
use super::address::{Way, parse};
use super::scratch::InAccount;
use crate::dialect::Dialect;
use crate::kind::Kind;
use crate::scratch::{ScratchPlace, ScratchWanted};
use crate::sqlite::SqliteKind;
use crate::url::Location;
use crate::{DatabaseUrl, Engine, EngineError, Surroundings};

/// What the kind is called. Snapshots of its databases are those of SQLite.
const NAME: &str = "d1";

/// Cloudflare D1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct D1Kind;

impl Kind for D1Kind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dialect(&self) -> &'static dyn Dialect {
        SqliteKind.dialect()
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["d1://", "d1+worker://"]
    }

    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError> {
        let is_ours = self.schemes().iter().any(|scheme| text.starts_with(scheme));
        Ok(is_ours.then(|| DatabaseUrl::of_url(NAME, text)))
    }

    fn connect(
        &self,
        url: &DatabaseUrl,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(D1::new(&text(url), surroundings)?))
    }

    fn secret_of_environment(&self, url: &DatabaseUrl, surroundings: &Surroundings) -> Option<&'static str> {
        let address = parse(&text(url)).ok()?;
        // The token of the API goes nowhere else.
        let is_worker = matches!(address.way, Way::Worker { .. });
        let is_sent =
            is_worker && address.secret_file.is_none() && surroundings.cloudflare.worker_secret.is_some();
        is_sent.then_some("ROWKEEP_D1_SECRET")
    }

    fn name_of(&self, url: &DatabaseUrl) -> Option<String> {
        match parse(&text(url)).ok()?.way {
            Way::Api { database, .. } => Some(database),
            // The first name of the host is the Worker's.
            Way::Worker { address } => {
                address.host_str().and_then(|host| host.split('.').next()).map(str::to_owned)
            }
        }
    }

    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String {
        let text = text(url);
        match parse(&text).map(|address| address.way) {
            Ok(Way::Api { account, database }) => format!("d1://{account}/{database}-{suffix}"),
            _ => text,
        }
    }

    fn scratch_on(
        &self,
        server: &SecretString,
        surroundings: &Surroundings,
    ) -> Result<Option<Box<dyn ScratchPlace>>, EngineError> {
        Ok(Some(Box::new(InAccount::of(server.expose_secret(), surroundings)?)))
    }

    fn scratch_in(
        &self,
        folder: &Path,
        wanted: &ScratchWanted,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError> {
        SqliteKind.scratch_in(folder, wanted, surroundings)
    }
}

fn text(url: &DatabaseUrl) -> String {
    match url.location() {
        Location::Url(url) => url.expose_secret().to_owned(),
        Location::File(path) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_called_what_their_urls_call_them() {
        for (text, name, beside) in [
            ("d1://account/shop", "shop", "d1://account/shop-before-12"),
            ("d1+worker://shop.example.workers.dev", "shop", "d1+worker://shop.example.workers.dev"),
        ] {
            let url = DatabaseUrl::parse(text).expect("it is a URL");
            assert_eq!(url.name().as_deref(), Some(name));
            assert_eq!(url.beside("before-12").ok().as_deref(), Some(beside));
        }
    }
}
