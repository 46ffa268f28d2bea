//! Scratch databases: D1 databases of an account, with names of their own.

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::Schema;

use super::D1;
use super::address::{Address, Way, parse};
use super::connect::remote::Remote;
use crate::scratch::{Cleared, ScratchDatabase, ScratchPlace};
use crate::{Engine, EngineError, ErrorKind, Surroundings};

/// What their names begin with. The time follows, and a number.
const PREFIX: &str = "rowkeep-scratch-";

/// Nobody uses one that is older: who made it is dead.
const OLD_SECONDS: u64 = 24 * 60 * 60;

/// An account in which scratch databases are made.
pub(super) struct InAccount {
    account: String,
    address: Address,
    surroundings: Surroundings,
}

/// One of them.
struct Made {
    engine: D1,
    remote: Arc<Remote>,
}

impl InAccount {
    /// The account of a URL of any of its databases.
    pub(super) fn of(url: &str, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let address = parse(url)?;
        let Way::Api { account, .. } = &address.way else {
            let message = "scratch databases of D1 are made over the API: name any database of the account, d1://ACCOUNT/DATABASE";
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        };
        Ok(Self { account: account.clone(), address, surroundings: surroundings.clone() })
    }

    fn remote(&self, database: &str) -> Result<Arc<Remote>, EngineError> {
        let way = Way::Api { account: self.account.clone(), database: database.to_owned() };
        let secret_file = self.address.secret_file.clone();
        Ok(Arc::new(Remote::new(Address { way, secret_file }, &self.surroundings)?))
    }
}

#[async_trait]
impl ScratchPlace for InAccount {
    fn describe(&self) -> String {
        format!("a scratch database of the Cloudflare account {}", self.account)
    }

    async fn clear(&self, seconds: u64) -> Result<Cleared, EngineError> {
        let mut cleared = Cleared::default();
        for name in self.remote(PREFIX)?.named(PREFIX).await? {
            let made = name[PREFIX.len()..].split('-').next().and_then(|made| made.parse::<u64>().ok());
            if made.is_none_or(|made| made.saturating_add(OLD_SECONDS) > seconds) {
                continue;
            }
            match self.remote(&name)?.delete().await {
                Ok(()) => cleared.removed.push(format!("database {name}")),
                Err(error) => cleared.left.push(format!("database {name} cannot be deleted: {error}")),
            }
        }
        Ok(cleared)
    }

    async fn make(
        &self,
        _schema: &Schema,
        seconds: u64,
        random: u64,
    ) -> Result<Box<dyn ScratchDatabase>, EngineError> {
        let remote = self.remote(&format!("{PREFIX}{seconds}-{random:016x}"))?;
        remote.create().await?;
        let engine = D1 { remote: Arc::clone(&remote), surroundings: self.surroundings.clone() };
        Ok(Box::new(Made { engine, remote }))
    }
}

#[async_trait]
impl ScratchDatabase for Made {
    fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    async fn remove(self: Box<Self>) -> Result<(), EngineError> {
        self.remote.delete().await
    }
}
