//! Dumps that are whole, and the same ones damaged in every way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use rowkeep_engine::{Engine, EngineError, FileChoice, FileEngine, Surroundings, ViewOptions};
use rowkeep_format::{RowBatch, TableKind, Value};

/// Dumps of one database, by servers of two majors.
const DUMPS: [&str; 5] = ["items-15.sql", "items-15.dump", "items-15.tar", "items-18.sql", "items-18.dump"];

/// The rows of each table as text; none of one that is said not to be whole.
type Tables = BTreeMap<String, Option<Vec<String>>>;

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Opens a file and reads all rows of all tables.
async fn read(path: PathBuf, salvage: bool) -> Result<Tables, EngineError> {
    read_one(path, FileChoice { salvage, ..FileChoice::default() }).await
}

async fn read_one(path: PathBuf, choice: FileChoice) -> Result<Tables, EngineError> {
    let Some(engine) = FileEngine::find(&path, &Surroundings::default())? else { return Ok(Tables::new()) };
    let engine = engine.choosing(choice);
    let view = engine.open(&ViewOptions { with_ddl: true }).await?;
    let mut tables = Tables::new();
    let held = [TableKind::Table, TableKind::LargeObjects];
    for table in view.schema().tables.iter().filter(|table| held.contains(&table.kind)) {
        let name = table.name.to_string();
        if view.unread().iter().any(|unread| unread.name == table.name) {
            tables.insert(name, None);
            continue;
        }
        let (mut rows, mut stream) = (Vec::new(), view.rows(table).await?);
        while let Some(batch) = stream.next().await {
            rows.extend(texts(&batch?));
        }
        rows.sort();
        tables.insert(name, Some(rows));
    }
    Ok(tables)
}

fn texts(batch: &RowBatch) -> Vec<String> {
    let text = |value: Value<'_>| match value {
        Value::Text(text) | Value::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    };
    (0..batch.rows()).map(|row| batch.row(row).map(text).collect::<Vec<_>>().join("\t")).collect()
}

/// A generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime starts")
}

#[test]
fn archives_of_every_version_hold_the_same_rows() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let mut first = None;
    for name in DUMPS {
        let path = folder.path().join(name);
        std::fs::write(&path, golden(name)).expect("it is written");
        let tables = runtime.block_on(read(path, false)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(tables["items"].as_ref().map(Vec::len), Some(60), "{name}");
        assert_eq!(first.get_or_insert_with(|| tables.clone()), &tables, "{name}");
    }
}

#[test]
fn one_of_several_databases_is_chosen_by_its_name() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let one = String::from_utf8(golden("items-15.sql")).expect("it is text");
    let all = format!(
        "--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict x\n\nCREATE ROLE app;\n\\unrestrict x\n\n\\connect template1\n\n--\n\
         -- PostgreSQL database dump\n--\nSET lock_timeout = 0;\n--\n-- PostgreSQL database dump complete\n--\n\n\
         \\connect shop\n\n{one}\n\\connect -reuse-previous=on \"dbname='t w'\"\n\n{}\n--\n-- PostgreSQL database cluster dump \
         complete\n--\n",
        one.replace("item ", "other ")
    );
    let path = folder.path().join("all");
    std::fs::write(&path, &all).expect("it is written");
    let read_of = |database: Option<&str>| {
        let choice = FileChoice { database: database.map(str::to_owned), ..FileChoice::default() };
        runtime.block_on(read_one(path.clone(), choice))
    };
    let error = read_of(None).expect_err("there are two").to_string();
    assert!(error.contains("shop, t w"), "{error}");
    let error = read_of(Some("gone")).expect_err("there is none").to_string();
    assert!(error.contains("no database gone; there is template1, shop, t w"), "{error}");
    let other = read_of(Some("t w")).expect("it is there");
    assert!(other["items"].as_ref().is_some_and(|rows| rows.len() == 60 && rows[0].contains("other ")));
    assert_eq!(runtime.block_on(read(folder.path().join("all#t w"), false)).expect("it is named"), other);
    std::fs::write(&path, &all[..all.len() - 60]).expect("it is written");
    assert!(read_of(Some("shop")).expect_err("it is cut off").to_string().contains("is missing"));
}

#[test]
fn damaged_dumps_are_refused_or_saved_in_part_and_never_taken_for_whole() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("damaged");
    let open = |content: &[u8], salvage| {
        std::fs::write(&path, content).expect("it is written");
        let reading = read(path.clone(), salvage);
        let limit = std::time::Duration::from_secs(60);
        runtime.block_on(async { tokio::time::timeout(limit, reading).await.expect("it ends") })
    };
    let mut numbers = Numbers(7);
    let (mut cut, mut flipped) = (0, 0);
    for name in DUMPS {
        let content = golden(name);
        let whole = open(&content, false).expect("it is whole");
        // A tar file ends with blocks of zeros, a plain dump with a line that says that it is complete: without what is
        // behind these nothing is missing.
        let end = match name.ends_with(".tar") {
            true => content.len() - content.iter().rev().take_while(|byte| **byte == 0).count(),
            false => content.len().saturating_sub(120),
        };
        for _ in 0..25 {
            let length = 16 + numbers.below(end - 16);
            let refused = open(&content[..length], false);
            assert!(
                !matches!(&refused, Ok(tables) if !tables.is_empty()),
                "{name} cut at {length}: {refused:?}"
            );
            cut += usize::from(refused.is_err());
            // What is saved is what was there, table by table.
            if let Ok(saved) = open(&content[..length], true) {
                for (table, rows) in saved.iter().filter_map(|(table, rows)| Some((table, rows.as_ref()?))) {
                    let is_all = Some(Some(rows)) == whole.get(table).map(Option::as_ref);
                    assert!(is_all, "{name} cut at {length}: {table} is not whole");
                }
            }
        }
        for _ in 0..25 {
            let (place, bit) = (numbers.below(content.len()), numbers.below(8));
            let mut damaged = content.clone();
            damaged[place] ^= 1 << bit;
            // Whatever comes of it, it ends and panics nowhere; rows that are packed have a sum, so none of them is another.
            let found = open(&damaged, false);
            flipped += usize::from(found.is_err());
            let _ = open(&damaged, true);
            if let (true, Ok(tables)) = (name.ends_with(".dump"), &found) {
                let was = |rows: &String| whole.values().flatten().flatten().any(|known| known == rows);
                assert!(tables.values().flatten().flatten().all(was), "{name} flipped at {place}.{bit}");
            }
        }
    }
    // Lines that are swapped in a plain dump: rows stay rows, and what breaks a statement is told.
    let content = String::from_utf8(golden("items-15.sql")).expect("it is text");
    for _ in 0..30 {
        let mut lines: Vec<&str> = content.lines().collect();
        let (one, other) = (numbers.below(lines.len()), numbers.below(lines.len()));
        lines.swap(one, other);
        let _ = open(lines.join("\n").as_bytes(), false);
        let _ = open(lines.join("\n").as_bytes(), true);
    }
    assert!(
        cut >= 120 && flipped >= 40,
        "{cut} of 125 cut ones and {flipped} of 125 changed ones were refused"
    );
}
