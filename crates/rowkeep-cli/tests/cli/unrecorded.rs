//! Migrations that fail and leave what neither rows nor definitions tell: it is taken back, or named.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use crate::postgres::{Database, Server, servers, unique};
use crate::sandbox::{Ran, Sandbox};

const SHOP: &str = "
    CREATE TABLE t (id int PRIMARY KEY, a int);
    INSERT INTO t VALUES (1, 1), (2, 1);
    CREATE INDEX t_by_a ON t (a);
    CREATE TABLE p (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    INSERT INTO p VALUES (1, '2026-01-05'), (2, '2026-02-05');
    CREATE MATERIALIZED VIEW sums AS SELECT a, count(*) AS n FROM t GROUP BY a;
    CREATE UNIQUE INDEX ON sums (a);
    CREATE MATERIALIZED VIEW empty AS SELECT a FROM t WITH NO DATA;";

/// What is not to be seen in a dump.
const UNSEEN: &str = "SELECT (SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid), \
    (SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid) FROM pg_inherits \
     WHERE inhparent = 'p'::regclass AND NOT inhdetachpending), \
    (SELECT string_agg(relname || relispopulated, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'm')";

const SUMS: &str = "SELECT string_agg(a || ':' || n, ' ' ORDER BY a) FROM sums";

/// A session in the middle of a transaction.
struct Holder(Child);

impl Holder {
    fn of(server: &Server, database: &Database<'_>, sql: &str) -> Self {
        let mut psql = server.program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-d", &database.url()]).env("PGAPPNAME", "holder");
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql can be run");
        let input = child.stdin.as_mut().expect("it is piped");
        writeln!(input, "BEGIN; {sql}; SELECT 'held';").expect("psql reads");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.as_mut().expect("it is piped"));
        while line.trim() != "held" {
            line.clear();
            assert!(output.read_line(&mut line).expect("psql writes") > 0, "psql ended");
        }
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the sessions that hold something, and waits until they have ended.
const RELEASE: &str = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity \
    WHERE application_name = 'holder' AND datname = current_database()";

/// Runs a migration of these statements, each by itself, that fails in the end.
fn migrate(sandbox: &Sandbox, server: &Server, database: &Database<'_>, statements: &[&str]) -> Ran {
    let mut command = vec![server.program("psql").get_program().display().to_string()];
    command.extend(["-X", "-q", "-d", &database.url()].map(str::to_owned));
    for statement in statements {
        command.extend(["-c".to_owned(), (*statement).to_owned()]);
    }
    command.extend(["-c", "SELECT 1 / 0"].map(str::to_owned));
    let url = database.url();
    let arguments: Vec<&str> =
        ["migrate", &url, "--"].into_iter().chain(command.iter().map(String::as_str)).collect();
    sandbox.run(&arguments)
}

#[test]
fn what_is_left_half_done_is_taken_back() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_half_done");
        shop.sql(SHOP);
        let (unseen, schema) = (shop.sql(UNSEEN), shop.schema());
        let cases: [(&[&str], &str, &str); 4] = [
            (&["CREATE UNIQUE INDEX CONCURRENTLY bad ON t (a)"], "", "index public.bad is invalid"),
            (
                &["SET statement_timeout = '500ms'", "REINDEX INDEX CONCURRENTLY t_by_a", RELEASE],
                "UPDATE t SET a = a",
                "index public.t_by_a_ccnew is invalid",
            ),
            (
                &["SET statement_timeout = '500ms'", "CREATE INDEX CONCURRENTLY half ON t (a, id)", RELEASE],
                "UPDATE t SET a = a",
                "index public.half is invalid",
            ),
            (
                &[
                    "SET statement_timeout = '500ms'",
                    "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
                    RELEASE,
                ],
                "SELECT FROM p",
                "partition public.p1 is half detached from public.p",
            ),
        ];
        for (statements, held, told) in cases {
            let holder = (!held.is_empty()).then(|| Holder::of(&server, &shop, held));
            let ran = migrate(&sandbox, &server, &shop, statements).expect(1);
            drop(holder);
            assert!(ran.out.contains(told), "{ran:?}");
            assert!(ran.err.contains("rolled back: "), "{ran:?}");
            assert_eq!(shop.sql(UNSEEN), unseen, "{statements:?}");
            assert_eq!(shop.schema(), schema, "{statements:?}");
            assert_eq!(shop.sql("SELECT count(*) FROM p").trim(), "2");
        }
    }
}

#[test]
fn an_ordinary_role_takes_back_what_is_its_own() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_own_index");
        let role = unique("rowkeep_own_index");
        shop.sql(&format!(
            "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'right'; GRANT CREATE ON SCHEMA public TO {role};
             SET ROLE {role}; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, 1)"
        ));
        let url = shop.url().replace("postgres@", &format!("{role}:right@"));
        let psql = server.program("psql").get_program().display().to_string();
        let index = "CREATE UNIQUE INDEX CONCURRENTLY bad ON t (a)";
        let ran = sandbox.run(&["migrate", &url, "--", &psql, "-X", "-q", "-d", &url, "-c", index]).expect(1);
        assert!(ran.err.contains("taken back: index public.bad is invalid"), "{ran:?}");
        assert_eq!(shop.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid").trim(), "0");
        shop.sql(&format!("DROP OWNED BY {role}"));
        server.psql("postgres", &format!("DROP ROLE {role}"));
    }
}

#[test]
fn views_that_were_filled_again_are_filled_from_the_rows_that_are_back() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_filled");
        shop.sql(SHOP);
        let unseen = shop.sql(UNSEEN);
        for (statements, told) in [
            (&["UPDATE t SET a = 9", "REFRESH MATERIALIZED VIEW sums"][..], "public.sums was filled again"),
            (
                &["INSERT INTO t VALUES (3, 4)", "REFRESH MATERIALIZED VIEW CONCURRENTLY sums"],
                "public.sums was filled again",
            ),
            (&["REFRESH MATERIALIZED VIEW sums WITH NO DATA"], "public.sums was emptied"),
            (&["REFRESH MATERIALIZED VIEW empty"], "public.empty was filled again"),
        ] {
            let ran = migrate(&sandbox, &server, &shop, statements).expect(1);
            assert!(ran.err.contains(told) && ran.err.contains("rolled back: "), "{ran:?}");
            assert_eq!(shop.sql(UNSEEN), unseen, "{statements:?}");
            assert_eq!(shop.sql(SUMS).trim(), "1:2", "{statements:?}");
        }
        let ran = migrate(&sandbox, &server, &shop, &[]).expect(1);
        assert!(ran.err.contains("was not changed"), "{ran:?}");
    }
}

#[test]
fn what_cannot_be_taken_back_is_named() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_named");
        shop.sql(SHOP);
        shop.sql(
            "CREATE SUBSCRIPTION following CONNECTION 'host=127.0.0.1 port=1 dbname=none' PUBLICATION p \
             WITH (connect = false, slot_name = 'a_slot')",
        );
        let ran = migrate(&sandbox, &server, &shop, &["ALTER SUBSCRIPTION following ENABLE"]).expect(1);
        assert!(ran.err.contains("taken back: subscription following is enabled"), "{ran:?}");
        assert_eq!(
            shop.sql("SELECT subenabled FROM pg_subscription WHERE subname = 'following'").trim(),
            "f"
        );
        shop.sql("ALTER SUBSCRIPTION following SET (slot_name = NONE); DROP SUBSCRIPTION following");

        let name = shop.url().rsplit('/').next().expect("the URL names a database").to_owned();
        let setting = format!("ALTER DATABASE {name} SET work_mem = '5MB'");
        let ran = migrate(&sandbox, &server, &shop, &[&setting]).expect(1);
        let told = "not taken back: the owner, privileges and settings of the database";
        assert!(ran.err.contains(told) && ran.err.contains("does not fully match"), "{ran:?}");
        // Where nothing has to be taken back, it is said all the same.
        let ran = sandbox.done(&[
            "around",
            &shop.url(),
            "--",
            server.program("psql").get_program().to_str().expect("text"),
            "-q",
            "-d",
            &shop.url(),
            "-c",
            "REFRESH MATERIALIZED VIEW sums",
        ]);
        assert!(ran.out.contains("! materialized view public.sums was filled again"), "{ran:?}");
    }
}
