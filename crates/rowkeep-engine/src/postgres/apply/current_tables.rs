//! The tables of a changeset as the database has them now.

use std::collections::HashMap;

use rowkeep_format::{TableChanges, TableName};

use crate::postgres::catalog::equality::{BASE, EQUALITY};
use crate::postgres::catalog::{permissions, planning};
use crate::postgres::connect::row::{number, text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};

/// What identifies a table for the server.
const TABLE: &str = "the number of a table";

/// A table whose rows are to be changed.
#[derive(Debug, Clone)]
pub(super) struct CurrentTable {
    /// Its number.
    pub(super) oid: u32,
    /// Whether queries of it can be planned by our search path.
    pub(super) is_queried: bool,
    /// The columns of the changeset, in its order.
    pub(super) columns: Vec<CurrentColumn>,
    /// Stored columns that the changeset does not have.
    pub(super) others: Vec<String>,
    /// The table itself and the partitioned tables that it is a part of; of a partitioned table that is changed as a whole, it and its parts.
    pub(super) ancestors: Vec<u32>,
    /// Whether it is a partitioned table that is changed as a whole.
    pub(super) is_whole: bool,
    /// What fires or diverts statements.
    pub(super) triggers: Vec<Trigger>,
}

impl CurrentTable {
    /// Whether a row of the table with this number is one of its rows.
    pub(super) fn holds_rows_of(&self, table: u32) -> bool {
        self.oid == table || self.is_whole && self.ancestors.contains(&table)
    }
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct CurrentColumn {
    /// The type in which its values are staged, which for a domain is what it is made of.
    pub(super) staged_type: String,
    /// The type's equality as SQL, if it has any.
    pub(super) equality: Option<String>,
    /// Whether it is `GENERATED ALWAYS AS IDENTITY`, which no update may set.
    pub(super) always: bool,
    /// Whether a unique index or an exclusion constraint depends on it.
    pub(super) unique: bool,
}

/// A trigger or rule that acts on the changes of a table.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    /// The table that has it, as SQL.
    pub(super) table: String,
    /// `TRIGGER` or `RULE`.
    pub(super) what: &'static str,
    /// Its name.
    pub(super) name: String,
    /// How it is enabled again: `ENABLE` or `ENABLE ALWAYS`.
    pub(super) enable: &'static str,
}

/// Looks up the tables of a changeset, in its order, and refuses what cannot be changed as it says.
pub(super) async fn read(
    session: &Session,
    tables: &[&TableChanges],
) -> Result<Vec<CurrentTable>, EngineError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let oids = find(session, tables).await?;
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut attributes = attributes(session, &list).await?;
    let mut ancestors = ancestors(session, &list).await?;
    let mut triggers = triggers(session, &list).await?;
    let names = tables.iter().map(|changes| match &changes.across {
        Some(whole) => quote::table(whole),
        None => format!("ONLY {}", quote::table(&changes.table.name)),
    });
    let failing = planning::failing(session, oids.iter().copied().zip(names)).await?;
    let mut out = Vec::with_capacity(tables.len());
    for (changes, oid) in tables.iter().zip(oids) {
        let mut found = attributes.remove(&oid).unwrap_or_default();
        let mut columns = Vec::new();
        for column in &changes.table.columns {
            let Some(found) = found.remove(&column.name) else {
                return Err(EngineError::new(
                    ErrorKind::Unsupported,
                    format!(
                        "table {} has no column {} whose values are stored",
                        changes.table.name, column.name
                    ),
                ));
            };
            columns.push(found);
        }
        let mut others: Vec<String> = found.into_keys().collect();
        others.sort();
        out.push(CurrentTable {
            oid,
            is_queried: !failing.contains(&oid),
            columns,
            others,
            ancestors: ancestors.remove(&oid).unwrap_or_else(|| vec![oid]),
            is_whole: changes.across.is_some(),
            triggers: triggers.remove(&oid).unwrap_or_default(),
        });
    }
    Ok(out)
}

/// Looks up the numbers of tables.
pub(super) async fn find(session: &Session, tables: &[&TableChanges]) -> Result<Vec<u32>, EngineError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let names = tables.iter().enumerate().map(|(at, changes)| {
        let (name, kind) = (changes.changed(), if changes.across.is_some() { "p" } else { "r" });
        let schema = name.schema.as_deref().unwrap_or("public");
        format!("({at}, {}, {}, '{kind}')", quote::literal(schema), quote::literal(&name.name))
    });
    let query = format!(
        "SELECT c.oid, row_security_active(c.oid) FROM (VALUES {}) v (at, schema, name, kind) \
         LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) \
         ON n.nspname = v.schema AND c.relname = v.name AND c.relkind::text = v.kind ORDER BY v.at",
        names.collect::<Vec<_>>().join(", ")
    );
    let rows = session.rows("cannot look up the tables", &query).await?;
    let mut oids = Vec::new();
    let mut hiding: Vec<&TableName> = Vec::new();
    for (row, changes) in rows.iter().zip(tables) {
        if row[0].is_none() {
            return Err(EngineError::new(
                ErrorKind::NotFound,
                format!("there is no table {}", changes.changed()),
            ));
        }
        oids.push(number(row, 0, TABLE)?);
        if truth(row, 1, "whether row security is active")? {
            hiding.push(changes.changed());
        }
    }
    if hiding.is_empty() {
        return Ok(oids);
    }
    Err(EngineError::new(
        ErrorKind::PermissionDenied,
        format!(
            "row-level security would hide rows of {} from this role, which needs BYPASSRLS or tables that do not force it on their owner",
            permissions::some(&hiding)
        ),
    ))
}

async fn attributes(
    session: &Session,
    oids: &str,
) -> Result<HashMap<u32, HashMap<String, CurrentColumn>>, EngineError> {
    let query = format!(
        "WITH RECURSIVE {BASE}, {EQUALITY} \
         SELECT a.attrelid, a.attname, format_type(base.base, coalesce(base.typmod, a.atttypmod)), e.operator, \
                a.attidentity = 'a', \
                EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND (i.indisunique OR i.indisexclusion) \
                        AND (a.attnum = ANY (i.indkey) \
                             OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                                        AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass \
                                        AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) \
                             OR EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = a.attrelid \
                                        AND g.attgenerated <> '' AND g.attnum = ANY (i.indkey)))) \
         FROM pg_attribute a JOIN base ON base.type = a.atttypid LEFT JOIN equality e ON e.type = base.base \
         WHERE a.attrelid IN ({oids}) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
    );
    let mut out: HashMap<u32, HashMap<String, CurrentColumn>> = HashMap::new();
    for row in session.rows("cannot list the columns", &query).await? {
        let column = CurrentColumn {
            staged_type: text(&row, 2).to_owned(),
            equality: row[3].clone(),
            always: truth(&row, 4, "whether a column is always generated as identity")?,
            unique: truth(&row, 5, "whether a column is part of a unique index")?,
        };
        out.entry(number(&row, 0, TABLE)?).or_default().insert(text(&row, 1).to_owned(), column);
    }
    Ok(out)
}

async fn ancestors(session: &Session, oids: &str) -> Result<HashMap<u32, Vec<u32>>, EngineError> {
    let query = format!(
        "SELECT c.oid, c.oid FROM pg_class c WHERE c.oid IN ({oids}) UNION \
         SELECT c.oid, a.relid FROM pg_class c, pg_partition_ancestors(c.oid) a WHERE c.oid IN ({oids}) UNION \
         SELECT c.oid, t.relid FROM pg_class c, pg_partition_tree(c.oid) t WHERE c.oid IN ({oids}) AND c.relkind = 'p'"
    );
    let mut out: HashMap<u32, Vec<u32>> = HashMap::new();
    for row in session.rows("cannot list the partitions", &query).await? {
        out.entry(number(&row, 0, TABLE)?).or_default().push(number(&row, 1, TABLE)?);
    }
    Ok(out)
}

/// Triggers of users that fire here, and rules; of a partitioned table those of its partitions as well. What a partition has from its
/// parent may be marked as internal.
async fn triggers(session: &Session, oids: &str) -> Result<HashMap<u32, Vec<Trigger>>, EngineError> {
    let query = format!(
        "WITH part (whole, oid) AS (SELECT c.oid, c.oid FROM pg_class c WHERE c.oid IN ({oids}) UNION \
           SELECT c.oid, t.relid FROM pg_class c, pg_partition_tree(c.oid) t WHERE c.oid IN ({oids}) AND c.relkind = 'p'), \
         switch (of, what, name, enabled) AS ( \
           SELECT tgrelid, 'TRIGGER', tgname, tgenabled FROM pg_trigger WHERE tgenabled IN ('O', 'A') \
           AND (NOT tgisinternal OR tgconstraint = 0 AND tgparentid <> 0) \
           UNION ALL SELECT ev_class, 'RULE', rulename, ev_enabled FROM pg_rewrite WHERE ev_enabled IN ('O', 'A')) \
         SELECT p.whole, s.what, s.name, s.enabled, n.nspname, c.relname FROM part p JOIN switch s ON s.of = p.oid \
         JOIN pg_class c ON c.oid = p.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3, p.oid"
    );
    let mut out: HashMap<u32, Vec<Trigger>> = HashMap::new();
    for row in session.rows("cannot list the triggers", &query).await? {
        out.entry(number(&row, 0, TABLE)?).or_default().push(Trigger {
            table: quote::table(&TableName::qualified(text(&row, 4), text(&row, 5))),
            what: if text(&row, 1) == "RULE" { "RULE" } else { "TRIGGER" },
            name: text(&row, 2).to_owned(),
            enable: if text(&row, 3) == "A" { "ENABLE ALWAYS" } else { "ENABLE" },
        });
    }
    Ok(out)
}
