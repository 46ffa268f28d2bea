//! What snapshots have lost: every chunk that their tables need is looked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{ChunkId, TableEntry};
use rowkeep_repository::Reader;

use super::findings::Loss;
use crate::state::reader::{read_changeset, read_node};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Error, ErrorKind};

/// Nodes or chunks that are read at once.
const AT_ONCE: usize = 8;

/// Goes through the trees of snapshots; what is shared is looked at once.
pub(in crate::jobs) struct Walk<'a> {
    reader: &'a Reader,
    /// Chunks that cannot be read although the index names them.
    damaged: &'a BTreeSet<ChunkId>,
    /// Nodes that were gone through, and how their rows are.
    known: HashMap<ChunkId, Health>,
    /// The chunks that were met and cannot be read.
    lost: HashSet<ChunkId>,
}

/// How what is below a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Whole { rows: u64 },
    Damaged,
}

impl<'a> Walk<'a> {
    pub(in crate::jobs) fn new(reader: &'a Reader, damaged: &'a BTreeSet<ChunkId>) -> Self {
        Self { reader, damaged, known: HashMap::new(), lost: HashSet::new() }
    }

    /// The chunks that were met and cannot be read; what is below a lost node was not met.
    pub(in crate::jobs) fn into_lost(self) -> HashSet<ChunkId> {
        self.lost
    }

    /// What a snapshot has lost, if anything.
    pub(in crate::jobs) async fn snapshot(&mut self, snapshot: &Snapshot) -> Result<Option<Loss>, Error> {
        let manifest = &snapshot.manifest;
        let schema = match read_schema(self.reader, manifest).await {
            Ok(_) => self.damaged.contains(&manifest.schema),
            Err(error) if error.kind() == ErrorKind::Damage => true,
            Err(error) => return Err(error),
        };
        if schema {
            self.lost.insert(manifest.schema);
        }
        let mut tables = Vec::new();
        for table in &manifest.tables {
            if !self.table(table).await? {
                tables.push(table.name.clone());
            }
        }
        let changes = match manifest.before.as_ref().and_then(|before| before.changes) {
            None => false,
            Some(changes) => !self.changes(changes).await?,
        };
        Ok((schema || changes || !tables.is_empty()).then(|| Loss {
            snapshot: snapshot.id,
            database: manifest.database.clone(),
            time: manifest.time,
            tables,
            schema,
            changes,
        }))
    }

    /// Whether a changeset is there with all its runs of changes.
    pub(in crate::jobs) async fn changes(&self, id: ChunkId) -> Result<bool, Error> {
        match read_changeset(self.reader, id).await {
            Ok(changeset) => {
                let mut chunks = changeset.tables.iter().flat_map(|stored| &stored.chunks);
                Ok(self.is_there(&id) && chunks.all(|chunk| self.is_there(chunk)))
            }
            Err(error) if error.kind() == ErrorKind::Damage => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn table(&mut self, table: &TableEntry) -> Result<bool, Error> {
        let Some(level) = u64::from(table.root.levels).checked_sub(1) else { return Ok(false) };
        let health = self.node(table.root.hash, level).await?;
        Ok(health == Health::Whole { rows: table.root.rows })
    }

    /// Looks at everything below a node; every level is a loop of its own, so a forged depth cannot exhaust the stack.
    async fn node(&mut self, root: ChunkId, level: u64) -> Result<Health, Error> {
        let mut levels: BTreeMap<u64, Vec<ChunkId>> = BTreeMap::new();
        levels.entry(level).or_default().push(root);
        let mut children: HashMap<ChunkId, Vec<ChunkRef>> = HashMap::new();
        let mut order = Vec::new();
        while let Some((level, ids)) = levels.pop_last() {
            let unknown: Vec<ChunkId> = ids.into_iter().filter(|id| !self.known.contains_key(id)).collect();
            let reader = self.reader;
            let read = futures::stream::iter(unknown).map(|id| async move {
                match read_node(reader, id, level).await {
                    Ok(entries) => Ok((id, Some(entries))),
                    Err(error) if error.kind() == ErrorKind::Damage => Ok((id, None)),
                    Err(error) => Err(error),
                }
            });
            let read: Vec<_> = read.buffer_unordered(AT_ONCE).try_collect().await?;
            for (id, entries) in read {
                let Some(entries) = entries.filter(|_| !self.damaged.contains(&id)) else {
                    self.known.insert(id, Health::Damaged);
                    self.lost.insert(id);
                    continue;
                };
                if level == 0 {
                    let lost: Vec<ChunkId> =
                        entries.iter().map(|entry| entry.id).filter(|id| !self.is_there(id)).collect();
                    let rows = entries.iter().map(|entry| entry.rows).sum();
                    let health = if lost.is_empty() { Health::Whole { rows } } else { Health::Damaged };
                    self.known.insert(id, health);
                    self.lost.extend(lost);
                    continue;
                }
                levels.entry(level - 1).or_default().extend(entries.iter().map(|entry| entry.id));
                order.push(id);
                children.insert(id, entries);
            }
        }
        for id in order.into_iter().rev() {
            let health = self.joined(&children[&id]);
            self.known.insert(id, health);
        }
        Ok(self.known.get(&root).copied().unwrap_or(Health::Damaged))
    }

    fn joined(&self, entries: &[ChunkRef]) -> Health {
        let mut rows = 0u64;
        for entry in entries {
            match self.known.get(&entry.id) {
                Some(Health::Whole { rows: below }) if *below == entry.rows => {
                    rows = rows.saturating_add(*below)
                }
                _ => return Health::Damaged,
            }
        }
        Health::Whole { rows }
    }

    fn is_there(&self, id: &ChunkId) -> bool {
        self.reader.contains(id) && !self.damaged.contains(id)
    }
}
