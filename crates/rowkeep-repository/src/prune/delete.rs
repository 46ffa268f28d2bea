//! Deleting packs whose grace period is over.

use std::collections::{BTreeSet, HashSet};

use rowkeep_format::ids::PackId;

use super::records::{self, Kind, Record};
use super::survey::{Survey, is_old, old, written};
use super::terms::{PruneOptions, PruneReport, SHORTEST_MEMORY};
use crate::index::Packs;
use crate::listings::Folder;
use crate::pack::pack_id_of;
use crate::{Repository, Result, objects};

/// So many objects are deleted at once.
const AT_ONCE: usize = 1000;

/// Packs that are condemned, and why.
#[derive(Debug, Default)]
pub(super) struct Condemned {
    /// The record that says so; none where no pack is.
    record: Option<String>,
    packs: BTreeSet<PackId>,
    /// The marks that named them.
    marks: Vec<Record>,
    /// What others condemned who were killed, or sleep: all of it goes.
    left: Vec<Record>,
}

impl Repository {
    /// Condemns the packs whose grace period is over, and those that somebody else condemned so long ago.
    pub(super) async fn condemn(&self, probe: &str, options: &PruneOptions) -> Result<Condemned> {
        self.listings().forget().await;
        let [prune] = self.listings().get([Folder::Prune]).await?;
        let now_ms = written(&prune.objects, probe)?;
        let records = self.prune_records().await?;
        let old = |kind| old(&records, kind, now_ms, options).cloned().collect::<Vec<_>>();
        // Of a mark that is empty somebody reads the time, unless he was killed.
        let memory = PruneOptions { grace: SHORTEST_MEMORY, ..options.clone() };
        let is_over =
            |record: &Record| !record.packs.is_empty() || is_old(now_ms, record.written_ms, &memory);
        let marks: Vec<Record> = old(Kind::Marked).into_iter().filter(is_over).collect();
        let left = old(Kind::Condemned);
        let packs: BTreeSet<PackId> =
            marks.iter().chain(&left).flat_map(|record| record.packs.iter().copied()).collect();
        let record = match packs.is_empty() {
            true => None,
            false => {
                Some(records::write(self.objects(), self.sealer(), Kind::Condemned, packs.clone()).await?)
            }
        };
        Ok(Condemned { record, packs, marks, left })
    }

    /// Deletes of condemned packs those that are not needed, by a survey that was made after they were condemned; gives them.
    pub(super) async fn delete_condemned(
        &self,
        survey: &Survey,
        condemned: &Condemned,
        options: &PruneOptions,
        report: &mut PruneReport,
    ) -> Result<BTreeSet<PackId>> {
        let mut gone = BTreeSet::new();
        if condemned.record.is_some() {
            gone = self.choose(survey, condemned).await?;
            let there: BTreeSet<PackId> =
                gone.iter().filter(|id| survey.packs.contains_key(id)).copied().collect();
            self.index().leave_out(&gone).await?;
            if report.keeps_versions && !there.is_empty() {
                report.kept = self.kept_of(survey.youngest(&there).iter().map(objects::pack)).await;
            }
            let undeleted = self.delete_packs(&there).await?;
            report.deleted = survey.space_of(there.difference(&undeleted));
            report.undeleted = survey.space_of(&undeleted);
            report.taken_back = survey.space_of(condemned.packs.difference(&gone));
            if !gone.is_empty() {
                records::write(self.objects(), self.sealer(), Kind::Deleted, gone.clone()).await?;
            }
        }
        let left = condemned.left.iter().filter(|record| record.packs.is_subset(&gone));
        let done = condemned.marks.iter().chain(left).map(Record::name);
        let done: Vec<String> = condemned.record.iter().cloned().chain(done).collect();
        self.objects().delete_all(&done).await?;
        self.forget_deleted(survey, !gone.is_empty(), options).await?;
        self.listings().forget().await;
        self.prune_records().await?;
        Ok(gone)
    }

    /// Of condemned packs those of which every needed chunk is in a pack that stays.
    ///
    /// What others left condemned goes in any case: what is needed of it is stored again.
    async fn choose(&self, survey: &Survey, condemned: &Condemned) -> Result<BTreeSet<PackId>> {
        let vanishing = survey.records.packs(&[Kind::Condemned]);
        let kept = survey.numbers_without(&vanishing);
        let is_kept = |number| kept.contains(&number);
        let left = survey.numbers(condemned.left.iter().flat_map(|record| record.packs.iter()));
        let copied = self.copy_chunks(survey.needed.only_in(&left, is_kept), &vanishing).await?;
        let own = survey.numbers(&condemned.packs);
        let needed: HashSet<_> = survey
            .needed
            .only_in(&own, is_kept)
            .into_iter()
            .filter(|(_, chunk)| !copied.chunks.contains(chunk))
            .map(|(pack, _)| pack)
            .collect();
        let is_needed =
            |id: &PackId| survey.packs.get(id).is_some_and(|stored| needed.contains(&stored.number));
        Ok(condemned.packs.iter().filter(|id| !is_needed(id)).copied().collect())
    }

    /// Deletes packs; gives those that the store still lists.
    async fn delete_packs(&self, packs: &BTreeSet<PackId>) -> Result<BTreeSet<PackId>> {
        let names: Vec<String> = packs.iter().map(objects::pack).collect();
        for names in names.chunks(AT_ONCE) {
            self.objects().delete_all(names).await?;
        }
        self.listings().forget().await;
        let [listing] = self.listings().get([Folder::Packs]).await?;
        let listed = listing.objects.iter().filter_map(|object| Some((pack_id_of(object)?, object.bytes)));
        let there = Packs { sizes: listed.collect(), began: listing.began };
        self.index().compare_with(&there).await;
        Ok(packs.iter().filter(|id| there.sizes.contains_key(id)).copied().collect())
    }

    /// Deletes records of deletions that everybody has had the time to learn of, and has index objects name those packs no more
    /// that somebody named again who had read of them before.
    ///
    /// They go only after another such record was written, `is_recorded` by this prune or here, so that after every deletion there
    /// is a record that was not there before it: by that whoever writes learns of it, whatever any clock says.
    async fn forget_deleted(&self, survey: &Survey, is_recorded: bool, options: &PruneOptions) -> Result<()> {
        let memory = PruneOptions { grace: options.grace.max(SHORTEST_MEMORY), ..options.clone() };
        let mut old = Vec::new();
        for record in survey.records.of(&[Kind::Deleted]) {
            let gone: BTreeSet<PackId> =
                record.packs.iter().filter(|id| !survey.packs.contains_key(id)).copied().collect();
            self.index().leave_out(&gone).await?;
            if survey.is_old(record.written_ms, &memory) {
                old.push(record.name());
            }
        }
        if !is_recorded && old.len() < 2 {
            return Ok(());
        }
        if !is_recorded {
            records::write(self.objects(), self.sealer(), Kind::Deleted, BTreeSet::new()).await?;
        }
        self.objects().delete_all(&old).await
    }

    /// Finds out what would be deleted.
    pub(super) fn plan_deletion(&self, survey: &Survey, options: &PruneOptions, report: &mut PruneReport) {
        let due = old(&survey.records, Kind::Marked, survey.now_ms, options);
        let due: HashSet<PackId> = due.flat_map(|record| record.packs.iter().copied()).collect();
        let mut vanishing = survey.records.packs(&[Kind::Condemned]);
        vanishing.extend(&due);
        let kept = survey.numbers_without(&vanishing);
        let needed = survey.needed.only_in(&survey.numbers(&due), |number| kept.contains(&number));
        let needed: HashSet<_> = needed.into_iter().map(|(pack, _)| pack).collect();
        let is_needed =
            |id: &&PackId| survey.packs.get(*id).is_some_and(|stored| needed.contains(&stored.number));
        report.taken_back = survey.space_of(due.iter().filter(is_needed));
        report.deleted = survey.space_of(due.iter().filter(|id| !is_needed(id)));
    }
}
