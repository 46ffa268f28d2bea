//! Everything but packs: config, key slots, ledger, index objects, snapshots.

use std::collections::BTreeSet;

use futures::StreamExt;
use rowkeep_format::ids::SnapshotId;

use super::progress::{CheckProgress, OnProgress, Stage};
use super::report::{CheckReport, Remedy};
use crate::index::{self, Loaded};
use crate::lack::Lack;
use crate::ledger::{self, Entry};
use crate::objects::{
    CONFIG, FOLDERS, HOLDS, INDEX, KEYS, LEDGER, Listed, PLANS, PRUNE, SNAPSHOTS, SUMMARIES, hold, plan,
    plan_claim, snapshot,
};
use crate::{Error, Repository, Result, catalog, holds, kit, plans, prune, slot_objects, snapshot_objects};

/// What is wrong, without the name of the object that the finding has already.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Damaged { flaw, .. } => flaw.to_string(),
        Error::Missing { .. } | Error::NotFound { .. } => "it is missing".to_owned(),
        Error::NewerFormat { found, supported, .. } => {
            format!("it has format version {found}, this program reads up to {supported}")
        }
        other => other.to_string(),
    }
}

pub(super) async fn config(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    match repository.still_there().await {
        Ok(()) => Ok(()),
        Err(error) if error.is_finding() => {
            report.damaged(
                CONFIG,
                words(&error),
                "without it the repository cannot be opened; `rowkeep repair` makes it again from the key slots",
            );
            report.remedy(Remedy::WriteConfig);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn key_slots(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    let objects = repository.objects();
    let recorded = recorded(repository, |entry| matches!(entry, Entry::KeySlot(_))).await?;
    let mut there = BTreeSet::new();
    for (id, slot) in slot_objects::read_all(objects, &objects.list(KEYS).await?).await? {
        let entry = Entry::KeySlot(id);
        match slot {
            Ok(slot) if slot.repository != repository.id() => {
                report.note(
                    entry.object(),
                    "it is the key slot of another repository",
                    "left by an initialisation that did not come first; it opens nothing and can be deleted",
                );
                continue;
            }
            Ok(_) => report.key_slots += 1,
            Err(error) => {
                report.damaged(
                    entry.object(),
                    words(&error),
                    "its passphrase or key file does not open the repository; add a new one while another does",
                );
                beyond_help(entry, report);
            }
        }
        there.insert(entry);
    }
    compare_with_ledger(repository, &recorded, &there, report).await?;
    if repository.is_encrypted() && report.key_slots == 0 {
        report.damaged(
            format!("{KEYS}/"),
            "there is no key slot that can be used",
            "nobody will be able to open the repository; add a key slot while it is open",
        );
    }
    Ok(())
}

/// Has an object set aside, and its entry struck.
fn beyond_help(entry: Entry, report: &mut CheckReport) {
    report.remedy(Remedy::SetAside(entry.object()));
    report.remedy(Remedy::Strike(entry.name()));
}

/// The entries of the ledger of one kind.
async fn recorded(repository: &Repository, kind: impl Fn(&Entry) -> bool) -> Result<BTreeSet<Entry>> {
    Ok(ledger::entries(repository.objects()).await?.into_iter().filter(kind).collect())
}

/// Tells what vanished and what was not completed. Looks twice, for others may be writing and deleting.
async fn compare_with_ledger(
    repository: &Repository,
    recorded: &BTreeSet<Entry>,
    there: &BTreeSet<Entry>,
    report: &mut CheckReport,
) -> Result<()> {
    let objects = repository.objects();
    for entry in recorded.difference(there) {
        if objects.exists(&entry.name()).await? && !objects.exists(&entry.object()).await? {
            report.damaged(
                entry.object(),
                "it is missing",
                match entry {
                    Entry::KeySlot(_) => "its passphrase or key file does not open the repository any more",
                    Entry::Snapshot(_) | Entry::Doubt(_) | Entry::Incomplete(_) => {
                        "the snapshot was completed and never deleted by rowkeep: it is lost"
                    }
                },
            );
            report.remedy(Remedy::Strike(entry.name()));
        }
    }
    for entry in there.difference(recorded) {
        if !objects.exists(&entry.name()).await? {
            report.note(
                entry.object(),
                "the ledger does not know it",
                match entry {
                    Entry::Snapshot(_) => {
                        "its writer was killed at the last moment, or is still writing it; the next backup looks whether it is \
                         whole and records it"
                    }
                    _ => "its writer was killed at the last moment; the next backup records it",
                },
            );
            if let Entry::Snapshot(id) = entry {
                report.uncompleted.insert(*id);
            }
        }
    }
    Ok(())
}

/// Tells of objects that are not a repository's.
pub(super) async fn strangers(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    let objects = repository.objects();
    let is_known = |name: &str| name == CONFIG || FOLDERS.contains(&name);
    let mut strangers: Vec<String> =
        objects.top().await?.into_iter().filter(|name| !is_known(name)).collect();
    for folder in [KEYS, LEDGER, INDEX, SNAPSHOTS, PLANS, HOLDS, SUMMARIES, PRUNE] {
        let listed = objects.list(folder).await?;
        strangers
            .extend(listed.into_iter().filter(|listed| !is_ours(folder, listed)).map(|listed| listed.name));
    }
    for name in strangers {
        stranger(name, report);
    }
    records(repository, report).await
}

/// Tells of entries of the ledger that somebody else wrote, and of those that say something of a snapshot that is not there.
async fn records(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    let ledger = repository.objects().list(LEDGER).await?;
    let there: BTreeSet<SnapshotId> = repository.snapshots().await?.into_iter().collect();
    for listed in ledger.iter().filter(|listed| is_ours(LEDGER, listed)) {
        if let Some(id) = ledger::left_of(listed) {
            left(repository, id, &listed.name, report).await?;
        } else if listed.bytes > 0 && ledger::superseded_in(listed).is_none() {
            report.note(
                &listed.name,
                format!("it has {} bytes instead of none", listed.bytes),
                "only its name counts, but somebody else has written it",
            );
        }
        if ledger::told_of(listed).is_some_and(|id| !there.contains(&id)) {
            report.note(
                &listed.name,
                "the snapshot that it is about is not there",
                "it says nothing of any other",
            );
            report.remedy(Remedy::Strike(listed.name.clone()));
        }
    }
    Ok(())
}

/// Opens the entry that says what was left alone of the changes that a safety snapshot was taken for.
async fn left(
    repository: &Repository,
    safety: SnapshotId,
    name: &str,
    report: &mut CheckReport,
) -> Result<()> {
    match repository.left_of(&safety).await {
        Ok(_) => {}
        Err(error @ Error::NewerFormat { .. }) => {
            report.note(name, words(&error), "only a newer rowkeep can check it");
        }
        Err(error) if error.is_finding() => {
            report.damaged(
                name,
                words(&error),
                "nobody can tell which rows a restore left alone, so it is not undone; after `rowkeep repair` the rows are asked",
            );
            report.remedy(Remedy::SetAside(name.to_owned()));
            // Without the other entry too, nothing says that all of it was done.
            report.remedy(Remedy::Strike(ledger::applied(&safety)));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_ours(folder: &str, listed: &Listed) -> bool {
    match folder {
        KEYS => slot_objects::id_of(listed).is_some(),
        LEDGER => {
            Entry::parse(listed).is_some()
                || ledger::is_applied(listed)
                || ledger::left_of(listed).is_some()
                || ledger::superseded_in(listed).is_some()
                || Lack::parse(listed).is_some()
                || kit::made_of(listed).is_some()
        }
        INDEX => index::id_of(listed).is_some(),
        PLANS => plans::is_ours(listed),
        HOLDS => holds::id_of(listed).is_some(),
        SUMMARIES => catalog::summary_id_of(listed).is_some(),
        PRUNE => prune::record_id_of(listed).is_some(),
        _ => snapshot_objects::id_of(listed).is_some(),
    }
}

pub(super) fn stranger(name: String, report: &mut CheckReport) {
    report.note(name, "it does not belong to the repository", "rowkeep neither reads nor deletes it");
}

pub(super) fn index(loaded: &Loaded, report: &mut CheckReport) {
    report.index_objects =
        loaded.listed.iter().filter(|listed| index::id_of(listed).is_some()).count() as u64;
    for error in &loaded.damaged {
        tracing::warn!(%error, "an index object is left out");
        if let Error::Damaged { object, .. } = error {
            report.damaged(
                object,
                words(error),
                "chunks that only it names cannot be read until the next backup or `rowkeep repair` finds them in the packs",
            );
            report.remedy(Remedy::SetAside(object.clone()));
        }
    }
}

/// Opens every plan.
pub(super) async fn plans(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    for id in repository.plans().await? {
        match repository.read_plan(&id).await {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error @ Error::NewerFormat { .. }) => {
                report.note(plan(&id), words(&error), "only a newer rowkeep can check it");
            }
            Err(error) if error.is_finding() => {
                report.damaged(plan(&id), words(&error), "it cannot be executed; make the plan again");
                report.remedy(Remedy::SetAside(plan(&id)));
            }
            Err(error) => return Err(error),
        }
        match repository.plan_claim(&id).await {
            Ok(_) | Err(Error::NewerFormat { .. }) => {}
            Err(error) if error.is_finding() => {
                report.damaged(
                    plan_claim(&id),
                    words(&error),
                    "nobody can tell whether the plan was executed; make the plan again",
                );
                // Without its claim the plan could be executed twice.
                report.remedy(Remedy::SetAside(plan(&id)));
                report.remedy(Remedy::SetAside(plan_claim(&id)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the records of prunes.
pub(super) async fn prunes(repository: &Repository, report: &mut CheckReport) -> Result<prune::Records> {
    let listed = repository.objects().list(PRUNE).await?;
    let records = repository.record_reader().read(repository.objects(), repository.sealer(), &listed).await?;
    for error in &records.damaged {
        if let Error::Damaged { object, .. } = error {
            report.damaged(
                object,
                words(error),
                "nobody can tell which packs a prune was about to delete; back up again when no prune is running",
            );
            report.remedy(Remedy::SetAside(object.clone()));
        }
    }
    Ok(records)
}

/// Opens every hold.
pub(super) async fn holds(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    for id in repository.holds().await? {
        match repository.read_hold(&id).await {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error @ Error::NewerFormat { .. }) => {
                report.note(hold(&id), words(&error), "only a newer rowkeep can check it");
            }
            Err(error) if error.is_finding() => {
                report.damaged(
                    hold(&id),
                    words(&error),
                    "nobody can tell which snapshot it holds; nothing is deleted until `rowkeep repair` sets it aside, so \
                     hold the snapshot again first",
                );
                report.remedy(Remedy::SetAside(hold(&id)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the summaries. They are only a help for listings, so nothing about them is damage.
pub(super) async fn summaries(repository: &Repository, report: &mut CheckReport) -> Result<()> {
    let listed = repository.objects().list(SUMMARIES).await?;
    for (name, id) in listed.iter().filter_map(|o| Some((&o.name, catalog::summary_id_of(o)?))) {
        match catalog::read_summaries(repository.objects(), repository.sealer(), id).await {
            // Made one with others since it was listed.
            Ok(_) | Err(Error::Missing { .. }) => {}
            Err(error @ Error::NewerFormat { .. }) => {
                report.note(name, words(&error), "a listing of snapshots does without it");
            }
            Err(error) if error.is_finding() => {
                report.note(
                    name,
                    words(&error),
                    "it only makes listings fast; the next backup writes another and deletes it",
                );
                report.remedy(Remedy::SetAside(name.clone()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) async fn snapshots(
    repository: &Repository,
    report: &mut CheckReport,
    progress: OnProgress<'_>,
) -> Result<()> {
    let recorded = recorded(repository, |entry| matches!(entry, Entry::Snapshot(_))).await?;
    let ids = repository.snapshots().await?;
    let total = ids.len() as u64;
    let mut there = BTreeSet::new();
    let mut reading = repository.read_snapshots(ids).enumerate().boxed();
    while let Some((number, (id, outcome))) = reading.next().await {
        let entry = Entry::Snapshot(id);
        match outcome {
            Ok(_) => {
                report.snapshots += 1;
                there.insert(entry);
            }
            // Told below, unless it was deleted in between.
            Err(Error::Missing { .. } | Error::NotFound { .. }) => {}
            Err(error @ Error::Damaged { .. }) if !recorded.contains(&entry) => {
                report.note(
                    snapshot(&id),
                    words(&error),
                    "it was never completed, or the ledger has lost its entry; it can be deleted",
                );
                report.remedy(Remedy::SetAside(snapshot(&id)));
            }
            Err(error @ Error::NewerFormat { .. }) => {
                report.note(snapshot(&id), words(&error), "only a newer rowkeep can check it");
                there.insert(entry);
            }
            Err(error) if error.is_finding() => {
                report.damaged(
                    snapshot(&id),
                    words(&error),
                    "the snapshot cannot be restored; it can be deleted",
                );
                beyond_help(entry, report);
                there.insert(entry);
            }
            Err(error) => return Err(error),
        }
        progress(CheckProgress { stage: Stage::Snapshots, done: number as u64 + 1, total });
    }
    compare_with_ledger(repository, &recorded, &there, report).await
}
