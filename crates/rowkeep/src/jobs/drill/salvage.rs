//! What can still be restored from a damaged snapshot.

use std::sync::Arc;

use rowkeep_format::{Schema, TableEntry, TableKind};
use rowkeep_repository::Repository;

use super::damage::{Health, examine};
use super::findings::{found, proof};
use super::scratch::Workshop;
use crate::report::{ReportEntry, Status};
use crate::state::snapshots::Snapshot;
use crate::units::{count, counted};
use crate::{Context, Error};

/// Flaws that are shown of a table.
const SHOWN: usize = 5;

/// What is done with a snapshot that could not be restored.
pub(super) struct Salvage<'a> {
    pub(super) context: &'a Context,
    pub(super) repository: &'a Repository,
    pub(super) snapshot: &'a Snapshot,
    pub(super) workshop: &'a Workshop,
}

impl Salvage<'_> {
    /// Finds what is damaged, and restores and proves everything else.
    pub(super) async fn run(&self, schema: &Schema) -> Result<Vec<ReportEntry>, Error> {
        let reader = match self.repository.reader().await {
            Ok(reader) => Arc::new(reader),
            Err(error) => {
                return Ok(vec![found("repository", Status::Failed, Error::from(error).in_one_line(), None)]);
            }
        };
        let (mut whole, mut damage) = (Vec::new(), Vec::new());
        for table in &self.snapshot.manifest.tables {
            let health = examine(self.context, &reader, table);
            let health = self.context.until_cancelled(health).await?;
            match health.flaws.is_empty() {
                true => whole.push(health.table),
                false => damage.push(lost(&health)),
            }
        }
        let has_all_apart = !self.snapshot.manifest.tables.iter().any(|table| {
            table.kind == TableKind::LargeObjects && !whole.iter().any(|other| other.name == table.name)
        });
        if has_all_apart || !self.workshop.makes_files() {
            damage.push(self.restore_rest(schema, &whole).await?);
            return Ok(damage);
        }
        // A store whose records hold lost contents keeps none of the others from being written.
        for table in whole.chunks(1) {
            damage.push(self.restore_rest(schema, table).await?);
        }
        Ok(damage)
    }

    async fn restore_rest(&self, schema: &Schema, whole: &[TableEntry]) -> Result<ReportEntry, Error> {
        let names: Vec<String> = whole
            .iter()
            .filter(|table| table.kind.is_user_table())
            .map(|table| table.name.to_string())
            .collect();
        if names.is_empty() {
            return Ok(found("the rest", Status::Failed, "no table can be restored", None));
        }
        let watch = self.context.stopwatch();
        let scratch = self.workshop.make(schema).await?;
        let tried = async {
            let restored = scratch.fill(self.context, self.repository, self.snapshot, whole).await?;
            let compared = scratch.verify_tables(self.context, self.repository, self.snapshot, whole).await?;
            Ok::<_, Error>(compared.without(&restored.left_out, &restored.lacking))
        };
        let tried = tried.await;
        scratch.remove().await?;
        let (can, equal) = match self.workshop.makes_files() {
            false => ("restored", "restored and proven equal"),
            true => ("written as its page restores it", "written, read again and equal"),
        };
        let title = format!("the rest can be {can}: {}", names.join(", "));
        Ok(match tried {
            Ok(comparison) => {
                let proof = proof(&comparison, watch.elapsed_ms());
                let rows = whole
                    .iter()
                    .filter(|table| table.kind.is_user_table())
                    .map(|table| table.root.rows)
                    .sum();
                let detail = format!(
                    "{} and {}, {}",
                    counted(names.len() as u64, "table"),
                    counted(rows, "row"),
                    if proof.status == Status::Passed { equal } else { &proof.detail }
                );
                ReportEntry { title, detail, ..proof }
            }
            Err(error) if matches!(error, Error::Cancelled) => return Err(error),
            Err(error) => found(title, Status::Failed, error.in_one_line(), Some(watch.elapsed_ms())),
        })
    }
}

fn lost(health: &Health) -> ReportEntry {
    let detail = format!(
        "{} {} damaged; {} of {} can still be read",
        counted(health.flaws.len() as u64, "chunk"),
        if health.flaws.len() == 1 { "is" } else { "are" },
        count(health.readable_rows),
        counted(health.table.root.rows, "row"),
    );
    let lost = found(format!("table {}", health.table.name), Status::Failed, detail, None);
    ReportEntry { samples: health.flaws.iter().take(SHOWN).cloned().collect(), ..lost }
}
