//! Triggers and rules, kept from acting while rows change.

use rowkeep_format::TableChanges;

use super::current_tables::{CurrentTable, Trigger};
use crate::EngineError;
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// Which triggers and rules are switched: rules always, for they make other statements of ours.
fn chosen(current: &CurrentTable, fire_triggers: bool) -> impl Iterator<Item = &Trigger> {
    current.triggers.iter().filter(move |switch| !fire_triggers || switch.what == "RULE")
}

/// Disables triggers and rules until the transaction ends or [`on`] enables them again.
pub(super) async fn off(
    session: &Session,
    tables: &[&TableChanges],
    current: &[CurrentTable],
    fire_triggers: bool,
) -> Result<(), EngineError> {
    for (changes, current) in tables.iter().zip(current) {
        for switch in chosen(current, fire_triggers) {
            alter(session, changes, switch, "DISABLE").await?;
        }
    }
    Ok(())
}

/// Enables them again as they were.
pub(super) async fn on(
    session: &Session,
    tables: &[&TableChanges],
    current: &[CurrentTable],
    fire_triggers: bool,
) -> Result<(), EngineError> {
    for (changes, current) in tables.iter().zip(current) {
        for switch in chosen(current, fire_triggers) {
            alter(session, changes, switch, switch.enable).await?;
        }
    }
    Ok(())
}

async fn alter(
    session: &Session,
    changes: &TableChanges,
    switch: &Trigger,
    how: &str,
) -> Result<(), EngineError> {
    let (name, table) = (changes.changed(), &switch.table);
    // Of a partitioned table those of its partitions are switched one by one.
    let only = if changes.across.is_some() { "ONLY " } else { "" };
    let statement = format!("ALTER TABLE {only}{table} {how} {} {}", switch.what, quote::ident(&switch.name));
    session.try_run(&statement).await.map_err(|error| {
        let denied = error.code().is_some_and(|code| code.code() == "42501");
        let what = match (denied, switch.what) {
            (true, "TRIGGER") => format!(
                "only the owner of table {name} can keep its trigger {} from acting; --fire-triggers lets it act",
                switch.name
            ),
            (true, _) => format!(
                "only the owner of table {name} can keep its rule {} from diverting the changes",
                switch.name
            ),
            (false, what) => {
                format!("cannot switch the {} {} of table {name}", what.to_lowercase(), switch.name)
            }
        };
        failed(what, error)
    })
}
