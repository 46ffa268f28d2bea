//! Repair: what is left of damaged packs is stored again, and what is beyond help is set aside.
//!
//! Nothing is deleted that says anything: objects beyond help are kept below `aside/`, where nothing reads them. What a
//! database can give back of the lost chunks, the layer above adds to the [`Writer`] of a [`Salvage`].

mod config;

use std::collections::BTreeSet;

use futures::StreamExt;
use rowkeep_format::ids::{ChunkId, PackId, SnapshotId};

use crate::compress::Compressed;
use crate::ledger::{self, Entry};
use crate::{CheckReport, Reader, Remedy, Repository, Result, Writer, objects};

/// How many chunks are read at the same time.
const AT_ONCE: usize = 4;

/// The level of zstd for chunks that are stored again.
const LEVEL: i32 = 3;

/// A repair that has begun: what could be read of damaged packs is on its way into new ones.
pub struct Salvage {
    /// Takes more chunks. Chunks of the damaged packs count as not stored for it.
    pub writer: Writer,
    /// Chunks of the damaged packs that cannot be read from anywhere.
    pub lost: BTreeSet<ChunkId>,
}

impl Repository {
    /// Stores again what can still be read of the packs that a check found damaged or missing, and has the index name those
    /// that no index object names.
    ///
    /// The writer has to be finished before [`Repository::conclude`] does away with the packs.
    pub async fn salvage(&self, report: &CheckReport) -> Result<Salvage> {
        let writer = self.writer().await?;
        let reader = self.reader().await?;
        let mut held = BTreeSet::new();
        for pack in &report.damaged_packs {
            held.extend(self.forget_chunks_of(pack).await);
        }
        let lost = self.store_again(&writer, &reader, held).await?;
        Ok(Salvage { writer, lost })
    }

    /// Has chunks of a pack count as not stored; gives them.
    async fn forget_chunks_of(&self, pack: &PackId) -> Vec<ChunkId> {
        let index = self.index().current();
        let Some(number) = index.number(pack) else { return Vec::new() };
        let chunks = index.chunks_of(number);
        self.index().found_unreadable(number, chunks.clone()).await;
        chunks
    }

    /// Stores chunks again that can be read and are in no other pack; gives those that cannot be read.
    async fn store_again(
        &self,
        writer: &Writer,
        reader: &Reader,
        chunks: BTreeSet<ChunkId>,
    ) -> Result<BTreeSet<ChunkId>> {
        let mut lost = BTreeSet::new();
        let needed = chunks.into_iter().filter(|id| !writer.has(id));
        let mut reading = futures::stream::iter(needed)
            .map(|id| async move { (id, reader.read(&id).await) })
            .buffered(AT_ONCE);
        while let Some((id, outcome)) = reading.next().await {
            match outcome {
                Ok(plain) if writer.claim(&id) => {
                    let keys = self.content_keys().clone();
                    let compressing =
                        tokio::task::spawn_blocking(move || Compressed::new(&keys, id, &plain, LEVEL));
                    let compressed = compressing.await.map_err(|_| crate::Error::System("compressing"))??;
                    writer.add(compressed).await?;
                }
                Ok(_) => {}
                Err(error) if error.is_finding() => drop(lost.insert(id)),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    }

    /// Does away with what is beyond help, once all that could be saved is stored: index objects name the damaged packs no
    /// more, objects are set aside, entries of the ledger struck. Gives the objects that were set aside.
    ///
    /// It can be repeated: when it is killed in between, a check finds what is left to do.
    pub async fn conclude(&self, report: &CheckReport) -> Result<Vec<String>> {
        let objects = self.objects();
        let mut aside = Vec::new();
        self.index().leave_out(&report.damaged_packs).await?;
        for remedy in &report.remedies {
            match remedy {
                Remedy::WriteConfig => self.restore_config().await?,
                Remedy::SetAside(name) => {
                    objects.set_aside(name).await?;
                    aside.push(name.clone());
                }
                Remedy::Strike(entry) => objects.delete(entry).await?,
                // A writer has done it.
                Remedy::Name(_) => {}
                Remedy::Salvage(pack) => {
                    let name = objects::pack(pack);
                    if objects.exists(&name).await? {
                        objects.set_aside(&name).await?;
                        aside.push(name);
                    }
                    objects.delete(&Entry::Doubt(*pack).name()).await?;
                }
            }
        }
        self.listings().forget().await;
        Ok(aside)
    }

    /// Notes in the ledger which snapshots have lost chunks for good, so that a check need not tell of it as damage; and which
    /// have what they need again.
    pub async fn accept_incomplete<'s>(
        &self,
        incomplete: impl IntoIterator<Item = &'s SnapshotId>,
        whole: impl IntoIterator<Item = &'s SnapshotId>,
    ) -> Result<()> {
        for id in incomplete {
            ledger::record(self.objects(), Entry::Incomplete(*id)).await?;
        }
        for id in whole {
            self.objects().delete(&Entry::Incomplete(*id).name()).await?;
        }
        Ok(())
    }

    /// Sets plans aside that cannot be executed any more.
    pub async fn set_plans_aside(&self, plans: impl IntoIterator<Item = crate::PlanId>) -> Result<()> {
        for id in plans {
            self.objects().set_aside(&objects::plan(&id)).await?;
        }
        Ok(())
    }
}
