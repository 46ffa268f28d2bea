//! Databases that hold bytes which stand for no character of their encoding.

use crate::postgres::{Server, servers, unique};
use crate::sandbox::Sandbox;

/// A database of another encoding than UTF-8, and what drops it and its copies.
struct Encoded<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Encoded<'a> {
    fn make(server: &'a Server, name: &str, encoding: &str) -> Self {
        let name = unique(name);
        server.psql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        server.psql(
            "postgres",
            &format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"),
        );
        Self { server, name }
    }

    fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    fn sql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }

    /// The bytes of all rows, in order.
    fn bytes(&self) -> String {
        self.sql("SELECT string_agg(id || ':' || encode(convert_to(s, getdatabaseencoding()), 'hex') || ',' || coalesce(array_to_string(b, '|'), ''), ';' ORDER BY id) FROM (SELECT id, s, ARRAY(SELECT encode(convert_to(x, getdatabaseencoding()), 'hex') FROM unnest(a) x) AS b FROM t) t")
    }
}

impl Drop for Encoded<'_> {
    fn drop(&mut self) {
        self.server.psql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Every byte but zero, in values, arrays and keys: read, restored, compared, changed, taken back.
#[test]
fn bytes_that_are_no_characters_come_back() {
    let servers = servers();
    for (at, (server, encoding)) in [(0, "WIN1252"), (1, "WIN1252"), (0, "ISO_8859_8")]
        .map(|(at, of)| (&servers[at], of))
        .into_iter()
        .enumerate()
    {
        let sandbox = Sandbox::new();
        let shop = Encoded::make(server, &format!("rowkeep_cli_bytes_{at}"), encoding);
        shop.sql(
            r"CREATE TABLE t (id int PRIMARY KEY, s text, a text[]);
              DO $$ BEGIN FOR n IN 1..255 LOOP EXECUTE format('INSERT INTO t VALUES (%s, E''a\x%s\\''''b'', ARRAY[E''\x%s,'', ''x'', NULL])',
                n, lpad(to_hex(n), 2, '0'), lpad(to_hex(n), 2, '0')); END LOOP; END $$;
              CREATE TABLE keyed (k text PRIMARY KEY, v text UNIQUE); INSERT INTO keyed SELECT s, E'\x8d' || s FROM t",
        );
        let before = shop.bytes();
        assert!(before.contains("6181"), "{before}");
        sandbox.done(&["backup", &shop.url(), "--name", "all"]);
        let back = Encoded { server, name: format!("{}_back", shop.name) };
        sandbox.done(&["restore", "all", "--to", &back.url()]);
        assert_eq!(back.bytes(), before);
        assert_eq!(back.sql("SHOW server_encoding").trim(), encoding);
        sandbox.done(&["verify", "all", "--against", &shop.url()]);
        sandbox.done(&["diff", "all", &shop.url()]);

        shop.sql(r"DELETE FROM t WHERE id = 129; UPDATE t SET s = E'\x8f', a = NULL WHERE id = 233; DELETE FROM keyed WHERE k LIKE E'a\x81%'; UPDATE keyed SET v = E'\x90' WHERE k LIKE E'a\x9d%'");
        let changed = shop.bytes();
        sandbox.done(&["restore", "all", "--to", &shop.url(), "--yes"]);
        assert_eq!(shop.bytes(), before);
        sandbox.done(&["verify", "all", "--against", &shop.url()]);
        sandbox.done(&["undo", &shop.url(), "--yes"]);
        assert_eq!(shop.bytes(), changed);

        // In UTF-8 such a byte is the control character of its number, or one for private use.
        let utf8 = Encoded::make(server, &format!("rowkeep_cli_bytes_utf8_{at}"), "UTF8");
        sandbox.done(&["restore", "all", "--to", &utf8.url()]);
        assert_eq!(utf8.sql("SELECT count(*) FROM t WHERE s LIKE U&'a\\0081%'").trim(), "1");
        sandbox.done(&["verify", "all", "--against", &utf8.url()]);
    }
}

/// A character that an encoding does not have is named before anything stays of it.
#[test]
fn characters_that_the_encoding_of_a_target_lacks_are_named() {
    let server = servers().swap_remove(0);
    let sandbox = Sandbox::new();
    let shop = Encoded::make(&server, "rowkeep_cli_wide", "UTF8");
    shop.sql("CREATE TABLE t (id int PRIMARY KEY, s text); INSERT INTO t VALUES (1, U&'\\0451')");
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    let back = Encoded::make(&server, "rowkeep_cli_narrow", "WIN1252");
    sandbox
        .run(&["restore", "all", "--to", &back.url()])
        .expect(1)
        .says(&["table t has the character U+0451, which encoding WIN1252 does not have"]);
    assert_eq!(back.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "0");
}

/// The same in what definitions say: defaults, checks, comments, functions, conditions of indexes.
#[test]
fn definitions_with_bytes_that_are_no_characters_come_back() {
    let server = servers().swap_remove(0);
    let sandbox = Sandbox::new();
    let shop = Encoded::make(&server, "rowkeep_cli_byte_words", "WIN1252");
    shop.sql(
        r"CREATE TABLE t (id int PRIMARY KEY, s text DEFAULT E'\x81''\\b' CHECK (s <> E'\x8d'), e text DEFAULT E'\xe9');
          CREATE INDEX by_some ON t (id) WHERE s = E'\x81'; COMMENT ON TABLE t IS E'\x9d \xe9';
          DO $$ BEGIN EXECUTE E'CREATE FUNCTION f() RETURNS text LANGUAGE sql AS ''SELECT ''''\x90\xe9'''''''; END $$;
          INSERT INTO t (id) VALUES (1)",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    let back = Encoded { server: &server, name: format!("{}_back", shop.name) };
    sandbox.done(&["restore", "all", "--to", &back.url()]);
    let said =
        "SELECT encode(convert_to(s || e || f() || obj_description('t'::regclass), 'WIN1252'), 'hex') FROM t";
    assert_eq!(back.sql(said), shop.sql(said));
    sandbox.done(&["verify", "all", "--against", &back.url()]);
    sandbox.run(&["restore", "all", "--to", &back.url(), "--with-schema", "--yes"]).expect(0);
}
