use super::*;
use crate::ChunkId;
use crate::manifest::{Before, Scope};

/// A snapshot, described by what decides about its place.
fn snapshot(id: u8, database: &str, time: i64, parent: Option<u8>, sequence: Option<u64>) -> Summary {
    Summary {
        id: SnapshotId([id; 16]),
        database: database.into(),
        engine: "sqlite".into(),
        source: "".into(),
        identity: None,
        name: None,
        time: Timestamp::from_second(time).expect("a time"),
        parent: parent.map(|parent| SnapshotId([parent; 16])),
        sequence,
        scope: Scope::Full,
        tags: BTreeMap::new(),
        before: None,
        origin: None,
        masked: false,
        suspicious_after: None,
        all_tables: 0,
        tables: 0,
        rows: 0,
        bytes: 0,
        row_counts: None,
        new_bytes: 0,
        duration_ms: 0,
    }
}

fn safety(id: u8, database: &str, time: i64, parent: Option<u8>, sequence: Option<u64>) -> Summary {
    let changes = Some(ChunkId([0; 32]));
    let before = Before {
        operation: "restore".to_owned(),
        from: String::new(),
        changes,
        entered: false,
        dangled: Vec::new(),
    };
    Summary { before: Some(Box::new(before)), ..snapshot(id, database, time, parent, sequence) }
}

/// The numbers of snapshots in order, whatever the order in which they were read.
fn ordered(snapshots: &[Summary]) -> Vec<u8> {
    let (mut found, mut other) = (snapshots.to_vec(), snapshots.to_vec());
    other.reverse();
    sort(&mut found);
    sort(&mut other);
    assert_eq!(found, other);
    found.iter().map(|summary| summary.id.0[0]).collect()
}

fn next(snapshots: &[Summary]) -> u64 {
    next_sequence(snapshots)
}

fn without_sequence(snapshots: &[Summary]) -> Vec<Summary> {
    snapshots.iter().map(|summary| Summary { sequence: None, ..summary.clone() }).collect()
}

#[test]
fn the_chain_decides_and_not_the_clock() {
    // The clock was far ahead when the second was made, and back again for the third.
    let all = [
        snapshot(1, "shop", 100, None, Some(1)),
        snapshot(2, "shop", 9_000, Some(1), Some(2)),
        snapshot(3, "shop", 50, Some(2), Some(3)),
    ];
    assert_eq!(ordered(&all), [1, 2, 3]);
    assert_eq!(next(&all), 4);
    // The same of manifests that name only their parents.
    assert_eq!(ordered(&without_sequence(&all)), [1, 2, 3]);
    assert_eq!(next(&without_sequence(&all)), 4);
    assert_eq!(next(&[]), 1);
}

#[test]
fn safety_snapshots_stand_between_the_backups() {
    let all = [
        snapshot(1, "shop", 100, None, Some(1)),
        safety(2, "shop", 900, Some(1), Some(2)),
        safety(3, "shop", 50, Some(1), Some(3)),
        snapshot(4, "shop", 10, Some(1), Some(4)),
    ];
    assert_eq!(ordered(&all), [1, 2, 3, 4]);
    // Without numbers, two of one parent are known apart by their times alone.
    assert_eq!(ordered(&without_sequence(&all)), [1, 3, 2, 4]);
}

#[test]
fn a_chain_that_was_cut_is_put_together_by_time() {
    let all = [
        snapshot(1, "shop", 100, None, None),
        snapshot(2, "shop", 200, Some(1), None),
        // The third was deleted.
        snapshot(4, "shop", 400, Some(3), None),
        snapshot(5, "shop", 50, Some(4), None),
    ];
    assert_eq!(ordered(&all), [1, 2, 4, 5]);
    // Numbers need no time.
    let all = [snapshot(1, "shop", 100, None, Some(1)), snapshot(4, "shop", 40, Some(3), Some(4))];
    assert_eq!(ordered(&all), [1, 4]);
}

#[test]
fn programs_that_write_no_numbers_may_follow_those_that_do() {
    let all = [
        snapshot(1, "shop", 100, None, Some(5)),
        snapshot(2, "shop", 50, Some(1), None),
        snapshot(3, "shop", 20, Some(2), None),
    ];
    assert_eq!(ordered(&all), [1, 2, 3]);
    assert_eq!(next(&all), 8);
    let older = [snapshot(1, "shop", 900, None, None), snapshot(2, "shop", 100, Some(1), Some(2))];
    assert_eq!(ordered(&older), [1, 2]);
}

/// Snapshots of a program that wrote no numbers, many of them, before those of one that does.
#[test]
fn what_was_deleted_does_not_move_what_is_left() {
    let mut all: Vec<_> = (1..=6).map(|id| snapshot(id, "shop", 100 + i64::from(id), None, None)).collect();
    all.push(snapshot(7, "shop", 5, Some(6), Some(2)));
    all.push(snapshot(8, "shop", 4, Some(7), Some(3)));
    for left in 0..=6 {
        let all = &all[left..];
        let expected: Vec<u8> = (left as u8 + 1..=8).collect();
        assert_eq!(ordered(all), expected, "the first {left} are deleted");
        assert!(next(all) > 3);
    }
}

#[test]
fn two_of_one_moment_are_ordered_by_number_then_time_then_id() {
    let all = [
        snapshot(1, "shop", 100, None, Some(1)),
        snapshot(9, "shop", 200, Some(1), Some(2)),
        snapshot(3, "shop", 200, Some(1), Some(2)),
        snapshot(4, "shop", 150, Some(1), Some(2)),
        snapshot(2, "shop", 10, Some(4), Some(3)),
    ];
    assert_eq!(ordered(&all), [1, 4, 3, 9, 2]);
}

#[test]
fn snapshots_of_several_databases_keep_the_order_of_each() {
    let all = [
        snapshot(1, "shop", 9_000, None, Some(1)),
        snapshot(2, "blog", 100, None, Some(2)),
        snapshot(3, "shop", 50, Some(1), Some(3)),
        snapshot(4, "blog", 40, Some(2), Some(4)),
    ];
    assert_eq!(ordered(&all), [1, 2, 3, 4]);
    // Of databases that nothing binds together, times decide, but never against a chain.
    assert_eq!(ordered(&without_sequence(&all)), [2, 4, 1, 3]);
}

#[test]
fn copies_get_numbers_between_their_neighbours() {
    let numbered = |time, number| snapshot(9, "app", time, None, number);
    let backup = |time, number| numbered(time, Some(number));
    for (copy, behind, before, expected) in [
        // Its own where there is room for it, else the next.
        (backup(5, 7), None, None, 7),
        (numbered(5, None), None, None, 1),
        (backup(5, 7), Some(backup(4, 6)), Some(backup(6, 9)), 7),
        (backup(5, 2), Some(backup(4, 6)), None, 7),
        (backup(5, 20), Some(backup(4, 6)), Some(backup(6, 9)), 7),
        // What has no number stands before all that have one.
        (backup(5, 7), Some(numbered(4, None)), None, 7),
        (backup(5, 7), None, Some(numbered(6, None)), 7),
        // Where there is no room, time decides.
        (backup(5, 1), Some(backup(4, 6)), Some(backup(6, 7)), 7),
        (backup(7, 1), Some(backup(4, 6)), Some(backup(6, 7)), 6),
        (backup(4, 1), None, Some(backup(6, 1)), 1),
        // Neither does it: what is known to be earlier stays so.
        (backup(3, 1), Some(backup(4, 6)), Some(backup(2, 7)), 7),
    ] {
        let number = sequence_between(&copy, behind.as_ref(), before.as_ref());
        assert_eq!(number, expected, "{copy:?} between {behind:?} and {before:?}");
    }
    assert_eq!(
        sequence_between(&backup(5, 3), Some(&backup(6, 3)), Some(&backup(8, 3))),
        4,
        "what is certain comes first"
    );
    let safety = safety(8, "app", 5, None, Some(3));
    assert_eq!(
        sequence_between(&safety, Some(&backup(4, 6)), Some(&backup(6, 7))),
        7,
        "it comes first of equals"
    );
    assert_eq!(sequence_between(&backup(5, u64::MAX), Some(&backup(4, u64::MAX)), None), u64::MAX);
}
