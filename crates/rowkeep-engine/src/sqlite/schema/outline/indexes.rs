//! Indexes of a table, and the collations of its columns, which only indexes tell.

use super::Reading;
use crate::outline::note::{Note, NoteKind};
use crate::outline::tables::{IndexOutline, TableOutline};
use crate::sqlite::quote::quoted;

/// The name of an index that is made to learn the collations of columns.
const PROBE: &str = "rowkeep collations";

/// A column of an index.
struct IndexColumn {
    /// Nothing for an expression.
    name: Option<String>,
    descends: bool,
    collation: String,
}

impl IndexColumn {
    fn is_bytewise(&self) -> bool {
        self.collation.eq_ignore_ascii_case("BINARY")
    }
}

impl Reading<'_> {
    /// Takes over what is unique and indexes, as far as they are over columns that are there.
    pub(super) fn indexes(&self, outline: &mut TableOutline, notes: &mut Vec<Note>) -> rusqlite::Result<()> {
        let sql = "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main')
                   WHERE origin <> 'pk' ORDER BY seq DESC";
        let mut statement = self.connection.prepare(sql)?;
        let indexes = statement.query_map([&self.table.name.name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        for index in indexes.collect::<rusqlite::Result<Vec<(String, bool, String, bool)>>>()? {
            let (name, unique, origin, partial) = index;
            let what = if origin == "u" { "a UNIQUE constraint".to_owned() } else { format!("index {name}") };
            if partial {
                notes.push(outline.left_out(&what, "it is over some of the rows only"));
                continue;
            }
            let columns = self.index_columns(&name)?;
            let places: Option<Vec<(usize, bool)>> = columns
                .iter()
                .map(|column| Some((outline.place(column.name.as_deref()?)?, column.descends)))
                .collect();
            let Some(places) = places else {
                notes.push(outline.left_out(&what, "it is over an expression or a computed column"));
                continue;
            };
            if let Some(column) = columns.iter().find(|column| !column.is_bytewise()) {
                let detail = format!("{what} compares text byte by byte, no longer by {}", column.collation);
                notes.push(Note::of_table(&outline.name, NoteKind::Collation, detail));
            }
            if origin == "u" {
                outline.unique.push(places.into_iter().map(|(place, _)| place).collect());
            } else {
                outline.indexes.push(IndexOutline { name, unique, columns: places });
            }
        }
        Ok(())
    }

    fn index_columns(&self, index: &str) -> rusqlite::Result<Vec<IndexColumn>> {
        let sql = "SELECT name, desc, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno";
        let mut statement = self.connection.prepare(sql)?;
        let columns = statement.query_map([index], |row| {
            Ok(IndexColumn { name: row.get(0)?, descends: row.get(1)?, collation: row.get(2)? })
        })?;
        columns.collect()
    }

    /// Notes columns whose text does not compare byte by byte; an index takes over the collations of its columns.
    pub(super) fn collations(&self, outline: &TableOutline, notes: &mut Vec<Note>) -> rusqlite::Result<()> {
        let names: Vec<String> = outline.columns.iter().map(|column| quoted(&column.name)).collect();
        let (probe, table) = (quoted(PROBE), quoted(&self.table.name.name));
        let probed = format!("CREATE INDEX main.{probe} ON {table} ({})", names.join(", "));
        self.connection.execute_batch(&probed)?;
        let probed = self.index_columns(PROBE)?;
        self.connection.execute_batch(&format!("DROP INDEX main.{probe}"))?;
        for (column, probed) in outline.columns.iter().zip(probed) {
            if !probed.is_bytewise() {
                let detail = format!(
                    "text is told apart byte by byte, and sorted by the database's collation, no longer by {}",
                    probed.collation
                );
                notes.push(Note::of_column(&outline.name, &column.name, NoteKind::Collation, detail));
            }
        }
        Ok(())
    }
}
