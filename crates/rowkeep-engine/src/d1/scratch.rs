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
        Ok(Arc::new(Remote::new(Address { way, secret_file, changed_by: Vec::new() }, &self.surroundings)?))
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
            if made_at(&name).is_none_or(|made| made.saturating_add(OLD_SECONDS) > seconds) {
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
        let engine =
            D1 { remote: Arc::clone(&remote), surroundings: self.surroundings.clone(), promises: Vec::new() };
        Ok(Box::new(Made { engine, remote }))
    }
}

/// When a database was made that has a name of this form; nothing where somebody else has chosen the name.
fn made_at(name: &str) -> Option<u64> {
    let (seconds, random) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_ours = random.len() == 16
        && random.bytes().all(is_digit)
        && seconds.bytes().all(|byte| byte.is_ascii_digit());
    if is_ours { seconds.parse().ok() } else { None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_left_alone() {
        for (name, expected) in [
            (format!("{PREFIX}1700000000-{:016x}", 0xab_u64), Some(1_700_000_000)),
            (format!("{PREFIX}1700000000"), None),
            (format!("{PREFIX}1700000000-keep"), None),
            (format!("{PREFIX}1700000000-00000000000000ab-of-the-shop"), None),
            (format!("{PREFIX}+170000000-00000000000000ab"), None),
            (format!("{PREFIX}-00000000000000ab"), None),
            (format!("{PREFIX}2024-01"), None),
        ] {
            assert_eq!(made_at(&name), expected, "{name}");
        }
    }
}
