//! What is in `sqlite_schema`: objects with their SQL, tables with their columns.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement, params};
use serde::{Deserialize, Serialize};

use crate::sqlite::catalog::affinity::Affinity;
use crate::sqlite::catalog::rowid::rowid_name;
use crate::sqlite::connect::error::when;
use crate::{EngineError, ErrorKind};

/// A row of `sqlite_schema` that has SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// `table`, `index`, `view` or `trigger`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The table it belongs to; its own name for tables and views.
    pub(crate) table: String,
    /// Its SQL, exactly as SQLite keeps it.
    pub(crate) sql: String,
    /// Whether it has pages of its own. Virtual tables, views and triggers have not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stored: bool,
}

impl Object {
    /// Whether it is a table that rows are read from.
    pub(crate) fn is_stored_table(&self) -> bool {
        self.kind == "table" && self.stored
    }
}

/// All objects in the order in which they were created.
pub(crate) fn objects(connection: &Connection) -> Result<Vec<Object>, EngineError> {
    let read = || -> rusqlite::Result<Vec<Result<Object, EngineError>>> {
        let sql = "SELECT type, name, tbl_name, sql, rootpage FROM main.sqlite_schema WHERE sql NOT NULL ORDER BY rowid";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next()? {
            let text = |column| text(row.get_ref_unwrap(column));
            objects.push((|| {
                Ok(Object {
                    kind: text(0)?,
                    name: text(1)?,
                    table: text(2)?,
                    sql: text(3)?,
                    stored: matches!(row.get_ref_unwrap(4), ValueRef::Integer(page) if page > 0),
                })
            })());
        }
        Ok(objects)
    };
    read().map_err(when("reading the schema"))?.into_iter().collect()
}

/// A name or SQL, which has to be UTF-8.
fn text(value: ValueRef<'_>) -> Result<String, EngineError> {
    let bytes = value.as_bytes().map_err(|error| {
        EngineError::new(ErrorKind::Damaged, "the schema holds something else than names and definitions")
            .with_source(error)
    })?;
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes);
        EngineError::new(
            ErrorKind::Unstorable,
            format!("a name or definition in the schema is not UTF-8: {shown}"),
        )
    })
}

/// What SQLite knows of a table that has rows of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) columns: Vec<DeclaredColumn>,
    pub(crate) without_rowid: bool,
    pub(crate) shadow: bool,
    /// Unique indexes over columns alone and without a condition, the primary key first, then in order of creation.
    pub(crate) unique: Vec<UniqueIndex>,
    pub(crate) references: Vec<Reference>,
}

/// A column as declared, generated ones included.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredColumn {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) affinity: Affinity,
    pub(crate) not_null: bool,
    /// Place in the primary key from 1, or 0.
    pub(crate) primary: u32,
    pub(crate) generated: bool,
}

/// A unique index.
#[derive(Debug, Clone)]
pub(crate) struct UniqueIndex {
    pub(crate) name: String,
    pub(crate) primary: bool,
    /// Its columns: index into [`Facts::columns`], whether descending, collation.
    pub(crate) columns: Vec<(usize, bool, String)>,
}

/// A foreign key; no columns referred to stand for the primary key of the other table.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) columns: Vec<String>,
    pub(crate) table: String,
    pub(crate) referenced: Vec<String>,
}

impl Facts {
    /// The column that is another name for the rowid.
    pub(crate) fn integer_primary_key(&self) -> Option<usize> {
        let mut primary = self.columns.iter().enumerate().filter(|(_, column)| column.primary > 0);
        let (index, _) = primary.next()?;
        let alone = primary.next().is_none() && !self.without_rowid;
        // All other primary keys have an index.
        (alone && !self.unique.iter().any(|index| index.primary)).then_some(index)
    }

    /// The columns of the primary key, in its order.
    pub(crate) fn primary_key(&self) -> Vec<String> {
        let mut columns: Vec<_> = self.columns.iter().filter(|column| column.primary > 0).collect();
        columns.sort_by_key(|column| column.primary);
        columns.into_iter().map(|column| column.name.clone()).collect()
    }

    /// What tells a row of it to people: the primary key, else the rowid, else everything.
    pub(crate) fn named_by(&self) -> Vec<String> {
        match (self.primary_key(), self.rowid_name()) {
            (primary, _) if !primary.is_empty() => primary,
            (_, Some(rowid)) => vec![rowid.into()],
            _ => self.columns.iter().map(|column| column.name.clone()).take(8).collect(),
        }
    }

    /// The name by which the rowid can be reached, where there is one.
    pub(crate) fn rowid_name(&self) -> Option<&'static str> {
        if self.without_rowid {
            None
        } else {
            rowid_name(self.columns.iter().map(|column| column.name.as_str()))
        }
    }
}

/// Tables by their names, which differ by more than the case of ASCII letters.
pub(crate) struct ByName<'f>(HashMap<String, &'f Facts>);

impl<'f> ByName<'f> {
    pub(crate) fn of(facts: &'f [Facts]) -> Self {
        Self(facts.iter().map(|table| (table.name.to_ascii_lowercase(), table)).collect())
    }

    /// The table that a statement means by a name.
    pub(crate) fn get(&self, name: &str) -> Option<&'f Facts> {
        self.0.get(&name.to_ascii_lowercase()).copied()
    }
}

/// The facts of all tables that have rows of their own, in the order of `objects`.
pub(crate) fn tables(connection: &Connection, objects: &[Object]) -> Result<Vec<Facts>, EngineError> {
    let prepare = || Ok((kinds(connection)?, Pragmas::prepare(connection)?));
    let (kinds, mut pragmas) = prepare().map_err(when("listing the tables"))?;
    objects
        .iter()
        .filter(|object| object.is_stored_table())
        .map(|object| {
            let kind = kinds.get(&object.name).copied().unwrap_or_default();
            pragmas.facts(&object.name, kind).map_err(when(format!("table {}", object.name)))
        })
        .collect()
}

#[derive(Debug, Clone, Copy, Default)]
struct TableType {
    without_rowid: bool,
    strict: bool,
    shadow: bool,
}

fn kinds(connection: &Connection) -> rusqlite::Result<HashMap<String, TableType>> {
    let sql = "SELECT name, wr, strict, type = 'shadow' FROM pragma_table_list WHERE schema = 'main'";
    let mut statement = connection.prepare(sql)?;
    let kinds = statement.query_map([], |row| {
        Ok((row.get(0)?, TableType { without_rowid: row.get(1)?, strict: row.get(2)?, shadow: row.get(3)? }))
    })?;
    kinds.collect()
}

/// What tells the facts of a table, prepared once for all of them.
struct Pragmas<'c> {
    columns: Statement<'c>,
    indexes: Statement<'c>,
    index_columns: Statement<'c>,
    references: Statement<'c>,
}

impl<'c> Pragmas<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            columns: connection.prepare(
                "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid",
            )?,
            // SQLite lists the newest first.
            indexes: connection.prepare(
                "SELECT name, origin = 'pk' FROM pragma_index_list(?1, 'main') WHERE \"unique\" AND NOT partial
                 ORDER BY origin = 'pk' DESC, seq DESC",
            )?,
            index_columns: connection.prepare(
                "SELECT cid, desc, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno",
            )?,
            references: connection.prepare(
                "SELECT id, \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq",
            )?,
        })
    }

    fn facts(&mut self, name: &str, kind: TableType) -> rusqlite::Result<Facts> {
        let columns = self.columns.query_map([name], |row| {
            let type_name: String = row.get(1)?;
            Ok(DeclaredColumn {
                name: row.get(0)?,
                affinity: Affinity::of(&type_name, kind.strict),
                type_name,
                not_null: row.get(2)?,
                primary: row.get(3)?,
                generated: matches!(row.get(4)?, 2 | 3),
            })
        })?;
        Ok(Facts {
            name: name.into(),
            columns: columns.collect::<rusqlite::Result<Vec<_>>>()?,
            without_rowid: kind.without_rowid,
            shadow: kind.shadow,
            unique: self.unique_indexes(name)?,
            references: self.references(name)?,
        })
    }

    fn unique_indexes(&mut self, table: &str) -> rusqlite::Result<Vec<UniqueIndex>> {
        let indexes = self.indexes.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let indexes = indexes.collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
        let mut out = Vec::new();
        for (name, primary) in indexes {
            let rows = self
                .index_columns
                .query_map([&name], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?;
            let rows = rows.collect::<rusqlite::Result<Vec<(i64, bool, String)>>>()?;
            // The rowid and expressions have numbers below 0.
            let columns = rows.into_iter().map(|(column, descending, collation)| {
                usize::try_from(column).ok().map(|column| (column, descending, collation))
            });
            if let Some(columns) = columns.collect() {
                out.push(UniqueIndex { name, primary, columns });
            }
        }
        Ok(out)
    }

    fn references(&mut self, table: &str) -> rusqlite::Result<Vec<Reference>> {
        let mut rows = self.references.query(params![table])?;
        let mut references: Vec<(i64, Reference)> = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if references.last().is_none_or(|(last, _)| *last != id) {
                let reference = Reference { columns: Vec::new(), table: row.get(2)?, referenced: Vec::new() };
                references.push((id, reference));
            }
            if let Some((_, reference)) = references.last_mut() {
                reference.columns.push(row.get(1)?);
                reference.referenced.extend(row.get::<_, Option<String>>(3)?);
            }
        }
        Ok(references.into_iter().map(|(_, reference)| reference).collect())
    }
}
