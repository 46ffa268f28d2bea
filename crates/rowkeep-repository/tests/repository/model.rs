//! A model of how packs are deleted (`FORMAT.md`, "Deleting packs" and "A last look"): every order of the requests of a few
//! processes is tried on small repositories, and what must hold is checked after each request.
//!
//! A step of a process is one request to the store. A process that sleeps or was killed is one whose next step comes late or
//! never: after every step the model also asks what prunes would make of the repository if nobody else went on. Time is the
//! store's and passes in whole grace periods, at any point. Nobody here has a clock: what is old follows from the times in one
//! listing, and a snapshot without entry may be taken for a killed writer's at any time, so that no clock can be wrong.
//!
//! Left out: index objects (whoever sees a pack knows its chunks), plans (they are as snapshots are), and failing requests (a
//! process that gives up is one that was killed).

mod scenarios;
mod search;

use std::fmt;

/// A set of small numbers: of chunks, packs, snapshots or records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Set(u32);

impl Set {
    fn of(members: &[usize]) -> Self {
        Self(members.iter().fold(0, |bits, member| bits | 1 << member))
    }

    fn has(self, member: usize) -> bool {
        self.0 & 1 << member != 0
    }

    fn add(&mut self, member: usize) {
        self.0 |= 1 << member;
    }

    fn take(&mut self, member: usize) {
        self.0 &= !(1 << member);
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    fn members(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let member = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (member < 32).then_some(member)
        })
    }

    fn filter(self, condition: impl Fn(usize) -> bool) -> Self {
        self.members()
            .filter(|member| condition(*member))
            .fold(Self(0), |set, member| set.with(Self(1 << member)))
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members()).finish()
    }
}

const PACKS: usize = 16;
const RECORDS: usize = 24;
const SNAPSHOTS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Kind {
    #[default]
    Marked,
    Condemned,
    Deleted,
}

/// What the store keeps. Packs and records that were deleted keep what they said, for whoever had read it; their numbers are
/// never used again, as names are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Store {
    /// In grace periods.
    now: u8,
    /// The packs, records and snapshots that are there, and the entries of the ledger.
    packs: Set,
    records: Set,
    snapshots: Set,
    ledger: Set,
    pack_chunks: [Set; PACKS],
    pack_written: [u8; PACKS],
    record: [(Kind, Set); RECORDS],
    record_written: [u8; RECORDS],
    /// The numbers that were ever used.
    used_packs: Set,
    used_records: Set,
    /// The chunks that each snapshot needs, and when it was written.
    needs: [Set; SNAPSHOTS],
    snapshot_written: [u8; SNAPSHOTS],
}

impl Store {
    /// Writes a pack. Each process has numbers of its own, so that it does not matter who comes first.
    fn write_pack(&mut self, who: usize, chunks: Set) -> usize {
        let number = (3 * who..).find(|number| !self.used_packs.has(*number)).unwrap_or_default();
        (self.pack_chunks[number], self.pack_written[number]) = (chunks, self.now);
        self.packs.add(number);
        self.used_packs.add(number);
        number
    }

    fn write_record(&mut self, who: usize, kind: Kind, packs: Set) -> usize {
        let number = (4 * who..).find(|number| !self.used_records.has(*number)).unwrap_or_default();
        (self.record[number], self.record_written[number]) = ((kind, packs), self.now);
        self.records.add(number);
        self.used_records.add(number);
        number
    }

    fn write_snapshot(&mut self, number: usize) {
        self.snapshot_written[number] = self.now;
        self.snapshots.add(number);
    }

    /// Whether a period has passed since a snapshot was written, as somebody can tell who lists all objects.
    fn is_old_snapshot(&self, number: usize) -> bool {
        let packs = self.packs.members().map(|pack| self.pack_written[pack]);
        let records = self.records.members().map(|record| self.record_written[record]);
        let snapshots = self.snapshots.members().map(|snapshot| self.snapshot_written[snapshot]);
        packs.chain(records).chain(snapshots).any(|written| written > self.snapshot_written[number])
    }

    /// Forgets what no record there says any more.
    fn forget(&mut self) {
        let old = *self;
        (self.record, self.record_written, self.records, self.used_records) = Default::default();
        for number in old.records.members() {
            self.now = old.record_written[number];
            self.write_record(0, old.record[number].0, old.record[number].1);
        }
        self.now = old.now;
    }

    /// What records say of a kind.
    fn named(&self, records: Set, kind: Kind) -> Set {
        let of_kind = self.of_kind(records, kind).members();
        of_kind.fold(Set(0), |all, number| all.with(self.record[number].1))
    }

    fn of_kind(&self, records: Set, kind: Kind) -> Set {
        records.filter(|number| self.record[number].0 == kind)
    }

    fn chunks_in(&self, packs: Set) -> Set {
        packs.members().fold(Set(0), |all, pack| all.with(self.pack_chunks[pack]))
    }

    fn holding(&self, packs: Set, chunk: usize) -> Option<usize> {
        packs.members().find(|pack| self.pack_chunks[*pack].has(chunk))
    }

    fn is_held(&self, chunks: Set, packs: Set) -> bool {
        chunks.without(self.chunks_in(packs)).is_empty()
    }

    /// The snapshots that count.
    fn counting(&self) -> Set {
        self.snapshots.and(self.ledger)
    }

    fn needed_by(&self, snapshots: Set) -> Set {
        snapshots.members().fold(Set(0), |all, snapshot| all.with(self.needs[snapshot]))
    }
}

/// What a process does otherwise than it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mistake {
    Nothing,
    NoGracePeriod,
    DeletesBeforeItCondemns,
    ListsSnapshotsBeforeItCondemns,
    NoLastLook,
    /// The last look lists packs before records, and nobody writes down what was deleted.
    LooksAtPacksFirst,
    CopiesThatOthersCondemnedCount,
    /// The old condemnation of another is deleted although packs that it names stay.
    OldCondemnationGoesAlone,
    CountsBeforeTheLook,
    /// Marks are dealt with without deleting their packs.
    MarksGoAlone,
    /// Records are read after packs are listed, and those that are gone by then are passed over.
    ReadsRecordsLast,
    /// One listing of everything, in which packs come before records.
    ListsAllAtOnce,
    /// A copy in a pack that is marked at the same time counts when packs are chosen whose chunks are stored again.
    MarkedCopiesCount,
    /// The probe of a prune that was killed is deleted only together with marks of packs.
    ProbesStay,
    /// Old records of deletions are deleted although no later one is left.
    NewestDeletionForgotten,
    /// Of records of deletions that is left which is the newest by the store's times.
    NewestDeletionByTime,
    /// A writer remembers which records are there only when it has listed packs and writes its snapshot.
    RemembersRecordsLate,
    /// Whoever adds an entry does not look for its snapshot afterwards, and takes a snapshot back without its entry.
    EntriesUnchecked,
    /// No mistake, but more than holds: a reader is promised the grace period even of packs that were marked when it began.
    MarkedPacksPromised,
}

/// What must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Broken {
    /// Each chunk of a snapshot that counts is in a pack that is there.
    Whole,
    /// A restore that began when its snapshot counted, less than the grace period ago, finds every chunk; once the snapshot
    /// is deleted, those that were in a pack that was not marked when it began.
    Restore,
    /// After two prunes there is no pack of which nothing is needed.
    PackLeft,
    /// After two prunes there is no record, except of what was deleted, and after a third at most one of these.
    RecordLeft,
    /// When all have ended, no entry of the ledger lacks its snapshot.
    EntryLeft,
}

/// What a process did, for the trace.
type Did = (&'static str, Set);

/// Where a process is: what it does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
enum At {
    #[default]
    Begin,
    Compare,
    Look,
    Store,
    Write,
    Count,
    LookForSnapshot,
    TakeBack,
    Strike,
    Read,
    Condemn,
    ListSnapshots,
    Survey,
    StoreCondemned,
    DeletePacks,
    CondemnLate,
    Remember,
    DeleteRecords,
    LookForMarks,
    StoreLittle,
    Mark,
    DeleteProbe,
    End,
}

/// A look at what is marked, condemned and deleted, and then at which packs are there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Look {
    at: u8,
    listed: Set,
    /// Of `listed` those that could be read. One that is gone was dealt with before packs are listed.
    records: Set,
    packs: Set,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    ListRecords,
    ReadRecords,
    ListPacks,
}
use Part::{ListPacks, ListRecords, ReadRecords};

impl Look {
    /// Does the next part; gives what was seen after the last one. `is_meant` says which records matter.
    fn step(
        &mut self,
        store: &Store,
        order: &[Part],
        is_meant: impl Fn(usize) -> bool,
    ) -> (Did, Option<Self>) {
        let part = order[self.at as usize];
        self.at += 1;
        let did = match part {
            ListRecords => {
                self.listed = store.records.filter(is_meant);
                ("lists records", self.listed)
            }
            ReadRecords => {
                self.records = self.listed.and(store.records);
                self.listed = Set(0);
                ("reads records", self.records)
            }
            ListPacks => {
                self.packs = store.packs;
                ("lists packs", self.packs)
            }
        };
        // Where nothing was listed, nothing is read.
        if order.get(self.at as usize) == Some(&ReadRecords) && self.listed.is_empty() {
            self.at += 1;
        }
        (did, (self.at as usize == order.len()).then(|| std::mem::take(self)))
    }

    /// Packs that may vanish at any instant, or have.
    fn vanishing(&self, store: &Store) -> Set {
        store.named(self.records, Kind::Condemned).with(store.named(self.records, Kind::Deleted))
    }
}

impl Mistake {
    fn order(self, is_last: bool) -> [Part; 3] {
        match self {
            Mistake::LooksAtPacksFirst if is_last => [ListPacks, ListRecords, ReadRecords],
            Mistake::ListsAllAtOnce => [ListPacks, ListRecords, ReadRecords],
            Mistake::ReadsRecordsLast => [ListRecords, ListPacks, ReadRecords],
            _ => [ListRecords, ReadRecords, ListPacks],
        }
    }
}

/// Writes a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Backup {
    at: At,
    snapshot: usize,
    look: Look,
    /// The packs that hold what it needs, and the chunks that it has to store.
    relied_on: Set,
    missing: Set,
    /// The records that were there before it listed packs.
    first: Set,
}

impl Backup {
    fn step(&mut self, who: usize, store: &mut Store, mistake: Mistake) -> Did {
        let (own, needs) = (Set::of(&[self.snapshot]), store.needs[self.snapshot]);
        match self.at {
            At::Begin => {
                let order = mistake.order(false);
                if order[self.look.at as usize] == ListRecords {
                    self.first = store.records;
                }
                let is_meant = |record: usize| !store.record[record].1.is_empty();
                let (did, look) = self.look.step(store, &order, is_meant);
                if let Some(look) = look {
                    let doomed = look.vanishing(store).with(store.named(look.records, Kind::Marked));
                    for chunk in needs.members() {
                        match store.holding(look.packs.without(doomed), chunk) {
                            Some(pack) => self.relied_on.add(pack),
                            None => self.missing.add(chunk),
                        }
                    }
                    self.at = if self.missing.is_empty() { At::Write } else { At::Store };
                }
                did
            }
            At::Store => {
                self.relied_on.add(store.write_pack(who, self.missing));
                self.at = At::Write;
                ("stores chunks", std::mem::take(&mut self.missing))
            }
            At::Write => {
                if mistake == Mistake::RemembersRecordsLate {
                    self.first = store.records;
                }
                store.write_snapshot(self.snapshot);
                self.at = match mistake {
                    Mistake::NoLastLook | Mistake::CountsBeforeTheLook => At::Count,
                    Mistake::LooksAtPacksFirst => At::Look,
                    _ => At::Compare,
                };
                ("writes its snapshot", own)
            }
            At::Compare => {
                // What the records of the beginning say was read then.
                let is_over = store.records == std::mem::take(&mut self.first) && {
                    let look = Look { records: store.records, ..Look::default() };
                    self.relied_on.and(look.vanishing(store)).is_empty()
                };
                self.at = if is_over { At::Count } else { At::Look };
                if is_over {
                    self.relied_on = Set(0);
                }
                ("lists records and compares them", store.records)
            }
            At::Look => {
                let is_meant = |record: usize| store.record[record].0 != Kind::Marked;
                let (did, look) = self.look.step(store, &mistake.order(true), is_meant);
                if let Some(look) = look {
                    let stays = look.packs.without(look.vanishing(store));
                    let relied_on = std::mem::take(&mut self.relied_on);
                    let is_whole = relied_on.without(stays).is_empty() || store.is_held(needs, stays);
                    self.at = if is_whole { At::Count } else { At::TakeBack };
                }
                did
            }
            At::Count if mistake == Mistake::CountsBeforeTheLook && !self.relied_on.is_empty() => {
                store.ledger.add(self.snapshot);
                self.at = At::Compare;
                ("adds the entry of its snapshot", own)
            }
            _ => {
                let did = conclude(&mut self.at, self.snapshot, store, mistake);
                // Nobody else touches one that is younger than a period.
                if self.at == At::LookForSnapshot && store.now == store.snapshot_written[self.snapshot] {
                    self.at = At::End;
                }
                did
            }
        }
    }
}

/// The last steps for a snapshot that is whole, from `Count` on, or is not, from `TakeBack` on. Another process may have added
/// its entry or deleted it meanwhile, so whoever adds an entry looks for the snapshot, and no snapshot goes without its entry.
fn conclude(at: &mut At, snapshot: usize, store: &mut Store, mistake: Mistake) -> Did {
    let (next, did) = match *at {
        At::Count => {
            store.ledger.add(snapshot);
            (At::LookForSnapshot, "adds the entry of the snapshot")
        }
        At::LookForSnapshot if store.snapshots.has(snapshot) => (At::End, "finds the snapshot"),
        At::LookForSnapshot => (At::Strike, "finds the snapshot gone"),
        At::TakeBack => {
            store.snapshots.take(snapshot);
            (At::Strike, "deletes the snapshot")
        }
        _ => {
            store.ledger.take(snapshot);
            (At::End, "deletes the entry of the snapshot")
        }
    };
    *at = if mistake == Mistake::EntriesUnchecked { At::End } else { next };
    (did, Set::of(&[snapshot]))
}

/// Looks at a snapshot that does not count, whose writer sleeps or was killed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Complete {
    at: At,
    snapshot: usize,
    look: Look,
}

impl Complete {
    fn step(&mut self, store: &mut Store, mistake: Mistake) -> Did {
        let needs = store.needs[self.snapshot];
        match self.at {
            At::Begin => {
                let is_there = store.snapshots.has(self.snapshot) && !store.ledger.has(self.snapshot);
                let is_left = is_there && store.is_old_snapshot(self.snapshot);
                self.at = if is_left { At::Look } else { At::End };
                ("lists snapshots and the ledger", store.snapshots)
            }
            At::Look => {
                let is_meant = |record: usize| store.record[record].0 != Kind::Marked;
                let (did, look) = self.look.step(store, &mistake.order(true), is_meant);
                if let Some(look) = look {
                    let stays = look.packs.without(look.vanishing(store));
                    self.at = match () {
                        () if store.is_held(needs, stays) => At::Count,
                        () if store.is_held(needs, look.packs) => At::End,
                        () => At::TakeBack,
                    };
                }
                did
            }
            _ => conclude(&mut self.at, self.snapshot, store, mistake),
        }
    }
}

/// Deletes a snapshot that counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Delete {
    at: At,
    snapshot: usize,
}

impl Delete {
    fn step(&mut self, store: &mut Store) -> Did {
        if self.at == At::Begin {
            let counts = store.counting().has(self.snapshot);
            self.at = if counts { At::TakeBack } else { At::End };
            store.ledger = store.ledger.filter(|entry| entry != self.snapshot || !counts);
            return ("deletes the entry of the snapshot, if it counts", Set::of(&[self.snapshot]));
        }
        conclude(&mut self.at, self.snapshot, store, Mistake::Nothing)
    }
}

/// Reads a snapshot chunk by chunk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Restore {
    at: At,
    snapshot: usize,
    began: u8,
    /// The chunks that are yet to be read, and of them those that were only in packs that were leaving when it began.
    left: Set,
    leaving: Set,
    /// The packs that it knows.
    known: Set,
}

impl Restore {
    fn step(&mut self, store: &Store, mistake: Mistake) -> Result<Did, Broken> {
        let counts = store.counting().has(self.snapshot);
        if self.at == At::Begin {
            self.at = if counts { At::Read } else { At::End };
            (self.began, self.left, self.known) = (store.now, store.needs[self.snapshot], store.packs);
            if mistake != Mistake::MarkedPacksPromised {
                let doomed = store
                    .named(store.records, Kind::Marked)
                    .with(store.named(store.records, Kind::Condemned));
                self.leaving = self.left.without(store.chunks_in(store.packs.without(doomed)));
            }
            return Ok(("begins and lists packs", self.known));
        }
        let chunk = self.left.members().next().unwrap_or_default();
        if store.holding(self.known.and(store.packs), chunk).is_some() {
            self.left.take(chunk);
            if self.left.is_empty() {
                self.at = At::End;
            }
            return Ok(("reads a chunk", Set::of(&[chunk])));
        }
        self.known = store.packs;
        if store.holding(self.known, chunk).is_none() {
            self.at = At::End;
            let is_promised = counts || !self.leaving.has(chunk);
            if is_promised && store.now == self.began {
                return Err(Broken::Restore);
            }
        }
        Ok(("misses a chunk and lists packs", self.known))
    }
}

/// Deletes condemned packs and marks others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Prune {
    at: At,
    probe: usize,
    look: Look,
    /// Old marks, and old condemnations of others.
    marks: Set,
    left: Set,
    /// Its own condemnation, if any, and the packs it names.
    own: Set,
    condemned: Set,
    /// The chunks that are needed, the packs that are there, and those that are condemned.
    needed: Set,
    packs: Set,
    vanishing: Set,
    /// Records of deletions that are old.
    over: Set,
    /// Packs that were chosen to be deleted.
    gone: Set,
    /// Packs or records that are yet to be deleted.
    rest: Set,
}

impl Prune {
    fn is_old(&self, store: &Store, written: u8, mistake: Mistake) -> bool {
        mistake == Mistake::NoGracePeriod || store.record_written[self.probe] > written
    }

    fn old(&self, store: &Store, records: Set, kind: Kind, mistake: Mistake) -> Set {
        store
            .of_kind(records, kind)
            .filter(|record| self.is_old(store, store.record_written[record], mistake))
    }

    /// In how many ways it may go on: objects are deleted in any order.
    fn choices(&self) -> usize {
        if matches!(self.at, At::DeletePacks | At::DeleteRecords) { self.rest.len() } else { 1 }
    }

    fn step(&mut self, who: usize, store: &mut Store, mistake: Mistake, choice: usize) -> Did {
        let did = match self.at {
            At::Begin => {
                self.probe = store.write_record(who, Kind::Marked, Set(0));
                self.at = At::Look;
                ("writes a probe", Set::of(&[self.probe]))
            }
            At::Look => {
                let (probe, no_grace) = (self.probe, mistake == Mistake::NoGracePeriod);
                let is_old = |record: usize| {
                    record != probe
                        && (no_grace || store.record_written[record] < store.record_written[probe])
                };
                let is_meant = |record: usize| store.record[record].0 != Kind::Deleted && is_old(record);
                let (did, look) = self.look.step(store, &[ListRecords, ReadRecords], is_meant);
                if let Some(look) = look {
                    self.marks = store.of_kind(look.records, Kind::Marked);
                    self.left = store.of_kind(look.records, Kind::Condemned);
                    self.condemned =
                        store.named(self.marks, Kind::Marked).with(store.named(self.left, Kind::Condemned));
                    let is_late = mistake == Mistake::ListsSnapshotsBeforeItCondemns
                        || mistake == Mistake::DeletesBeforeItCondemns;
                    self.at =
                        if self.condemned.is_empty() || is_late { At::ListSnapshots } else { At::Condemn };
                }
                did
            }
            At::Condemn => {
                self.own = Set::of(&[store.write_record(who, Kind::Condemned, self.condemned)]);
                self.at = if mistake == Mistake::ListsSnapshotsBeforeItCondemns {
                    At::Survey
                } else {
                    At::ListSnapshots
                };
                ("condemns packs", self.condemned)
            }
            At::ListSnapshots => {
                self.needed = store.needed_by(store.snapshots);
                let is_late =
                    mistake == Mistake::ListsSnapshotsBeforeItCondemns && !self.condemned.is_empty();
                self.at = if is_late { At::Condemn } else { At::Survey };
                ("lists snapshots", store.snapshots)
            }
            At::Survey => {
                let own = self.own;
                let is_meant = |record: usize| store.record[record].0 != Kind::Marked && !own.has(record);
                let (did, look) = self.look.step(store, &mistake.order(false), is_meant);
                if let Some(look) = look {
                    self.packs = look.packs;
                    self.vanishing = self.condemned;
                    if mistake != Mistake::CopiesThatOthersCondemnedCount {
                        self.vanishing = self.vanishing.with(store.named(look.records, Kind::Condemned));
                    }
                    self.over = self.old(store, look.records, Kind::Deleted, mistake);
                    if mistake == Mistake::NewestDeletionByTime {
                        let deletions = store.of_kind(look.records, Kind::Deleted).members();
                        let newest = deletions.max_by_key(|record| (store.record_written[*record], *record));
                        newest.into_iter().for_each(|record| self.over.take(record));
                    }
                    let is_alone = mistake == Mistake::OldCondemnationGoesAlone;
                    let only_left = self.lost(store).and(store.chunks_in(self.left_packs(store)));
                    self.at = if only_left.is_empty() || is_alone {
                        self.choose(store, mistake)
                    } else {
                        At::StoreCondemned
                    };
                }
                did
            }
            At::StoreCondemned => {
                // What can no longer be read is left where it is.
                let copied = self.lost(store).and(store.chunks_in(self.left_packs(store)));
                let copied = copied.and(store.chunks_in(store.packs));
                if !copied.is_empty() {
                    let pack = store.write_pack(who, copied);
                    self.packs.add(pack);
                }
                self.at = self.choose(store, mistake);
                ("stores again chunks of packs that others condemned", copied)
            }
            At::DeletePacks => {
                let pack = self.rest.members().nth(choice).unwrap_or_default();
                self.rest.take(pack);
                store.packs.take(pack);
                self.at =
                    if self.rest.is_empty() { self.after_packs(store, mistake) } else { At::DeletePacks };
                ("deletes a pack", Set::of(&[pack]))
            }
            At::CondemnLate => {
                self.own = Set::of(&[store.write_record(who, Kind::Condemned, self.condemned)]);
                self.at = At::Remember;
                ("condemns packs", self.condemned)
            }
            At::Remember => {
                store.write_record(who, Kind::Deleted, self.gone);
                self.at = self.after_memory(store, mistake);
                ("writes which packs it deleted", self.gone)
            }
            At::DeleteRecords => {
                let record = self.rest.members().nth(choice).unwrap_or_default();
                self.rest.take(record);
                store.records.take(record);
                self.at = if self.rest.is_empty() { At::LookForMarks } else { At::DeleteRecords };
                ("deletes a record", Set::of(&[record]))
            }
            At::LookForMarks => {
                let is_meant = |record: usize| {
                    store.record[record].0 != Kind::Deleted && !store.record[record].1.is_empty()
                };
                let (did, look) = self.look.step(store, &[ListRecords, ReadRecords], is_meant);
                if let Some(look) = look {
                    self.at = self.choose_marks(store, look.records, mistake);
                }
                did
            }
            At::StoreLittle => {
                let copied = self.needed.and(store.chunks_in(store.packs));
                if !copied.is_empty() {
                    store.write_pack(who, copied);
                }
                let lost = self.needed.without(copied);
                self.condemned = self.condemned.filter(|pack| store.pack_chunks[pack].and(lost).is_empty());
                self.at = At::Mark;
                ("stores again chunks of packs that hold little else", copied)
            }
            At::Mark => {
                store.write_record(who, Kind::Marked, self.condemned);
                self.at = At::DeleteProbe;
                ("marks packs", self.condemned)
            }
            At::DeleteProbe => {
                store.records.take(self.probe);
                self.at = At::End;
                ("deletes its probe", Set::of(&[self.probe]))
            }
            _ => return ("does nothing", Set(0)),
        };
        // What it knows no more is forgotten, so that states meet.
        match self.at {
            At::LookForMarks => {
                *self = Self {
                    look: self.look,
                    needed: self.needed,
                    packs: self.packs,
                    gone: self.gone,
                    ..self.just()
                }
            }
            At::StoreLittle => *self = Self { needed: self.needed, condemned: self.condemned, ..self.just() },
            At::Mark => *self = Self { condemned: self.condemned, ..self.just() },
            At::DeleteProbe => *self = self.just(),
            _ => {}
        }
        did
    }

    fn just(&self) -> Self {
        Self { at: self.at, probe: self.probe, ..Self::default() }
    }

    /// The packs that others left condemned.
    fn left_packs(&self, store: &Store) -> Set {
        store.named(self.left, Kind::Condemned).and(self.packs)
    }

    /// Needed chunks that are in no pack that stays.
    fn lost(&self, store: &Store) -> Set {
        self.needed.without(store.chunks_in(self.packs.without(self.vanishing)))
    }

    /// Chooses of the condemned packs those of which every needed chunk is also in a pack that stays.
    fn choose(&mut self, store: &Store, mistake: Mistake) -> At {
        let lost = self.lost(store);
        let is_needed = |pack| self.packs.has(pack) && !store.pack_chunks[pack].and(lost).is_empty();
        self.gone = self.condemned.filter(|pack| !is_needed(pack));
        self.rest = if mistake == Mistake::MarksGoAlone { Set(0) } else { self.gone.and(self.packs) };
        if self.rest.is_empty() { self.after_packs(store, mistake) } else { At::DeletePacks }
    }

    /// Old records of deletions go only when one was written after they were listed: its own, or one of no packs in the place of
    /// several. So there is always one later than what somebody saw before a deletion.
    fn after_packs(&mut self, store: &Store, mistake: Mistake) -> At {
        use Mistake::{NewestDeletionByTime, NewestDeletionForgotten};
        let is_alone = matches!(mistake, NewestDeletionByTime | NewestDeletionForgotten);
        if self.gone.is_empty() && self.over.len() < 2 && !is_alone {
            self.over = Set(0);
        }
        match mistake {
            _ if self.gone.is_empty() && (self.over.is_empty() || is_alone) => {
                self.after_memory(store, mistake)
            }
            Mistake::DeletesBeforeItCondemns => At::CondemnLate,
            Mistake::LooksAtPacksFirst => self.after_memory(store, mistake),
            _ => At::Remember,
        }
    }

    /// Then go its condemnation, the marks that it dealt with, condemnations of others whose packs are all gone, and what was
    /// remembered long enough.
    fn after_memory(&mut self, store: &Store, mistake: Mistake) -> At {
        let all_gone = |record: usize| store.record[record].1.without(self.gone).is_empty();
        let left = match mistake {
            Mistake::OldCondemnationGoesAlone => self.left,
            _ => self.left.filter(all_gone),
        };
        let marks = match mistake {
            Mistake::ProbesStay if self.condemned.is_empty() => Set(0),
            _ => self.marks,
        };
        self.rest = self.own.with(marks).with(left).with(self.over);
        if self.rest.is_empty() { At::LookForMarks } else { At::DeleteRecords }
    }

    /// Chooses packs to mark, and the chunks to store again for it.
    fn choose_marks(&mut self, store: &Store, records: Set, mistake: Mistake) -> At {
        let doomed = store.named(records, Kind::Marked).with(store.named(records, Kind::Condemned));
        let kept = self.packs.without(doomed).without(self.gone);
        let (mut unneeded, mut little, mut seen) = (Set(0), Set(0), Set(0));
        for pack in kept.members() {
            let chunks = store.pack_chunks[pack];
            let used = chunks.and(self.needed).without(seen);
            seen = seen.with(used);
            match used.len() {
                // Its snapshot may be yet to come.
                _ if !self.is_old(store, store.pack_written[pack], mistake) => {}
                0 => unneeded.add(pack),
                used if 2 * used <= chunks.len() => little.add(pack),
                _ => {}
            }
        }
        let stays = if mistake == Mistake::MarkedCopiesCount { kept } else { kept.without(unneeded) };
        self.needed =
            self.needed.and(store.chunks_in(little)).without(store.chunks_in(stays.without(little)));
        self.condemned = unneeded.with(little);
        match () {
            () if self.condemned.is_empty() => At::DeleteProbe,
            () if self.needed.is_empty() => At::Mark,
            () => At::StoreLittle,
        }
    }
}

/// One who works on the repository.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Actor {
    Backup(Backup),
    Prune(Prune),
    Delete(Delete),
    Restore(Restore),
    Complete(Complete),
    Ended,
}

/// The repository with those who work on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    store: Store,
    actors: [Actor; 4],
    /// How often the grace period may pass yet.
    time: u8,
}

impl State {
    fn of(store: Store, time: u8, actors: &[Actor]) -> Self {
        let mut state = Self { store, actors: [Actor::Ended; 4], time };
        state.actors[..actors.len()].copy_from_slice(actors);
        state
    }

    fn choices(&self, who: usize) -> usize {
        match &self.actors[who] {
            Actor::Prune(prune) => prune.choices(),
            Actor::Ended => 0,
            _ => 1,
        }
    }

    /// Has a process do its next step.
    fn step(&mut self, who: usize, choice: usize, mistake: Mistake) -> Result<Did, Broken> {
        let (store, own) = (&mut self.store, who + 1);
        let (did, at) = match &mut self.actors[who] {
            Actor::Backup(backup) => (backup.step(own, store, mistake), backup.at),
            Actor::Prune(prune) => (prune.step(own, store, mistake, choice), prune.at),
            Actor::Restore(restore) => (restore.step(store, mistake)?, restore.at),
            Actor::Complete(complete) => (complete.step(store, mistake), complete.at),
            Actor::Delete(delete) => (delete.step(store), delete.at),
            Actor::Ended => (("does nothing", Set(0)), At::End),
        };
        if at == At::End {
            self.actors[who] = Actor::Ended;
        }
        Ok(did)
    }

    fn check(&self) -> Result<(), Broken> {
        let store = &self.store;
        if !store.is_held(store.needed_by(store.counting()), store.packs) {
            return Err(Broken::Whole);
        }
        let have_ended = self.actors.iter().all(|actor| *actor == Actor::Ended);
        if have_ended && !store.ledger.without(store.snapshots).is_empty() {
            return Err(Broken::EntryLeft);
        }
        Ok(())
    }
}

impl Actor {
    fn name(&self) -> &'static str {
        match self {
            Actor::Backup(_) => "backup",
            Actor::Prune(_) => "prune",
            Actor::Delete(_) => "delete",
            Actor::Restore(_) => "restore",
            Actor::Complete(_) => "complete",
            Actor::Ended => "nobody",
        }
    }
}
