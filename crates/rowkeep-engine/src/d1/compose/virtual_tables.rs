//! Virtual tables: D1 lets nobody write what they keep beside, so they are filled as applications fill them.

use rusqlite::Connection;

use super::rows::{Inserts, Sink};
use crate::EngineError;
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::full_text::FullText;
use crate::sqlite::quote::quoted;

/// How a virtual table gets its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filling {
    /// By inserting them, with their rowids where these are no column.
    Rows { with_rowid: bool },
    /// From another table, by a command.
    Rebuild,
    /// Not at all: it has none of its own.
    Nothing,
    /// Not at all, for it keeps nothing of which it could be made.
    Impossible,
}

/// A virtual table.
#[derive(Debug, Clone)]
pub(crate) struct Virtual {
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) filling: Filling,
}

impl Virtual {
    /// Nothing where it is a table of another sort. `has` tells whether there is a table of some name.
    pub(crate) fn of(object: &Object, has: impl Fn(&str) -> bool) -> Option<Self> {
        if object.kind != "table" || object.stored {
            return None;
        }
        let filling = match module(&object.sql).as_str() {
            "fts5" => match FullText::of(&object.name, &object.sql) {
                Some(_) if has(&format!("{}_content", object.name)) => Filling::Rows { with_rowid: true },
                Some(full_text) if full_text.is_of_another => Filling::Rebuild,
                _ => Filling::Impossible,
            },
            "rtree" | "rtree_i32" | "geopoly" => Filling::Rows { with_rowid: false },
            _ => Filling::Nothing,
        };
        Some(Self { name: object.name.clone(), sql: object.sql.clone(), filling })
    }

    /// Whether a table is one of those in which it keeps what it has.
    pub(crate) fn keeps(&self, table: &str) -> bool {
        table.len() > self.name.len() + 1
            && table.as_bytes()[..self.name.len()].eq_ignore_ascii_case(self.name.as_bytes())
            && table.as_bytes()[self.name.len()] == b'_'
    }

    /// The statements that give it its rows, which are read from where it has them: the name of that database on the connection.
    pub(crate) fn fill(
        &self,
        connection: &Connection,
        from: &str,
        longest: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        match &self.filling {
            Filling::Rows { with_rowid } => self.fill_with_rows(connection, from, *with_rowid, longest, sink),
            Filling::Rebuild => {
                let name = quoted(&self.name);
                sink(format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"))
            }
            Filling::Nothing | Filling::Impossible => Ok(()),
        }
    }

    fn fill_with_rows(
        &self,
        connection: &Connection,
        from: &str,
        with_rowid: bool,
        longest: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let doing = || format!("reading table {}", self.name);
        let mut columns = if with_rowid { vec!["rowid".to_owned()] } else { Vec::new() };
        columns.extend(self.columns(connection)?.iter().map(|name| quoted(name)));
        let sql = format!("SELECT {} FROM {from}.{}", columns.join(", "), quoted(&self.name));
        let mut rows = Statement::prepare(connection, &sql).map_err(when(doing()))?;
        let mut inserts = Inserts::new(&self.name, &columns, longest);
        while rows.step().map_err(when(doing()))? {
            let values = (0..columns.len()).map(|at| rows.value(at).unwrap_or(rowkeep_format::Value::Null));
            inserts.add(values, sink)?;
        }
        inserts.end(sink)
    }

    /// The columns that it has for people.
    pub(crate) fn columns(&self, connection: &Connection) -> Result<Vec<String>, EngineError> {
        let names = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT name FROM pragma_table_info(?1, 'main') ORDER BY cid";
            let mut statement = connection.prepare(sql)?;
            let names = statement.query_map([&self.name], |row| row.get(0))?;
            names.collect()
        };
        names().map_err(when(format!("reading table {}", self.name)))
    }

    /// What people have to know.
    pub(crate) fn note(&self) -> Option<String> {
        (self.filling == Filling::Impossible).then(|| {
            format!(
                "full-text table {} begins empty: it keeps no text of which its index could be made",
                self.name
            )
        })
    }
}

/// The module of a virtual table, in lower case.
fn module(sql: &str) -> String {
    let lower = sql.to_ascii_lowercase();
    let after = lower.split_once("using").map_or("", |(_, after)| after.trim_start());
    let after = after.trim_start_matches(['"', '\'', '`', '[']);
    after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_virtual_tables_are_filled_is_known_by_their_definition() {
        let of = |sql: &str, tables: &[&str]| {
            let object = Object {
                kind: "table".into(),
                name: "t".into(),
                table: "t".into(),
                sql: sql.into(),
                stored: false,
            };
            Virtual::of(&object, |name| tables.contains(&name)).expect("it is virtual").filling
        };
        let rows = |with_rowid| Filling::Rows { with_rowid };
        assert_eq!(of("CREATE VIRTUAL TABLE t USING fts5 (body)", &["t_content"]), rows(true));
        assert_eq!(of("CREATE VIRTUAL TABLE t USING fts5(body, content='notes')", &[]), Filling::Rebuild);
        assert_eq!(of("CREATE VIRTUAL TABLE t USING FTS5(body, content='')", &[]), Filling::Impossible);
        assert_eq!(of("CREATE VIRTUAL TABLE t USING rtree(id, a, b)", &["t_node"]), rows(false));
        assert_eq!(of("CREATE VIRTUAL TABLE t USING fts5vocab('x', 'row')", &[]), Filling::Nothing);
    }
}
