//! Cloudflare D1: SQLite behind HTTP.
//!
//! # What a state is
//! A D1 database is an SQLite database, and its states are those of one: the same tables, keys, definitions and values, so
//! that a snapshot of either restores into the other and has its hashes. Only what D1 keeps for itself is left out (`_cf_…`).
//!
//! # Reading
//! D1 gives whoever reads no transaction that lasts. So a view is a copy in a temporary SQLite file, of which it is known
//! whether it is one state (`read/copy.rs`): read in one request, which is one transaction, where the database is small and a Worker is
//! the way to it; else page by page, between two looks at what the database counts of its own changes. What moved meanwhile is
//! read again, some times at most. A copy that is still none of one state is refused, or said to be none where the user has
//! allowed that.
//!
//! Values come in a form that survives JavaScript (`read/form.rs`): with the kind of each, integers beyond 2^53 as text, blobs and whatever
//! may not be UTF-8 as hexadecimal digits, reals as numbers, whose bits JSON keeps, but for infinities and the negative zero.
//!
//! # Writing
//! Nothing is decided in D1. A database is made as a file first, and changes are made to a copy (`load/`, `apply.rs`); what becomes
//! of that is statements (`compose/`), which D1 carries out in as few transactions as it allows, each once (`send/`).
//!
//! # Ways
//! `d1://ACCOUNT/DATABASE` goes over Cloudflare's REST API, `d1+worker://HOST` over the Worker in `clients/d1-worker`.

mod address;
mod apply;
mod catalog;
mod compose;
mod connect;
mod examine;
mod kind;
mod load;
mod read;
mod scratch;
mod send;

pub(crate) use kind::D1Kind;

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Identity, Schema, Table, TableKind};

use self::address::ChangedBy;
use self::catalog::objects::Found;
use self::connect::remote::Remote;
use self::load::target::D1Target;
use self::read::copy::look;
use self::read::query;
use self::read::view::D1View;
use crate::sqlite::NAME;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, CreateOptions, Engine, EngineError, ErrorKind,
    Examination, Meant, QueryRows, Surroundings, Target, View, ViewOptions,
};

/// A D1 database.
pub(crate) struct D1 {
    remote: Arc<Remote>,
    surroundings: Surroundings,
    promises: Vec<ChangedBy>,
}

impl D1 {
    /// The database that a URL names. Nobody is asked yet.
    pub(crate) fn new(url: &str, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let address = address::parse(url)?;
        let promises = address.changed_by.clone();
        let remote = Remote::new(address, surroundings)?;
        Ok(Self { remote: Arc::new(remote), surroundings: surroundings.clone(), promises })
    }
}

impl D1 {
    async fn without_rows(&self, options: &ViewOptions) -> Result<D1View, EngineError> {
        D1View::without_rows(&self.remote, &self.surroundings, options, &self.promises).await
    }
}

#[async_trait]
impl Engine for D1 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        self.remote.shown().to_owned()
    }

    fn place(&self) -> String {
        self.remote.shown().to_owned()
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        Ok(Found::read(&self.remote).await?.identity(&self.remote))
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        examine::examine(&self.remote).await
    }

    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        self.open_of(options, &Meant::default()).await
    }

    async fn open_of(&self, options: &ViewOptions, meant: &Meant) -> Result<Arc<dyn View>, EngineError> {
        if !meant.is_all() {
            let view = self.without_rows(options).await?;
            // Who means no table is going to read few rows, if any: these come when they are asked for.
            if !view.schema().tables.iter().any(|table| meant.is(&table.name)) {
                return Ok(Arc::new(view));
            }
        }
        if !self.promises.is_empty() {
            return Ok(Arc::new(self.without_rows(options).await?));
        }
        Ok(Arc::new(D1View::with_rows(&self.remote, &self.surroundings, options).await?))
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        match Found::read(&self.remote).await {
            Ok(found) => Ok(found.contents()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Contents::Missing),
            Err(error) => Err(error),
        }
    }

    /// What virtual tables keep, but for their text: nobody may write it.
    fn makes_by_itself(&self, table: &Table) -> bool {
        table.kind == TableKind::Shadow && !table.name.name.ends_with("_content")
    }

    async fn check_replaceable(&self) -> Result<(), EngineError> {
        let (_, bytes) = match look(&self.remote).await {
            Ok(looked) => looked,
            // A database that is new is made, in as many steps as that takes.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let most = self.remote.room().bytes as u64 / 2;
        match bytes {
            Some(bytes) if bytes > most => {
                let message = format!(
                    "{} has {bytes} bytes, and over the {} no more than {most} are replaced in one transaction: restore into a new database",
                    self.describe(),
                    self.remote.way()
                );
                Err(EngineError::new(ErrorKind::Unsupported, message))
            }
            _ => Ok(()),
        }
    }

    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Ok(Arc::new(D1Target::begin(&self.remote, &self.surroundings, schema, options).await?))
    }

    async fn replace(
        &self,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Arc<dyn Target>, EngineError> {
        Ok(Arc::new(D1Target::begin_again(&self.remote, &self.surroundings, schema, options).await?))
    }

    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError> {
        apply::apply(&self.remote, &self.surroundings, &changes, options).await
    }

    async fn cautions(&self, changes: &dyn ChangeSource) -> Result<Vec<String>, EngineError> {
        apply::cautions::cautions(&self.remote, changes).await
    }

    async fn is_half_changed(&self) -> Result<bool, EngineError> {
        Ok(Found::read(&self.remote).await?.is_half_changed())
    }

    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError> {
        query::query(&self.remote, &self.surroundings, sql, limit).await
    }
}
