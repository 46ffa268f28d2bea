//! Random databases of SQLite, with rows that do not conform and what only their application has: what `.dump` and the shell bring
//! back of them, a restore brings back at least as well, and it tells what is not exact.

mod grammar;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use rowkeep::Context;
use rowkeep::engine::LeftOut;
use rowkeep::restore::{Making, restore_with};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::random_edits::{Dice, asked};
use crate::world::World;

/// Databases that are tried where nobody asks for more (`ROWKEEP_RANDOM_SCHEMAS`).
const DATABASES: u64 = 12;

/// A connection of the application.
fn connect(path: &Path) -> Connection {
    let database = Connection::open(path).expect("it opens");
    let fold = |a: &str, b: &str| a.to_lowercase().cmp(&b.to_lowercase());
    database.create_collation("unicase", fold).expect("a collation");
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let own = database.create_scalar_function("own", 1, flags | FunctionFlags::SQLITE_INNOCUOUS, |context| {
        Ok(context.get::<Option<i64>>(0).ok().flatten().unwrap_or(7) + 1)
    });
    own.expect("a function");
    database
}

/// What a database holds of an object of the schema.
#[derive(Debug, PartialEq)]
struct Object {
    sql: String,
    /// The table that it belongs to.
    table: String,
    /// Of a table, what is not computed.
    rows: Vec<String>,
}

type Objects = BTreeMap<(String, String), Object>;

fn objects(database: &Connection) -> Objects {
    let mut statement = database
        .prepare("SELECT type, name, sql, rootpage > 0, tbl_name FROM sqlite_schema WHERE sql NOT NULL")
        .unwrap_or_else(|error| panic!("{:?} has no schema: {error}", database.path()));
    let found = statement.query_map([], |row| {
        let key: (String, String) = (row.get(0)?, row.get(1)?);
        let rows = match key.0 == "table" && row.get(3)? {
            true => rows(database, &key.1),
            false => Vec::new(),
        };
        Ok((key, Object { sql: row.get(2)?, table: row.get(4)?, rows }))
    });
    found.expect("a schema").collect::<rusqlite::Result<_>>().expect("a schema")
}

fn rows(database: &Connection, table: &str) -> Vec<String> {
    let columns =
        "SELECT group_concat('\"' || name || '\"', ', ') FROM pragma_table_xinfo(?1) WHERE hidden = 0";
    let columns: String = database.query_row(columns, [table], |row| row.get(0)).expect("columns");
    let sql = format!("SELECT {columns} FROM main.\"{table}\" NOT INDEXED");
    let mut statement = database.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let count = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next().expect("a row") {
        let values = (0..count).map(|column| format!("{:?}", row.get_ref(column).expect("a value")));
        rows.push(values.collect::<Vec<_>>().join("|"));
    }
    rows.sort();
    rows
}

fn integrity(database: &Connection) -> String {
    let check = || -> rusqlite::Result<Vec<String>> {
        database.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect()
    };
    // A virtual table whose module does not know its definition ends it.
    check().map_or_else(|error| error.to_string(), |lines| lines.join("\n"))
}

/// What the shell makes of its own dump.
fn by_shell(database: &Path, made: &Path) -> Objects {
    let shell = std::env::var("ROWKEEP_TEST_SQLITE").expect("tests are run by scripts/with-servers");
    let mut dump = Command::new(&shell)
        .arg(database)
        .arg(".dump")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the shell runs");
    let script = dump.stdout.take().expect("it is piped");
    let made_it =
        Command::new(&shell).arg(made).stdin(script).stdout(Stdio::null()).stderr(Stdio::null()).status();
    made_it.expect("the shell runs");
    dump.wait().expect("the shell ends");
    objects(&connect(made))
}

/// How many of the original's rows there are.
fn in_common(rows: &[String], original: &[String]) -> usize {
    let mut left = original.to_vec();
    let took =
        |row: &&String| left.iter().position(|other| other == *row).map(|at| left.swap_remove(at)).is_some();
    rows.iter().filter(took).count()
}

/// What is worse than by the shell, or is not exact and not told.
fn faults(original: &Objects, shell: &Objects, restored: &Objects, left_out: &[LeftOut]) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, object) in original {
        let told = left_out.iter().any(|one| {
            one.statement == object.sql || one.statement.starts_with(&format!("INSERT INTO \"{}\"", key.1))
        });
        let (there, by_shell) = (restored.get(key), shell.get(key));
        let exact = there == Some(object);
        if !exact && !told {
            faults.push(format!("{key:?} is not exact, which is not told: {object:?} became {there:?}"));
        }
        let is_same = |other: Option<&Object>| other.is_some_and(|other| other.sql == object.sql);
        let kept = |other: Option<&Object>| other.map_or(0, |other| in_common(&other.rows, &object.rows));
        // An index is no better where it is there because rows are not.
        let table = ("table".to_owned(), object.table.clone());
        let rows = |of: &Objects| of.get(&table).map_or(0, |of| in_common(&of.rows, &original[&table].rows));
        let has_fewer = key != &table && original.contains_key(&table) && rows(shell) < rows(restored);
        if is_same(by_shell) && !is_same(there) && !has_fewer || kept(by_shell) > kept(there) {
            faults.push(format!("{key:?} is worse than by the shell: {by_shell:?} against {there:?}"));
        }
    }
    faults
}

#[test]
fn a_restore_is_never_worse_than_the_shells_own_dump() {
    let (mut exact, mut malformed, mut told) = (0, 0, BTreeMap::<String, u64>::new());
    let databases = asked("ROWKEEP_RANDOM_SCHEMAS", DATABASES);
    let first = asked("ROWKEEP_RANDOM_FIRST", 0);
    for seed in first..first + databases {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        let statements = grammar::fill(&connect(&place("a.db")), &Dice::new(seed));
        // Shown where it fails.
        println!("seed {seed}");
        let failed = |what: &str| -> ! { panic!("seed {seed}: {what}\n{};", statements.join(";\n")) };
        let theirs = connect(&place("a.db"));
        if theirs.prepare("SELECT 1 FROM sqlite_schema").is_err() {
            // One definition that was written over another is more than SQLite itself takes.
            malformed += 1;
            continue;
        }
        let (original, whole) = (objects(&theirs), integrity(&theirs) == "ok");
        drop(theirs);
        let shell = by_shell(&place("a.db"), &place("shell.db"));

        let world = World::new();
        let url = |name: &str| place(name).display().to_string();
        let snapshot = world
            .capture_whole(&url("a.db"))
            .unwrap_or_else(|error| failed(&format!("it is not backed up: {}", error.in_one_line())));
        let engine = world.engine(&url("b.db"));
        let making = Making { leaves_out: true, ..Making::default() };
        let context = Context::silent();
        let tables = &snapshot.manifest.tables;
        let restoring = restore_with(&context, &world.repository, &snapshot, engine.as_ref(), tables, making);
        let restored = world
            .block_on(restoring)
            .unwrap_or_else(|error| failed(&format!("it is not restored: {}", error.in_one_line())));
        let ours = connect(&place("b.db"));
        let faults = faults(&original, &shell, &objects(&ours), &restored.left_out);
        if !faults.is_empty() {
            failed(&faults.join("\n"));
        }
        let verified = world.verify(&snapshot, &url("b.db"));
        match verified {
            Ok(is_equal) if !is_equal && restored.left_out.is_empty() => {
                failed("it is not equal, which is not told")
            }
            Ok(_) => {}
            Err(error) => failed(&format!("it is not verified: {}", error.in_one_line())),
        }
        // What comes later completes it, for who has what its application has.
        if whole {
            for one in &restored.left_out {
                if let Err(error) = ours.execute_batch(&one.later) {
                    failed(&format!("{} fails: {error}", one.later));
                }
            }
            if objects(&ours) != original {
                failed(&format!("what comes later does not complete it: {:#?}", restored.left_out));
            }
            let after = integrity(&ours);
            if after != "ok" {
                failed(&format!("it is damaged: {after}"));
            }
        }
        exact += u64::from(restored.left_out.is_empty());
        for one in restored.left_out {
            let why: String = one.why.chars().filter(|c| !c.is_ascii_digit()).collect();
            *told.entry(why).or_default() += 1;
        }
    }
    assert!(malformed * 20 <= databases, "{malformed} of {databases} databases are malformed");
    println!("{exact} of {databases} databases came back exactly; told of the others: {told:#?}");
}
