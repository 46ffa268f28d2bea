//! A restore goes on without what a server refuses of a schema, says what that was, and how it is completed.

use crate::postgres::{Server, servers, unique};
use crate::sandbox::{Ran, Sandbox};

/// Rows that do not conform any more, one kind in each pair of tables, with a table that has nothing to do with it.
const NOT_CONFORMING: &str = "
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
    INSERT INTO parent VALUES (1);
    SET session_replication_role = replica;
    INSERT INTO child VALUES (1, 1), (2, 99);
    SET session_replication_role = origin;
    CREATE TABLE other (id int PRIMARY KEY, at date CONSTRAINT past CHECK (at > '2000-01-01'));
    INSERT INTO other VALUES (1, '2026-11-30');

    CREATE FUNCTION is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
    CREATE TABLE evens (n int CONSTRAINT even CHECK (public.is_even(n)), m int);
    CREATE DOMAIN even_number AS int CONSTRAINT even_too CHECK (public.is_even(VALUE));
    CREATE TABLE more_evens (n even_number);
    INSERT INTO evens VALUES (2, 1);
    INSERT INTO more_evens VALUES (4);
    CREATE OR REPLACE FUNCTION is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';

    CREATE TABLE offers (id int PRIMARY KEY, till timestamptz CONSTRAINT open CHECK (till > '2000-01-01'));
    INSERT INTO offers VALUES (1, '2020-01-01');
    ALTER TABLE offers DROP CONSTRAINT open;
    ALTER TABLE offers ADD CONSTRAINT open CHECK (till > now()) NOT VALID;
    UPDATE pg_constraint SET convalidated = true WHERE conname = 'open';

    CREATE TABLE zz_lookup (t text PRIMARY KEY);
    INSERT INTO zz_lookup VALUES ('x');
    CREATE FUNCTION has(text) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM public.zz_lookup WHERE t = $1)';
    CREATE TABLE aa_data (id int PRIMARY KEY, t text CONSTRAINT known CHECK (public.has(t)));
    INSERT INTO aa_data VALUES (1, 'x');

    CREATE FUNCTION folded(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT t';
    CREATE TABLE names (t text);
    INSERT INTO names VALUES ('a'), ('A');
    CREATE UNIQUE INDEX one_name ON names (public.folded(t));
    CREATE OR REPLACE FUNCTION folded(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';";

fn told(ran: &Ran) -> String {
    format!("{}{}", ran.out, ran.err)
}

#[test]
fn rows_come_back_that_do_not_conform_any_more() {
    for server in servers() {
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_left_out"));
        shop.sql(NOT_CONFORMING);
        let target = format!("{}_back", shop.name());
        let to = server.url_of(&target);
        sandbox.done(&["backup", &shop.url(), "--name", "all"]);
        sandbox.run(&["restore", "all", "--to", &to, "--strict"]).expect(1);
        assert_eq!(
            server
                .psql("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{target}'"))
                .trim(),
            "0"
        );

        let ran = sandbox.run(&["restore", "all", "--to", &to, "--report", "report.txt"]).expect(3);
        let said = told(&ran);
        for part in ["child_parent_fkey", "CONSTRAINT even ", "even_too", "CONSTRAINT open", "one_name"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        for whole in ["CONSTRAINT known", "CONSTRAINT past", "other_pkey"] {
            assert!(!said.contains(whole), "{whole}: {said}");
        }
        assert!(said.contains("5 parts of the schema"), "{said}");
        let rows = "SELECT (SELECT count(*) FROM child), (SELECT count(*) FROM evens), (SELECT count(*) FROM more_evens),
            (SELECT count(*) FROM offers), (SELECT count(*) FROM aa_data), (SELECT count(*) FROM names)";
        assert_eq!(server.psql(&target, rows).trim(), "2|1|1|1|1|2");
        let unchecked =
            "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE NOT convalidated";
        assert_eq!(server.psql(&target, unchecked).trim(), "child_parent_fkey even even_too open");

        // Once what stands in the way is gone, the statements beside the report complete it.
        let fixups = std::fs::read_to_string(sandbox.path("fixups.sql")).expect("it is written");
        let report = std::fs::read_to_string(sandbox.path("report.txt")).expect("it is written");
        assert!(
            report.contains("VALIDATE CONSTRAINT child_parent_fkey") && report.contains("99"),
            "{report}"
        );
        server.psql(
            &target,
            "DELETE FROM child WHERE parent = 99; DELETE FROM names WHERE t = 'A'; UPDATE offers SET till = 'infinity';
             CREATE OR REPLACE FUNCTION is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0'",
        );
        server.psql(&target, &fixups);
        assert_eq!(server.psql(&target, unchecked).trim(), "");
        assert_eq!(
            server.psql(&target, "SELECT count(*) FROM pg_indexes WHERE indexname = 'one_name'").trim(),
            "1"
        );
        server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));

        let json = sandbox.json_of(3, &["restore", "all", "--to", &to]);
        assert_eq!(
            (&json["equal"], json["left_out"].as_array().map(Vec::len)),
            (&true.into(), Some(5)),
            "{json:#}"
        );
        server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));
    }
}

/// What a failed migration of such a database leaves behind is that database, but for what is told.
#[test]
fn a_migration_that_fails_is_taken_back_with_rows_that_do_not_conform() {
    for server in servers() {
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_left_out_migrate"));
        shop.sql(NOT_CONFORMING);
        let ruin = format!(
            "psql -q -d '{}' -c 'ALTER TABLE other ADD COLUMN x int; DELETE FROM child' && exit 3",
            shop.url()
        );
        let ran = sandbox.run(&["migrate", &shop.url(), "--", "sh", "-c", &ruin]);
        assert_ne!(ran.status, 0);
        assert_eq!(shop.sql("SELECT count(*) FROM child").trim(), "2", "{ran:?}");
        assert!(told(&ran).contains("child_parent_fkey"), "{ran:?}");
        let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'other'";
        assert_eq!(shop.sql(columns).trim(), "2");
    }
}

/// A tablespace that needs no folder of its own.
struct Tablespace<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Tablespace<'a> {
    fn make(server: &'a Server) -> Self {
        let name = unique("rowkeep_space");
        let made = server
            .program("psql")
            .env("PGOPTIONS", "-c allow_in_place_tablespaces=on")
            .args(["-X", "-q", "-d", &server.url, "-c", &format!("CREATE TABLESPACE {name} LOCATION ''")])
            .status();
        assert!(made.expect("psql can be run").success());
        Self { server, name }
    }
}

impl Drop for Tablespace<'_> {
    fn drop(&mut self) {
        self.server.psql("postgres", &format!("DROP TABLESPACE IF EXISTS {}", self.name));
    }
}

/// Rows that the partitions of another database would refuse, an extension of another version than the usual one, and a table in a
/// place that the migration takes away.
#[test]
fn a_migration_that_fails_is_taken_back_over_what_a_new_database_places_otherwise() {
    let mut extended = 0;
    for server in servers() {
        let space = Tablespace::make(&server);
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_left_out_placed"));
        let name = &space.name;
        shop.sql(&format!(
            "CREATE TYPE mood AS ENUM ('low', 'middle', 'high');
             CREATE TABLE h (id int, m mood, PRIMARY KEY (id, m)) PARTITION BY HASH (m);
             CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO h SELECT g, (enum_range(NULL::mood))[1 + g % 3] FROM generate_series(1, 60) g;
             CREATE TABLE stored (id int PRIMARY KEY, h text); INSERT INTO stored VALUES (1, 'a=>1'); CREATE TABLE away (id int PRIMARY KEY) TABLESPACE {name};
             INSERT INTO away VALUES (1), (2)"
        ));
        // Not every server comes with extensions.
        let is_there =
            "SELECT count(*) FROM pg_available_extension_versions WHERE name = 'hstore' AND version = '1.4'";
        let update = match shop.sql(is_there).trim() {
            "0" => "",
            _ => {
                extended += 1;
                shop.sql("CREATE EXTENSION hstore VERSION '1.4'; ALTER TABLE stored ALTER h TYPE hstore USING h::hstore");
                "-c 'ALTER EXTENSION hstore UPDATE'"
            }
        };
        let rows = "SELECT (SELECT string_agg(id || m::text, ',' ORDER BY id) FROM h), (SELECT string_agg(h::text, ',') FROM stored), \
            (SELECT sum(id) FROM away), (SELECT extversion FROM pg_extension WHERE extname = 'hstore')";
        let (before, schema) = (shop.sql(rows), shop.schema());
        let ruin = |sql: &str| {
            let ruin = format!("psql -X -v ON_ERROR_STOP=1 -q -d '{}' {sql} && exit 3", shop.url());
            sandbox.run(&["migrate", &shop.url(), "--", "sh", "-c", &ruin]).expect(1)
        };
        ruin(&format!(
            "-c 'ALTER TABLE h ADD z int; DELETE FROM h WHERE id < 30; UPDATE stored SET h = NULL' {update}"
        ));
        assert_eq!((shop.sql(rows), shop.schema()), (before.clone(), schema.clone()));
        let gone = format!(
            "-c 'ALTER TABLE away ADD z int' -c 'ALTER TABLE away SET TABLESPACE pg_default' -c 'DROP TABLESPACE {name}'"
        );
        let ran = ruin(&gone);
        assert_eq!(shop.sql(rows), before);
        assert!(told(&ran).contains(&format!("tablespace {name} does not exist here")), "{ran:?}");
    }
    assert!(extended > 0, "there is a server with extensions");
}

/// What was in a place that a server does not have is in the usual one, which is told.
#[test]
fn tablespaces_that_are_not_there_are_done_without() {
    for server in servers() {
        let space = Tablespace::make(&server);
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_space"));
        let name = &space.name;
        shop.sql(&format!(
            "CREATE TABLE t (id int PRIMARY KEY USING INDEX TABLESPACE {name}) TABLESPACE {name}; INSERT INTO t VALUES (1);
             CREATE INDEX by_id ON t (id) TABLESPACE {name}; CREATE TABLE kept (v text); INSERT INTO kept VALUES ('a')"
        ));
        sandbox.done(&["backup", &shop.url(), "--name", "all"]);
        let url = shop.url();
        drop(shop);
        let name = space.name.clone();
        drop(space);
        sandbox.run(&["restore", "all", "--to", &url, "--strict"]).expect(1).says(&[&name]);
        sandbox
            .done(&["restore", "all", "--to", &url])
            .says(&[&format!("tablespace {name} does not exist here")]);
        sandbox.done(&["verify", "all", "--against", &url]);
        let database = url.rsplit_once('/').expect("it names a database").1;
        server.psql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
    }
}

/// What only a superuser may make is left out for an ordinary role, with what is made of it.
#[test]
fn an_ordinary_role_does_without_what_it_may_not_make() {
    for server in servers() {
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_ordinary"));
        shop.sql(
            "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');
             CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE internal IMMUTABLE AS 'int4pl';
             CREATE FUNCTION tight(int) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true';
             CREATE FUNCTION sets() RETURNS int LANGUAGE sql SET session_replication_role = replica AS 'SELECT 1';
             CREATE VIEW sums AS SELECT plus(id, 1) AS more FROM t;
             CREATE VIEW all_of_t AS SELECT * FROM t",
        );
        sandbox.done(&["backup", &shop.url(), "--name", "all"]);
        let role = unique("rowkeep_maker");
        let target = format!("{}_back", shop.name());
        server.psql("postgres", &format!("DROP ROLE IF EXISTS {role}"));
        server.psql("postgres", &format!("CREATE ROLE {role} LOGIN PASSWORD 'right' CREATEDB"));
        server.psql("postgres", &format!("CREATE DATABASE {target} OWNER {role}"));
        let url = server.url_of(&target).replace("postgres@", &format!("{role}:right@"));
        let ran = sandbox.run(&["restore", "all", "--to", &url]).expect(3);
        for part in
            ["FUNCTION public.plus", "FUNCTION public.tight", "FUNCTION public.sets", "VIEW public.sums"]
        {
            assert!(told(&ran).contains(part), "{part}: {ran:?}");
        }
        assert!(told(&ran).contains("4 parts of the schema"), "{ran:?}");
        assert_eq!(server.psql(&target, "SELECT v FROM all_of_t").trim(), "a");
        server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));
        server.psql("postgres", &format!("DROP ROLE {role}"));
    }
}

/// Tables of types that cannot be made are left out with what depends on them, the reason is named, and the rest is proven.
#[test]
fn tables_of_a_type_that_is_missing_are_left_out_alone() {
    let server = servers().swap_remove(0);
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_no_type"));
    // As it is on a server that does not have the extension.
    shop.sql(
        "CREATE EXTENSION hstore; UPDATE pg_extension SET extname = 'rowkeep_absent' WHERE extname = 'hstore';
         CREATE TABLE kept (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
         INSERT INTO kept (v) VALUES ('a'), ('b');
         CREATE TABLE tagged (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tags hstore, kept int REFERENCES kept);
         INSERT INTO tagged (tags, kept) VALUES ('a=>1', 1), ('b=>2', 2), ('c=>3', 2);
         COMMENT ON TABLE tagged IS 'with tags'; COMMENT ON COLUMN tagged.tags IS 'tags';
         GRANT SELECT ON tagged TO PUBLIC; ALTER TABLE tagged ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON tagged USING (kept = 1);
         CREATE INDEX by_tags ON tagged USING gin (tags);
         CREATE TABLE refers (id int PRIMARY KEY, tagged int REFERENCES tagged);
         INSERT INTO refers VALUES (1, 1);
         CREATE TABLE heir (more int) INHERITS (tagged); INSERT INTO heir (id, more) OVERRIDING SYSTEM VALUE VALUES (9, 1);
         CREATE TABLE ev (id serial, at date, tags hstore, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         INSERT INTO ev (at, tags) VALUES ('2026-02-01', 'a=>1');
         CREATE VIEW tag_list AS SELECT id, tags -> 'a' AS a FROM tagged;
         CREATE FUNCTION first_tag(t tagged) RETURNS text LANGUAGE sql AS 'SELECT t.tags -> ''a''';
         CREATE TRIGGER same BEFORE UPDATE ON tagged FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    let target = format!("{}_back", shop.name());
    let to = server.url_of(&target);
    sandbox.run(&["restore", "all", "--to", &to, "--strict"]).expect(1).says(&["rowkeep_absent"]);

    let ran = sandbox.run(&["restore", "all", "--to", &to, "--report", "report.txt"]).expect(3);
    let report = std::fs::read_to_string(sandbox.path("report.txt")).expect("it is written");
    assert!(told(&ran).contains("extension rowkeep_absent is not available"), "{ran:?}");
    for part in [
        "TABLE public.tagged",
        "TABLE public.heir",
        "TABLE public.ev",
        "refers_tagged_fkey",
        "VIEW public.tag_list",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("TABLE public.kept"), "{report}");
    let rows = "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM refers), nextval('kept_id_seq')";
    assert_eq!(server.psql(&target, rows).trim(), "2|1|3");
    server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));

    let json = sandbox.json_of(3, &["restore", "all", "--to", &to]);
    assert_eq!((&json["equal"], &json["rows"]), (&true.into(), &3.into()), "{json:#}");
    server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));
}

/// The same for a type that only a superuser may make.
#[test]
fn tables_of_a_type_that_a_role_may_not_make_are_left_out_alone() {
    let server = servers().swap_remove(0);
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_no_base_type"));
    shop.sql(
        "CREATE TYPE word; CREATE FUNCTION word_in(cstring) RETURNS word LANGUAGE internal STRICT IMMUTABLE AS 'textin';
         CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'textout';
         CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, LIKE = text);
         CREATE DOMAIN short AS word; CREATE TYPE pair AS (a word, b int);
         CREATE TABLE words (id int PRIMARY KEY, w word); INSERT INTO words VALUES (1, 'a');
         CREATE TABLE shorts (id int PRIMARY KEY, w short); CREATE TABLE pairs (id int PRIMARY KEY, p pair[]);
         CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (7)",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    let role = unique("rowkeep_typist");
    let target = format!("{}_back", shop.name());
    server.psql("postgres", &format!("DROP ROLE IF EXISTS {role}"));
    server.psql("postgres", &format!("CREATE ROLE {role} LOGIN PASSWORD 'right' CREATEDB"));
    server.psql("postgres", &format!("CREATE DATABASE {target} OWNER {role}"));
    let url = server.url_of(&target).replace("postgres@", &format!("{role}:right@"));
    let json = sandbox.json_of(3, &["restore", "all", "--to", &url]);
    assert_eq!((&json["equal"], &json["rows"]), (&true.into(), &1.into()), "{json:#}");
    for table in ["words", "shorts", "pairs"] {
        assert!(json["left_out"].to_string().contains(&format!("TABLE public.{table}")), "{table}: {json:#}");
    }
    assert_eq!(server.psql(&target, "SELECT id FROM kept").trim(), "7");
    server.psql("postgres", &format!("DROP DATABASE {target} WITH (FORCE)"));
    server.psql("postgres", &format!("DROP ROLE {role}"));
}

/// A drill says what its server refuses, and proves the rest; a table of which no row comes back fails it.
#[test]
fn a_drill_tells_what_is_refused_and_proves_the_rest() {
    let server = servers().swap_remove(0);
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_left_out_drill"));
    shop.sql(NOT_CONFORMING);
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    let drill = |status| {
        let drilled = sandbox.json_of(status, &["drill", shop.name(), "--to-server", &server.url]);
        let findings = drilled["reports"][0]["sections"][0]["findings"].as_array().cloned();
        let findings = findings.unwrap_or_else(|| panic!("{drilled:#}"));
        let of = |title: &str| {
            let of_it = findings.iter().filter(|found| found["title"] == title);
            of_it.map(|found| format!("{}: {}", found["status"], found["detail"])).collect::<Vec<_>>()
        };
        (of("the whole schema"), of("every table"), of("proven equal to the snapshot"))
    };
    let (refused, tables, proof) = drill(0);
    assert_eq!((refused.len(), tables.len(), proof.len()), (5, 0, 1), "{refused:#?} {proof:?}");
    assert!(
        refused.iter().any(|told| told.contains("warning") && told.contains("child_parent_fkey")),
        "{refused:#?}"
    );
    assert!(proof[0].contains("passed"), "{proof:?}");

    shop.sql(
        "CREATE EXTENSION hstore; UPDATE pg_extension SET extname = 'rowkeep_absent' WHERE extname = 'hstore';
         CREATE TABLE tagged (id int PRIMARY KEY, tags hstore); INSERT INTO tagged VALUES (1, 'a=>1')",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "more"]);
    let (_, tables, proof) = drill(3);
    assert!(tables[0].contains("failed") && tables[0].contains("tagged"), "{tables:?}");
    assert!(proof[0].contains("passed"), "{proof:?}");
}

/// The state before a restore of the whole schema comes back also where its rows did not conform.
#[test]
fn a_restore_with_the_schema_is_undone_with_rows_that_do_not_conform() {
    let server = servers().swap_remove(0);
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_left_out_undo"));
    shop.sql("CREATE TABLE old (id int PRIMARY KEY); INSERT INTO old VALUES (1)");
    sandbox.done(&["backup", &shop.url(), "--name", "old"]);
    shop.sql(NOT_CONFORMING);
    let url = shop.url();
    sandbox.done(&["restore", "old", "--to", &url, "--with-schema", "--yes"]);
    assert_eq!(shop.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "1");

    let undone = sandbox.json_of(3, &["undo", &url, "--yes"]);
    assert_eq!(
        (&undone["equal"], undone["left_out"].as_array().map(Vec::len)),
        (&true.into(), Some(5)),
        "{undone:#}"
    );
    assert_eq!(shop.sql("SELECT (SELECT count(*) FROM child), (SELECT count(*) FROM names)").trim(), "2|2");
    // That is a restore of the whole schema too, and the other state conforms.
    sandbox.done(&["undo", &url, "--yes"]);
    assert_eq!(shop.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "1");
}
