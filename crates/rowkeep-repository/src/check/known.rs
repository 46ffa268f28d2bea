//! What the ledger knows to be damaged: doubted packs and incomplete snapshots.

use std::collections::BTreeSet;

use rowkeep_format::ids::PackId;

use super::report::CheckReport;
use crate::ledger::{self, Entry};
use crate::{Repository, Result};

/// Reads what is known; gives the doubted packs.
pub(super) async fn read(repository: &Repository, report: &mut CheckReport) -> Result<BTreeSet<PackId>> {
    let mut doubted = BTreeSet::new();
    for entry in ledger::entries(repository.objects()).await? {
        match entry {
            Entry::Doubt(pack) => drop(doubted.insert(pack)),
            Entry::Incomplete(snapshot) => drop(report.incomplete.insert(snapshot)),
            Entry::Snapshot(_) | Entry::KeySlot(_) => {}
        }
    }
    Ok(doubted)
}

/// Doubts the packs that were found damaged, and no longer those that were read and are whole. A store that may not be
/// written to is checked all the same.
pub(super) async fn write(repository: &Repository, doubted: &BTreeSet<PackId>, report: &CheckReport) {
    let objects = repository.objects();
    let written = async {
        for pack in report.damaged_packs.difference(doubted) {
            ledger::record(objects, Entry::Doubt(*pack)).await?;
        }
        for pack in doubted.difference(&report.damaged_packs) {
            objects.delete(&Entry::Doubt(*pack).name()).await?;
        }
        Ok::<_, crate::Error>(())
    };
    if let Err(error) = written.await {
        tracing::info!(%error, "cannot note which packs are damaged");
    }
}
