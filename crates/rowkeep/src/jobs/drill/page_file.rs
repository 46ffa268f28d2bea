//! The file that a page restores, in the place of a scratch database: of databases that only their pages make, nothing else can be tried.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_engine::{DatabaseUrl, Engine, Surroundings, connect};
use rowkeep_format::{TableEntry, TableKind};
use rowkeep_repository::Repository;

use crate::export::{Destination, ExportFormat, ExportOptions, export};
use crate::quotes::in_quotes;
use crate::restore::Restored;
use crate::restore::verify::{Comparison, TableVerdict, verify, verify_rows, verify_tables};
use crate::state::State;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::state::table_pattern::pattern_of;
use crate::units::counted;
use crate::{Context, Error};

/// Such a file.
pub(super) struct PageFile {
    path: PathBuf,
    surroundings: Surroundings,
}

impl PageFile {
    /// One that is not written yet.
    pub(super) fn new(path: PathBuf, surroundings: Surroundings) -> Self {
        Self { path, surroundings }
    }

    /// Writes these tables of a snapshot as an export for the page does.
    pub(super) async fn write(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
        tables: &[TableEntry],
    ) -> Result<Restored, Error> {
        let is_all = tables.len() == snapshot.manifest.tables.len();
        let named = tables.iter().filter(|table| table.kind.is_user_table() && !is_all);
        let include = named.map(|table| in_quotes(&table.name.name, '"')).collect();
        // What is not to be brought back must not come along with what refers to it.
        let apart = snapshot.manifest.tables.iter().filter(|table| table.kind == TableKind::LargeObjects);
        let apart = apart.filter(|table| !tables.iter().any(|wanted| wanted.name == table.name));
        let exclude = apart.map(|table| pattern_of(&table.name)).collect();
        let selection = Selection { include, exclude, ..Selection::default() };
        let options = ExportOptions {
            format: ExportFormat::Own,
            program: None,
            compression: None,
            selection,
            rows: None,
            mask: None,
            with_schema: true,
            name: String::new(),
            names: BTreeMap::new(),
            base: None,
            alone: true,
            force: false,
            at_most: None,
        };
        let state = State::snapshot(repository, snapshot.clone()).await?;
        let exported = export(context, &state, &options, Destination::File(self.path.clone())).await?;
        Ok(Restored {
            tables: tables.len() as u64,
            rows: exported.rows,
            notes: exported.notes,
            left_out: Vec::new(),
            lacking: Vec::new(),
        })
    }

    /// What reads it, as it reads what arrives.
    fn engine(&self) -> Result<Arc<dyn Engine>, Error> {
        Ok(connect(&DatabaseUrl::of_file(&self.path), &self.surroundings)?)
    }

    /// Reads it again and holds it against the snapshot.
    pub(super) async fn verify(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
    ) -> Result<Comparison, Error> {
        let engine = self.engine()?;
        let state = State::snapshot(repository, snapshot.clone()).await?;
        // Stores whose rows the snapshot does not have are not in the file either.
        let has_all = state.schema().tables.iter().all(|table| state.holds(&table.name));
        let compared = match has_all {
            true => verify(context, repository, snapshot, engine.as_ref()).await?,
            false => verify_rows(context, repository, snapshot, engine.as_ref()).await?,
        };
        Ok(without_unneeded(compared, snapshot.is_masked()))
    }

    /// The same for the rows of some tables.
    pub(super) async fn verify_tables(
        &self,
        context: &Context,
        repository: &Repository,
        snapshot: &Snapshot,
        tables: &[TableEntry],
    ) -> Result<Comparison, Error> {
        let engine = self.engine()?;
        let compared = verify_tables(context, repository, snapshot, engine.as_ref(), tables).await?;
        Ok(without_unneeded(compared, snapshot.is_masked()))
    }

    /// Removes it.
    pub(super) fn remove(self) -> Result<(), Error> {
        std::fs::remove_file(&self.path).or_else(|source| match source.kind() {
            // It was not written whole.
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(Error::File { problem: format!("cannot remove {}", self.path.display()), source }),
        })
    }
}

/// Leaves out of a comparison that contents are fewer: those that no record in the file refers to are not written, and each that is
/// was read by the hash that names it. Of a masked snapshot, a property that no record has any more is none of the file.
fn without_unneeded(mut compared: Comparison, is_masked: bool) -> Comparison {
    let mut notes = Vec::new();
    compared.tables.retain(|table| {
        if is_masked && table.outcome == TableVerdict::ColumnsDiffer {
            notes.push(format!("the rows of {}: masks left a property in none of its records", table.table));
            return false;
        }
        let (Some(stored), Some(found)) = (table.snapshot_rows, table.database_rows) else { return true };
        let is_fewer =
            table.kind == TableKind::LargeObjects && table.outcome == TableVerdict::Differs && found < stored;
        if is_fewer {
            let parts = counted(stored - found, "part");
            notes.push(format!("{parts} of contents, to which no record in the file refers"));
        }
        !is_fewer
    });
    compared.not_compared.extend(notes);
    compared
}
