//! Tables that are large enough to be loaded in the fast way.

use rowkeep_engine::conformance::{assert_same_rows, copy, read_all};
use rowkeep_engine::{CreateOptions, ViewOptions};

use super::server::{Server, chain};

super::on_every_server!(
    values_of_every_binary_form,
    rows_that_are_there_stay,
    references_of_large_tables_are_checked,
);

/// More than a megabyte of every type that is loaded in binary form, with values in between that are left to the
/// server, and columns that may not be in the order or the number that the server has.
const EVERY_FORM: &str = "
    CREATE TABLE forms (gone text, id integer PRIMARY KEY, a smallint, b bigint, c oid, d numeric, e numeric(12,3), f real,
        g double precision, h boolean, i date, j time, k timestamp, l timestamptz(3), m uuid, n bytea, o json, p jsonb,
        q text, r varchar(20), s char(5), t bigint GENERATED ALWAYS AS (b + 1) STORED);
    ALTER TABLE forms DROP COLUMN gone;
    INSERT INTO forms SELECT n, n - 10000, n * -4000000000000, n * 100000::bigint, (n - 10000) / 7.0 * 10 ^ (n % 40 - 20),
        n / 8.0, n / 3.0::real, sqrt(n) * 10 ^ (n % 600 - 300), n % 3 = 0, date '1000-01-01' + n * 150,
        time '00:00' + n * interval '1.234567 s', timestamp '0001-01-01' + n * interval '123456.789 min',
        timestamptz '1999-12-31 23:00+00' + n * interval '7777777.777 s', md5(n::text)::uuid, sha256(n::text::bytea),
        to_json(n::text), jsonb_build_object('n', n, 't', E'\\t\\n'), E'\\\\ü\\t' || n, n, n % 7
        FROM generate_series(1, 20000) n;
    UPDATE forms SET a = NULL, b = NULL, d = 'NaN', f = 'NaN', g = '-Infinity', i = 'infinity', k = '-infinity',
        l = 'infinity', n = NULL, q = NULL, s = NULL WHERE id % 1000 = 3;
    UPDATE forms SET f = '-0', g = '-0', i = '0044-03-15 BC', j = '24:00', k = '12024-05-06 07:08', n = '', q = '', r = ''
        WHERE id % 5000 = 4;";

/// Whether the server knows of pages that all of their rows are visible: without FREEZE only a vacuum finds that out.
/// Not of all, because a newer server takes room for more pages than the rows need.
const VISIBLE: &str = "SELECT relallvisible > 0 FROM pg_class WHERE relname = ";

async fn values_of_every_binary_form(server: Server) {
    let (original, copied) = (server.database().await, server.database().await);
    original.run(EVERY_FORM).await;
    copied
        .run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$")
        .await;
    let (from, to) = (server.engine(&original.name), server.engine(&copied.name));
    assert_eq!(copy(&*from, &*to).await, Vec::<String>::new());
    assert_same_rows(&read_all(&*from).await.1, &read_all(&*to).await.1);
    // What the server sends in binary form tells more than what it prints.
    const BYTES: &str = "SELECT md5(string_agg(concat_ws(' ', int2send(a), int8send(b), numeric_send(d), numeric_send(e), \
        float4send(f), float8send(g), date_send(i), time_send(j), timestamp_send(k), timestamptz_send(l), \
        jsonb_send(p), t), ',' ORDER BY id)) FROM forms";
    assert_eq!(original.value(BYTES).await, copied.value(BYTES).await);
    assert_eq!(copied.value(&format!("{VISIBLE} 'forms'")).await, "t", "the rows are frozen");
}

async fn rows_that_are_there_stay(server: Server) {
    let (original, copied) = (server.database().await, server.database().await);
    original
        .run("CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT n, repeat('x', 200) FROM generate_series(1, 20000) n")
        .await;
    let engine = server.engine(&original.name);
    let view = engine.open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let target = server
        .engine(&copied.name)
        .create(view.schema(), &CreateOptions::default())
        .await
        .expect("the target is created");
    // As an extension does with tables that it fills itself.
    copied.run("INSERT INTO t VALUES (0, 'there before')").await;
    let table = view.schema().tables.iter().find(|table| table.name.name == "t").expect("it is there");
    target.load(table, view.rows(table).await.expect("its rows are read")).await.expect("they are loaded");
    target.finish().await.expect("the target is finished");
    assert_eq!(
        copied.value("SELECT count(*) || ' ' || min(v) FROM t WHERE id IN (0, 20000)").await,
        "2 there before"
    );
}

/// References in the order of both keys, to several columns, and to one.
const FAMILY: &str = "
    CREATE TABLE orders (shop integer, id integer, v text, PRIMARY KEY (shop, id));
    CREATE TABLE goods (id integer, maker integer, v text, PRIMARY KEY (id, maker));
    CREATE TABLE lines (shop integer, \"order\" integer, line integer, good integer, maker integer, v text,
        PRIMARY KEY (shop, \"order\", line));
    INSERT INTO orders SELECT n % 5, n, repeat('x', 100) FROM generate_series(1, 20000) n;
    INSERT INTO goods SELECT n, n % 3, repeat('x', 100) FROM generate_series(1, 20000) n;
    INSERT INTO lines SELECT n % 5, n, 1, n, n % 3, repeat('x', 100) FROM generate_series(1, 20000) n;
    ALTER TABLE lines ADD CONSTRAINT \"of order\" FOREIGN KEY (shop, \"order\") REFERENCES orders,
        ADD CONSTRAINT of_good FOREIGN KEY (good, maker) REFERENCES goods;";

async fn references_of_large_tables_are_checked(server: Server) {
    let original = server.database().await;
    original.run(FAMILY).await;
    let engine = server.engine(&original.name);
    let copied = server.database().await;
    assert_eq!(copy(&*engine, &*server.engine(&copied.name)).await, Vec::<String>::new());
    let valid = "SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'";
    assert_eq!(copied.value(valid).await, "of order true, of_good true");
    let analyzed = "SELECT string_agg(tablename || '.' || attname, ' ' ORDER BY 1) FROM pg_stats \
                    WHERE schemaname = 'public' AND tablename = 'goods' AND attname <> 'v'";
    assert_eq!(copied.value(analyzed).await, "goods.id goods.maker");

    for (wrong, constraint) in [("5, 1, 1, 1, 1", "of order"), ("1, 1, 2, 1, 2", "of_good")] {
        original
            .run(&format!("SET session_replication_role = replica; INSERT INTO lines VALUES ({wrong}, '')"))
            .await;
        let view = engine.open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
        let copied = server.database().await;
        let target = server
            .engine(&copied.name)
            .create(view.schema(), &CreateOptions::default())
            .await
            .expect("the target is created");
        for table in &view.schema().tables {
            target
                .load(table, view.rows(table).await.expect("its rows are read"))
                .await
                .expect("they are loaded");
        }
        let error = target.finish().await.expect_err("a line refers to what is not there");
        assert!(chain(&error).contains(constraint), "{}", chain(&error));
        target.abandon().await.expect("the target is abandoned");
        original.run("DELETE FROM lines WHERE v = ''").await;
    }
}
