//! Files that are no databases, or broken ones, and targets that cannot be made.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
use rowkeep_engine::conformance::{copy, read_all};
use rowkeep_engine::sqlite::Sqlite;
use rowkeep_engine::{
    Contents, CreateOptions, Engine, EngineError, ErrorKind, Level, Surroundings, View, ViewOptions,
};
use rowkeep_format::Schema;

use super::TestFile;

/// A database of some thousand pages, with several tables.
fn large() -> TestFile {
    let file = TestFile::new();
    file.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v); CREATE TABLE small (a);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
         INSERT INTO t SELECT i, 'a value that is some bytes long ' || i FROM n; INSERT INTO small VALUES (1);",
    );
    file
}

fn sqlite(path: &Path) -> Sqlite {
    Sqlite::new(path.to_owned(), &Surroundings::default())
}

async fn open_error(path: &Path) -> EngineError {
    sqlite(path).open(&ViewOptions::default()).await.err().expect("nothing is opened")
}

/// The error that ends the reading of a table; how many rows came before it does not matter.
async fn read_error(view: &dyn View, table: &str) -> EngineError {
    let table = view.schema().tables.iter().find(|known| known.name.name == table).expect("a table");
    let rows = match view.rows(table).await {
        Ok(rows) => rows,
        Err(error) => return error,
    };
    rows.try_for_each(|_| async { Ok(()) }).await.expect_err("the reading fails")
}

async fn some_schema() -> Schema {
    let file = TestFile::new();
    file.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    file.sqlite().open(&ViewOptions { with_ddl: true }).await.expect("the database opens").schema().clone()
}

/// Everything in the folder of a test file.
fn listed(file: &TestFile) -> Vec<String> {
    let folder = file.path().parent().expect("a folder").to_owned();
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_databases() {
    let file = TestFile::new();
    for bytes in [
        b"just some text, ".repeat(300),
        (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
    ] {
        fs::write(file.path(), bytes).expect("a file");
        let error = open_error(&file.path()).await;
        assert_eq!(error.kind(), ErrorKind::NotADatabase, "{error}");
        assert!(error.to_string().contains("test.db") && error.to_string().contains("encrypted"), "{error}");
        let error = file.sqlite().examine().await.expect_err("nothing to examine");
        assert_eq!(error.kind(), ErrorKind::NotADatabase);
        let contents = file.sqlite().contents().await.expect("the file is looked at");
        assert!(matches!(contents, Contents::Occupied(_)), "somebody's file is not overwritten");
    }
    let folder = file.path().parent().expect("a folder").to_owned();
    assert_eq!(open_error(&folder).await.kind(), ErrorKind::InvalidUrl);
    assert_eq!(open_error(&file.path().join("below a file")).await.kind(), ErrorKind::NotFound);
    assert_eq!(open_error(Path::new("")).await.kind(), ErrorKind::InvalidUrl);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_an_empty_database() {
    let file = TestFile::new();
    fs::write(file.path(), b"").expect("a file");
    let (schema, _) = read_all(&file.sqlite()).await;
    assert!(schema.tables.iter().all(|table| !table.kind.is_user_table()));
    assert_eq!(file.sqlite().contents().await.expect("the file is looked at"), Contents::Empty);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_damaged_are_noticed() {
    let file = large();
    let sql =
        "SELECT (pageno - 1) * 4096 FROM dbstat WHERE name = 't' AND pagetype = 'leaf' LIMIT 1 OFFSET 100";
    let page = file.connect().query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a page") as usize;
    let mut bytes = fs::read(file.path()).expect("a file");
    bytes[page..page + 512].fill(0xaa);
    fs::write(file.path(), bytes).expect("a file");
    let view = file.sqlite().open(&ViewOptions::default()).await.expect("the schema is whole");
    let (t, small) = (&view.schema().tables[0], &view.schema().tables[1]);
    assert_eq!(t.name.name, "t");
    let error = read_error(&*view, "t").await;
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    assert!(error.to_string().contains("table t") && error.to_string().contains("malformed"), "{error}");
    let rows: Vec<_> =
        view.rows(small).await.expect("rows").try_collect().await.expect("other tables are whole");
    assert_eq!(rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_cut_off_are_noticed() {
    let file = large();
    let length = fs::metadata(file.path()).expect("a file").len();
    fs::File::options()
        .write(true)
        .open(file.path())
        .and_then(|file| file.set_len(length / 2))
        .expect("a file");
    let error = match file.sqlite().open(&ViewOptions::default()).await {
        Ok(view) => read_error(&*view, "t").await,
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    match file.sqlite().examine().await {
        Ok(examination) => {
            let cut_off = examination.findings.iter().find(|finding| finding.level == Level::Error);
            assert!(cut_off.expect("a finding").detail.contains("cut off"));
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_stays_is_told_and_not_waited_for_for_ever() {
    let file = large();
    let other = file.connect();
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let engine = file.sqlite().with_patience(Duration::from_millis(50));
    let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
    assert_eq!(error.kind(), ErrorKind::FileBusy);
    assert!(
        error.to_string().contains("test.db") && error.to_string().contains("another process"),
        "{error}"
    );
    other.execute_batch("COMMIT").expect("no lock");
    engine.open(&ViewOptions::default()).await.expect("the lock is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_cannot_be_made_leave_nothing() {
    let schema = some_schema().await;
    let file = TestFile::new();
    let error_at = async |path: &Path| {
        sqlite(path).create(&schema, &CreateOptions::default()).await.err().expect("the target is refused")
    };
    let error = error_at(&file.path().join("not").join("there.db")).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let folder = file.path().parent().expect("a folder").to_owned();
    assert_eq!(error_at(&folder).await.kind(), ErrorKind::InvalidUrl);

    // A log without its database would be applied to whatever comes.
    fs::write(folder.join("test.db-wal"), b"something").expect("a file");
    let error = error_at(&file.path()).await;
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
    assert!(error.to_string().contains("test.db-wal"), "{error}");
    assert_eq!(listed(&file), ["test.db-wal"]);

    let mut other = schema.clone();
    other.engine = "postgresql".into();
    let error =
        file.sqlite().create(&other, &CreateOptions::default()).await.err().expect("the target is refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    other = schema.clone();
    other.ddl.clear();
    let error =
        file.sqlite().create(&other, &CreateOptions::default()).await.err().expect("the target is refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn remains_of_a_killed_restore_are_cleared() {
    let original = large();
    let file = TestFile::new();
    let remains = file.path().with_file_name("test.db.rowkeep-unfinished");
    fs::write(&remains, fs::read(original.path()).expect("a file").split_off(5000)).expect("a file");
    fs::write(remains.with_file_name("test.db.rowkeep-unfinished-wal"), b"a log").expect("a file");
    assert_eq!(file.sqlite().contents().await.expect("the file is looked at"), Contents::Unfinished);
    copy(&original.sqlite(), &file.sqlite()).await;
    assert_eq!(listed(&file), ["test.db"]);
    assert_eq!(super::integrity(&file.connect()), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restores_into_one_file_do_not_meet() {
    let schema = some_schema().await;
    let file = TestFile::new();
    let first = file.sqlite().create(&schema, &CreateOptions::default()).await.expect("the target is made");
    let error =
        file.sqlite().create(&schema, &CreateOptions::default()).await.err().expect("the other is refused");
    assert_eq!(error.kind(), ErrorKind::FileBusy);
    first.finish().await.expect("the first is finished");
    assert_eq!(listed(&file), ["test.db"]);
    let error =
        file.sqlite().create(&schema, &CreateOptions::default()).await.err().expect("now it is occupied");
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_appears_during_a_restore_is_not_overwritten() {
    let schema = some_schema().await;
    for existing in [false, true] {
        let file = TestFile::new();
        if existing {
            fs::write(file.path(), b"").expect("a file");
        }
        let target =
            file.sqlite().create(&schema, &CreateOptions::default()).await.expect("the target is made");
        file.execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1);");
        let error = target.finish().await.expect_err("the target is occupied");
        assert_eq!(error.kind(), ErrorKind::NotEmpty, "{error}");
        drop(target);
        assert_eq!(listed(&file), ["test.db"]);
        file.execute("SELECT a FROM theirs");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_and_permissions_of_an_empty_target_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let schema = some_schema().await;
    let file = TestFile::new();
    fs::write(file.path(), b"").expect("a file");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).expect("a mode");
    let link = file.path().with_file_name("link.db");
    std::os::unix::fs::symlink(file.path(), &link).expect("a link");
    let target = sqlite(&link).create(&schema, &CreateOptions::default()).await.expect("the target is made");
    target.finish().await.expect("the target is finished");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(fs::metadata(file.path()).expect("a file").permissions().mode() & 0o777, 0o600);
    file.execute("SELECT a FROM t");
}

#[cfg(unix)]
mod targets {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    async fn refused(path: &Path, schema: &Schema) -> String {
        let looked = sqlite(path).contents().await.expect_err("it is refused");
        let error =
            sqlite(path).create(schema, &CreateOptions::default()).await.err().expect("it is refused");
        assert_eq!((error.kind(), error.to_string()), (looked.kind(), looked.to_string()));
        let error =
            sqlite(path).replace(schema, &CreateOptions::default()).await.err().expect("it is refused");
        assert_eq!(error.kind(), looked.kind(), "{error}");
        let opened = open_error(path).await;
        assert!(opened.kind() == ErrorKind::InvalidUrl || opened.kind() == ErrorKind::NotFound, "{opened}");
        looked.to_string()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_no_file_stays_what_it_is() {
        let schema = some_schema().await;
        let file = TestFile::new();
        let at = |name: &str| file.path().with_file_name(name);
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        symlink("/dev/null", at("null")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        for (path, said) in [
            (Path::new("/dev/null").to_owned(), "/dev/null is a device, pipe or socket"),
            (at("null"), "/dev/null is a device, pipe or socket"),
            (at("socket"), "is a device, pipe or socket"),
            (at("dangling"), "is a link to a file that is not there"),
        ] {
            let message = refused(&path, &schema).await;
            assert!(message.contains(said) && message.contains("name"), "{message}");
        }
        assert!(fs::metadata("/dev/null").expect("it is there").file_type().is_char_device());
        assert_eq!(listed(&file), ["dangling", "null", "socket"]);
    }

    /// Whoever may write to the folder must not choose what a restore writes to.
    #[tokio::test(flavor = "multi_thread")]
    async fn links_in_the_place_of_an_unfinished_file_are_not_followed() {
        let schema = some_schema().await;
        for content in ["", "precious"] {
            let file = TestFile::new();
            let at = |name: &str| file.path().with_file_name(name);
            fs::write(at("victim"), content).expect("a file");
            for name in ["test.db.rowkeep-unfinished", "test.db.AAAAAAAAAAAA.rowkeep-unfinished"] {
                symlink(at("victim"), at(name)).expect("a link");
            }
            let target = file.sqlite().create(&schema, &CreateOptions::default()).await.expect("it is begun");
            let unfinished = listed(&file);
            let made = unfinished.iter().filter(|name| name.ends_with(".rowkeep-unfinished")).count();
            assert_eq!(made, 3, "{unfinished:?}");
            target.finish().await.expect("it is finished");
            assert_eq!(fs::read_to_string(at("victim")).expect("it is there"), content);
            assert_eq!(super::super::integrity(&file.connect()), "ok");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_new_file_is_its_owners_alone_unless_told_otherwise() {
        let schema = some_schema().await;
        for (asked, mode) in [(None, 0o600), (Some(0o640), 0o640), (Some(0o4444), 0o644), (Some(0), 0o600)] {
            let file = TestFile::new();
            let options = CreateOptions { file_mode: asked, ..CreateOptions::default() };
            let target = file.sqlite().create(&schema, &options).await.expect("it is begun");
            for name in listed(&file) {
                let made =
                    fs::metadata(file.path().with_file_name(&name)).expect("it is there").permissions();
                assert_eq!(made.mode() & 0o777, 0o600, "{name}");
            }
            target.finish().await.expect("it is finished");
            let made = fs::metadata(file.path()).expect("it is there").permissions().mode();
            assert_eq!(made & 0o7777, mode, "{asked:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_lost_file_left_is_named_and_kept() {
        let schema = some_schema().await;
        for suffix in ["-wal", "-journal"] {
            let file = TestFile::new();
            let left = file.path().with_file_name(format!("test.db{suffix}"));
            fs::write(&left, "the last changes").expect("a file");
            let message = refused(&file.path(), &schema).await;
            assert!(message.contains(suffix) && message.contains("move it away"), "{message}");
            assert_eq!(fs::read_to_string(&left).expect("it is kept"), "the last changes");
            assert_eq!(listed(&file), [format!("test.db{suffix}")]);
        }
    }
}
