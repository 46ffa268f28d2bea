//! Marking packs that nobody needs.

use std::collections::{BTreeSet, HashSet};

use rowkeep_format::ids::PackId;

use super::needed::Usage;
use super::records::{self, Kind};
use super::survey::Survey;
use super::terms::{PruneOptions, PruneReport, Space};
use crate::{Repository, Result};

/// Packs that are to be marked, and how much is to be stored again for it.
#[derive(Default)]
struct Chosen {
    unneeded: BTreeSet<PackId>,
    /// Packs that hold little that is needed.
    repacked: BTreeSet<PackId>,
}

impl Repository {
    /// Marks the packs that nobody needs and that are not `gone` since the survey, after storing again what is needed of those
    /// that hold little else.
    pub(super) async fn mark(
        &self,
        survey: &Survey,
        gone: &BTreeSet<PackId>,
        options: &PruneOptions,
        report: &mut PruneReport,
    ) -> Result<()> {
        let records = self.prune_records().await?;
        let mut doomed = records.packs(&[Kind::Marked, Kind::Condemned]);
        doomed.extend(gone);
        let Chosen { mut unneeded, repacked } = choose(survey, &doomed, options, report);
        if !repacked.is_empty() {
            // Copies in packs that leave together are none.
            let mut leaving = doomed.clone();
            leaving.extend(repacked.iter().chain(&unneeded));
            let kept = survey.numbers_without(&leaving);
            let chunks = survey.needed.only_in(&survey.numbers(&repacked), |number| kept.contains(&number));
            let needed = chunks.clone();
            let copied = self.copy_chunks(chunks, &leaving).await?;
            let stays: HashSet<_> = needed
                .into_iter()
                .filter(|(_, chunk)| !copied.chunks.contains(chunk))
                .map(|(pack, _)| pack)
                .collect();
            let can_go =
                |id: &&PackId| survey.packs.get(*id).is_some_and(|stored| !stays.contains(&stored.number));
            report.repacked = Space { packs: 0, bytes: copied.bytes };
            for id in repacked.iter().filter(can_go) {
                report.repacked.packs += 1;
                unneeded.insert(*id);
            }
        }
        report.marked = survey.space_of(&unneeded);
        if !unneeded.is_empty() {
            records::write(self.objects(), self.sealer(), Kind::Marked, unneeded).await?;
        }
        self.listings().forget().await;
        for record in self.prune_records().await?.of(&[Kind::Marked]) {
            let there = record.packs.difference(gone);
            report.wait_for(survey.space_of(there), record.written_ms, options.grace);
        }
        Ok(())
    }

    /// Finds out what would be marked.
    pub(super) fn plan_marks(&self, survey: &Survey, options: &PruneOptions, report: &mut PruneReport) {
        let doomed = survey.records.packs(&[Kind::Marked, Kind::Condemned]);
        let Chosen { unneeded, repacked } = choose(survey, &doomed, options, report);
        report.marked = survey.space_of(unneeded.iter().chain(&repacked));
        report.wait_for(report.marked, survey.now_ms, options.grace);
        for record in survey.records.of(&[Kind::Marked]) {
            if !survey.is_old(record.written_ms, options) {
                report.wait_for(survey.space_of(record.packs.iter()), record.written_ms, options.grace);
            }
        }
    }
}

/// Chooses packs that are to be marked. Those that were written within the grace period stay: their snapshot may be yet to
/// come.
fn choose(
    survey: &Survey,
    doomed: &HashSet<PackId>,
    options: &PruneOptions,
    report: &mut PruneReport,
) -> Chosen {
    let kept = survey.numbers_without(doomed);
    let usage = survey.needed.usage(|number| kept.contains(&number));
    let mut chosen = Chosen::default();
    let mut little: Vec<(Usage, PackId)> = Vec::new();
    for (id, stored) in survey.packs.iter().filter(|(id, _)| !doomed.contains(*id)) {
        let used = usage[stored.number.at()];
        let is_young = !survey.is_old(stored.written_ms, options);
        match (used.needed_chunks, is_young) {
            (0, true) => report.young.add(stored.bytes),
            (0, false) => drop(chosen.unneeded.insert(*id)),
            (_, false) if used.needed_bytes <= used.bytes / 2 => little.push((used, *id)),
            _ => report.unneeded_bytes += used.bytes - used.needed_bytes,
        }
    }
    // Where most comes back for what has to be stored again.
    little.sort_by_key(|(used, id)| (used.needed_bytes * 1_000 / used.bytes.max(1), *id));
    let mut left = options.max_repack.unwrap_or(u64::MAX);
    for (used, id) in little {
        match left.checked_sub(used.needed_bytes) {
            Some(rest) => {
                left = rest;
                chosen.repacked.insert(id);
                report.repacked.packs += 1;
                report.repacked.bytes += used.needed_bytes;
            }
            None => report.unneeded_bytes += used.bytes - used.needed_bytes,
        }
    }
    chosen
}
