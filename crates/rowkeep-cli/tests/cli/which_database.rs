//! Which database is which: by what it is, not by what it is called.

use std::fs;

use crate::postgres::{servers, unique};
use crate::sandbox::Sandbox;

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')";

/// A folder with files of these paths, each with two rows.
fn files(paths: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for path in paths {
        fs::create_dir_all(sandbox.path(path).parent().expect("it is in a folder")).expect("it is made");
        sandbox.sql(path, T);
    }
    sandbox
}

fn rows(sandbox: &Sandbox, file: &str) -> String {
    sandbox.query(file, "SELECT id || v FROM t ORDER BY id").replace('\n', " ")
}

/// The parent of a snapshot.
fn parent(sandbox: &Sandbox, snapshot: &str) -> Option<String> {
    sandbox.json(&["show", snapshot])["parent"].as_str().map(str::to_owned)
}

/// Backs up; the id of the snapshot.
fn backup(sandbox: &Sandbox, database: &str) -> String {
    let made = sandbox.json(&["backup", database]);
    made["snapshots"][0]["id"].as_str().expect("it has an id").to_owned()
}

#[test]
fn undo_of_another_file_of_the_same_name_is_refused() {
    let sandbox = files(&["A/app.db", "B/app.db"]);
    sandbox.done(&["backup", "A/app.db"]);
    sandbox.sql("A/app.db", "DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (3, 'junk')");
    let restored = sandbox.json(&["restore", "latest", "--to", "A/app.db", "--yes"]);
    let safety = restored["safety"].as_str().expect("it has a safety snapshot");

    for more in [&[][..], &["--snapshot", safety], &["--dry-run"]] {
        let undo = [&["undo", "B/app.db", "--yes"][..], more].concat();
        sandbox.run(&undo).expect(4).says(&[
            "another database",
            "A/app.db",
            "B/app.db",
            "nothing was changed",
        ]);
        assert_eq!(rows(&sandbox, "B/app.db"), "1a 2b");
    }
    sandbox.done(&["undo", "A/app.db", "--yes"]);
    assert_eq!(rows(&sandbox, "A/app.db"), "1a 3junk");
}

#[test]
fn files_of_one_name_have_histories_of_their_own() {
    let sandbox = files(&["blog/db.sqlite3", "shop/db.sqlite3"]);
    let first = backup(&sandbox, "blog/db.sqlite3");
    let told = sandbox.done(&["backup", "shop/db.sqlite3"]);
    assert!(told.err.contains("another db") && told.err.contains("blog/db.sqlite3"), "{told:?}");
    assert!(!sandbox.done(&["backup", "shop/db.sqlite3"]).err.contains("another db"), "it is said once");
    sandbox.sql("blog/db.sqlite3", "INSERT INTO t VALUES (3, 'c')");
    let second = backup(&sandbox, "blog/db.sqlite3");
    assert_eq!(parent(&sandbox, &second), Some(first));

    let list = sandbox.done(&["snapshots"]).out;
    assert_eq!((list.matches("blog/db.sqlite3").count(), list.matches("shop/db.sqlite3").count()), (2, 2));
    let of_shop = sandbox.json(&["snapshots", "shop/db.sqlite3"]);
    assert_eq!(of_shop["snapshots"].as_array().map(Vec::len), Some(2));

    for ambiguous in [&["show", "latest:db"][..], &["history", "t", "1", "db"], &["drill", "db"]] {
        sandbox.run(ambiguous).expect(2).says(&["blog/db.sqlite3", "shop/db.sqlite3", "say which"]);
    }
    sandbox.done(&["verify", "latest:shop/db.sqlite3", "--against", "shop/db.sqlite3"]);
    sandbox.done(&["verify", "latest:blog/db.sqlite3", "--against", "blog/db.sqlite3"]);
    let history = sandbox.json(&["history", "t", "3", "blog/db.sqlite3"]);
    assert_eq!(history["snapshots"], 2);
    let assessed = sandbox.json(&["assess", "shop/db.sqlite3"]);
    assert_eq!(assessed["databases"][0]["snapshots"], 2);
    // Each is drilled, though they share a name.
    let drilled = sandbox.json(&["drill"]);
    assert_eq!(drilled["reports"].as_array().map(Vec::len), Some(2));

    // Also when one is lost, its history is its own.
    fs::remove_file(sandbox.path("shop/db.sqlite3")).expect("it is deleted");
    let assessed = sandbox.json_of(3, &["assess", "shop/db.sqlite3"]);
    assert_eq!(assessed["databases"][0]["snapshots"], 2);
    assert_eq!(assessed["databases"][0]["tables"][0]["snapshot_rows"], 2);
}

#[test]
fn what_was_only_restored_into_makes_no_name_ambiguous() {
    let sandbox = files(&["production/app.db", "staging/app.db"]);
    sandbox.done(&["backup", "production/app.db"]);
    sandbox.sql("staging/app.db", "DELETE FROM t");
    sandbox.done(&["restore", "latest:app", "--to", "staging/app.db", "--yes"]);
    sandbox.done(&["verify", "latest:app", "--against", "staging/app.db"]);
    sandbox.done(&["undo", "staging/app.db", "--yes"]);
    assert_eq!(rows(&sandbox, "staging/app.db"), "");
}

#[test]
fn a_configured_name_says_which_database_it_is() {
    let sandbox = files(&["data/d1.db", "other/d01.db"]);
    let config = |path: &str| {
        let text = format!("[databases.d01]\nurl = '{}'", sandbox.path(path).display());
        fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
    };
    config("data/d1.db");
    let first = backup(&sandbox, "d01");
    let second = backup(&sandbox, "data/d1.db");
    let shown = sandbox.json(&["show", &second]);
    assert_eq!((shown["database"].as_str(), shown["parent"].as_str()), (Some("d01"), Some(&*first)));

    // A file that is no configured one keeps its own history, whatever it is called.
    backup(&sandbox, "other/d01.db");
    assert_eq!(sandbox.json(&["show", "latest:d01"])["id"], *second);
    // Moved, the name goes on; what was done to the file where it was is not undone in another.
    sandbox.sql("data/d1.db", "DELETE FROM t");
    sandbox.done(&["restore", "latest:d01", "--yes"]);
    sandbox.sql("data/copy.db", T);
    config("data/copy.db");
    sandbox.run(&["undo", "d01", "--yes"]).expect(4).says(&["data/d1.db", "data/copy.db"]);
    let third = backup(&sandbox, "d01");
    assert_eq!(parent(&sandbox, &third), Some(second));
}

#[test]
fn a_snapshot_is_not_restored_into_a_namesake_of_its_database() {
    let sandbox = files(&["A/app.db", "B/app.db"]);
    sandbox.done(&["backup", "A/app.db"]);
    sandbox.sql("B/app.db", "UPDATE t SET v = 'own'");
    let text = format!("[databases.app]\nurl = '{}'", sandbox.path("B/app.db").display());
    fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
    sandbox.run(&["restore", "latest", "--yes"]).expect(4).says(&["A/app.db", "B/app.db", "--to"]);
    assert_eq!(rows(&sandbox, "B/app.db"), "1own 2own");
    sandbox.done(&["restore", "latest", "--to", "B/app.db", "--yes"]);
}

#[test]
fn the_latest_snapshot_of_a_namesake_is_not_restored_by_chance() {
    let sandbox = files(&["A/app.db", "B/app.db"]);
    sandbox.sql("B/app.db", "UPDATE t SET v = 'other'");
    sandbox.done(&["backup", "A/app.db"]);
    sandbox.done(&["backup", "B/app.db"]);
    sandbox.sql("A/app.db", "DELETE FROM t");
    sandbox.run(&["restore", "latest", "--to", "A/app.db", "--yes"]).expect(2).says(&[
        "A/app.db",
        "B/app.db",
        "say which",
    ]);
    assert_eq!(rows(&sandbox, "A/app.db"), "");
    sandbox.done(&["restore", "latest:A/app.db", "--to", "A/app.db", "--yes"]);
    assert_eq!(rows(&sandbox, "A/app.db"), "1a 2b");
    // A database without any of its own can be made what another is.
    sandbox.sql("app.db", T);
    sandbox.done(&["restore", "latest", "--to", "app.db", "--yes"]);
    assert_eq!(rows(&sandbox, "app.db"), "1other 2other");
}

#[test]
fn a_moved_file_is_the_same_database_and_a_copied_one_is_not() {
    let sandbox = files(&["old/app.db"]);
    let first = backup(&sandbox, "old/app.db");
    sandbox.sql("old/app.db", "DELETE FROM t WHERE id = 1");
    sandbox.done(&["restore", "latest", "--to", "old/app.db", "--yes"]);
    fs::rename(sandbox.path("old"), sandbox.path("new")).expect("it is moved");
    fs::copy(sandbox.path("new/app.db"), sandbox.path("app.db")).expect("it is copied");

    let moved = backup(&sandbox, "new/app.db");
    assert_eq!(parent(&sandbox, &moved), Some(first));
    let copied = backup(&sandbox, "app.db");
    assert_eq!(parent(&sandbox, &copied), None);
    sandbox.run(&["undo", "app.db", "--yes"]).expect(4).says(&["another database"]);
    sandbox.done(&["undo", "new/app.db", "--yes"]);
    assert_eq!((rows(&sandbox, "new/app.db"), rows(&sandbox, "app.db")), ("2b".into(), "1a 2b".into()));
    // Whoever knows that the copy took the place of the other says so.
    let list = sandbox.json(&["snapshots"]);
    let safety = list["snapshots"].as_array().expect("a list").iter().find(|one| one["before"] == "restore");
    let safety = safety.and_then(|one| one["id"].as_str()).expect("there is one");
    sandbox.done(&["undo", "app.db", "--yes", "--snapshot", safety, "--moved"]);
    assert_eq!(rows(&sandbox, "app.db"), "2b");
}

#[cfg(unix)]
#[test]
fn a_file_by_another_of_its_names_is_the_same_database() {
    let sandbox = files(&["data/app.db"]);
    let file = sandbox.path("data/app.db");
    std::os::unix::fs::symlink(&file, sandbox.path("link.db")).expect("it is linked");
    std::os::unix::fs::symlink(sandbox.path("data"), sandbox.path("folder")).expect("it is linked");
    fs::hard_link(&file, sandbox.path("hard.db")).expect("it is linked");
    let whole = format!("sqlite://{}", file.display());
    let names = ["data/app.db", "link.db", "folder/app.db", "data/../data/app.db", "hard.db", &whole];
    let mut last = None;
    for name in names {
        let made = backup(&sandbox, name);
        assert_eq!(parent(&sandbox, &made), last, "{name}");
        last = Some(made);
    }
    for (restored, undone) in [("link.db", "data/app.db"), (&*whole, "folder/app.db"), ("hard.db", "link.db")]
    {
        sandbox.sql("data/app.db", "DELETE FROM t WHERE id = 2");
        sandbox.done(&["restore", &last.clone().unwrap_or_default(), "--to", restored, "--yes"]);
        sandbox.done(&["undo", undone, "--yes"]);
        assert_eq!(rows(&sandbox, "data/app.db"), "1a", "{restored} {undone}");
        sandbox.sql("data/app.db", "INSERT INTO t VALUES (2, 'b')");
    }
}

#[test]
fn a_file_that_was_put_back_from_a_copy_goes_on() {
    let sandbox = files(&["app.db"]);
    let first = backup(&sandbox, "app.db");
    sandbox.sql("app.db", "DELETE FROM t WHERE id = 1");
    sandbox.done(&["restore", "latest", "--to", "app.db", "--yes"]);
    let replace = || {
        fs::copy(sandbox.path("app.db"), sandbox.path("copy.db")).expect("it is copied");
        fs::rename(sandbox.path("copy.db"), sandbox.path("app.db")).expect("it is put back");
    };
    replace();
    let second = backup(&sandbox, "app.db");
    assert_eq!(parent(&sandbox, &second), Some(first));
    sandbox.done(&["undo", "app.db", "--yes"]);
    assert_eq!(rows(&sandbox, "app.db"), "2b");

    // Where all of it would be replaced, nothing shows that it is the same file.
    sandbox.done(&["restore", "latest", "--to", "app.db", "--with-schema", "--yes"]);
    replace();
    let refused = sandbox.run(&["undo", "app.db", "--yes"]).expect(4).says(&["another took its place"]);
    assert_eq!(rows(&sandbox, "app.db"), "1a 2b", "{refused:?}");
}

#[test]
fn a_file_that_was_made_again_is_another_database() {
    let sandbox = files(&["app.db"]);
    sandbox.done(&["backup", "app.db", "--name", "first"]);
    sandbox.sql("app.db", "DELETE FROM t WHERE id = 1");
    sandbox.done(&["restore", "latest", "--to", "app.db", "--with-schema", "--yes"]);
    fs::remove_file(sandbox.path("app.db")).expect("it is deleted");
    sandbox.sql("app.db", "CREATE TABLE other (id INTEGER PRIMARY KEY); INSERT INTO other VALUES (7)");
    sandbox.run(&["undo", "app.db", "--yes"]).expect(4).says(&["created again"]);
    assert_eq!(sandbox.query("app.db", "SELECT id FROM other"), "7");
    let told = sandbox.done(&["backup", "app.db", "--name", "second"]);
    assert!(told.err.contains("another database"), "{told:?}");
    assert_eq!(parent(&sandbox, "second"), None);
    // What was at this place before is still what assess holds it against.
    assert_eq!(sandbox.json_of(3, &["assess", "app.db"])["databases"][0]["losses"][0]["table"], "t");
}

#[test]
fn databases_of_one_name_on_two_servers_are_two() {
    let servers = servers();
    let sandbox = Sandbox::new();
    let sql = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')";
    let name = unique("rowkeep_cli_identity");
    let databases: Vec<_> = servers.iter().map(|server| server.database_called(&name)).collect();
    let [one, other] = &databases[..] else { panic!("there are two servers") };
    one.sql(sql);
    other.sql(sql);
    sandbox.done(&["backup", &one.url()]);
    one.sql("DELETE FROM t WHERE id = 1");
    sandbox.done(&["restore", "latest", "--to", &one.url(), "--yes"]);
    sandbox.run(&["undo", &other.url(), "--yes"]).expect(4).says(&["another database"]);
    assert_eq!(other.sql("SELECT count(*) FROM t").trim(), "2");
    let told = sandbox.done(&["backup", &other.url(), "--name", "other"]);
    assert!(told.err.contains("kept apart"), "{told:?}");
    assert_eq!(parent(&sandbox, "other"), None);
    // By another role and another spelling of the host it is the same.
    let spelt = one.url().replace("127.0.0.1", "localhost");
    sandbox.done(&["undo", &spelt, "--yes"]);
    assert_eq!(one.sql("SELECT count(*) FROM t").trim(), "1");
}

#[test]
fn a_database_that_was_dropped_and_created_again_is_another() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_again");
        let sql = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')";
        database.sql(sql);
        let url = database.url();
        sandbox.done(&["backup", &url, "--name", "first"]);
        database.sql("ALTER TABLE t ADD COLUMN more int");
        sandbox.done(&["restore", "first", "--to", &url, "--with-schema", "--yes"]);
        let name = url.rsplit('/').next().expect("it has a name").to_owned();
        server.psql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
        server.psql("postgres", &format!("CREATE DATABASE {name}"));

        // Empty, it is made anew, and there is nothing of it to undo.
        sandbox.run(&["undo", &url, "--yes"]).expect(4).says(&["created again"]);
        let restored = sandbox.json(&["restore", "first", "--to", &url]);
        assert_eq!((&restored["rows"], restored.get("safety")), (&2.into(), None));
        sandbox.run(&["undo", &url, "--yes"]).expect(4).says(&["created again"]);
        assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "2");
        // Its own history begins, and that of the one before is not lost.
        let told = sandbox.done(&["backup", &url, "--name", "second"]);
        assert!(told.err.contains("dropped and created again"), "{told:?}");
        assert_eq!(parent(&sandbox, "second"), None);
        assert_eq!(sandbox.json(&["assess", &url])["databases"][0]["snapshots"], 2);
        assert_eq!(sandbox.json(&["show", &format!("latest:{name}")])["name"], "second");
    }
}

#[test]
fn a_renamed_database_is_the_same_and_one_that_was_made_from_it_is_not() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_renamed");
        database.sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
        let url = database.url();
        let name = url.rsplit('/').next().expect("it has a name").to_owned();
        let renamed = format!("{name}_new");
        let first = backup(&sandbox, &url);
        database.sql("DELETE FROM t WHERE id = 1");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        server.psql("postgres", &format!("ALTER DATABASE {name} RENAME TO {renamed}"));
        server.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {renamed}"));

        sandbox.run(&["undo", &url, "--yes"]).expect(4).says(&["nothing was changed"]);
        assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "2");
        let copied = backup(&sandbox, &url);
        assert_eq!(parent(&sandbox, &copied), None, "the copy has a history of its own");
        let new = server.url_of(&renamed);
        sandbox.done(&["undo", &new, "--yes"]);
        assert_eq!(server.psql(&renamed, "SELECT id FROM t").trim(), "2");
        let second = backup(&sandbox, &new);
        assert_eq!(parent(&sandbox, &second), Some(first));
        server.psql("postgres", &format!("DROP DATABASE {renamed} WITH (FORCE)"));
    }
}

#[test]
fn a_role_that_may_not_ask_for_the_system_identifier_is_served() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_unasked");
        database.sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
        database.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
        let role = unique("rowkeep_cli_unasked");
        database.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'"));
        database.sql(&format!("ALTER TABLE t OWNER TO {role}"));
        let (scheme, rest) = server.url.split_once("://").expect("it is a URL");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        let place = place.rsplit_once('/').expect("it names a database").0;
        let name = database.url().rsplit('/').next().expect("it has a name").to_owned();
        let url = format!("{scheme}://{role}:x@{place}/{name}");
        let first = backup(&sandbox, &url);
        let identity = &sandbox.json(&["show", &first])["identity"];
        assert!(identity["oid"].is_string() && identity.get("system").is_none(), "{identity}");
        let second = backup(&sandbox, &url);
        assert_eq!(parent(&sandbox, &second), Some(first));
        database.sql("DELETE FROM t WHERE id = 1");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(database.sql("SELECT id FROM t").trim(), "2");
        database.sql(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
    }
}
