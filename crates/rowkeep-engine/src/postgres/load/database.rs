//! The database of a restore: whether it is there, how it is made, how it is removed again.

use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::drop_database::drop_database;
use super::maintenance;
use crate::apply::stopped;
use crate::postgres::catalog::objects::{self, Object};
use crate::postgres::catalog::unfinished_restore;
use crate::postgres::connect::address::Address;
use crate::postgres::connect::cancel_guard;
use crate::postgres::connect::row::text;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::{failure, pooling, settings};
use crate::postgres::quote;
use crate::{Contents, EngineError, ErrorKind};

/// How many names an occupied database is described by.
const NAMES_SHOWN: usize = 10;

/// What is in the database of a session.
pub(crate) async fn contents(session: &Session) -> Result<Contents, EngineError> {
    if unfinished_restore::is_there(session).await? {
        return Ok(Contents::Unfinished);
    }
    let objects = objects::belongings(session).await?;
    Ok(if objects.is_empty() { Contents::Empty } else { Contents::Occupied(shown(&objects)) })
}

/// Some of the names of what is in a database.
pub(crate) fn shown(objects: &[Object]) -> Vec<String> {
    objects.iter().take(NAMES_SHOWN).map(ToString::to_string).collect()
}

/// Makes the database of an address; `options` are those that its source was made with, if they are known.
///
/// Where the server does not have its locale, it is made with the server's own; the second answer then says so. When it is
/// to stop there is no database, unless it was made before the server could be told.
pub(crate) async fn make(
    address: &Arc<Address>,
    options: &str,
    stop: &CancellationToken,
) -> Result<(Server, Option<String>), EngineError> {
    let mut last = maintenance::none();
    for name in maintenance::DATABASES {
        match Server::reach_database(address, name).await {
            Ok((server, session)) => {
                server.refuse_pooler(pooling::MAKING)?;
                session.settle(&settings::to_load(session.major)).await?;
                let server = server.with_database(address.database());
                let note = create_unless_stopped(&server, &session, options, stop).await?;
                return Ok((server, note));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn create_unless_stopped(
    server: &Server,
    session: &Session,
    options: &str,
    stop: &CancellationToken,
) -> Result<Option<String>, EngineError> {
    let mut creating = pin!(create(server, session, options));
    tokio::select! {
        created = &mut creating => return created,
        () = stop.cancelled() => {}
    }
    match cancel_guard::cancel_until(server, session, creating).await {
        // It was quicker. Whoever locks the database will see that it is to stop, and whether it may be dropped.
        Some(Ok(note)) => Ok(note),
        Some(Err(_)) => Err(stopped()),
        None => {
            let message = format!(
                "stopped, but the server goes on with creating database {}, which may be there later",
                server.database()
            );
            Err(EngineError::new(ErrorKind::OutcomeUnknown, message))
        }
    }
}

async fn create(server: &Server, session: &Session, options: &str) -> Result<Option<String>, EngineError> {
    let name = quote::ident(server.database());
    let create = |options: &str| format!("CREATE DATABASE {name} TEMPLATE template0 {options}");
    let failed = |error| failure::failed(format!("cannot create database {}", server.database()), error);
    let Err(error) = session.try_run(&create(options)).await else { return Ok(None) };
    // Unknown locale, or a provider or an option that this version does not know.
    let is_locale = matches!(failure::state(&error), Some("22023" | "42809" | "42704" | "42601" | "0A000"));
    if options.is_empty() || !is_locale {
        return Err(failed(error));
    }
    let reason = failure::words(&error);
    // The encoding alone often goes with no locale but C.
    let encoding = options.split(" L").next().unwrap_or_default();
    for (options, locale) in
        [(encoding.to_owned(), "the server's"), (format!("{encoding} LOCALE = 'C'"), "C")]
    {
        if session.try_run(&create(&options)).await.is_ok() {
            return Ok(Some(format!("the database was created with locale {locale}, because: {reason}")));
        }
    }
    Err(failed(error))
}

/// Removes the database with everything in it. What its subscriptions have on the servers that they follow stays there.
pub(crate) async fn drop(server: &Server) -> Result<(), EngineError> {
    let session = maintenance::session(server).await?;
    drop_subscriptions(server, &session).await?;
    drop_database(server, &session, "WITH (FORCE)").await
}

/// Drops the subscriptions of a database that is to go: the server keeps one that has any. It never connects to another
/// server for that.
pub(super) async fn drop_subscriptions(server: &Server, session: &Session) -> Result<(), EngineError> {
    let what = || format!("cannot drop the subscriptions of database {}", server.database());
    let list = format!(
        "SELECT s.subname FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid \
         WHERE d.datname = {}",
        quote::literal(server.database())
    );
    let names = session.rows(&what(), &list).await?;
    if names.is_empty() {
        return Ok(());
    }
    let session = server.connect().await?;
    session.settle(&settings::to_load(session.major)).await?;
    for row in &names {
        for statement in objects::subscription_drops(&quote::ident(text(row, 0))) {
            session.try_run(&statement).await.map_err(|error| failure::failed(what(), error))?;
        }
    }
    Ok(())
}
