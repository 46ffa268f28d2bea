use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinError, JoinSet};

use super::stored::Stored;
use crate::index::{self, CHUNKS_PER_OBJECT, PACKS_PER_OBJECT};
use crate::pack::{PackBuilder, PackRecord};
use crate::{Error, Repository, Result, objects};

/// How many packs are on their way at the same time; each takes its size in memory.
const AT_ONCE: usize = 2;

/// Packs on their way to the store, and those that are there but in no index object yet.
pub(super) struct Uploads {
    repository: Repository,
    /// Gives the pack that was written, or nothing for an index object.
    tasks: JoinSet<Result<Option<PackRecord>>>,
    unindexed: Vec<PackRecord>,
    stored: Stored,
    failed: bool,
}

impl Uploads {
    pub(super) fn new(repository: Repository) -> Self {
        let (tasks, unindexed, stored) = (JoinSet::new(), Vec::new(), Stored::default());
        Self { repository, tasks, unindexed, stored, failed: false }
    }

    /// Notes packs that are in the store and that the next index objects have to name.
    pub(super) fn index_later(&mut self, packs: Vec<PackRecord>) {
        for pack in packs {
            self.unindexed.push(pack);
            self.index_when_many();
        }
    }

    /// Takes note of everything that has ended; fails with what failed.
    pub(super) fn collect(&mut self) -> Result<()> {
        if self.failed {
            return Err(Error::WriterFailed);
        }
        while let Some(outcome) = self.tasks.try_join_next() {
            self.ended(outcome)?;
        }
        Ok(())
    }

    /// Waits until another pack may be on its way. May be given up and repeated.
    pub(super) async fn wait_for_room(&mut self) -> Result<()> {
        self.collect()?;
        while self.tasks.len() >= AT_ONCE {
            if let Some(outcome) = self.tasks.join_next().await {
                self.ended(outcome)?;
            }
        }
        Ok(())
    }

    /// Completes a pack and writes it, in the background.
    pub(super) fn start(&mut self, pack: PackBuilder) {
        let repository = self.repository.clone();
        self.tasks.spawn(async move {
            let sealer = Arc::clone(repository.sealer());
            let finishing = tokio::task::spawn_blocking(move || pack.finish(&sealer));
            let pack = finishing.await.map_err(|_| Error::System("completing a pack"))??;
            repository.objects().write(&objects::pack(&pack.record.id), pack.file).await?;
            Ok(Some(pack.record))
        });
    }

    /// Waits for everything and writes the index.
    pub(super) async fn finish(mut self) -> Result<Stored> {
        self.collect()?;
        loop {
            while let Some(outcome) = self.tasks.join_next().await {
                self.ended(outcome)?;
            }
            if self.unindexed.is_empty() {
                return Ok(self.stored);
            }
            self.start_index();
        }
    }

    fn ended(&mut self, outcome: Result<Result<Option<PackRecord>>, JoinError>) -> Result<()> {
        let outcome = outcome.unwrap_or(Err(Error::System("writing in the background")));
        match outcome {
            Ok(Some(pack)) => {
                let entries = &pack.directory.entries;
                self.stored.packs += 1;
                self.stored.chunks += entries.len() as u64;
                self.stored.bytes += pack.size;
                self.stored.plain_bytes +=
                    entries.iter().map(|entry| u64::from(entry.plain_len)).sum::<u64>();
                self.unindexed.push(pack);
                self.index_when_many();
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                self.failed = true;
                self.tasks.abort_all();
                Err(error)
            }
        }
    }

    fn index_when_many(&mut self) {
        let chunks = self.unindexed.iter().map(|pack| pack.directory.entries.len()).sum::<usize>();
        if self.unindexed.len() >= PACKS_PER_OBJECT || chunks >= CHUNKS_PER_OBJECT {
            self.start_index();
        }
    }

    /// Writes an index object, in the background. All packs it names are in the store.
    fn start_index(&mut self) {
        let packs = mem::take(&mut self.unindexed);
        let repository = self.repository.clone();
        self.tasks.spawn(async move {
            let sealer = Arc::clone(repository.sealer());
            let sealing =
                tokio::task::spawn_blocking(move || Ok::<_, Error>((index::seal(&sealer, &packs)?, packs)));
            let sealed = sealing.await.map_err(|_| Error::System("making an index object"))?;
            let ((id, object), packs) = sealed?;
            repository.objects().write(&objects::index(&id), Bytes::from(object)).await?;
            repository.index().wrote(id, &packs).await;
            repository.index().rely_on_packs(packs.iter().map(|pack| &pack.id));
            Ok(None)
        });
    }
}
