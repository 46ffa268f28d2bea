//! What row counts tell: what a database lacks, which snapshot is best, and when rows went missing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rowkeep_engine::FILE_PART;
use rowkeep_format::manifest::Scope;
use rowkeep_format::{Manifest, TableName};
use serde::{Deserialize, Serialize};

use crate::state::devices::device;
use crate::state::snapshots::Snapshot;

/// The rows of each table of the database, or why they are not known.
pub(super) type Live = BTreeMap<TableName, Result<u64, Uncounted>>;

/// Why the rows of a table are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uncounted {
    /// The role may not read it, or not all of it.
    Denied(String),
    /// Counting failed.
    Failed(String),
}

/// How many snapshots back a loss is looked for.
const LOOK_BACK: usize = 10;

/// A table that fell by more than this part of its rows from one snapshot to the next has lost rows.
const FALL_PERCENT: u64 = 10;

/// A snapshot, and whether all of it is there.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) is_whole: bool,
}

/// A table of the database against the best snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableState {
    /// The table.
    pub table: String,
    /// Rows in the database.
    pub database_rows: Option<u64>,
    /// Rows in the snapshot.
    pub snapshot_rows: Option<u64>,
    /// What that means.
    #[serde(flatten)]
    pub state: TableHealth,
}

/// How a table is against a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum TableHealth {
    /// It has as many rows or more.
    Complete,
    /// It has fewer rows.
    Fewer,
    /// The database does not have it.
    Missing,
    /// Its rows cannot be counted, so any may be missing.
    Unreadable(String),
    /// The role may not read it, and the snapshot does not have it, so nothing can be said of it.
    Denied,
    /// The snapshot does not have it: a restore of the whole database would lose it.
    New,
}

impl TableHealth {
    /// Whether something is lacking.
    pub fn is_lacking(&self) -> bool {
        matches!(self, TableHealth::Fewer | TableHealth::Missing | TableHealth::Unreadable(_))
    }
}

/// A table that lost rows between two snapshots and did not get them back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The device whose rows these were, where snapshots say of which they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The table.
    pub table: String,
    /// Rows in the last snapshot before.
    pub rows_before: u64,
    /// Rows in the first snapshot after; nothing when the table was gone.
    pub rows_after: Option<u64>,
    /// The id of the last snapshot before.
    pub before: String,
    /// Its time.
    pub before_time: Timestamp,
}

/// The newest whole snapshot of the whole database, or else the newest whole one from which one can be made.
pub(super) fn best<'a>(pasts: &[Past<'a>]) -> Option<&'a Snapshot> {
    let whole = |scope: Scope| {
        pasts
            .iter()
            .rfind(|past| past.is_whole && past.snapshot.manifest.scope == scope)
            .map(|past| past.snapshot)
    };
    whole(Scope::Full).or_else(|| whole(Scope::SomeTables))
}

/// The newest state of a database that arrived whole, which stands for the database itself.
pub(super) fn arrived(snapshots: &[Snapshot]) -> Option<Live> {
    let is_whole =
        |manifest: &Manifest| manifest.scope == Scope::Full && !manifest.environment.contains_key(FILE_PART);
    let newest = snapshots.iter().rfind(|snapshot| is_whole(&snapshot.manifest))?;
    Some(rows_of(&newest.manifest).into_iter().map(|(name, rows)| (name.clone(), Ok(rows))).collect())
}

/// Holds the database against the best snapshot; of an unreachable one nothing is known of any table.
pub(super) fn compare(live: Option<&Live>, best: Option<&Snapshot>) -> Vec<TableState> {
    let kept = best.map(|best| rows_of(&best.manifest)).unwrap_or_default();
    let is_full = best.is_some_and(|best| best.manifest.scope == Scope::Full);
    let unknown = Live::new();
    let known = live.unwrap_or(&unknown);
    let mut names: Vec<&TableName> = kept.keys().copied().chain(known.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let snapshot_rows = kept.get(name).copied();
            let (database_rows, state) = match (known.get(name), snapshot_rows) {
                (None, _) if live.is_none() => {
                    (None, TableHealth::Unreadable("the database cannot be asked".to_owned()))
                }
                (None, _) => (None, TableHealth::Missing),
                (Some(Err(Uncounted::Denied(_))), None) => (None, TableHealth::Denied),
                (Some(Err(Uncounted::Denied(why) | Uncounted::Failed(why))), _) => {
                    (None, TableHealth::Unreadable(why.clone()))
                }
                (Some(Ok(rows)), Some(kept)) if *rows < kept => (Some(*rows), TableHealth::Fewer),
                (Some(Ok(rows)), None) if is_full => (Some(*rows), TableHealth::New),
                (Some(Ok(rows)), _) => (Some(*rows), TableHealth::Complete),
            };
            TableState { table: name.to_string(), database_rows, snapshot_rows, state }
        })
        .collect()
}

/// Snapshots by the device that they are of: each has rows of its own.
pub(super) fn by_device<'a>(pasts: &[Past<'a>]) -> BTreeMap<Option<&'a str>, Vec<Past<'a>>> {
    let mut of_each: BTreeMap<Option<&str>, Vec<Past<'a>>> = BTreeMap::new();
    for past in pasts {
        of_each.entry(device(&past.snapshot.manifest.tags)).or_default().push(*past);
    }
    of_each
}

/// The tables that lost rows from one of the last snapshots to the next and did not get them back, by name; of one device.
pub(super) fn losses(pasts: &[Past<'_>]) -> Vec<Loss> {
    let full: Vec<&Snapshot> = pasts
        .iter()
        .filter(|past| past.is_whole && past.snapshot.manifest.scope == Scope::Full)
        .map(|past| past.snapshot)
        .collect();
    let recent = &full[full.len().saturating_sub(LOOK_BACK)..];
    let Some(newest) = recent.last().map(|newest| rows_of(&newest.manifest)) else { return Vec::new() };
    let mut losses = BTreeMap::new();
    for pair in recent.windows(2) {
        let [before, after] = pair else { continue };
        let now = rows_of(&after.manifest);
        for (name, rows_before) in rows_of(&before.manifest) {
            let rows_after = now.get(name).copied();
            // The first loss of a table counts: what is before it has the most.
            if fell(rows_before, rows_after) && fell(rows_before, newest.get(name).copied()) {
                losses.entry(name.clone()).or_insert_with(|| Loss {
                    device: device(&before.manifest.tags).map(str::to_owned),
                    table: name.to_string(),
                    rows_before,
                    rows_after,
                    before: before.id.to_string(),
                    before_time: before.manifest.time,
                });
            }
        }
    }
    losses.into_values().collect()
}

fn fell(before: u64, after: Option<u64>) -> bool {
    match after {
        None => true,
        Some(after) => u128::from(after) * 100 < u128::from(before) * u128::from(100 - FALL_PERCENT),
    }
}

fn rows_of(manifest: &Manifest) -> BTreeMap<&TableName, u64> {
    let own = manifest.tables.iter().filter(|table| table.kind.is_user_table());
    own.map(|table| (&table.name, table.root.rows)).collect()
}

#[cfg(test)]
mod tests {
    use rowkeep_format::manifest::Cost;
    use rowkeep_format::tree::TableRoot;
    use rowkeep_format::{ChunkId, SnapshotId, TableEntry, TableKind};

    use super::*;
    use crate::state::devices::DEVICE_TAG;

    fn snapshot(number: u8, scope: Scope, tables: &[(&str, u64)]) -> Snapshot {
        let chunk = ChunkId::from_hex(&"ab".repeat(32)).expect("it is an id");
        let entry = |(name, rows): &(&str, u64)| TableEntry {
            name: TableName::plain(*name),
            kind: TableKind::Table,
            root: TableRoot { hash: chunk, levels: 1, rows: *rows, chunks: 1, bytes: 8 * rows },
            read: None,
            pages: None,
            original: None,
        };
        Snapshot {
            id: SnapshotId::from_hex(&format!("{number:02x}").repeat(16)).expect("it is an id"),
            manifest: Manifest {
                version: 1,
                database: "shop".into(),
                engine: "sqlite".into(),
                source: "shop.db".into(),
                identity: None,
                name: None,
                time: format!("2026-11-{number:02}T00:00:00Z").parse().expect("it is a time"),
                position: None,
                instant: None,
                parent: None,
                sequence: None,
                scope,
                schema: chunk,
                tables: tables.iter().map(entry).collect(),
                unread: Vec::new(),
                tags: BTreeMap::new(),
                environment: BTreeMap::new(),
                before: None,
                origin: None,
                suspicion: None,
                cost: Cost::default(),
                program: "test".into(),
            },
        }
    }

    fn pasts(snapshots: &[Snapshot]) -> Vec<Past<'_>> {
        snapshots.iter().map(|snapshot| Past { snapshot, is_whole: true }).collect()
    }

    #[test]
    fn the_newest_whole_one_of_everything_is_best() {
        let all = [
            snapshot(1, Scope::Full, &[("a", 1)]),
            snapshot(2, Scope::Full, &[("a", 2)]),
            snapshot(3, Scope::Full, &[("a", 3)]),
            snapshot(4, Scope::SomeTables, &[("a", 4)]),
            snapshot(5, Scope::DataOnly, &[("a", 5)]),
        ];
        let mut pasts = pasts(&all);
        assert_eq!(best(&pasts), Some(&all[2]));
        pasts[2].is_whole = false;
        assert_eq!(best(&pasts), Some(&all[1]));
        assert_eq!(best(&pasts[3..]), Some(&all[3]));
        assert_eq!(best(&pasts[4..]), None);
    }

    #[test]
    fn the_newest_state_that_arrived_whole_stands_for_the_database() {
        let mut all = [
            snapshot(1, Scope::Full, &[("a", 2)]),
            snapshot(2, Scope::Full, &[("a", 1)]),
            snapshot(3, Scope::Full, &[]),
            snapshot(4, Scope::SomeTables, &[]),
        ];
        all[2].manifest.environment.insert(FILE_PART.to_owned(), "some stores".to_owned());
        let live = arrived(&all);
        assert_eq!(live, Some(Live::from([(TableName::plain("a"), Ok(1))])));
        let state = |best| compare(live.as_ref(), Some(best)).remove(0).state;
        assert_eq!((state(&all[1]), state(&all[0])), (TableHealth::Complete, TableHealth::Fewer));
        assert_eq!(arrived(&all[2..]), None);
    }

    #[test]
    fn a_database_is_held_against_a_snapshot() {
        let snapshot =
            snapshot(1, Scope::Full, &[("denied", 2), ("fewer", 5), ("gone", 4), ("hurt", 3), ("same", 2)]);
        let rows = |name: &str, rows: Result<u64, Uncounted>| (TableName::plain(name), rows);
        let denied = || Err(Uncounted::Denied("permission denied".to_owned()));
        let live = Live::from([
            rows("denied", denied()),
            rows("fewer", Ok(4)),
            rows("hurt", Err(Uncounted::Failed("malformed".to_owned()))),
            rows("new", Ok(1)),
            rows("private", denied()),
            rows("same", Ok(3)),
        ]);
        let states: Vec<_> =
            compare(Some(&live), Some(&snapshot)).into_iter().map(|table| table.state).collect();
        let unreadable = |why: &str| TableHealth::Unreadable(why.to_owned());
        assert_eq!(
            states,
            [
                unreadable("permission denied"),
                TableHealth::Fewer,
                TableHealth::Missing,
                unreadable("malformed"),
                TableHealth::New,
                TableHealth::Denied,
                TableHealth::Complete
            ]
        );
        let unknown = compare(None, Some(&snapshot));
        assert_eq!(unknown.len(), 5);
        assert!(unknown.iter().all(|table| table.state.is_lacking() && table.database_rows.is_none()));
        assert!(compare(Some(&live), None).iter().all(|table| table.state != TableHealth::New));
    }

    #[test]
    fn a_loss_is_found_where_it_happened() {
        let all = [
            snapshot(1, Scope::Full, &[("a", 100), ("b", 100), ("c", 100), ("d", 1)]),
            snapshot(2, Scope::Full, &[("a", 100), ("b", 10), ("c", 91), ("d", 1)]),
            snapshot(3, Scope::Full, &[("a", 89), ("b", 100), ("c", 90)]),
            snapshot(4, Scope::Full, &[("a", 5), ("b", 100), ("c", 90)]),
        ];
        let losses = losses(&pasts(&all));
        let told: Vec<_> =
            losses.iter().map(|loss| (loss.table.as_str(), loss.rows_after, &loss.before)).collect();
        let before = all[1].id.to_string();
        // b came back, and c fell by a tenth and no more.
        assert_eq!(told, [("a", Some(89), &before), ("d", None, &before)]);
    }

    #[test]
    fn what_one_device_has_is_no_loss_of_another() {
        let of = |number: u8, device: &str, rows: u64| {
            let mut snapshot = snapshot(number, Scope::Full, &[("a", rows)]);
            snapshot.manifest.tags.insert(DEVICE_TAG.to_owned(), device.to_owned());
            snapshot
        };
        let all = [of(1, "desk", 100), of(2, "tablet", 5), of(3, "desk", 100), of(4, "tablet", 2)];
        let pasts = pasts(&all);
        let lost = by_device(&pasts).into_values().flat_map(|of| losses(&of));
        let told: Vec<_> = lost.map(|loss| (loss.device, loss.rows_before, loss.rows_after)).collect();
        assert_eq!(told, [(Some("tablet".to_owned()), 5, Some(2))]);
    }
}
