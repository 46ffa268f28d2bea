//! Repair: of a table that lost a part, a database is asked for that part alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rowkeep::engine::Surroundings;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::caller::Unattended;
use rowkeep::jobs::repair::{RepairOutcome, RepairRequest};
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{Config, Context, Event};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::postgres::{Database, servers};

/// A folder with a repository, and the URL of the database that is in it.
struct Place {
    folder: TempDir,
    url: String,
    runtime: Runtime,
}

impl Place {
    fn new(folder: TempDir, url: String) -> Self {
        Self { folder, url, runtime: Runtime::new().expect("it starts") }
    }

    fn workspace(&self) -> Workspace {
        let config = format!("create = true\n[databases.shop]\nurl = '{}'", self.url);
        let config = Config::parse(&config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let path = |name: &str| self.folder.path().join(name);
        let bins = std::env::var_os("ROWKEEP_PG_BIN").unwrap_or_default();
        let circumstances = Circumstances {
            repository: Some(path("repository").to_string_lossy().into_owned()),
            reports: path("reports"),
            program: "test".to_owned(),
            surroundings: Surroundings {
                postgres_bin: std::env::split_paths(&bins).collect(),
                ..Surroundings::default()
            },
            ..Circumstances::default()
        };
        Workspace::new(config, circumstances)
    }

    fn backup(&self) {
        let (request, workspace) = (BackupRequest::default(), self.workspace());
        let outcome = self.runtime.block_on(request.run(&Context::silent(), &workspace, &Unattended));
        assert!(outcome.expect("it is backed up").failed.is_empty());
    }

    /// Repairs, and says how many rows were read for it.
    fn repair(&self) -> (RepairOutcome, u64) {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&read);
        let observer = move |event: Event<'_>| {
            if let Event::Advanced { rows, .. } = event {
                counted.fetch_add(rows, Ordering::Relaxed);
            }
        };
        let context = Context::new(Arc::new(observer), CancellationToken::new());
        let (request, workspace) = (RepairRequest::default(), self.workspace());
        let outcome = self.runtime.block_on(request.run(&context, &workspace, &Unattended));
        (outcome.expect("it is repaired"), read.load(Ordering::Relaxed))
    }

    /// Spoils some bytes of the largest pack, behind this part of it.
    fn spoil(&self, part: f64) {
        let packs = walk(&self.folder.path().join("repository/packs"));
        let pack = packs.iter().max_by_key(|path| fs::metadata(path).expect("it is there").len());
        let pack = pack.expect("there is one");
        let mut bytes = fs::read(pack).expect("it is read");
        let at = (bytes.len() as f64 * part) as usize;
        bytes[at..at + 5000].iter_mut().for_each(|byte| *byte ^= 0x55);
        let mut permissions = fs::metadata(pack).expect("it is there").permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "it is a file of this test alone")]
        permissions.set_readonly(false);
        fs::set_permissions(pack, permissions).expect("it may be written");
        fs::write(pack, bytes).expect("it is written");
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it is read").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

const ROWS: u64 = 30_000;

/// Of every table about a tenth is asked for where a part of a pack is damaged, and the repository is whole afterwards.
fn check(place: &Place, parts: &[f64]) {
    for part in parts {
        place.spoil(*part);
        let (outcome, read) = place.repair();
        assert!(outcome.restored_chunks > 0 && outcome.incomplete.is_empty(), "{outcome:?}");
        assert!(outcome.check.as_ref().is_some_and(|check| check.clean), "{outcome:?}");
        assert!((1..ROWS / 3).contains(&read), "{read} of {ROWS} rows were read");
    }
}

#[test]
fn of_sqlite_only_what_is_lost_is_read() {
    let fill = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})
         INSERT INTO t SELECT n * 3 - 40000, hex(randomblob(300)) FROM n"
    );
    let backed_up = || {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("shop.db");
        let database = Connection::open(&path).expect("it opens");
        database.execute_batch(&fill).expect("it is filled");
        let place = Place::new(folder, path.to_string_lossy().into_owned());
        place.backup();
        (place, database)
    };
    check(&backed_up().0, &[0.15, 0.5, 0.8]);
    // What was changed meanwhile elsewhere is no matter. Of a repository that was repaired nobody knows what is where.
    let (place, database) = backed_up();
    let change = "UPDATE t SET v = 'x' WHERE id IN (-39997, 49997); DELETE FROM t WHERE id = -39991";
    database.execute_batch(change).expect("it is changed");
    check(&place, &[0.5]);
}

#[test]
fn of_postgresql_only_what_is_lost_is_read() {
    for server in servers() {
        let keys = [
            ("k bigint PRIMARY KEY", "n * 3 - 40000"),
            ("k text PRIMARY KEY", "md5(n::text)"),
            ("k numeric, j text, PRIMARY KEY (j, k)", "n / 7.0, 'j' || n % 9"),
        ];
        for (columns, values) in keys {
            let database = Database::new(&server, "rowkeep_test_repaired");
            database.sql(&format!("CREATE TABLE t (n integer, v text, {columns})"));
            database.sql(&format!(
                "INSERT INTO t SELECT n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 18) i), {values} \
                 FROM generate_series(1, {ROWS}) n"
            ));
            let folder = tempfile::tempdir().expect("a folder can be made");
            let place = Place::new(folder, database.url.clone());
            place.backup();
            check(&place, &[0.15, 0.5, 0.8]);
        }
    }
}
