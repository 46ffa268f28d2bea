//! Changesets applied to live databases, by a role that owns its tables and nothing else.

use std::sync::Arc;

use rowkeep_engine::{ApplyOptions, ErrorKind};

use super::changes::{Lists, Owned, apply, back_and_forth, table};
use super::server::Server;

super::on_every_server!(
    plain_tables,
    tables_that_refer_to_themselves,
    tables_that_refer_to_each_other,
    cycles_with_actions,
    actions_of_foreign_keys,
    keys_that_are_referred_to_change,
    unique_values_change_places,
    rows_without_keys,
    values_of_every_type,
    keys_of_every_type,
    partitions,
    identities_and_generated_columns,
    triggers_and_rules_do_not_act,
    names_of_every_sort,
    sequences_are_set,
    large_objects_change,
    many_rows,
    tables_without_changes_are_left_alone,
    tables_that_are_gone_are_missed,
);

async fn plain_tables(server: Server) {
    let [back, _] = back_and_forth(
        &server,
        "CREATE TABLE parent (id integer PRIMARY KEY, v text);
         CREATE TABLE child (a integer, b text, parent integer NOT NULL REFERENCES parent, n numeric, PRIMARY KEY (b, a));
         INSERT INTO parent SELECT n, 'p' || n FROM generate_series(1, 20) n;
         INSERT INTO child SELECT n, 'c' || n % 3, n, n * 1.50 FROM generate_series(1, 20) n;",
        "DELETE FROM child WHERE a < 5; DELETE FROM parent WHERE id < 5; UPDATE parent SET v = NULL WHERE id = 7;
         INSERT INTO parent VALUES (21, ''), (22, 'new'); INSERT INTO child VALUES (1, 'x', 21, NULL);
         UPDATE child SET n = 1.5 WHERE a = 9; UPDATE child SET n = 15 WHERE a = 10; UPDATE child SET parent = 22 WHERE a = 11;",
    )
    .await;
    assert_eq!(back.tables.len(), 2);
    assert_eq!(back.notes, Vec::<String>::new());
}

async fn tables_that_refer_to_themselves(server: Server) {
    for action in ["", "ON DELETE CASCADE", "ON DELETE SET NULL", "ON DELETE RESTRICT", "DEFERRABLE"] {
        let setup = format!(
            "CREATE TABLE t (id integer PRIMARY KEY, up integer REFERENCES t {action}, v text);
             INSERT INTO t SELECT n, nullif(n / 2, 0), 'v' FROM generate_series(1, 31) n;"
        );
        back_and_forth(
            &server,
            &setup,
            "UPDATE t SET up = 15 WHERE id IN (6, 7); DELETE FROM t WHERE id > 23; UPDATE t SET up = 1 WHERE up = 3;
             DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (101, 100), (100, 2), (102, 102);
             UPDATE t SET up = 102 WHERE id = 2;",
        )
        .await;
    }
}

async fn tables_that_refer_to_each_other(server: Server) {
    for (first, second) in [("", ""), ("DEFERRABLE", ""), ("DEFERRABLE INITIALLY DEFERRED", "DEFERRABLE")] {
        let setup = format!(
            "CREATE TABLE person (id integer PRIMARY KEY, home integer NOT NULL);
             CREATE TABLE house (id integer PRIMARY KEY, owner integer NOT NULL);
             INSERT INTO person SELECT n, n FROM generate_series(1, 9) n;
             INSERT INTO house SELECT n, n FROM generate_series(1, 9) n;
             ALTER TABLE person ADD CONSTRAINT lives FOREIGN KEY (home) REFERENCES house {first};
             ALTER TABLE house ADD CONSTRAINT owned FOREIGN KEY (owner) REFERENCES person {second};
             COMMENT ON CONSTRAINT lives ON person IS 'where''s home';"
        );
        back_and_forth(
            &server,
            &setup,
            "WITH p AS (INSERT INTO person VALUES (10, 10) RETURNING 1) INSERT INTO house VALUES (10, 10);
             UPDATE person SET home = 10 WHERE id = 1; UPDATE house SET owner = 10 WHERE id = 1;
             UPDATE house SET owner = 4 WHERE id = 5; UPDATE person SET home = 4 WHERE id = 5;
             UPDATE person SET home = 3 WHERE id = 2; DELETE FROM house WHERE id = 2;",
        )
        .await;
    }
}

async fn cycles_with_actions(server: Server) {
    for action in ["CASCADE", "SET NULL", "RESTRICT"] {
        let setup = format!(
            "CREATE TABLE a (id integer PRIMARY KEY, b integer);
             CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a ON DELETE {action} ON UPDATE {action});
             ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE {action} ON UPDATE {action};
             INSERT INTO a SELECT n FROM generate_series(1, 9) n;
             INSERT INTO b SELECT n, n FROM generate_series(1, 9) n; UPDATE a SET b = 10 - id;"
        );
        back_and_forth(
            &server,
            &setup,
            "UPDATE a SET b = NULL WHERE b > 5; UPDATE b SET a = NULL WHERE a > 5; DELETE FROM a WHERE id > 5;
             DELETE FROM b WHERE id > 5; INSERT INTO a VALUES (20, 1); INSERT INTO b VALUES (21, 20);
             UPDATE a SET b = 21 WHERE id = 1; UPDATE b SET a = 20 WHERE id = 1;",
        )
        .await;
    }
}

async fn actions_of_foreign_keys(server: Server) {
    for action in ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"] {
        let setup = format!(
            "CREATE TABLE parent (id integer PRIMARY KEY, code text UNIQUE, v integer);
             CREATE TABLE child (id integer PRIMARY KEY, parent integer DEFAULT 1 REFERENCES parent ON DELETE {action},
                 code text DEFAULT 'c1' REFERENCES parent (code) ON UPDATE {action} ON DELETE {action});
             CREATE TABLE grandchild (id integer REFERENCES child ON DELETE {action}, n integer);
             INSERT INTO parent SELECT n, 'c' || n, n FROM generate_series(1, 9) n;
             INSERT INTO child SELECT n, n, 'c' || n FROM generate_series(1, 9) n;
             INSERT INTO grandchild SELECT n, n FROM generate_series(1, 9) n;"
        );
        back_and_forth(
            &server,
            &setup,
            "DELETE FROM grandchild WHERE id IN (4, 5); DELETE FROM child WHERE id = 5; DELETE FROM parent WHERE id = 5;
             INSERT INTO parent VALUES (10, 'c10', 10); UPDATE child SET parent = 10, code = 'c10' WHERE id = 6;
             DELETE FROM parent WHERE id = 6; UPDATE parent SET v = -v; UPDATE grandchild SET id = 4 WHERE id = 7;",
        )
        .await;
    }
}

async fn keys_that_are_referred_to_change(server: Server) {
    for action in ["CASCADE", "SET NULL", "NO ACTION", "RESTRICT"] {
        let setup = format!(
            "CREATE TABLE parent (id integer PRIMARY KEY, code text UNIQUE);
             CREATE TABLE child (id integer PRIMARY KEY, code text REFERENCES parent (code) ON UPDATE {action});
             INSERT INTO parent SELECT n, 'c' || n FROM generate_series(1, 9) n;
             INSERT INTO child SELECT n, 'c' || n FROM generate_series(1, 9) n;"
        );
        back_and_forth(
            &server,
            &setup,
            "UPDATE child SET code = NULL WHERE id IN (3, 4, 5); UPDATE parent SET code = 'new' WHERE id = 3;
             UPDATE parent SET code = 'x' WHERE id = 4; UPDATE parent SET code = 'c4' WHERE id = 5;
             UPDATE parent SET code = 'c5' WHERE id = 4; UPDATE child SET code = 'new' WHERE id = 3;
             UPDATE child SET code = 'c5' WHERE id = 4; UPDATE child SET code = 'c4' WHERE id = 5;",
        )
        .await;
    }
}

async fn unique_values_change_places(server: Server) {
    back_and_forth(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE, place integer, span int4range, EXCLUDE USING gist (span WITH &&));
         CREATE UNIQUE INDEX absolute ON t ((abs(place)));
         CREATE TABLE refers (t integer REFERENCES t ON DELETE CASCADE, name text REFERENCES t (name));
         CREATE TABLE late (id integer PRIMARY KEY, n integer UNIQUE DEFERRABLE);
         INSERT INTO t SELECT n, 'n' || n, n, int4range(n, n + 1) FROM generate_series(1, 100) n;
         INSERT INTO refers SELECT n, 'n' || n FROM generate_series(1, 100) n;
         INSERT INTO late SELECT n, n FROM generate_series(1, 9) n;",
        "DELETE FROM refers WHERE name IN ('n10', 'n20'); UPDATE t SET name = 'x' WHERE id = 10;
         UPDATE t SET name = 'n10' WHERE id = 20; UPDATE t SET name = 'n20' WHERE id = 10;
         INSERT INTO refers VALUES (10, 'n20'), (20, 'n10');
         UPDATE t SET place = 1000 + place, span = int4range(2000 - id, 2001 - id);
         UPDATE t SET place = id - 1, span = int4range(101 - id, 102 - id) WHERE id > 1;
         UPDATE t SET place = 100, span = int4range(100, 101) WHERE id = 1; UPDATE late SET n = n % 9 + 1;",
    )
    .await;
}

async fn rows_without_keys(server: Server) {
    back_and_forth(
        &server,
        r#"CREATE TABLE t (a integer, b text, c json, p point, x xml);
         INSERT INTO t SELECT n % 3, 'same', '{"a": 1}', point(1, n % 2), '<a/>' FROM generate_series(1, 60) n;
         INSERT INTO t VALUES (NULL), (NULL); INSERT INTO t VALUES (NULL, '');
         INSERT INTO t VALUES (1, NULL, 'null'); INSERT INTO t VALUES (1, '{NULL}', '[]', NULL, '');
         CREATE TABLE nothing (); INSERT INTO nothing SELECT FROM generate_series(1, 5);"#,
        r#"DELETE FROM t WHERE ctid IN (SELECT min(ctid) FROM t GROUP BY a, b, c::text);
         DELETE FROM t WHERE ctid IN (SELECT min(ctid) FROM t GROUP BY a, b, c::text);
         INSERT INTO t SELECT * FROM t WHERE a = 2 LIMIT 5; INSERT INTO t VALUES (NULL), (NULL), (NULL);
         UPDATE t SET b = E'a"b\\c\t{,}' WHERE a = 1; INSERT INTO nothing SELECT FROM generate_series(1, 3);"#,
    )
    .await;
}

const TYPES: &str = r#"
    CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"'); CREATE TYPE pair AS (a integer, "B c" text);
    CREATE DOMAIN short AS varchar(9) NOT NULL CHECK (VALUE <> 'bad'); CREATE DOMAIN shorter AS short;
    CREATE DOMAIN numbers AS numeric(10,2)[];
    CREATE TABLE t (id integer PRIMARY KEY, b boolean, c char(5), v varchar(3), q "char", n name, i inet, ci cidr,
        j json, jb jsonb, x xml, po point, bo box, ta text[], ia integer[], co pair, coa pair[], r int4range,
        nr numrange, mood mood, moods mood[], s short, s2 shorter, ns numbers, byt bytea, f float8, f4 real, num numeric,
        nu2 numeric(8,3), d date, ts timestamp, tz timestamptz, ti time, ttz timetz, iv interval, mo money, bi bit(3),
        vb varbit, u uuid, tsv tsvector, rc regclass, rt regtype, ct citext, txt text COLLATE "C", xd xid, o oid);"#;

/// A table `t` with a column of each type, of which the last row has a value in each.
pub(super) fn all_types() -> String {
    format!(
        "{TYPES}{}",
        r#"INSERT INTO t (id, s, s2) SELECT n, 'a', 'b' FROM generate_series(1, 9) n;
         INSERT INTO t VALUES (10, true, 'a', 'abc', 'x', 'nam"e', '10.0.0.1', '10.0.0.0/8',
           '{"a" : 1}', '{"a": [1, null]}', '<a b="c">d</a>', '(1,2)', '(1,2),(0,0)', '{NULL,"NULL","","a\"b"}', '{{1,2},{3,NULL}}',
           '(,)', '{"(1,\"a b\")",NULL}', '[1,5)', '(,1.50]', 'sad', '{"it''s \"ok\""}', 's', 't', '{1.50,NULL}', '\x00ff5c',
           'NaN', '-0', 1, 1.500, 'infinity', '0044-03-15 BC', '2026-03-29 02:30:00.123456+02', '24:00:00',
           '12:00:00+05:30', '1 year -3 days 04:05:06.7', 12.34, B'101', B'', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a:1 b',
           't', 'mood', 'CiText', E'tab\tnew\nline\\', '77', 4294967295);
         UPDATE t SET num = 'NaN' WHERE id = 10;"#
    )
}

async fn values_of_every_type(server: Server) {
    let setup = all_types();
    back_and_forth(
        &server,
        &setup,
        r#"DELETE FROM t WHERE id = 10;
         UPDATE t SET b = false, c = 'b  ', v = '', q = '', n = 'x', i = '::1', ci = '::/0', j = '{"a":1}', jb = '1.0', x = 'text',
           po = '(NaN,-0)', ta = '{}', co = ROW(NULL, ''), coa = ARRAY[ROW(1, NULL)::pair], r = 'empty', nr = '(,)',
           mood = 'it''s "ok"', moods = '{sad,NULL}', s = 'xx', ns = '{}', byt = '', f = 0.1, f4 = -0.1, num = 1.0, nu2 = -1,
           d = '-infinity', ts = 'infinity', tz = '1900-01-01 00:00:00+00', iv = '-1 mons', mo = -1, bi = B'000', vb = B'1',
           ct = 'CITEXT', txt = '' WHERE id = 2;
         UPDATE t SET num = 1.00, f = '-0', f4 = 0, ct = 'a', j = 'null', co = ROW(NULL, NULL), ia = '{}', rc = 'pg_class'
           WHERE id = 3;"#,
    )
    .await;
}

async fn keys_of_every_type(server: Server) {
    let mut setup = TYPES.to_owned();
    let mut change = String::new();
    let keys = [
        ("text", "'k' || n", 50),
        ("citext", "'k' || n", 50),
        ("varchar(9)", "'k' || n", 50),
        ("char(9)", "'k' || n", 50),
        ("shorter", "'k' || n", 50),
        ("bigint", "n", 50),
        ("numeric", "n + 0.50", 50),
        ("float8", "n / 3.0", 50),
        ("uuid", "md5(n::text)::uuid", 50),
        ("date", "date '2026-01-01' + n", 50),
        ("timestamptz", "timestamptz '2026-03-29 00:00+01' + n * interval '1 hour'", 50),
        ("bytea", "decode(lpad(to_hex(n), 4, '0'), 'hex')", 50),
        ("inet", "inet '10.0.0.0' + n", 50),
        ("integer[]", "ARRAY[n, NULL]", 50),
        ("short[]", "ARRAY['k' || n]::short[]", 50),
        ("int4range", "int4range(n, n + 1)", 50),
        ("pair", "ROW(n, 'x')::pair", 50),
        ("name", "'k' || n", 50),
        ("interval", "n * interval '1 hour'", 50),
        ("jsonb", "to_jsonb(n)", 50),
        ("oid", "n::oid", 50),
        ("\"char\"", "chr(n + 64)::\"char\"", 50),
        ("boolean", "n = 1", 2),
        ("mood", "(enum_range(NULL::mood))[n]", 2),
    ];
    for (at, (kind, value, most)) in keys.iter().enumerate() {
        setup += &format!(
            "CREATE TABLE k{at} (v integer, k {kind} NOT NULL, PRIMARY KEY (k));
             INSERT INTO k{at} SELECT n, {value} FROM generate_series(1, {most}) n;"
        );
        change += &format!(
            "UPDATE k{at} SET v = -v WHERE v <= 10; DELETE FROM k{at} WHERE v > 40; DELETE FROM k{at} WHERE v = -2;"
        );
    }
    back_and_forth(&server, &setup, &change).await;
}

async fn partitions(server: Server) {
    for action in ["", "ON DELETE CASCADE ON UPDATE CASCADE", "DEFERRABLE"] {
        let setup = format!(
            "CREATE TABLE p (id integer NOT NULL, at integer NOT NULL, up integer, v serial, PRIMARY KEY (id, at)) PARTITION BY LIST (at);
             CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
             CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY RANGE (id);
             CREATE TABLE p2a PARTITION OF p2 FOR VALUES FROM (0) TO (100); CREATE TABLE p2b PARTITION OF p2 DEFAULT;
             CREATE TABLE c (id integer PRIMARY KEY, p integer, at integer, FOREIGN KEY (p, at) REFERENCES p {action});
             CREATE TABLE o (id integer PRIMARY KEY, c integer);
             CREATE TABLE q (id integer PRIMARY KEY, p integer, at integer, FOREIGN KEY (p, at) REFERENCES p {action})
               PARTITION BY HASH (id);
             CREATE TABLE q1 PARTITION OF q FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE q2 PARTITION OF q FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             ALTER TABLE p ADD CONSTRAINT upper FOREIGN KEY (up) REFERENCES o {action};
             INSERT INTO o SELECT n FROM generate_series(1, 20) n;
             INSERT INTO p (id, at, up) SELECT n * 10, 1 + n % 2, n FROM generate_series(1, 20) n;
             INSERT INTO c SELECT n, n * 10, 1 + n % 2 FROM generate_series(1, 20) n;
             INSERT INTO q SELECT n, n * 10, 1 + n % 2 FROM generate_series(1, 20) n;"
        );
        back_and_forth(
            &server,
            &setup,
            "DELETE FROM c WHERE id < 5 OR id = 12; DELETE FROM q WHERE id < 5 OR id = 12; DELETE FROM p WHERE id < 50;
             DELETE FROM o WHERE id < 5; INSERT INTO o VALUES (100);
             INSERT INTO p VALUES (1000, 2, 100), (1001, 1, 100), (1, 2, 7); UPDATE p SET at = 2 WHERE id = 120;
             UPDATE p SET up = 100 WHERE id > 150; INSERT INTO c VALUES (12, 1000, 2), (1, 1000, 2), (2, 120, 2);
             INSERT INTO q VALUES (50, 1001, 1); UPDATE q SET p = 1, at = 2 WHERE id = 8;",
        )
        .await;
    }
}

async fn identities_and_generated_columns(server: Server) {
    back_and_forth(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, twice integer GENERATED ALWAYS AS (id * 2) STORED,
             always bigint GENERATED ALWAYS AS IDENTITY, usual bigint, name text,
             low text GENERATED ALWAYS AS (lower(name)) STORED UNIQUE);
         CREATE TABLE k (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
         CREATE TABLE u (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text);
         CREATE TABLE r (t integer REFERENCES t ON DELETE SET NULL, k bigint REFERENCES k ON DELETE CASCADE);
         INSERT INTO t (id, name) SELECT n, 'N' || n FROM generate_series(1, 30) n; INSERT INTO k (v) SELECT 'v' FROM t;
         INSERT INTO r SELECT id, id FROM t; INSERT INTO u (v) SELECT 'v' FROM t;",
        "DELETE FROM r WHERE t > 20; DELETE FROM t WHERE id > 20; DELETE FROM k WHERE id > 20; UPDATE k SET v = 'w' WHERE id < 5;
         UPDATE t SET always = DEFAULT WHERE id < 4; UPDATE t SET usual = 77, name = 'x' WHERE id = 5;
         UPDATE t SET name = 'n5' WHERE id = 6; UPDATE t SET name = 'N6' WHERE id = 5; DELETE FROM u WHERE id < 9;
         INSERT INTO k OVERRIDING SYSTEM VALUE VALUES (25, 'x'); INSERT INTO t (id) VALUES (100); INSERT INTO u (v) VALUES ('y');",
    )
    .await;
}

async fn triggers_and_rules_do_not_act(server: Server) {
    back_and_forth(
        &server,
        r#"CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE log (n serial, what text);
         CREATE FUNCTION acts() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN INSERT INTO log (what) VALUES (TG_NAME || TG_OP); IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; NEW.v := ''T''; RETURN NEW; END';
         INSERT INTO t SELECT n, 'v' FROM generate_series(1, 9) n;
         CREATE TRIGGER "a ""1" BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION acts();
         CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION acts(); ALTER TABLE t ENABLE ALWAYS TRIGGER always;
         CREATE TRIGGER off BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION acts(); ALTER TABLE t DISABLE TRIGGER off;
         CREATE TRIGGER replica BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION acts(); ALTER TABLE t ENABLE REPLICA TRIGGER replica;
         CREATE RULE diverts AS ON DELETE TO t DO INSTEAD INSERT INTO log (what) VALUES ('rule');
         CREATE RULE also AS ON INSERT TO t DO ALSO INSERT INTO log (what) VALUES ('rule'); ALTER TABLE t ENABLE ALWAYS RULE also;"#,
        "ALTER TABLE t DISABLE RULE diverts; DELETE FROM t WHERE id < 4; ALTER TABLE t ENABLE RULE diverts;
         INSERT INTO t VALUES (20, 'n'); UPDATE t SET v = 'u' WHERE id = 5;",
    )
    .await;
}

async fn names_of_every_sort(server: Server) {
    let named = |sql: &str| sql.replace("PARENT", r#""s ""1"""."T \ ''; --""#).replace("CHILD", "\"a\nb\"");
    back_and_forth(
        &server,
        &named(
            r#"CREATE SCHEMA "s ""1"""; CREATE TABLE PARENT ("I d" integer PRIMARY KEY, "se""lect" text, "N" integer, tid tid, s text, t text, b text, a0 text);
             CREATE TABLE CHILD (id integer PRIMARY KEY, "r""" integer REFERENCES PARENT ON DELETE CASCADE);
             INSERT INTO PARENT SELECT n, 'x', n, '(0,1)' FROM generate_series(1, 9) n; INSERT INTO CHILD SELECT n, n FROM generate_series(1, 9) n;"#,
        ),
        &named(
            r#"DELETE FROM CHILD WHERE id > 4; DELETE FROM PARENT WHERE "I d" > 4; UPDATE PARENT SET "se""lect" = '''', a0 = 'z' WHERE "I d" = 1;
             INSERT INTO PARENT VALUES (20); INSERT INTO CHILD VALUES (20, 20)"#,
        ),
    )
    .await;
}

async fn sequences_are_set(server: Server) {
    let applied = back_and_forth(
        &server,
        "CREATE SEQUENCE plain; CREATE SEQUENCE down INCREMENT -1;
         CREATE TABLE t (id serial PRIMARY KEY, n integer DEFAULT nextval('plain'));
         INSERT INTO t SELECT FROM generate_series(1, 10); SELECT nextval('down');",
        "SELECT setval('plain', 500, false); SELECT setval('down', -70); INSERT INTO t VALUES (DEFAULT, 3);",
    )
    .await;
    for applied in applied {
        assert_eq!(applied.notes, Vec::<String>::new());
        let sequences = applied.tables.iter().find(|table| table.table.name == "sequences");
        assert_eq!(sequences.expect("sequences change").done.updated, 3);
    }
}

async fn large_objects_change(server: Server) {
    back_and_forth(
        &server,
        "SELECT lo_from_bytea(100, 'short'); SELECT lo_from_bytea(101, decode(repeat('ab', 700000), 'hex'));
         SELECT lo_create(102); SELECT lo_from_bytea(103, 'goes'); COMMENT ON LARGE OBJECT 100 IS 'it''s';",
        "SELECT lo_put(101, 300000, 'changed'); SELECT lo_put(102, 0, decode(repeat('00', 300000), 'hex'));
         SELECT lo_unlink(103); SELECT lo_from_bytea(104, decode(repeat('cd', 600000), 'hex'));
         SELECT lo_create(105); COMMENT ON LARGE OBJECT 105 IS 'new'; COMMENT ON LARGE OBJECT 100 IS 'other';
         SELECT lo_put(100, 3, 'longer than before'); GRANT SELECT ON LARGE OBJECT 104 TO PUBLIC;",
    )
    .await;
}

async fn many_rows(server: Server) {
    let [back, _] = back_and_forth(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v text, n integer REFERENCES t); CREATE INDEX ON t (n);
         INSERT INTO t SELECT n, 'v' || n, nullif(n - 1, 0) FROM generate_series(1, 40000) n;",
        "UPDATE t SET v = 'x' WHERE id % 2 = 0; DELETE FROM t WHERE id > 30000;
         INSERT INTO t SELECT n, 'new', nullif(n - 1, 50000) FROM generate_series(50001, 60000) n;",
    )
    .await;
    let counts = back.tables[0].done;
    assert_eq!((counts.inserted, counts.updated, counts.deleted), (10_000, 15_000, 10_000));
}

async fn tables_without_changes_are_left_alone(server: Server) {
    let mut setup =
        "CREATE TABLE changed (id integer PRIMARY KEY); CREATE TABLE seen (name text);".to_owned();
    for number in 0..50 {
        setup += &format!("CREATE TABLE t{number} (id integer PRIMARY KEY REFERENCES changed);");
    }
    let owned = Owned::new(&server, &setup).await;
    let schema = owned.schema().await;
    let changed = table(&schema, "changed");
    let mut changes = Lists::default().with(&changed, &[(None, Some(&[Some("1")]))]);
    for table in schema.tables.iter().filter(|table| !["changed", "seen"].contains(&&*table.name.name)) {
        changes = changes.with(table, &[]);
    }
    // What holds a lock in the transaction, but for what only refers to the changed table.
    let statement = "INSERT INTO seen SELECT relname FROM pg_class c WHERE relkind = 'r' AND oid IN (SELECT relation FROM \
         pg_locks WHERE pid = pg_backend_pid() AND mode <> 'AccessShareLock') AND relname <> 'seen'";
    let options = ApplyOptions { statements: vec![statement.to_owned()], ..ApplyOptions::default() };
    let applied = owned.engine().apply(Arc::new(changes), &options).await.expect("the changes are applied");
    assert_eq!(applied.tables.len(), 51, "every table is told of");
    assert_eq!(applied.tables.iter().map(|table| table.done.total()).sum::<u64>(), 1);
    let seen = owned.database.value("SELECT string_agg(name, ' ' ORDER BY name) FROM seen").await;
    assert_eq!(seen, "changed rowkeep_0 rowkeep_left_0");
}

async fn tables_that_are_gone_are_missed(server: Server) {
    let owned =
        Owned::new(&server, "CREATE TABLE changed (id integer); CREATE TABLE gone (id integer);").await;
    let schema = owned.schema().await;
    let changes = Lists::default()
        .with(&table(&schema, "changed"), &[(None, Some(&[Some("1")]))])
        .with(&table(&schema, "gone"), &[]);
    owned.run("DROP TABLE gone").await;
    let error = apply(&*owned.engine(), changes).await.expect_err("the changeset is of another database");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
