//! Reading whole packs: their hash, their directory, and every chunk in them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use rowkeep_format::ids::{ChunkId, PackId};

use super::options::ReadData;
use super::packs::{Packs, unneeded};
use super::progress::{CheckProgress, OnProgress, Stage};
use super::report::CheckReport;
use super::structure::words;
use crate::header::PACK;
use crate::pack::{Directory, MAX_PACK_BYTES, frame, open_pack, with_offsets};
use crate::seal::Sealer;
use crate::{ContentKeys, Error, Flaw, Repository, Result, objects};

/// How many packs are in memory at the same time.
const AT_ONCE: usize = 3;

/// What reading a whole pack tells.
struct Verdict {
    /// What is wrong with the file.
    flaw: Option<Flaw>,
    directory: Option<Directory>,
    /// Chunks that do not come out of it.
    unreadable: Vec<ChunkId>,
    /// Chunks that are differences, which take another chunk to read.
    differences: Vec<ChunkId>,
}

/// Reads the packs that are chosen, and those that are doubted in any case.
pub(super) async fn read(
    repository: &Repository,
    packs: &mut Packs,
    choice: ReadData,
    doubted: &BTreeSet<PackId>,
    report: &mut CheckReport,
    progress: OnProgress<'_>,
) -> Result<()> {
    let all: Vec<(PackId, u64)> = packs.there.iter().map(|(id, size)| (*id, *size)).collect();
    let mut chosen = choose(all.clone(), choice);
    let known: HashSet<PackId> = chosen.iter().map(|(id, _)| *id).collect();
    chosen.extend(all.into_iter().filter(|(id, _)| doubted.contains(id) && !known.contains(id)));
    let total = chosen.iter().map(|(_, size)| size).sum();
    let mut reading = futures::stream::iter(chosen)
        .map(|(id, size)| async move { (id, size, examine(repository, id).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((id, size, verdict)) = reading.next().await {
        match verdict {
            Ok(verdict) => judge(packs, id, verdict, report).await?,
            Err(Error::Missing { .. }) => {}
            Err(error) if error.is_finding() => unusable(packs, id, &words(&error), report),
            Err(error) => return Err(error),
        }
        report.packs_read += 1;
        report.bytes_read += size;
        progress(CheckProgress { stage: Stage::Data, done: report.bytes_read, total });
    }
    Ok(())
}

/// Chooses packs by a hash of their name, so that the choice depends on nothing else.
fn choose(mut packs: Vec<(PackId, u64)>, choice: ReadData) -> Vec<(PackId, u64)> {
    packs.sort_unstable_by_key(|(id, _)| *id);
    match choice {
        ReadData::Nothing => Vec::new(),
        ReadData::Everything => packs,
        ReadData::Percent { percent, seed } => {
            let lot = |id: &PackId| {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&seed.to_le_bytes()).update(&id.0);
                let mut lot = [0; 8];
                hasher.finalize_xof().fill(&mut lot);
                u64::from_le_bytes(lot)
            };
            packs.sort_by_cached_key(|(id, _)| lot(id));
            let many = (packs.len() as f64 * percent / 100.0).ceil();
            // A percentage that is no number, or negative, becomes the least: one pack.
            packs.truncate((many as usize).max(1));
            packs
        }
    }
}

async fn examine(repository: &Repository, id: PackId) -> Result<Verdict> {
    let name = objects::pack(&id);
    let file = repository.objects().read(&name, MAX_PACK_BYTES).await?;
    let (sealer, keys) = (Arc::clone(repository.sealer()), repository.content_keys().clone());
    let examining = tokio::task::spawn_blocking(move || examine_file(&sealer, &keys, &id, &file));
    examining.await.map_err(|_| Error::System("examining a pack"))
}

fn examine_file(sealer: &Sealer, keys: &ContentKeys, id: &PackId, file: &Bytes) -> Verdict {
    let mut verdict =
        Verdict { flaw: None, directory: None, unreadable: Vec::new(), differences: Vec::new() };
    if blake3::hash(file).as_bytes() != &id.0 {
        verdict.flaw = Some(Flaw::Name);
    }
    let opened = open_pack(sealer, file).and_then(|(salt, directory)| {
        let sealer = sealer.object(PACK, &salt).map_err(|_| Flaw::Seal("the directory of the pack"))?;
        Ok((sealer, directory))
    });
    let (sealer, directory) = match opened {
        Ok(opened) => opened,
        Err(flaw) => {
            verdict.flaw.get_or_insert(flaw);
            return verdict;
        }
    };
    for (offset, entry) in with_offsets(&directory.entries) {
        if entry.encoding.base().is_some() {
            verdict.differences.push(entry.id);
            continue;
        }
        let plain =
            frame(file, offset, entry).and_then(|frame| entry.open(&sealer, keys, offset, frame, None));
        if let Err(flaw) = plain {
            verdict.flaw.get_or_insert(flaw);
            verdict.unreadable.push(entry.id);
        }
    }
    verdict.directory = Some(directory);
    verdict
}

/// Makes findings of what reading a pack told.
async fn judge(packs: &mut Packs, id: PackId, verdict: Verdict, report: &mut CheckReport) -> Result<()> {
    let Verdict { mut flaw, directory, mut unreadable, differences } = verdict;
    for chunk in differences {
        match packs.reader.read(&chunk).await {
            Ok(_) => {}
            // Mostly what it is a difference to is lost, and no fault of this pack, which is as its name says.
            Err(error) if error.is_finding() && flaw.is_none() => packs.suspect_chunk(chunk),
            Err(error) if error.is_finding() => unreadable.push(chunk),
            Err(error) => return Err(error),
        }
    }
    if let (Some(number), Some(directory)) = (packs.numbers.get(&id), &directory) {
        let indexed = |(offset, entry): (u32, &crate::pack::Entry)| {
            // Where a difference is, the index cannot tell once no pack has what it is one to.
            if entry.encoding.base().is_some_and(|base| packs.index.places(base).next().is_none()) {
                return true;
            }
            let mut places = packs.index.places(&entry.id);
            places.any(|place| place.pack == *number && place.offset == offset && place.entry == *entry)
        };
        if !with_offsets(&directory.entries).all(indexed) {
            flaw.get_or_insert(Flaw::Malformed("what the index says of the pack"));
        }
    }
    let Some(flaw) = flaw else { return Ok(()) };
    if directory.is_none() {
        unusable(packs, id, &flaw.to_string(), report);
        return Ok(());
    }
    if !packs.numbers.contains_key(&id) {
        unneeded(&id, flaw, report);
        return Ok(());
    }
    let meaning = match unreadable.len() {
        0 => "all its chunks can still be read",
        _ => "some of its chunks cannot be read, and snapshots that need them cannot be restored in full",
    };
    let chunks = match unreadable.len() {
        1 => "1 chunk is".to_owned(),
        count => format!("{count} chunks are"),
    };
    report.damaged(objects::pack(&id), format!("{flaw} ({chunks} unreadable)"), meaning);
    report.damaged_pack(id);
    for chunk in unreadable {
        packs.suspect_chunk(chunk);
    }
    Ok(())
}

/// A pack whose directory does not open: the index still says where its chunks are.
fn unusable(packs: &mut Packs, id: PackId, what: &str, report: &mut CheckReport) {
    match packs.numbers.get(&id).copied() {
        Some(number) => {
            report.damaged(objects::pack(&id), what, "its chunks are read one by one to see which are left");
            report.damaged_pack(id);
            packs.suspect_pack(number);
        }
        None => unneeded(&id, what, report),
    }
}
