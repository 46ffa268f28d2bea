//! The database's event triggers, kept from acting on what a change of rows does besides rows.
//!
//! Temporary tables, triggers that are switched off and sequences that are begun again are statements that event triggers
//! fire for: one that writes a row would change the database while it is compared, and one that refuses would end everything.

use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::{text, truth};
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind};

const WHAT: &str = "cannot keep the event triggers of the database from acting";

/// The number of the lock that keeps two from switching event triggers at the same time, of the server's advisory locks.
const LOCK: i64 = i64::from_be_bytes(*b"rowkeepE");

/// What is done to keep event triggers from acting.
#[derive(Debug, Default)]
pub(in crate::postgres) struct EventTriggers {
    /// The statements after which they act again.
    again: Vec<String>,
    /// The names of those that act nevertheless.
    acting: Vec<String>,
}

/// Those that fire in an ordinary session, and whether the role may switch each.
const FIRING: &str = "SELECT format('%I', e.evtname), e.evtenabled = 'A', \
    me.rolsuper OR pg_catalog.pg_has_role(e.evtowner, 'USAGE') \
    FROM pg_catalog.pg_event_trigger e, pg_catalog.pg_roles me \
    WHERE me.rolname = current_user AND e.evtevent <> 'login' AND e.evtenabled IN ('O', 'A') ORDER BY e.evtname";

/// Whether the role may do without all of them, on servers that have a setting for that.
const MAY_DO_WITHOUT: &str = "SELECT pg_catalog.has_parameter_privilege('event_triggers', 'SET')";

impl EventTriggers {
    /// Keeps them from acting until the transaction ends or [`on`](Self::on) lets them act again.
    pub(in crate::postgres) async fn off(session: &Session) -> Result<Self, EngineError> {
        let rows = session.rows(WHAT, FIRING).await?;
        let mut all = Self::default();
        if rows.is_empty() {
            return Ok(all);
        }
        if session.major >= 17 && session.value(WHAT, MAY_DO_WITHOUT).await?.as_deref() == Some("t") {
            run(session, "SET LOCAL event_triggers = off").await?;
            all.again.push("SET LOCAL event_triggers TO DEFAULT".to_owned());
            return Ok(all);
        }
        for row in &rows {
            let name = text(row, 0);
            if !truth(row, 2, "whether an event trigger may be altered")? {
                all.acting.push(name.to_owned());
                continue;
            }
            if all.again.is_empty() {
                run(session, &format!("SELECT pg_catalog.pg_advisory_xact_lock({LOCK})")).await?;
            }
            run(session, &format!("ALTER EVENT TRIGGER {name} DISABLE")).await?;
            let always = if truth(row, 1, "how an event trigger is enabled")? { " ALWAYS" } else { "" };
            all.again.push(format!("ALTER EVENT TRIGGER {name} ENABLE{always}"));
        }
        Ok(all)
    }

    /// Looks whether those that act nevertheless have written rows, before anything else has; a change could not be told from
    /// theirs then.
    pub(in crate::postgres) async fn check(&self, session: &Session) -> Result<(), EngineError> {
        if self.acting.is_empty() {
            return Ok(());
        }
        const WRITTEN: &str = "SELECT format('%I.%I', schemaname, relname) FROM pg_catalog.pg_stat_xact_all_tables \
            WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND left(schemaname, 3) <> 'pg_' ORDER BY 1";
        let written = session.rows(WHAT, WRITTEN).await?;
        let Some(table) = written.first().map(|row| text(row, 0)) else { return Ok(()) };
        Err(EngineError::new(
            ErrorKind::Unsupported,
            format!(
                "event trigger {} writes to table {table} for what a restore does besides rows, and only its owner or a \
                 superuser can keep it from that; nothing was changed: let such a role restore, or disable it",
                self.acting.join(", ")
            ),
        ))
    }

    /// What is to be known of those that act nevertheless.
    pub(in crate::postgres) fn notes(&self) -> Option<String> {
        let acting = self.acting.join(", ");
        (!acting.is_empty()).then(|| {
            format!("event trigger {acting} fired for what the restore did besides rows: this role cannot switch it off")
        })
    }

    /// Lets them act again as they did.
    pub(in crate::postgres) async fn on(&self, session: &Session) -> Result<(), EngineError> {
        for statement in &self.again {
            run(session, statement).await?;
        }
        Ok(())
    }
}

async fn run(session: &Session, statement: &str) -> Result<(), EngineError> {
    session.try_run(statement).await.map_err(|error| failed(WHAT, error))
}
