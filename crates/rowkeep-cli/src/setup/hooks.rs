//! Operations within the hooks of the configuration.

use std::path::Path;

use anyhow::Result;
use rowkeep::Error;
use rowkeep::config::Database;
use rowkeep::engine::DatabaseUrl;
use rowkeep::hooks::{Facts, Hooks, Operation, Outcome, within};

use super::Session;
use crate::fail::{self, DIFFERENCES, DONE, FAILED, REFUSED};
use crate::ui::units::plain;

impl Session {
    /// The database of the configuration that a name, URL or path means: by its name, or as the same place.
    pub(crate) fn configured_as(&self, database: &str) -> Result<Option<(&str, &Database)>> {
        let databases = &self.config()?.databases;
        if let Some((name, known)) = databases.get_key_value(database) {
            return Ok(Some((name, known)));
        }
        let mut same = databases.iter().filter(|(_, known)| is_same(&known.url, database));
        Ok(same.next().map(|(name, known)| (name.as_str(), known)))
    }

    /// The hooks around an operation on a database; none where they are to be left out.
    pub(crate) fn hooks(&self, operation: Operation, database: &str, leave_out: bool) -> Result<Hooks> {
        if leave_out {
            return Ok(Hooks::default());
        }
        let name = self.configured_as(database)?.map(|(name, _)| name);
        Ok(self.config()?.hooks(operation, name))
    }

    /// Runs an operation within hooks and gives its exit status.
    ///
    /// What failed of the hooks after it is printed; then the status is not that of an operation which went well.
    pub(crate) async fn within(
        &self,
        hooks: &Hooks,
        facts: Facts,
        operation: impl AsyncFnOnce(&mut Facts) -> Result<u8>,
    ) -> Result<u8> {
        let name = facts.operation.name();
        let ended = within(&self.context, hooks, facts, judge, operation).await;
        for error in &ended.failed {
            eprintln!("error: {}", plain(&error.to_string()));
        }
        match ended.result {
            Ok(DONE) if !ended.failed.is_empty() => {
                eprintln!("hint: the {name} itself is done; do by hand what the hook was to do");
                Ok(FAILED)
            }
            result => result,
        }
    }
}

/// How a result is told to hooks.
fn judge(result: &Result<u8>) -> (Outcome, Option<String>) {
    match result {
        Ok(DONE) => (Outcome::Ok, None),
        Ok(REFUSED) => (Outcome::Refused, None),
        Ok(DIFFERENCES) => (Outcome::Failed, Some("the database differs from the snapshot".to_owned())),
        Ok(_) => (Outcome::Failed, None),
        Err(error) if fail::judge(error).0 == REFUSED => (Outcome::Refused, Some(fail::told(error))),
        Err(error) => (Outcome::Failed, Some(fail::told(error))),
    }
}

/// Whether two URLs or paths mean one database, as far as can be told without asking it.
fn is_same(configured: &str, typed: &str) -> bool {
    let parse = |url: &str| DatabaseUrl::parse(url).map_err(Error::from).ok();
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match (parse(configured), parse(typed)) {
        (Some(DatabaseUrl::Sqlite(one)), Some(DatabaseUrl::Sqlite(other))) => place(&one) == place(&other),
        (Some(DatabaseUrl::Postgres(one)), Some(DatabaseUrl::Postgres(other))) => one == other,
        _ => false,
    }
}
