//! What neither rows nor `pg_dump` tell of a database.

use super::apply::event_triggers::EventTriggers;
use super::connect::failure::failed;
use super::connect::row::{Row, text};
use super::connect::session::Session;
use crate::{EngineError, Unrecorded};

/// Indexes that a failed `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` leaves, those of TOAST tables included.
const INVALID_INDEXES: &str = "SELECT format('index %I.%I', n.nspname, c.relname), '', 'is invalid', \
      format('DROP INDEX %I.%I', n.nspname, c.relname) \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't' ORDER BY 1";

/// Partitions that a failed `DETACH PARTITION CONCURRENTLY` leaves; its end cannot be undone, but it can be reached.
const DETACHING: &str = "SELECT format('partition %I.%I', n.nspname, c.relname), '', \
      format('is half detached from %I.%I', pn.nspname, p.relname), \
      format('ALTER TABLE %I.%I DETACH PARTITION %I.%I FINALIZE', pn.nspname, p.relname, n.nspname, c.relname), \
      format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I %s', pn.nspname, p.relname, n.nspname, c.relname, \
             pg_get_expr(c.relpartbound, c.oid)) \
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace \
    WHERE coalesce(to_jsonb(i) ->> 'inhdetachpending', 'false') = 'true' ORDER BY 1";

/// Transactions that are prepared. Whose they are nobody can tell.
const PREPARED: &str = "SELECT format('transaction %L', gid), '', 'is prepared, and neither committed nor rolled back' \
    FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1";

/// Materialised views: whether they are filled, in which file, and how often rows of them were written.
const MATERIALIZED: &str = "SELECT format('materialized view %I.%I', n.nspname, c.relname), \
      concat_ws(' ', c.relispopulated, c.relfilenode, s.n_tup_ins, s.n_tup_upd, s.n_tup_del), \
      CASE WHEN c.relispopulated THEN 'was filled again' ELSE 'was emptied' END, \
      format('REFRESH MATERIALIZED VIEW %I.%I WITH %sDATA', n.nspname, c.relname, \
             CASE WHEN NOT c.relispopulated THEN 'NO ' END) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE c.relkind = 'm' ORDER BY c.oid";

/// Subscriptions; who may not read them is told nothing of them.
const SUBSCRIPTIONS: &str = "SELECT format('subscription %I', subname), subenabled, \
      CASE WHEN subenabled THEN 'is enabled' ELSE 'is disabled' END, \
      format('ALTER SUBSCRIPTION %I %s', subname, CASE WHEN subenabled THEN 'ENABLE' ELSE 'DISABLE' END) \
    FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";

/// What `ALTER DATABASE` changes.
const DATABASE: &str = "SELECT 'the owner, privileges and settings of the database', \
      concat_ws(' ', d.datdba, d.datacl, d.datconnlimit, (SELECT string_agg(concat_ws(' ', s.setrole, s.setconfig), ' ' \
        ORDER BY s.setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)), 'are not what they were' \
    FROM pg_database d WHERE d.datname = current_database()";

/// Each query, and whether it finds what should not be there.
const ALL: [(&str, bool); 6] = [
    (INVALID_INDEXES, true),
    (DETACHING, true),
    (PREPARED, true),
    (MATERIALIZED, false),
    (SUBSCRIPTIONS, false),
    (DATABASE, false),
];

/// Lists it.
pub(super) async fn list(session: &Session) -> Result<Vec<Unrecorded>, EngineError> {
    let mut found = Vec::new();
    for (query, is_remains) in ALL {
        let rows = session.rows("cannot look at what no snapshot tells", query).await?;
        found.extend(rows.iter().map(|row| unrecorded(row, is_remains)));
    }
    Ok(found)
}

fn unrecorded(row: &Row, is_remains: bool) -> Unrecorded {
    Unrecorded {
        what: text(row, 0).to_owned(),
        state: text(row, 1).to_owned(),
        told: text(row, 2).to_owned(),
        is_remains,
        take_back: row[3..].iter().flatten().cloned().collect(),
    }
}

/// Runs the statements that take something back, all or none.
pub(super) async fn take_back(session: &Session, changed: &Unrecorded) -> Result<(), EngineError> {
    let done = take_back_in_transaction(session, changed).await;
    if done.is_err() {
        // Fails only with the connection, of which the error tells already.
        let _ = session.try_run("ROLLBACK").await;
    }
    done
}

async fn take_back_in_transaction(session: &Session, changed: &Unrecorded) -> Result<(), EngineError> {
    let what = || format!("cannot take back that {} {}", changed.what, changed.told);
    let run = async |sql: &str| session.try_run(sql).await.map_err(|error| failed(what(), error));
    run("BEGIN; SET LOCAL lock_timeout = '60s'").await?;
    let event_triggers = EventTriggers::off(session).await?;
    for statement in &changed.take_back {
        run(statement).await?;
    }
    event_triggers.on(session).await?;
    run("COMMIT").await
}
