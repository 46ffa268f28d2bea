//! The databases of an account: made, deleted, listed. Over the API alone.

use reqwest::Method;
use serde::Serialize;

use super::answer::Listed;
use super::http::Lost;
use super::reading::{done, from_api};
use super::remote::{Remote, is_id, json};
use crate::d1::address::Way;
use crate::{EngineError, ErrorKind};

impl Remote {
    /// Refuses to make the database where it cannot be made.
    pub(crate) fn check_creatable(&self) -> Result<(), EngineError> {
        self.creatable().map(|_| ())
    }

    /// The account and the name of a database that can be made.
    fn creatable(&self) -> Result<(&str, &str), EngineError> {
        let Way::Api { account, database } = &self.way else {
            let message = format!(
                "{}: the Worker there has no database: create one, and bind it to the Worker",
                self.shown
            );
            return Err(EngineError::new(ErrorKind::NotFound, message));
        };
        if is_id(database) {
            let message = format!(
                "{}: there is no such database, and one that is new gets another id: give it a name in the URL",
                self.shown
            );
            return Err(EngineError::new(ErrorKind::NotFound, message));
        }
        Ok((account, database))
    }

    /// Makes the database where the URL names one that is not there; over the API alone.
    pub(crate) async fn create(&self) -> Result<(), EngineError> {
        let (account, database) = self.creatable()?;
        #[derive(Serialize)]
        struct Body<'b> {
            name: &'b str,
        }
        let url = self.api_url(account, &[])?;
        let request = self.request(Method::POST, url, Some(json(&Body { name: database })?));
        match self.http.send_once(&request, from_api::<Listed>).await {
            Ok(made) => self.id.set(made.uuid).map_err(|_| self.not_understood("it has an id already")),
            Err(Lost::Failed(error)) => Err(error.of(&self.shown)),
            // It is there or not: its id tells.
            Err(Lost::Unknown(error)) => match self.id(account).await {
                Ok(_) => Ok(()),
                Err(_) => Err(error.of(&self.shown)),
            },
        }
    }

    /// Deletes the database; over the API alone. One that is gone already is no error.
    pub(crate) async fn delete(&self) -> Result<(), EngineError> {
        let Way::Api { account, .. } = &self.way else {
            let message = format!("{}: a Worker cannot delete its database", self.shown);
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        };
        let delete = || async {
            let url = self.api_url(account, &[self.id(account).await?])?;
            // To delete it twice does no harm.
            self.http.send(&self.request(Method::DELETE, url, None), done).await
        };
        match delete().await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.of(&self.shown)),
            _ => Ok(()),
        }
    }

    /// The names of the account's databases that begin in one way; over the API alone.
    pub(crate) async fn named(&self, prefix: &str) -> Result<Vec<String>, EngineError> {
        let Way::Api { account, .. } = &self.way else { return Ok(Vec::new()) };
        let mut url = self.api_url(account, &[])?;
        url.query_pairs_mut().append_pair("name", prefix).append_pair("per_page", "1000");
        let request = self.request(Method::GET, url, None);
        let listed: Vec<Listed> =
            self.http.send(&request, from_api).await.map_err(|error| error.of(&self.shown))?;
        Ok(listed.into_iter().map(|listed| listed.name).filter(|name| name.starts_with(prefix)).collect())
    }
}
