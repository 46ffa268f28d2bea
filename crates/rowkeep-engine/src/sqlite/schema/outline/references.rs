//! References of a table: their columns from the schema, their actions from a pragma.

use super::Reading;
use crate::outline::note::{Note, NoteKind};
use crate::outline::tables::{ReferenceOutline, TableOutline, action};

impl Reading<'_> {
    pub(super) fn references(
        &self,
        outline: &TableOutline,
        notes: &mut Vec<Note>,
    ) -> rusqlite::Result<Vec<ReferenceOutline>> {
        // The schema has those whose columns are all stored, in the order in which SQLite lists them.
        let sql = "SELECT id, \"from\", on_update, on_delete FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([&self.table.name.name])?;
        let mut actions: Vec<(i64, Vec<String>, String, String)> = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            match actions.last_mut().filter(|(last, ..)| *last == id) {
                Some((_, columns, ..)) => columns.push(row.get(1)?),
                None => actions.push((id, vec![row.get(1)?], row.get(2)?, row.get(3)?)),
            }
        }
        let orphans = self.survey.orphans.get(&self.table.name).map_or(&[][..], Vec::as_slice);
        let mut known = self.table.foreign_keys.iter().zip(orphans.iter().chain(std::iter::repeat(&0)));
        let mut references = Vec::new();
        for (_, columns, on_update, on_delete) in &actions {
            let places: Option<Vec<usize>> = columns.iter().map(|column| outline.place(column)).collect();
            let reference = places.and_then(|places| Some((places, known.next()?)));
            let Some((columns, (key, orphans))) = reference else {
                let detail =
                    format!("a reference with column {} is left out: it is computed", columns.join(", "));
                notes.push(Note::of_table(&outline.name, NoteKind::Reference, detail));
                continue;
            };
            references.push(ReferenceOutline {
                columns,
                references: key.references.clone(),
                referenced_columns: key.referenced_columns.clone(),
                on_update: action(on_update),
                on_delete: action(on_delete),
                deferred: false,
                orphans: *orphans,
            });
        }
        if self.clauses.deferred && !references.is_empty() {
            // Which of several is deferred, no pragma tells; one that is checked later holds up nobody.
            references.iter_mut().for_each(|reference| reference.deferred = true);
            if references.len() > 1 {
                let detail = "some references are checked at the end of a transaction; now all of them are";
                notes.push(Note::of_table(&outline.name, NoteKind::Reference, detail));
            }
        }
        Ok(references)
    }
}
