//! The foreign keys among and around changed tables.

use std::collections::{BTreeSet, HashMap};

use rowkeep_format::TableName;
use tokio_postgres::error::DbError;

use super::current_tables::CurrentTable;
use crate::postgres::connect::failure::changing_failed;
use crate::postgres::connect::row::{Row, json, number, text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::{EngineError, ErrorKind};

/// A foreign key; of a partitioned table, that of the table which it was declared for.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// Its number.
    pub(super) oid: u32,
    /// Its name.
    pub(super) name: String,
    /// The referring table, as SQL.
    pub(super) child: String,
    /// The same for people.
    pub(super) child_name: String,
    /// Whether the referring table is partitioned.
    pub(super) child_partitioned: bool,
    /// The number of the referring table.
    pub(super) child_oid: u32,
    /// The number of the table referred to.
    pub(super) parent_oid: u32,
    /// The table referred to, as a source of rows.
    pub(super) parent_rows: String,
    /// The same for people.
    pub(super) parent_name: String,
    /// Whether it asks for a row at every moment of a period, rather than for one row.
    pub(super) of_periods: bool,
    /// Whether it can be checked at the end.
    pub(super) deferrable: bool,
    /// Whether all rows conform to it.
    pub(super) validated: bool,
    /// What an update of the row referred to does, as `pg_constraint.confupdtype` says it.
    pub(super) on_update: char,
    /// The same for a delete.
    pub(super) on_delete: char,
    /// The referring columns.
    pub(super) child_columns: Vec<String>,
    /// The columns referred to.
    pub(super) parent_columns: Vec<String>,
    /// How a value that is referred to is compared with one that refers, as SQL.
    pub(super) equality: Vec<String>,
    /// How values that are referred to are compared with each other, as SQL.
    pub(super) parent_equality: Vec<String>,
    /// What declares it.
    pub(super) definition: String,
    /// Its comment.
    pub(super) comment: Option<String>,
}

/// All foreign keys that changed tables have or are referred to by.
pub(super) async fn read(session: &Session, tables: &[CurrentTable]) -> Result<Vec<Reference>, EngineError> {
    let oids: BTreeSet<u32> = tables.iter().flat_map(|current| current.ancestors.iter().copied()).collect();
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    let list = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let names = |table: &str, columns: &str| {
        format!(
            "(SELECT json_agg(a.attname ORDER BY f.at) FROM unnest(k.{columns}) WITH ORDINALITY f (attnum, at) \
              JOIN pg_attribute a ON a.attrelid = k.{table} AND a.attnum = f.attnum)"
        )
    };
    let operators = |column: &str| {
        format!(
            "(SELECT json_agg(format('OPERATOR(%I.%s)', n.nspname, o.oprname) ORDER BY f.at) \
              FROM unnest(k.{column}) WITH ORDINALITY f (operator, at) \
              JOIN pg_operator o ON o.oid = f.operator JOIN pg_namespace n ON n.oid = o.oprnamespace)"
        )
    };
    let query = format!(
        "SELECT k.oid, k.conname, n.nspname, c.relname, c.relkind = 'p', k.conrelid, k.confrelid, k.condeferrable, \
                k.convalidated, k.confupdtype, k.confdeltype, {}, {}, {}, {}, pg_get_constraintdef(k.oid), \
                obj_description(k.oid, 'pg_constraint'), pn.nspname, p.relname, p.relkind = 'p', \
                coalesce(to_jsonb(k) ->> 'conperiod', 'false') = 'true' \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE k.contype = 'f' AND k.conparentid = 0 AND (k.conrelid IN ({list}) OR k.confrelid IN ({list})) \
         AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' ORDER BY k.oid",
        names("conrelid", "conkey"),
        names("confrelid", "confkey"),
        operators("conpfeqop"),
        operators("conppeqop"),
    );
    let rows = session.rows("cannot list the references", &query).await?;
    let table = "the number of a table";
    let names = "the columns of a reference";
    let operators = "the operators of a reference";
    let reference = |row: &Row| {
        let child = TableName::qualified(text(row, 2), text(row, 3));
        let parent = TableName::qualified(text(row, 17), text(row, 18));
        let parent_is_partitioned = truth(row, 19, "whether a table is partitioned")?;
        Ok(Reference {
            oid: number(row, 0, "the number of a reference")?,
            name: text(row, 1).to_owned(),
            child: quote::table(&child),
            child_name: child.to_string(),
            child_partitioned: truth(row, 4, "whether a table is partitioned")?,
            child_oid: number(row, 5, table)?,
            parent_oid: number(row, 6, table)?,
            parent_rows: rows_of(&quote::table(&parent), parent_is_partitioned),
            parent_name: parent.to_string(),
            of_periods: truth(row, 20, "whether a reference is of periods")?,
            deferrable: truth(row, 7, "whether a reference is deferrable")?,
            validated: truth(row, 8, "whether a reference is validated")?,
            on_update: number(row, 9, "the action of a reference")?,
            on_delete: number(row, 10, "the action of a reference")?,
            child_columns: json(row, 11, names)?,
            parent_columns: json(row, 12, names)?,
            equality: json(row, 13, operators)?,
            parent_equality: json(row, 14, operators)?,
            definition: text(row, 15).to_owned(),
            comment: row[16].clone(),
        })
    };
    rows.iter().map(reference).collect()
}

impl Reference {
    /// Whether it is declared for this table, or for one that the table is a part of.
    pub(super) fn is_of(&self, current: &CurrentTable) -> bool {
        current.ancestors.contains(&self.child_oid)
    }

    /// Whether it refers to this table, or to one that the table is a part of.
    pub(super) fn refers_to(&self, current: &CurrentTable) -> bool {
        current.ancestors.contains(&self.parent_oid)
    }

    /// The referring table as a source of rows.
    pub(super) fn child_rows(&self) -> String {
        rows_of(&self.child, self.child_partitioned)
    }

    /// Whether a row `t` is referred to by a row `c`, as SQL.
    pub(super) fn refers(&self, t: &str, c: &str) -> String {
        let parts = self.parent_columns.iter().zip(&self.child_columns).zip(&self.equality);
        let parts = parts.map(|((parent, child), equals)| {
            format!("{t}.{} {equals} {c}.{}", quote::ident(parent), quote::ident(child))
        });
        parts.collect::<Vec<_>>().join(" AND ")
    }
}

/// A table as a source of its own rows, or of those of its partitions.
fn rows_of(table: &str, is_partitioned: bool) -> String {
    if is_partitioned { table.to_owned() } else { format!("ONLY {table}") }
}

/// What is done to a foreign key that the order of the changes would violate for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Treatment {
    /// It is checked at the end.
    Defer,
    /// It is dropped, and added and checked again at the end.
    Drop,
    /// It is not checked, for rows may dangle; how many do is counted at the end.
    Uncheck,
}

impl Reference {
    /// Puts it aside until [`restore`](Self::restore).
    pub(super) async fn treat(&self, session: &Session, treatment: Treatment) -> Result<(), EngineError> {
        let statement = match treatment {
            Treatment::Defer => format!(
                "ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE INITIALLY DEFERRED",
                self.child,
                quote::ident(&self.name)
            ),
            Treatment::Drop => {
                format!("ALTER TABLE {} DROP CONSTRAINT {}", self.child, quote::ident(&self.name))
            }
            // See `Reference::uncheck`.
            Treatment::Uncheck => return Ok(()),
        };
        self.alter(session, &statement).await
    }

    /// Makes it again as it was; what was deferred has been checked.
    pub(super) async fn restore(&self, session: &Session, treatment: Treatment) -> Result<(), EngineError> {
        let name = quote::ident(&self.name);
        if treatment == Treatment::Uncheck {
            return Ok(());
        }
        if treatment == Treatment::Defer {
            let statement = format!("ALTER TABLE {} ALTER CONSTRAINT {name} NOT DEFERRABLE", self.child);
            return self.alter(session, &statement).await;
        }
        let statement = format!("ALTER TABLE {} ADD CONSTRAINT {name} {}", self.child, self.definition);
        self.alter(session, &statement).await?;
        match &self.comment {
            Some(comment) => {
                let comment = quote::literal(comment);
                let statement = format!("COMMENT ON CONSTRAINT {name} ON {} IS {comment}", self.child);
                self.alter(session, &statement).await
            }
            None => Ok(()),
        }
    }

    pub(super) async fn alter(&self, session: &Session, statement: &str) -> Result<(), EngineError> {
        session.try_run(statement).await.map_err(|error| {
            let what = if error.code().is_some_and(|code| code.code() == "42501") {
                "only the owner of the tables can put off the check of"
            } else {
                "the changes do not conform to"
            };
            changing_failed(format!("{what} constraint {} of table {}", self.name, self.child_name), error)
        })
    }
}

/// The foreign key that an error of the server names: the one declared, where it names that of a partition.
pub(super) async fn named(session: &Session, error: &DbError) -> Result<Option<u32>, EngineError> {
    let (Some(schema), Some(table), Some(constraint)) = (error.schema(), error.table(), error.constraint())
    else {
        return Ok(None);
    };
    let query = format!(
        "WITH RECURSIVE up (oid, parent) AS ( \
           SELECT k.oid, k.conparentid FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
           JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE k.contype = 'f' AND k.conname = {} AND c.relname = {} AND n.nspname = {} \
           UNION ALL SELECT k.oid, k.conparentid FROM pg_constraint k JOIN up ON k.oid = up.parent) \
         SELECT oid FROM up WHERE parent = 0",
        quote::literal(constraint),
        quote::literal(table),
        quote::literal(schema)
    );
    let rows = session.rows("cannot look up a reference", &query).await?;
    rows.first().map(|row| number(row, 0, "the number of a reference")).transpose()
}

/// The changed tables, children before the parents that they refer to; in a cycle somebody has to be first.
pub(super) fn order(tables: &[CurrentTable], references: &[Reference]) -> Vec<usize> {
    let mut tables_of: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, table) in tables.iter().enumerate() {
        table.ancestors.iter().for_each(|oid| tables_of.entry(*oid).or_default().push(at));
    }
    let of = |oid: u32| tables_of.get(&oid).map(Vec::as_slice).unwrap_or_default();
    let mut children: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tables.len()];
    let mut parents = children.clone();
    for reference in references {
        for parent in of(reference.parent_oid) {
            for child in of(reference.child_oid).iter().filter(|child| *child != parent) {
                children[*parent].insert(*child);
                parents[*child].insert(*parent);
            }
        }
    }
    // By how many of its children come later.
    let mut open: Vec<usize> = children.iter().map(BTreeSet::len).collect();
    let mut left: BTreeSet<(usize, usize)> = open.iter().copied().zip(0..).collect();
    let mut order: Vec<usize> = Vec::new();
    while let Some((_, next)) = left.pop_first() {
        order.push(next);
        for parent in &parents[next] {
            if left.remove(&(open[*parent], *parent)) {
                open[*parent] -= 1;
                left.insert((open[*parent], *parent));
            }
        }
    }
    order
}

/// Refuses to drop what could not be checked when it is added again.
pub(super) fn check_droppable(reference: &Reference) -> Result<(), EngineError> {
    if reference.validated {
        return Ok(());
    }
    Err(EngineError::new(
        ErrorKind::Unsupported,
        format!(
            "constraint {} of table {} is in the way of the changes and is NOT VALID; validate it first",
            reference.name, reference.child_name
        ),
    ))
}
