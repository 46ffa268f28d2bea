//! Check: whether a repository is undamaged, and which snapshots and tables are affected if it is not.

mod findings;
mod progress;
mod request;

use std::collections::{BTreeMap, HashMap};

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{ChunkId, TableEntry};
use rowkeep_repository::{CheckOptions, CheckReport, Reader, Repository, Severity};

use crate::apply::stored_changes::read_changeset;
use crate::jobs::plans::{self, Action};
use crate::state::reader::read_node;
use crate::state::snapshots::{self, Snapshot, read_schema};
use crate::{Context, Error, ErrorKind, Event, Phase};
pub use findings::{Checked, Loss, Problem};
use progress::Progress;
pub use request::{CheckOutcome, CheckRequest};

/// Nodes or chunks that are read at once.
const AT_ONCE: usize = 8;

/// Checks a repository: every object is there and opens, every snapshot finds all its chunks; and, as far as asked,
/// every byte of every pack.
pub async fn check(
    context: &Context,
    repository: &Repository,
    options: CheckOptions,
) -> Result<Checked, Error> {
    context.until_cancelled(check_now(context, repository, options)).await
}

async fn check_now(
    context: &Context,
    repository: &Repository,
    options: CheckOptions,
) -> Result<Checked, Error> {
    context.observe(Event::Phase { phase: Phase::Check, tables: 0, rows: 0 });
    let progress = Progress::new(context);
    // Before the index is loaded: what is there now finds its chunks in it.
    let (snapshots, plans) = (repository.snapshots().await?, repository.plans().await?);
    let report = repository.check(options, &|at| progress.tell(at)).await?;
    let mut checked = summary(&report);
    let reader = report.reader(repository);
    let mut walk = Walk { reader: &reader, report: &report, known: HashMap::new() };
    for id in snapshots {
        match snapshots::open(repository, id).await {
            Ok(snapshot) => {
                if let Some(loss) = walk.snapshot(&snapshot).await? {
                    checked.losses.push(loss);
                }
            }
            // One whose manifest is not understood is not in the report yet.
            Err(error @ Error::Content { .. }) => {
                let problems = match error.kind() {
                    ErrorKind::Damage => &mut checked.damage,
                    _ => &mut checked.notes,
                };
                problems.push(Problem { object: format!("snapshot {id}"), detail: error.to_string() });
            }
            // What is damaged or too new as a whole is in the report already.
            Err(error) if plans::is_deleted(&error) || error.is_of_one_object() => {}
            Err(error) => return Err(error),
        }
    }
    for id in plans {
        let lost = match plans::read(repository, id).await {
            Ok(plan) => match plan.action {
                Action::Rows { changes, .. } => !walk.changes(changes).await?,
                Action::Replace { .. } => false,
            },
            Err(error @ Error::Content { .. }) if error.kind() == ErrorKind::Damage => true,
            Err(error @ Error::Content { .. }) => {
                checked.notes.push(Problem { object: format!("plan {id}"), detail: error.to_string() });
                false
            }
            Err(error) if plans::is_deleted(&error) || error.is_of_one_object() => false,
            Err(error) => return Err(error),
        };
        if lost {
            let detail = "it lacks its changes: it cannot be executed; make the plan again".to_owned();
            checked.damage.push(Problem { object: format!("plan {id}"), detail });
        }
    }
    Ok(checked)
}

fn summary(report: &CheckReport) -> Checked {
    let problems = |severity| {
        let of = report.findings.iter().filter(move |finding| finding.severity == severity);
        of.map(|finding| Problem {
            object: finding.object.clone(),
            detail: format!("{}: {}", finding.what, finding.meaning),
        })
        .collect()
    };
    Checked {
        snapshots: report.snapshots,
        packs: report.packs,
        pack_bytes: report.pack_bytes,
        bytes_read: report.bytes_read,
        damage: problems(Severity::Damage),
        notes: problems(Severity::Note),
        losses: Vec::new(),
    }
}

/// Goes through the trees of snapshots; what is shared is looked at once.
struct Walk<'a> {
    reader: &'a Reader,
    report: &'a CheckReport,
    /// Nodes that were gone through, and how their rows are.
    known: HashMap<ChunkId, Health>,
}

/// How what is below a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Whole { rows: u64 },
    Damaged,
}

impl Walk<'_> {
    async fn snapshot(&mut self, snapshot: &Snapshot) -> Result<Option<Loss>, Error> {
        let manifest = &snapshot.manifest;
        let schema = match read_schema(self.reader, manifest).await {
            Ok(_) => self.report.damaged_chunks.contains(&manifest.schema),
            Err(error) if error.kind() == ErrorKind::Damage => true,
            Err(error) => return Err(error),
        };
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
    async fn changes(&self, id: ChunkId) -> Result<bool, Error> {
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
                let Some(entries) = entries.filter(|_| !self.report.damaged_chunks.contains(&id)) else {
                    self.known.insert(id, Health::Damaged);
                    continue;
                };
                if level == 0 {
                    let whole = entries.iter().all(|entry| self.is_there(&entry.id));
                    let rows = entries.iter().map(|entry| entry.rows).sum();
                    self.known.insert(id, if whole { Health::Whole { rows } } else { Health::Damaged });
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
        self.reader.contains(id) && !self.report.damaged_chunks.contains(id)
    }
}
