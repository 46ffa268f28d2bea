//! Event triggers of a database, which must neither see nor stop what a restore does besides rows.

use crate::postgres::{Database, Server, servers, unique};
use crate::sandbox::Sandbox;

/// A log that event triggers of every kind write to, and one that forbids drops.
const LOGGED: &str = "
    CREATE TABLE lg (id serial PRIMARY KEY, what text);
    CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.lg (what) VALUES (tg_event || '' '' || tg_tag); END';
    CREATE FUNCTION no_drop() RETURNS event_trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''drops are forbidden''; END';
    CREATE TABLE b (id int PRIMARY KEY, n int);
    INSERT INTO b VALUES (1, 1), (2, 2);
    CREATE TABLE parent (id int PRIMARY KEY, child int);
    CREATE TABLE child (id serial PRIMARY KEY, parent int NOT NULL REFERENCES parent);
    INSERT INTO parent VALUES (1, 1);
    INSERT INTO child (parent) VALUES (1);
    ALTER TABLE parent ADD FOREIGN KEY (child) REFERENCES child;
    CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER t BEFORE INSERT OR UPDATE ON b FOR EACH ROW EXECUTE FUNCTION g();
    SELECT lo_from_bytea(4711, 'abc');
    COMMENT ON LARGE OBJECT 4711 IS 'kept';
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM b;
    CREATE EVENT TRIGGER e_start ON ddl_command_start EXECUTE FUNCTION f();
    CREATE EVENT TRIGGER e_end ON ddl_command_end EXECUTE FUNCTION f();
    CREATE EVENT TRIGGER e_drop ON sql_drop EXECUTE FUNCTION f();
    CREATE EVENT TRIGGER e_rewrite ON table_rewrite EXECUTE FUNCTION f();
    CREATE EVENT TRIGGER e_always ON ddl_command_end EXECUTE FUNCTION f();
    ALTER EVENT TRIGGER e_always ENABLE ALWAYS;
    CREATE EVENT TRIGGER e_replica ON ddl_command_end EXECUTE FUNCTION f();
    ALTER EVENT TRIGGER e_replica ENABLE REPLICA;
    CREATE EVENT TRIGGER e_off ON ddl_command_end EXECUTE FUNCTION f();
    ALTER EVENT TRIGGER e_off DISABLE;
    CREATE EVENT TRIGGER e_tagged ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER SEQUENCE') EXECUTE FUNCTION f();
    CREATE EVENT TRIGGER e_no_drop ON sql_drop EXECUTE FUNCTION no_drop();";

const HARM: &str =
    "DELETE FROM b WHERE id = 1; UPDATE b SET n = 7; UPDATE parent SET child = NULL; DELETE FROM child;
    DELETE FROM parent;
    SELECT nextval('child_id_seq'), lo_put(4711, 1, 'x');
    COMMENT ON LARGE OBJECT 4711 IS 'another'";

/// Which event triggers there are, and how they are enabled.
const ENABLED: &str =
    "SELECT string_agg(evtname || evtenabled::text, ' ' ORDER BY evtname) FROM pg_event_trigger";

const ROWS: &str = "SELECT (SELECT count(*) FROM lg), (SELECT string_agg(b::text, ' ' ORDER BY id) FROM b), \
    (SELECT count(*) FROM child), (SELECT last_value FROM child_id_seq), (SELECT last_value FROM lg_id_seq), \
    obj_description(4711, 'pg_largeobject')";

#[test]
fn a_new_database_is_made_before_they_are() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_events");
        database.sql(LOGGED);
        sandbox.done(&["backup", &database.url()]);
        let (name, copy) = absent(&server, "rowkeep_cli_events_copy");
        sandbox.done(&["restore", "latest", "--to", &copy]);
        sandbox.done(&["verify", "latest", "--against", &copy]);
        let enabled = server.psql(&name, ENABLED);
        assert_eq!(enabled, database.sql(ENABLED));
        assert_eq!(enabled.split(' ').count(), 9, "{enabled}");
        assert_eq!(server.psql(&name, ROWS), database.sql(ROWS));
        // The same in place of what there is.
        server.psql(&name, "SET session_replication_role = replica; INSERT INTO b VALUES (3, 3)");
        sandbox.done(&["restore", "latest", "--to", &copy, "--with-schema", "--yes"]);
        sandbox.done(&["verify", "latest", "--against", &copy]);
        assert_eq!(server.psql(&name, ENABLED), enabled);
        server.psql("postgres", &format!("DROP DATABASE {name}"));
    }
}

#[test]
fn changes_of_rows_are_none_of_their_business() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_events_live");
        database.sql(LOGGED);
        let (url, rows, enabled) = (database.url(), database.sql(ROWS), database.sql(ENABLED));
        sandbox.done(&["backup", &url]);
        database.sql(HARM);
        let harmed = database.sql(ROWS);
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        assert_eq!((database.sql(ROWS), database.sql(ENABLED)), (rows.clone(), enabled.clone()));
        sandbox.done(&["verify", "latest", "--against", &url]);
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(database.sql(ROWS), harmed);
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(database.sql(ROWS), rows);
        let program = server.program("psql").get_program().display().to_string();
        let script = format!("'{program}' -q '{url}' -c 'delete from b'; exit 1");
        let migrated = sandbox.run(&["migrate", &url, "--", "sh", "-c", &script]).expect(1);
        assert!(migrated.err.contains("rolled back"), "{migrated:?}");
        assert_eq!((database.sql(ROWS), database.sql(ENABLED)), (rows.clone(), enabled.clone()));
        // They act for everybody else as before.
        database.sql("CREATE TABLE another ()");
        assert_ne!(database.sql(ROWS), rows);
    }
}

/// A role that owns its tables and is no superuser, with a superuser's event trigger around it.
struct Ordinary<'a> {
    server: &'a Server,
    database: Database<'a>,
    role: String,
}

impl<'a> Ordinary<'a> {
    fn new(server: &'a Server, name: &str, trigger: &str) -> Self {
        let database = server.database(name);
        let role = unique(name);
        server.psql(
            "postgres",
            &format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'right'"),
        );
        database.sql(&format!(
            "CREATE TABLE lg (id serial PRIMARY KEY, what text); CREATE TABLE b (id int PRIMARY KEY);
             INSERT INTO b VALUES (1), (2); ALTER TABLE b OWNER TO {role}; ALTER TABLE lg OWNER TO {role};
             CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS '{trigger}';
             CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()"
        ));
        Self { server, database, role }
    }

    fn url(&self) -> String {
        self.database.url().replace("postgres@", &format!("{}:right@", self.role))
    }
}

impl Drop for Ordinary<'_> {
    fn drop(&mut self) {
        self.database.sql("DROP EVENT TRIGGER e");
        self.database.sql(&format!("DROP OWNED BY {} CASCADE", self.role));
        self.server.psql("postgres", &format!("DROP ROLE {}", self.role));
    }
}

#[test]
fn what_a_role_cannot_keep_from_acting_is_said_before_anything_is_changed() {
    const ALL: &str = "SELECT (SELECT count(*) FROM b), (SELECT count(*) FROM lg), last_value FROM lg_id_seq";
    for server in &servers() {
        for (trigger, status, words) in [
            (
                "BEGIN INSERT INTO public.lg (what) VALUES (tg_tag); END",
                1,
                "event trigger e writes to table public.lg",
            ),
            ("BEGIN RAISE EXCEPTION ''no changes of definitions''; END", 1, "no changes of definitions"),
            ("BEGIN NOTIFY changed; END", 0, "event trigger e fired"),
        ] {
            let ordinary = Ordinary::new(server, "rowkeep_cli_ordinary", trigger);
            let (sandbox, url) = (Sandbox::new(), ordinary.url());
            sandbox.done(&["backup", &url]);
            ordinary.database.sql("DELETE FROM b WHERE id = 2");
            let before = ordinary.database.sql(ALL);
            let ran = sandbox.run(&["restore", "latest", "--to", &url, "--yes"]).expect(status);
            assert!(format!("{}{}", ran.out, ran.err).contains(words), "{ran:?}");
            let rows = |all: &str| all.split('|').take(2).collect::<Vec<_>>().join("|");
            let after = ordinary.database.sql(ALL);
            match status {
                0 => assert_eq!(rows(&after), "2|0"),
                _ => assert_eq!(rows(&after), rows(&before)),
            }
        }
    }
}

/// From version 17 on a role may be allowed to do without event triggers that are not its own.
#[test]
fn a_role_that_may_do_without_them_does() {
    let server = &servers()[1];
    let ordinary = Ordinary::new(
        server,
        "rowkeep_cli_allowed",
        "BEGIN INSERT INTO public.lg (what) VALUES (tg_tag); END",
    );
    let grant = |how: &str, to: &str| {
        server.psql("postgres", &format!("{how} SET ON PARAMETER event_triggers {to} {}", ordinary.role));
    };
    grant("GRANT", "TO");
    let (sandbox, url) = (Sandbox::new(), ordinary.url());
    sandbox.done(&["backup", &url]);
    ordinary.database.sql("DELETE FROM b WHERE id = 2");
    sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
    assert_eq!(
        ordinary.database.sql("SELECT (SELECT count(*) FROM b), (SELECT count(*) FROM lg)").trim(),
        "2|0"
    );
    grant("REVOKE", "FROM");
}

/// What a login writes would differ from what was read before it.
#[test]
fn logins_of_a_restore_do_not_change_what_it_restores() {
    let server = &servers()[1];
    let sandbox = Sandbox::new();
    let database = server.database("rowkeep_cli_logins");
    database.sql(
        "CREATE TABLE lg (id serial PRIMARY KEY, what text); CREATE TABLE b (id int PRIMARY KEY);
         INSERT INTO b VALUES (1), (2);
         CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN
             IF current_setting(''application_name'') = ''rowkeep'' THEN INSERT INTO public.lg (what) VALUES (tg_event); END IF;
         END';
         CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION f()",
    );
    let url = database.url();
    sandbox.done(&["backup", &url]);
    const ALL: &str = "SELECT (SELECT count(*) FROM lg), (SELECT last_value FROM lg_id_seq), count(*) FROM b";
    let before = database.sql(ALL);
    assert!(
        before.starts_with("1|"),
        "one connection found the trigger, and the others kept it off: {before}"
    );
    database.sql("DELETE FROM b");
    sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
    assert_eq!(database.sql(ALL), before);
}

/// A database that is not there.
fn absent(server: &Server, name: &str) -> (String, String) {
    let name = unique(name);
    server.psql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    let url = server.url_of(&name);
    (name, url)
}
