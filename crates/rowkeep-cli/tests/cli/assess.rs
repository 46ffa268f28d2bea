//! The view in an emergency: what is lost, and commands that bring it back as they stand there.

use std::process::Command;

use serde_json::Value;

use crate::postgres::{servers, unique};
use crate::sandbox::{Ran, Sandbox, filled};

fn assess(sandbox: &Sandbox, database: &str, status: i32) -> Value {
    let ran = sandbox.run(&["assess", database, "--json"]).expect(status);
    let json: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("no JSON: {error}: {ran:?}"));
    json["databases"][0].clone()
}

fn state<'v>(assessed: &'v Value, table: &str) -> &'v str {
    let mut tables = assessed["tables"].as_array().expect("there are tables").iter();
    let table = tables.find(|state| state["table"] == table).expect("the table is there");
    table["state"].as_str().expect("it has a state")
}

/// Runs a command that was told, as a shell would.
fn type_in(sandbox: &Sandbox, command: &str) -> Ran {
    let program = sandbox.command(&[]).get_program().to_owned();
    let line = command.strip_prefix("rowkeep ").expect("it is a command of ours");
    let mut shell = Command::new("sh");
    shell.current_dir(sandbox.path("")).arg("-c").arg(format!("\"$0\" {line}")).arg(program);
    Ran::of(&shell.output().expect("a shell can be run"))
}

fn commands(assessed: &Value) -> Vec<String> {
    let next = assessed["next"].as_array().expect("there is a next step");
    next.iter().map(|step| step["command"].as_str().expect("it is text").to_owned()).collect()
}

#[test]
fn nothing_is_lacking() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(100));
    // Without any snapshot everything is lacking.
    assess(&sandbox, "app.db", 3);
    sandbox.done(&["backup", "app.db", "--quiet"]);
    sandbox.sql("app.db", "INSERT INTO events (at) VALUES ('2026-11-21'); CREATE TABLE fresh (id INTEGER)");
    let assessed = assess(&sandbox, "app.db", 0);
    assert_eq!(state(&assessed, "events"), "complete");
    assert_eq!(state(&assessed, "fresh"), "new");
    assert_eq!(assessed["recovery"]["drill"], Value::Null);
    assert_eq!(commands(&assessed), Vec::<String>::new());
    sandbox.done(&["drill", "app", "--quiet"]);
    assert!(assess(&sandbox, "app.db", 0)["recovery"]["drill"].is_string());
    let told = sandbox.done(&["assess", "app.db"]).out;
    assert!(told.contains("nothing is missing") && told.contains("measured by the drill"), "{told}");
}

#[test]
fn deleted_rows_and_a_missing_table_are_brought_back_by_what_it_says() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(100));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id > 40");
    let assessed = assess(&sandbox, "app.db", 3);
    assert_eq!((state(&assessed, "events"), state(&assessed, "people")), ("fewer", "complete"));
    let told = sandbox.run(&["assess", "app.db"]).expect(3).out;
    assert!(told.contains("MISSING 60 rows") && told.contains("estimated from its size"), "{told}");
    for command in commands(&assessed) {
        let ran = type_in(&sandbox, &command);
        assert_eq!(ran.status, 0, "{command}: {ran:?}");
    }
    sandbox.done(&["verify", "latest:app", "--against", "app.db"]);
    assert!(sandbox.path("app-restored.db").exists() && sandbox.path("app-tables.db").exists());

    // The backup above holds the loss; what was before it is still found.
    let assessed = assess(&sandbox, "app.db", 3);
    assert_eq!(state(&assessed, "events"), "complete");
    assert_eq!(assessed["losses"][0]["table"], "events");
    assert_eq!(
        (&assessed["losses"][0]["rows_before"], &assessed["losses"][0]["rows_after"]),
        (&100.into(), &40.into())
    );
    let before = commands(&assessed).pop().expect("there is a command");
    type_in(&sandbox, &before).expect(0);

    sandbox.sql("app.db", "DROP TABLE people");
    let assessed = assess(&sandbox, "app.db", 3);
    assert_eq!(state(&assessed, "people"), "missing");
}

#[test]
fn a_missing_database_and_a_damaged_snapshot() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(100));
    sandbox.done(&["backup", "app.db", "--quiet", "--name", "old"]);
    sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120)");
    let before = crate::sandbox::files_below(&sandbox.path("rowkeep-repository/packs"));
    sandbox.done(&["backup", "app.db", "--quiet", "--name", "new"]);
    let packs = crate::sandbox::files_below(&sandbox.path("rowkeep-repository/packs"));
    let new = packs.iter().find(|pack| !before.contains(pack)).expect("the backup made a pack");
    std::fs::remove_file(new).expect("it is removed");
    std::fs::remove_file(sandbox.path("app.db")).expect("it is removed");
    let assessed = assess(&sandbox, "app.db", 3);
    assert_eq!(assessed["reach"]["is"], "missing");
    assert_eq!((&assessed["newest"]["name"], &assessed["best"]["name"]), (&"new".into(), &"old".into()));
    assert_eq!(assessed["damaged"][0]["tables"][0], "events");
    let restore =
        commands(&assessed).into_iter().find(|command| command.contains(" restore ")).expect("it is told");
    type_in(&sandbox, &restore).expect(0);
    assert!(sandbox.path("app-restored.db").exists());
}

#[test]
fn on_postgresql_and_without_it() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_assess");
        shop.sql(
            "CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept SELECT generate_series(1, 50);
             CREATE SCHEMA audit; CREATE TABLE audit.\"Log\" (id int PRIMARY KEY); INSERT INTO audit.\"Log\" VALUES (1), (2)",
        );
        let config = |url: &str| {
            let text = format!("[databases.shop]\nurl = '{url}'\n");
            std::fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
        };
        config(&shop.url());
        sandbox.done(&["backup", "--quiet"]);
        assess(&sandbox, "shop", 0);
        shop.sql("DELETE FROM kept WHERE id > 10; DROP TABLE audit.\"Log\"");
        let assessed = assess(&sandbox, "shop", 3);
        assert_eq!((state(&assessed, "kept"), state(&assessed, "audit.Log")), ("fewer", "missing"));
        let restore = commands(&assessed)
            .into_iter()
            .find(|command| command.contains(" restore "))
            .expect("it is told");
        type_in(&sandbox, &restore).expect(0);
        let restored =
            format!("{}_restored", shop.url().rsplit('/').next().expect("the URL names a database"));
        assert_eq!(server.psql(&restored, "SELECT count(*) FROM kept").trim(), "50");
        server.psql("postgres", &format!("DROP DATABASE {restored} WITH (FORCE)"));

        config("postgres://postgres@127.0.0.1:1/shop");
        let unreachable = assess(&sandbox, "shop", 3);
        assert_eq!(unreachable["reach"]["is"], "unreachable");
        assert_eq!(unreachable["best"]["rows"], 52);
        assert!(commands(&unreachable)[0].starts_with("rowkeep doctor shop"), "{unreachable:#}");
        let told = sandbox.run(&["assess"]).expect(3).out;
        assert!(told.contains("CANNOT BE READ") && told.contains("rowkeep restore"), "{told}");
    }
}

/// A table that the role may not read is neither complete nor gone.
#[test]
fn what_a_role_may_not_read_is_said() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_denied");
        let role = unique("rowkeep_denied");
        shop.sql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'right'; CREATE TABLE open (id int PRIMARY KEY); CREATE TABLE locked (id int PRIMARY KEY);
             CREATE TABLE rules (id int PRIMARY KEY); ALTER TABLE rules ENABLE ROW LEVEL SECURITY; CREATE SCHEMA inner_room;
             CREATE TABLE inner_room.t (id int PRIMARY KEY); INSERT INTO open VALUES (1); INSERT INTO locked VALUES (1); INSERT INTO rules VALUES (1);
             GRANT SELECT ON open, rules TO {role}; GRANT SELECT ON inner_room.t TO {role}"
        ));
        std::fs::write(
            sandbox.path("rowkeep.toml"),
            format!(
                "[databases.shop]\nurl = '{}'\nexclude = ['locked', 'inner_room.t', 'rules']\n",
                shop.url().replacen("postgres@", &format!("{role}:right@"), 1)
            ),
        )
        .expect("it is written");
        let whole = ["backup", &shop.url(), "--name", "whole"];
        sandbox.done(&["backup", "--name", "short"]);
        // Of a snapshot without those tables nothing is missing.
        let assessed = assess(&sandbox, "shop", 0);
        let of = |assessed: &Value| {
            ["open", "locked", "inner_room.t", "rules"].map(|table| state(assessed, table).to_owned())
        };
        assert_eq!(of(&assessed), ["complete", "denied", "denied", "denied"]);
        let told = sandbox.done(&["assess", "shop"]).out;
        assert!(told.contains("3 tables may not be read"), "{told}");
        let told = sandbox.done(&["doctor"]).out;
        assert!(told.contains("1 table; left out, and may not be read: inner_room.t, locked"), "{told}");

        // What was backed up by somebody who may read it could be gone by now.
        sandbox.done(&whole);
        shop.sql("CREATE TABLE private (id int PRIMARY KEY)");
        let assessed = assess(&sandbox, "shop", 3);
        assert_eq!(of(&assessed), ["complete", "unreadable", "unreadable", "unreadable"]);
        assert_eq!(state(&assessed, "private"), "denied");
        assert!(commands(&assessed)[0].starts_with("rowkeep doctor shop"), "{assessed:#}");
        let told = sandbox.run(&["assess", "shop"]).expect(3).out;
        assert!(told.contains("DATA CANNOT BE READ") && !told.contains("DATA IS MISSING"), "{told}");
        assert!(told.contains("UNREADABLE: permission denied"), "{told}");
        shop.sql("DELETE FROM open");
        let told = sandbox.run(&["assess", "shop"]).expect(3).out;
        assert!(told.contains("DATA IS MISSING") && told.contains("UNREADABLE"), "{told}");
        shop.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}
