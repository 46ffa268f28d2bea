//! `DROP DATABASE`, which on some servers may wait without end.
//!
//! Before a server deletes the files, every process of it has to say that it has closed them. A process that is just starting may
//! miss the question, in versions 15 to 18 (mended in releases of 18 from the middle of 2026 on, see `docs/checks-and-drills.md`); when it wants
//! to connect to that very database, each waits for the other, and no deadlock is found. Asked once more, it answers: the
//! statement is cancelled and run again. A database that was being dropped is invalid by then, and can only be dropped.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::maintenance;
use crate::postgres::connect::cancel_guard;
use crate::postgres::connect::failure;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::terminate::Backend;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};

/// How long the processes of a server may take to answer before they are asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often they are asked.
const ATTEMPTS: u32 = 12;

/// Drops the database of a server if it is there, from a session in another one; `how` is nothing or `WITH (FORCE)`.
pub(super) async fn drop_database(server: &Server, session: &Session, how: &str) -> Result<(), EngineError> {
    let what = || format!("cannot drop database {}", server.database());
    let statement = format!("DROP DATABASE IF EXISTS {} {how}", quote::ident(server.database()));
    let backend = Backend::of(session).await?;
    for _ in 0..ATTEMPTS {
        let mut dropping = pin!(session.try_run(&statement));
        let dropped = loop {
            match timeout(PATIENCE, &mut dropping).await {
                Ok(dropped) => break Some(dropped),
                Err(_) if waits_for_processes(server, &backend).await => {
                    break cancel_guard::cancel_until(server, session, dropping).await;
                }
                // It may also have many files to delete.
                Err(_) => {}
            }
        };
        match dropped {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) if failure::state(&error) == Some("57014") => {}
            Some(Err(error)) => return Err(failure::failed(what(), error)),
            None => break,
        }
    }
    let reason = "one of the server's processes does not answer it: look in pg_stat_activity for connections that hang, end \
                  them, and drop the database again";
    Err(EngineError::new(ErrorKind::Busy, what()).with_source(reason))
}

async fn waits_for_processes(server: &Server, backend: &Backend) -> bool {
    let Ok(session) = maintenance::session(server).await else { return false };
    backend.waits_for(&session).await.is_ok_and(|event| event.as_deref() == Some("ProcSignalBarrier"))
}
