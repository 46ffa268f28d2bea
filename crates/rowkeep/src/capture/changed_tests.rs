use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use futures::StreamExt;
use proptest::prelude::*;
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream};
use rowkeep_format::manifest::Unread;
use rowkeep_format::schema::{Column, KeyColumn, TableKind};
use rowkeep_format::{Identity, Key, KeyForm, Schema, TableName, Value};
use rowkeep_repository::{Protection, Repository, create_store};

use super::super::table::read_tables;
use super::*;

/// A row: how large it is, what it says, and whether it was written since the snapshot before.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    bytes: usize,
    says: u8,
    is_written: bool,
}

type Rows = BTreeMap<i64, Row>;

/// A database with one table, which tells what was written, or tells lies.
struct Play {
    schema: Schema,
    rows: Rows,
    /// These are not told of, though they were written.
    concealed: Vec<i64>,
    /// Whether there is no room to sort what was written.
    is_disk_full: bool,
}

impl Play {
    fn new(rows: Rows) -> Self {
        let column = |name: &str| Column {
            name: name.to_owned(),
            type_name: String::new(),
            not_null: false,
            hidden: false,
        };
        let key = Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true };
        let table = Table {
            name: TableName { schema: None, name: "t".to_owned() },
            kind: TableKind::Table,
            columns: vec![column("k"), column("v")],
            key,
            identity: None,
            foreign_keys: Vec::new(),
        };
        let (engine, tables) = ("play".to_owned(), vec![table]);
        let schema = Schema { engine, tables, inherits: Vec::new(), ddl: Vec::new() };
        Self { schema, rows, concealed: Vec::new(), is_disk_full: false }
    }

    fn table(&self) -> &Table {
        &self.schema.tables[0]
    }

    fn told(&self) -> impl Iterator<Item = (&i64, &Row)> {
        self.rows.iter().filter(|(key, row)| row.is_written && !self.concealed.contains(key))
    }

    fn counted(&self) -> ChangeCount {
        ChangeCount { rows: self.rows.len() as u64, changed: self.told().count() as u64 }
    }
}

fn stream<'r>(rows: impl Iterator<Item = (&'r i64, &'r Row)>, with_value: bool) -> RowStream {
    let batches = rows.map(|(key, row)| {
        let mut batch = RowBatch::new(1 + usize::from(with_value));
        let value = vec![row.says; row.bytes];
        let values = [Value::Integer(*key), Value::Text(&value)];
        batch.push_row(values.into_iter().take(batch.columns().len()).collect::<Vec<_>>());
        Ok(batch)
    });
    futures::stream::iter(batches.collect::<Vec<_>>()).boxed()
}

#[async_trait]
impl View for Play {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn environment(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &[]
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, _: &TableName) -> Estimate {
        Estimate::default()
    }

    fn parallelism(&self) -> usize {
        1
    }

    async fn rows(&self, _: &Table) -> Result<RowStream, EngineError> {
        Ok(stream(self.rows.iter(), true))
    }

    async fn keys(&self, _: &Table) -> Result<RowStream, EngineError> {
        Ok(stream(self.rows.iter(), false))
    }

    async fn find(&self, _: &Table, _: &[usize], _: &RowBatch) -> Result<RowStream, EngineError> {
        Ok(futures::stream::empty().boxed())
    }

    async fn rows_changed_since(&self, _: &Table, _: &str) -> Result<RowStream, EngineError> {
        let full = || EngineError::new(ErrorKind::DiskFull, "there is no room");
        Ok(match self.is_disk_full {
            true => futures::stream::once(async move { Err(full()) }).boxed(),
            false => stream(self.told(), true),
        })
    }
}

/// Sizes of which some fill a chunk alone, and one so large that a chunk ends before it.
fn any_bytes() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0usize..2000,
        4 => Just(120_000usize),
        2 => Just(500_000usize),
        1 => Just(4_300_000usize),
    ]
}

fn any_row() -> impl Strategy<Value = Row> {
    (any_bytes(), any::<u8>()).prop_map(|(bytes, says)| Row { bytes, says, is_written: false })
}

#[derive(Debug, Clone)]
enum Change {
    Written(i64, Row),
    /// The value only, as long as it was.
    Said(prop::sample::Index, u8),
    Touched(prop::sample::Index),
    Moved(prop::sample::Index, i64),
    Deleted(prop::sample::Index),
    DeletedFrom(prop::sample::Index, usize),
}

fn any_change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        3 => (-10i64..110, any_row()).prop_map(|(key, row)| Change::Written(key, row)),
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, says)| Change::Said(at, says)),
        1 => any::<Index>().prop_map(Change::Touched),
        1 => (any::<Index>(), -10i64..110).prop_map(|(at, key)| Change::Moved(at, key)),
        1 => any::<Index>().prop_map(Change::Deleted),
        1 => (any::<Index>(), 1usize..6).prop_map(|(at, rows)| Change::DeletedFrom(at, rows)),
    ]
}

fn apply(rows: &mut Rows, change: &Change) {
    let at = |rows: &Rows, index: &prop::sample::Index| match rows.len() {
        0 => None,
        len => rows.keys().nth(index.index(len)).copied(),
    };
    let written = |row: Row| Row { is_written: true, ..row };
    match change {
        Change::Written(key, row) => {
            rows.insert(*key, written(*row));
        }
        Change::Said(index, says) => {
            if let Some(row) = at(rows, index).and_then(|key| rows.get_mut(&key)) {
                *row = Row { says: *says, ..written(*row) };
            }
        }
        Change::Touched(index) => {
            if let Some(row) = at(rows, index).and_then(|key| rows.get_mut(&key)) {
                row.is_written = true;
            }
        }
        Change::Moved(index, to) => {
            if let Some(row) = at(rows, index).and_then(|key| rows.remove(&key)) {
                rows.insert(*to, written(row));
            }
        }
        Change::Deleted(index) => {
            at(rows, index).and_then(|key| rows.remove(&key));
        }
        Change::DeletedFrom(index, count) => {
            let Some(first) = at(rows, index) else { return };
            let gone: Vec<i64> = rows.range(first..).take(*count).map(|(key, _)| *key).collect();
            gone.iter().for_each(|key| {
                rows.remove(key);
            });
        }
    }
}

/// Stores a table, then what it became by way of what was written, and reads all of it: gives both roots and how much was read.
fn both_ways(before: Rows, after: &Play, keeps: bool) -> (Option<(TableRoot, u64)>, TableRoot) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("it starts");
    runtime.block_on(async {
        let store = create_store("memory://", &[]).expect("it needs nothing");
        let repository =
            Repository::init(store, Protection::Unencrypted).await.expect("a repository is made");
        let (context, keys) = (Context::silent(), repository.content_keys());
        let before = Play::new(before);
        let writer = Arc::new(repository.writer().await.expect("a writer"));
        let sink = Sink::Repository(Arc::clone(&writer));
        let tables = vec![before.table()];
        let (entries, _) =
            read_tables(&context, &before, tables, keys, &sink, None).await.expect("it is read");
        drop(sink);
        Arc::into_inner(writer).expect("nobody else has it").finish().await.expect("it is stored");

        let reader = Arc::new(repository.reader().await.expect("a reader"));
        let table = after.table();
        let changed = ChangedTable {
            context: &context,
            table,
            keys,
            reader: &reader,
            entry: &entries[0],
            counted: after.counted(),
        };
        let writer = Arc::new(repository.writer().await.expect("a writer"));
        let sink = Sink::Repository(Arc::clone(&writer));
        let found = changed.store(after, "then", None, &sink).await.expect("nothing fails");
        drop(sink);
        Arc::into_inner(writer).expect("nobody else has it").finish().await.expect("nothing is left open");

        // Another repository would cut and name in its own way.
        let (all, _) =
            read_tables(&context, after, vec![table], keys, &Sink::Names, None).await.expect("it is read");
        if let Some((root, _)) = found.filter(|_| keeps) {
            let entry = TableEntry { root, ..entries[0].clone() };
            let reader = Arc::new(repository.reader().await.expect("a reader"));
            let cause = crate::state::reader::Cause::default();
            let mut rows = crate::state::reader::rows(&context, &reader, &entry, &cause);
            let mut found = Vec::new();
            while let Some(batch) = rows.next().await {
                let batch = batch.expect("every chunk is there");
                found.extend((0..batch.rows()).map(|row| match (batch.value(row, 0), batch.value(row, 1)) {
                    (Value::Integer(key), Value::Text(value)) => (key, value.len()),
                    other => panic!("{other:?}"),
                }));
            }
            let expected: Vec<_> = after.rows.iter().map(|(key, row)| (*key, row.bytes)).collect();
            assert_eq!(found, expected);
        }
        (found, all[0].root)
    })
}

fn any_rows() -> impl Strategy<Value = Rows> {
    prop::collection::btree_map(0i64..100, any_row(), 8..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_tree_is_that_of_all_rows(
        before in any_rows(),
        changes in prop::collection::vec(any_change(), 0..7),
    ) {
        let mut after = before.clone();
        changes.iter().for_each(|change| apply(&mut after, change));
        let (found, all) = both_ways(before, &Play::new(after), true);
        if let Some((root, _)) = found {
            prop_assert_eq!(root, all);
        }
    }
}

fn plain(rows: std::ops::Range<i64>, bytes: usize) -> Rows {
    rows.map(|key| (key, Row { bytes, says: key as u8, is_written: false })).collect()
}

#[test]
fn only_what_was_written_is_read() {
    let before = plain(0..400, 50_000);
    let mut after = before.clone();
    for key in [3, 180, 181, 399] {
        apply(&mut after, &Change::Written(key, Row { bytes: 49_000, says: 1, is_written: true }));
    }
    let (found, all) = both_ways(before, &Play::new(after), true);
    let (root, read_bytes) = found.expect("there is a short way");
    assert_eq!(root, all);
    assert_eq!(read_bytes, 4 * (49_000 + 8));
}

/// Where a chunk ends before a row that would have been too much for it, that row decides.
#[test]
fn a_chunk_is_cut_again_when_the_row_behind_it_changes() {
    let mut before = plain(0..60, 10_000);
    before.extend(plain(60..61, 4_300_000));
    before.extend(plain(61..80, 10_000));
    let small = Row { bytes: 10, says: 1, is_written: true };
    let (mut smaller, mut gone) = (before.clone(), before.clone());
    apply(&mut smaller, &Change::Written(60, small));
    gone.remove(&60);
    for after in [smaller, gone] {
        let (found, all) = both_ways(before.clone(), &Play::new(after), true);
        assert_eq!(found.expect("there is a short way").0, all);
    }
}

#[test]
fn rows_that_are_gone_are_found_by_the_keys_that_are_left() {
    let before = plain(0..400, 50_000);
    let mut after = before.clone();
    after.retain(|key, _| !(100..117).contains(key) && *key != 399 && *key != 0);
    for key in [50, 110, 1000] {
        apply(&mut after, &Change::Written(key, Row { bytes: 10, says: 1, is_written: true }));
    }
    let (found, all) = both_ways(before.clone(), &Play::new(after.clone()), true);
    assert_eq!(found.expect("there is a short way").0, all);
    // As many rows as were deleted were written, and nothing tells at first that they have other keys.
    let other: Rows = (0..20).map(|key| (2000 + key, Row { bytes: 7, says: 2, is_written: true })).collect();
    after.extend(other);
    let (found, all) = both_ways(before, &Play::new(after), true);
    assert_eq!(found.expect("there is a short way").0, all);
}

#[test]
fn a_table_that_grew_is_not_held_in_memory() {
    let before = plain(0..400, 50_000);
    let mut after = before.clone();
    for key in 400..500 {
        apply(&mut after, &Change::Written(key, Row { bytes: 300_000, says: 1, is_written: true }));
    }
    let (found, all) = both_ways(before.clone(), &Play::new(after.clone()), false);
    assert_eq!(found.expect("what was written follows all rows").0, all);
    // In the middle there is no short way, and all rows are read; but for where a chunk happens to end there.
    let is_read_whole = |middle: i64| {
        let key = |key: i64| if key < middle { key } else { 10_000 - key };
        let moved = |rows: &Rows| rows.iter().map(|(at, row)| (key(*at), *row)).collect();
        both_ways(moved(&before), &Play::new(moved(&after)), false).0.is_none()
    };
    assert!((195..205).any(is_read_whole));
}

#[test]
fn all_rows_are_read_where_there_is_no_room_to_sort_some() {
    let before = plain(0..400, 5_000);
    for gone in [false, true] {
        let mut after = before.clone();
        apply(&mut after, &Change::Written(7, Row { bytes: 10, says: 1, is_written: true }));
        after.retain(|key, _| !gone || !(20..25).contains(key));
        let play = Play { is_disk_full: true, ..Play::new(after) };
        assert_eq!(both_ways(before.clone(), &play, false).0, None);
    }
}

#[test]
fn what_is_told_and_does_not_come_out_even_is_not_believed() {
    let before = plain(0..400, 50_000);
    for (written, concealed) in [(vec![7], vec![7]), (vec![500], vec![500]), (vec![7, 500], vec![500])] {
        let mut after = before.clone();
        for key in &written {
            apply(&mut after, &Change::Written(*key, Row { bytes: 10, says: 1, is_written: true }));
        }
        let (found, all) = both_ways(before.clone(), &Play { concealed, ..Play::new(after) }, false);
        match written.as_slice() {
            // A row that says something else, and was not written: nobody could know.
            [7] => assert_ne!(found.map(|(root, _)| root), Some(all)),
            _ => assert_eq!(found, None),
        }
    }
}
