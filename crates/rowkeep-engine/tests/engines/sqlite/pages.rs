//! The hash of a table's pages: it stays while the rows do, and no row changes without it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rowkeep_engine::conformance::read_all;
use rowkeep_engine::{Engine, ViewOptions};
use rowkeep_format::{PagesHash, TableName};

use super::TestFile;

const TABLES: &str = "
    CREATE TABLE numbers (k INTEGER PRIMARY KEY, v TEXT, w BLOB);
    CREATE TABLE texts (k TEXT PRIMARY KEY, v TEXT, w BLOB);
    CREATE TABLE inside (k TEXT, v TEXT, w BLOB, PRIMARY KEY (k, v)) WITHOUT ROWID;
    CREATE TABLE bare (k INT, v TEXT, w BLOB);
    CREATE INDEX i ON bare (v);";

const NAMES: [&str; 4] = ["numbers", "texts", "inside", "bare"];

/// Sizes of values: in the page, on the edge of it, and over one or many further pages.
const SIZES: [usize; 6] = [0, 20, 400, 990, 5000, 40_000];

#[derive(Debug, Clone)]
enum Event {
    Inserted {
        table: usize,
        from: i64,
        rows: i64,
        size: usize,
    },
    Updated {
        table: usize,
        key: i64,
        size: usize,
    },
    /// One byte, somewhere in a value.
    Nudged {
        table: usize,
        key: i64,
    },
    Deleted {
        table: usize,
        from: i64,
        rows: i64,
    },
    Other(usize),
}

const OTHERS: [&str; 8] = [
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "CREATE INDEX IF NOT EXISTS j ON numbers (v); DROP INDEX j",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "UPDATE texts SET v = v",
    "BEGIN; DELETE FROM numbers; ROLLBACK",
    "ALTER TABLE bare RENAME TO other; ALTER TABLE other RENAME TO bare",
];

fn any_event() -> impl Strategy<Value = Event> {
    let (table, key, size) = (0..NAMES.len(), 0i64..400, 0..SIZES.len());
    prop_oneof![
        4 => (table.clone(), key.clone(), 1i64..120, size.clone())
            .prop_map(|(table, from, rows, size)| Event::Inserted { table, from, rows, size }),
        3 => (table.clone(), key.clone(), size).prop_map(|(table, key, size)| Event::Updated { table, key, size }),
        4 => (table.clone(), key.clone()).prop_map(|(table, key)| Event::Nudged { table, key }),
        2 => (table, key, 1i64..200).prop_map(|(table, from, rows)| Event::Deleted { table, from, rows }),
        2 => (0..OTHERS.len()).prop_map(Event::Other),
    ]
}

fn sql_of(event: &Event) -> String {
    match *event {
        Event::Inserted { table, from, rows, size } => format!(
            "WITH RECURSIVE n (n) AS (VALUES ({from}) UNION ALL SELECT n + 1 FROM n WHERE n + 1 < {from} + {rows}) \
             INSERT OR IGNORE INTO {} SELECT n, 'v' || n, zeroblob({}) FROM n",
            NAMES[table], SIZES[size]
        ),
        Event::Updated { table, key, size } => {
            format!("UPDATE {} SET w = randomblob({}) WHERE k = {key}", NAMES[table], SIZES[size])
        }
        Event::Nudged { table, key } => format!(
            "UPDATE {} SET w = CAST(substr(w, 1, length(w) / 2) || x'07' || substr(w, length(w) / 2 + 2) AS BLOB) WHERE k = {key}",
            NAMES[table]
        ),
        Event::Deleted { table, from, rows } => {
            format!("DELETE FROM {} WHERE k BETWEEN {from} AND {from} + {rows}", NAMES[table])
        }
        Event::Other(other) => OTHERS[other].to_owned(),
    }
}

type Hashes = BTreeMap<&'static str, PagesHash>;

async fn hashes(file: &TestFile) -> Hashes {
    let view = file.sqlite().open(&ViewOptions::default()).await.expect("it opens");
    let mut hashes = Hashes::new();
    for name in NAMES {
        let table = view.schema().tables.iter().find(|table| table.name.name == name).expect("it is there");
        let hash = view.pages_hash(table).await.expect("nothing fails");
        hashes.insert(name, hash.unwrap_or_else(|| panic!("{name} has pages")));
    }
    hashes
}

fn check(pragmas: &str, events: &[Event]) -> Result<(), TestCaseError> {
    let file = TestFile::new();
    file.execute(pragmas);
    file.execute(TABLES);
    let runtime = tokio::runtime::Runtime::new().expect("it starts");
    let state = || runtime.block_on(async { (hashes(&file).await, read_all(&file.sqlite()).await.1) });
    let mut states = vec![state()];
    for event in events {
        file.execute(&sql_of(event));
        let (hashes, rows) = state();
        prop_assert_eq!(&self::hashes_of(&runtime, &file), &hashes, "it is the same when it is asked again");
        for (earlier_hashes, earlier_rows) in &states {
            for name in NAMES {
                let table = TableName::plain(name);
                if earlier_hashes[name] == hashes[name] {
                    prop_assert!(earlier_rows.get(&table) == rows.get(&table), "{} after {:?}", name, event);
                }
            }
        }
        // What is done to one table does not touch the others, but where all pages move.
        let touched = match event {
            Event::Inserted { table, .. }
            | Event::Updated { table, .. }
            | Event::Nudged { table, .. }
            | Event::Deleted { table, .. } => {
                vec![NAMES[*table]]
            }
            Event::Other(0) => NAMES.to_vec(),
            // What is in the order of a key is an index of its own.
            Event::Other(2) => vec!["inside"],
            Event::Other(5) => vec!["texts"],
            Event::Other(7) => vec!["bare"],
            Event::Other(_) => Vec::new(),
        };
        let before = &states.last().expect("there is one").0;
        let is_vacuumed = pragmas.contains("auto_vacuum");
        for name in NAMES.iter().filter(|name| !touched.contains(name) && !is_vacuumed) {
            prop_assert_eq!(before[name], hashes[name], "{} after {:?}", name, event);
        }
        states.push((hashes, rows));
    }
    Ok(())
}

fn hashes_of(runtime: &tokio::runtime::Runtime, file: &TestFile) -> Hashes {
    runtime.block_on(hashes(file))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn no_row_changes_without_it(
        pragmas in prop::sample::select(vec![
            "",
            "PRAGMA journal_mode = wal",
            "PRAGMA page_size = 512",
            "PRAGMA page_size = 65536",
            "PRAGMA auto_vacuum = full",
            "PRAGMA encoding = 'UTF-16le'",
        ]),
        events in prop::collection::vec(any_event(), 1..10),
    ) {
        check(pragmas, &events)?;
    }
}

/// Rows that were there before a column take its value from the definition.
#[tokio::test(flavor = "multi_thread")]
async fn the_value_of_a_column_that_was_added_counts() {
    let file = TestFile::new();
    file.execute(TABLES);
    file.execute(
        "INSERT INTO numbers VALUES (1, 'a', x'00'); ALTER TABLE numbers ADD COLUMN d INTEGER DEFAULT 7",
    );
    let before = hashes(&file).await;
    // As dropping the column and adding it again would, where that leaves the rows alone.
    file.execute(
        "PRAGMA writable_schema = on;
         UPDATE sqlite_schema SET sql = replace(sql, 'DEFAULT 7', 'DEFAULT 8') WHERE name = 'numbers'",
    );
    let after = hashes(&file).await;
    assert_ne!(before["numbers"], after["numbers"]);
    assert_eq!(before["texts"], after["texts"]);
}

/// A writer that is not checkpointed, and a transaction that is open: the state is that of the view.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_that_of_the_views_state() {
    let file = TestFile::new();
    file.execute("PRAGMA journal_mode = wal");
    file.execute(TABLES);
    file.execute("INSERT INTO numbers VALUES (1, 'a', zeroblob(9000))");
    let view = file.sqlite().open(&ViewOptions::default()).await.expect("it opens");
    let table = view.schema().tables.iter().find(|table| table.name.name == "numbers").expect("it is there");
    let before = view.pages_hash(table).await.expect("nothing fails");
    let writer = file.connect();
    writer.execute_batch("UPDATE numbers SET w = zeroblob(9001)").expect("it is written");
    assert_eq!(view.pages_hash(table).await.expect("nothing fails"), before);
    assert_ne!(Some(hashes(&file).await["numbers"]), before);
}

/// Pages that are not as they should be have no hash, whatever is wrong with them, and nobody waits for it for ever.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_have_none_or_another() {
    let sound = TestFile::new();
    sound.execute("PRAGMA page_size = 1024");
    sound.execute(TABLES);
    for table in 0..NAMES.len() {
        sound.execute(&sql_of(&Event::Inserted { table, from: 0, rows: 200, size: 2 }));
        sound.execute(&sql_of(&Event::Inserted { table, from: 300, rows: 3, size: 4 }));
    }
    let before = hashes(&sound).await;
    let bytes = std::fs::read(sound.path()).expect("it is read");
    let (mut other, mut none) = (0, 0);
    // Every page's head, and the beginnings of its cells.
    for page in 1..bytes.len() / 1024 {
        for (at, to) in [(0, 0x05), (3, 0xff), (8, 0xff), (9, 0x13), (12, 0x00)] {
            let damaged = TestFile::new();
            let mut changed = bytes.clone();
            let place = page * 1024 + at;
            if changed[place] == to {
                continue;
            }
            changed[place] = to;
            std::fs::write(damaged.path(), changed).expect("it is written");
            let Ok(view) = damaged.sqlite().open(&ViewOptions::default()).await else { continue };
            let mut same = 0;
            for table in view.schema().tables.iter().filter(|table| NAMES.contains(&table.name.name.as_str()))
            {
                match view.pages_hash(table).await.expect("nothing fails") {
                    Some(hash) if hash == before[table.name.name.as_str()] => same += 1,
                    Some(_) => other += 1,
                    None => none += 1,
                }
            }
            assert!(same >= NAMES.len() - 1, "one page belongs to one table");
        }
    }
    assert!(other > 50 && none > 50, "{other} other, {none} none");
}
