//! What a restore needs of the server before it makes anything: connections, and knowledge of what is there.

use std::collections::HashSet;
use std::sync::Arc;

use rowkeep_format::{Schema, TableName};

use super::restore_lock::{RestoreLock, compare_encoding};
use super::transaction_scope::TransactionScope;
use super::{clear, database};
use crate::postgres::catalog::facts::{self, Storage};
use crate::postgres::catalog::unfinished_restore;
use crate::postgres::connect::address::Address;
use crate::postgres::connect::pool::Pool;
use crate::postgres::connect::settings;
use crate::postgres::connect::terminate::{self, Backend};
use crate::postgres::schema::ddl;
use crate::{Contents, CreateOptions, EngineError, ErrorKind};

/// How many connections there are besides the one that holds the lock.
pub(crate) const CONNECTIONS: usize = 4;

/// What a restore needs of the server.
pub(crate) struct Prepared {
    /// Where everything is done.
    pub(crate) pool: Arc<Pool>,
    /// What a piece of it is to the whole.
    pub(crate) scope: TransactionScope,
    /// The connection of the one transaction of a replacement.
    pub(crate) transaction: Option<Backend>,
    /// The roles that the server knows.
    pub(crate) roles: HashSet<String>,
    /// Where it can put tables, and how it can store them.
    pub(crate) storage: Storage,
    /// The tables that will have their rows.
    pub(crate) loaded: HashSet<TableName>,
    /// Whether the database is only to be tried.
    pub(crate) is_scratch: bool,
    /// Whether the schema lacks tables that other parts of it may need.
    pub(crate) lacks_definitions: bool,
    /// Whether parts of the schema that the server refuses are left out.
    pub(crate) leaves_out: bool,
}

impl Prepared {
    /// Prepares a database that is to be made from nothing.
    pub(crate) async fn to_create(
        lock: &RestoreLock,
        address: &Address,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        match database::contents(&lock.control).await? {
            Contents::Occupied(names) => {
                return Err(EngineError::new(
                    ErrorKind::NotEmpty,
                    format!("{address} is not empty: it holds {}", names.join(", ")),
                ));
            }
            Contents::Unfinished => clear::clear_unfinished(&lock.control).await?,
            Contents::Empty | Contents::Missing => {}
        }
        let pool = Pool::new(lock.server.clone(), settings::to_load(lock.control.major), CONNECTIONS);
        Self::of(lock, pool, TransactionScope::Transaction, None, schema, options).await
    }

    /// Prepares a database that is to be made again in place of what it holds.
    pub(crate) async fn to_replace(
        lock: &RestoreLock,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        if options.end_connections {
            terminate::end(&lock.control).await?.into_iter().for_each(|note| lock.notes.add(note));
        }
        if unfinished_restore::is_there(&lock.control).await? {
            clear::end_others(&lock.control).await?;
        }
        let session = lock.server.connect().await?;
        session.settle(&settings::to_replace(session.major)).await?;
        let transaction = Backend::of(&session).await?;
        session.prepare(TransactionScope::Transaction.begin()).await?;
        let pool = Pool::of_one(lock.server.clone(), session);
        Self::of(lock, pool, TransactionScope::Savepoint, Some(transaction), schema, options).await
    }

    async fn of(
        lock: &RestoreLock,
        pool: Arc<Pool>,
        scope: TransactionScope,
        transaction: Option<Backend>,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        compare_encoding(&lock.control, schema.ddl(ddl::DATABASE), &lock.notes).await?;
        let tables = schema.tables.iter().map(|table| &table.name);
        let loaded = match &options.loaded {
            Some(names) => names.iter().cloned().collect(),
            None => tables.cloned().collect(),
        };
        let roles = facts::roles(&lock.control).await?;
        let storage = facts::storage(&lock.control).await?;
        let CreateOptions { is_scratch, lacks_definitions, leaves_out, .. } = *options;
        Ok(Self {
            pool,
            scope,
            transaction,
            roles,
            storage,
            loaded,
            is_scratch,
            lacks_definitions,
            leaves_out,
        })
    }
}
