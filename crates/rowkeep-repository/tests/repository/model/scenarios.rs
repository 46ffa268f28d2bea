//! Where the model begins, and what is found from there.

use super::search::Search;
use super::{Actor, At, Backup, Broken, Complete, Delete, Kind, Mistake, Prune, Restore, Set, State, Store};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

fn prune() -> Actor {
    Actor::Prune(Prune::default())
}

fn backup(snapshot: usize) -> Actor {
    Actor::Backup(Backup { snapshot, ..Backup::default() })
}

/// A backup that began before packs were marked, when no records were there, and relies on them.
fn late_backup(at: At, snapshot: usize, relied_on: Set) -> Actor {
    Actor::Backup(Backup { at, snapshot, relied_on, ..Backup::default() })
}

fn counting_snapshot(store: &mut Store, number: usize, chunks: Set) {
    store.needs[number] = chunks;
    store.write_snapshot(number);
    store.ledger.add(number);
}

fn restore(snapshot: usize) -> Actor {
    Actor::Restore(Restore { snapshot, ..Restore::default() })
}

fn delete(snapshot: usize) -> Actor {
    Actor::Delete(Delete { snapshot, ..Delete::default() })
}

fn complete(snapshot: usize) -> Actor {
    Actor::Complete(Complete { snapshot, ..Complete::default() })
}

/// A backup that finds a pack which nothing needs, beside two prunes that mark and delete it.
fn unneeded_pack() -> State {
    let mut store = Store::default();
    store.write_pack(0, Set::of(&[A, B]));
    store.needs[0] = Set::of(&[A, C]);
    store.now = 1;
    State::of(store, 2, &[backup(0), prune(), prune()])
}

/// A pack that is marked since the grace period, and on which a backup relies; two prunes.
fn marked_pack() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    store.needs[0] = Set::of(&[A, B]);
    store.write_record(0, Kind::Marked, pack);
    store.now = 1;
    State::of(store, 1, &[late_backup(At::Write, 0, pack), prune(), prune()])
}

/// The same with two backups, one of which began after the mark and stores the chunk again.
fn two_backups() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, D]))]);
    (store.needs[0], store.needs[1]) = (Set::of(&[A]), Set::of(&[A, B]));
    store.write_record(0, Kind::Marked, pack);
    store.now = 1;
    State::of(store, 1, &[late_backup(At::Write, 0, pack), backup(1), prune()])
}

/// A prune sleeps that has condemned a pack and chosen to delete it, and a backup relies on that pack; another prune.
fn sleeping_prune() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    store.needs[0] = Set::of(&[B]);
    let probe = store.write_record(2, Kind::Marked, Set(0));
    let own = Set::of(&[store.write_record(2, Kind::Condemned, pack)]);
    store.now = 1;
    let at = At::DeletePacks;
    let survey = Prune { at, probe, own, condemned: pack, vanishing: pack, packs: pack, ..Prune::default() };
    let asleep = Prune { gone: pack, rest: pack, ..survey };
    State::of(store, 1, &[late_backup(At::Write, 0, pack), Actor::Prune(asleep), prune()])
}

/// A condemnation that a killed prune left, of a pack of which something is needed; two prunes.
fn killed_prune() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    counting_snapshot(&mut store, 0, Set::of(&[A]));
    store.write_record(0, Kind::Condemned, pack);
    store.now = 1;
    State::of(store, 1, &[prune(), prune(), restore(0)])
}

/// A needed chunk in two packs. One prune sleeps that has read that the first is marked. Another took both back since, and
/// marked the second one anew.
fn two_copies() -> State {
    let mut store = Store::default();
    let one = Set::of(&[store.write_pack(0, Set::of(&[A, C]))]);
    let other = Set::of(&[store.write_pack(0, Set::of(&[A, D]))]);
    counting_snapshot(&mut store, 0, Set::of(&[A]));
    store.write_record(0, Kind::Marked, other);
    let probe = store.write_record(1, Kind::Marked, Set(0));
    store.now = 1;
    let asleep = Prune { at: At::Condemn, probe, condemned: one, ..Prune::default() };
    State::of(store, 1, &[Actor::Prune(asleep), prune()])
}

/// A restore while its snapshot is deleted, beside two prunes that store chunks again, mark and delete.
fn restore_of_deleted() -> State {
    let mut store = Store::default();
    store.write_pack(0, Set::of(&[A]));
    store.write_pack(0, Set::of(&[B, C, D]));
    counting_snapshot(&mut store, 0, Set::of(&[A, B]));
    store.now = 1;
    State::of(store, 2, &[restore(0), delete(0), prune(), prune()])
}

/// The same with a pack that was marked before the snapshot counted.
fn restore_from_marked() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    store.write_record(0, Kind::Marked, pack);
    counting_snapshot(&mut store, 0, Set::of(&[A, B]));
    store.now = 1;
    State::of(store, 1, &[restore(0), delete(0), prune()])
}

/// A backup that relies on a marked pack, beside others: one completes its snapshot, one deletes it, one prunes.
fn uncompleted() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    store.needs[0] = Set::of(&[A, B]);
    store.write_record(0, Kind::Marked, pack);
    store.now = 1;
    State::of(store, 1, &[late_backup(At::Write, 0, pack), complete(0), delete(0), prune()])
}

/// A pack was deleted while a backup sleeps that relies on it. A prune sleeps that has deleted another pack and not yet written
/// that down; another prune.
fn two_deletions() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    let other = Set::of(&[store.write_pack(0, Set::of(&[C]))]);
    store.packs = Set(0);
    store.needs[0] = Set::of(&[A, B]);
    store.write_record(0, Kind::Deleted, pack);
    let probe = store.write_record(2, Kind::Marked, Set(0));
    let own = Set::of(&[store.write_record(2, Kind::Condemned, other)]);
    store.now = 1;
    let asleep = Prune { at: At::Remember, probe, own, condemned: other, gone: other, ..Prune::default() };
    State::of(store, 1, &[late_backup(At::Write, 0, pack), Actor::Prune(asleep), prune()])
}

/// A pack was deleted while a backup sleeps that relies on it, and that saw a record of another deletion whose time lies ahead;
/// a prune.
fn wrong_time() -> State {
    let mut store = Store::default();
    let pack = Set::of(&[store.write_pack(0, Set::of(&[A, B]))]);
    let other = Set::of(&[store.write_pack(0, Set::of(&[C]))]);
    store.packs = Set(0);
    store.needs[0] = Set::of(&[A, B]);
    store.now = 9;
    let first = Set::of(&[store.write_record(0, Kind::Deleted, other)]);
    store.now = 0;
    store.write_record(0, Kind::Deleted, pack);
    store.now = 1;
    let backup = Backup { at: At::Write, relied_on: pack, first, ..Backup::default() };
    State::of(store, 1, &[Actor::Backup(backup), prune(), prune()])
}

fn holds(scenario: State) {
    if let Err((broken, trace)) = Search::run(&scenario, Mistake::Nothing).1 {
        panic!("{broken:?} is broken:\n{trace}");
    }
}

fn breaks(mistake: Mistake, scenario: State, expected: Broken) {
    let found = Search::run(&scenario, mistake).1.map_err(|(broken, trace)| {
        assert_eq!(broken, expected, "{mistake:?} breaks something else:\n{trace}");
    });
    assert!(found.is_err(), "{mistake:?} is not found");
}

macro_rules! without_mistakes {
    ($($scenario:ident)*) => {
        mod without_mistakes {
            $(#[test]
            fn $scenario() {
                super::holds(super::$scenario());
            })*
        }
    };
}

without_mistakes! {
    unneeded_pack
    marked_pack
    two_backups
    sleeping_prune
    killed_prune
    two_copies
    restore_of_deleted
    restore_from_marked
    uncompleted
    two_deletions
    wrong_time
}

macro_rules! mistakes {
    ($($name:ident: $mistake:ident in $scenario:ident breaks $broken:ident;)*) => {
        $(#[test]
        fn $name() {
            breaks(Mistake::$mistake, $scenario(), Broken::$broken);
        })*
    };
}

mistakes! {
    no_grace_period: NoGracePeriod in restore_of_deleted breaks Restore;
    a_pack_that_is_deleted_before_it_is_condemned: DeletesBeforeItCondemns in marked_pack breaks Whole;
    snapshots_that_are_listed_before_packs_are_condemned: ListsSnapshotsBeforeItCondemns in marked_pack breaks Whole;
    no_last_look: NoLastLook in marked_pack breaks Whole;
    a_last_look_at_packs_before_records: LooksAtPacksFirst in marked_pack breaks Whole;
    copies_in_packs_that_others_condemned: CopiesThatOthersCondemnedCount in two_copies breaks Whole;
    an_old_condemnation_that_goes_without_its_packs: OldCondemnationGoesAlone in sleeping_prune breaks Whole;
    a_snapshot_that_counts_before_the_look: CountsBeforeTheLook in marked_pack breaks Whole;
    marks_that_go_without_their_packs: MarksGoAlone in unneeded_pack breaks PackLeft;
    records_that_are_read_after_packs_are_listed: ReadsRecordsLast in marked_pack breaks Whole;
    records_that_a_prune_reads_after_it_lists_packs: ReadsRecordsLast in two_copies breaks Whole;
    one_listing_of_packs_and_then_records: ListsAllAtOnce in two_copies breaks Whole;
    copies_in_packs_that_are_marked_at_the_same_time: MarkedCopiesCount in unneeded_pack breaks RecordLeft;
    a_probe_that_stays: ProbesStay in uncompleted breaks RecordLeft;
    the_newest_deletion_that_is_forgotten: NewestDeletionForgotten in two_deletions breaks Whole;
    a_newest_deletion_by_the_times_of_the_store: NewestDeletionByTime in wrong_time breaks Whole;
    records_that_are_remembered_after_packs_are_listed: RemembersRecordsLate in two_deletions breaks Whole;
    entries_that_are_added_unchecked: EntriesUnchecked in uncompleted breaks EntryLeft;
    the_grace_period_of_packs_that_were_marked_before: MarkedPacksPromised in restore_from_marked breaks Restore;
}
