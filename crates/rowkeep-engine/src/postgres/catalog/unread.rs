//! What a view of a database cannot give the rows of.

use rowkeep_format::TableName;
use rowkeep_format::manifest::{Unread, Why};

use super::permissions::Access;
use super::relation::Relation;
use super::sequences::Sequence;
use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;

/// Tables with their rows on other servers, partitions among them.
const FOREIGN: &str = "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'f' AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                    AND d.objsubid = 0 AND d.deptype = 'e')";

/// Lists it, by name: of what the role may not read tables, what is not defined without them, and sequences.
pub(crate) async fn list(
    session: &Session,
    is_standby: bool,
    relations: &[Relation],
    sequences: &[Sequence],
    (denied, without, denied_sequences): (&[Access], &[TableName], &[Sequence]),
) -> Result<Vec<Unread>, EngineError> {
    let of = |name: &TableName, why| Unread { name: name.clone(), why };
    let unlogged = relations.iter().filter(|relation| is_standby && relation.unlogged);
    let mut unread: Vec<Unread> = unlogged.map(|relation| of(&relation.table.name, Why::Unlogged)).collect();
    let unlogged = sequences.iter().filter(|sequence| is_standby && sequence.unlogged);
    unread.extend(unlogged.map(|sequence| of(&sequence.name, Why::UnloggedSequence)));
    for row in session.rows("cannot list the foreign tables", FOREIGN).await? {
        unread.push(of(&TableName::qualified(text(&row, 0), text(&row, 1)), Why::Foreign));
    }
    let denied = denied.iter().map(|table| &table.name).chain(without);
    unread.extend(denied.map(|name| of(name, Why::Denied)));
    unread.extend(denied_sequences.iter().map(|sequence| of(&sequence.name, Why::DeniedSequence)));
    unread.sort_unstable();
    unread.dedup();
    Ok(unread)
}
