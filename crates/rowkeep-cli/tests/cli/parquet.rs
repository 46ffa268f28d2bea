//! Tables as Parquet, read back by others, and files of others as states (`scripts/test-parquet`).

use std::process::Command;

use serde_json::{Value, json};

use crate::postgres::servers;
use crate::sandbox::Sandbox;

/// Prints what a reader finds in a file: its types and rows, as JSON.
const READ: &str = r#"
import json, sys, duckdb, pyarrow.parquet as parquet
def told(value):
    if value is None or isinstance(value, (bool, int, str)): return value
    if isinstance(value, (list, tuple)): return [told(part) for part in value]
    if isinstance(value, (bytes, bytearray)): return value.hex()
    return str(value)
reader, file = sys.argv[1:]
if reader == "duckdb":
    duckdb.sql("SET TimeZone = 'UTC'")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{file}') ORDER BY 1")
    types, rows = {name: str(kind) for name, kind in zip(found.columns, found.types)}, found.fetchall()
else:
    found = parquet.read_table(file).sort_by(parquet.read_schema(file).names[0])
    types = {field.name: str(field.type) for field in found.schema}
    rows = [list(row.values()) for row in found.to_pylist()]
print(json.dumps({"types": types, "rows": told(rows)}))
"#;

fn read(sandbox: &Sandbox, reader: &str, file: &str) -> Value {
    serde_json::from_slice(&python(sandbox, &[READ, reader, file])).expect("it is JSON")
}

/// Runs a program with its arguments, where DuckDB and pyarrow are.
fn python(sandbox: &Sandbox, arguments: &[&str]) -> Vec<u8> {
    let python = std::env::var("ROWKEEP_TEST_PARQUET_PYTHON").expect("tests are run by scripts/test-parquet");
    let ran = Command::new(python).arg("-c").args(arguments).current_dir(sandbox.path("")).output();
    let ran = ran.expect("python runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

#[test]
fn parquet_is_read_back_value_by_value() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    let shop = server.database("rowkeep_cli_parquet");
    shop.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, n numeric(38,10), free numeric, at timestamptz, local timestamp, day date, time time,
             u uuid, tags text[], sums numeric(9,2)[], doc jsonb, raw bytea, ok boolean, r real, d double precision, s smallint, note text);
         INSERT INTO t VALUES (9007199254740993, 1234567890123456789012345678.0123456789, 1e40, '2026-01-02 03:04:05.678901+02', '2026-01-02 03:04:05.000001',
             '0044-03-15', '23:59:59.999999', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '{a,NULL,\"b,c\"}', '{1.50,-2}', '{\"a\": [1]}', '\\x00ff', true, 0.5, 0.1, -3, 'é'),
             (1, -0.0000000001, NULL, 'infinity', NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL);",
    );
    let told = sandbox.done(&["export", &shop.url(), "-o", "t.parquet", "--tables", "t"]);
    assert!(told.err.contains("t.at that Parquet has not become null"), "{told:?}");
    let duckdb = read(&sandbox, "duckdb", "t.parquet");
    let types = [
        ("id", "BIGINT"),
        ("n", "DECIMAL(38,10)"),
        ("free", "VARCHAR"),
        ("at", "TIMESTAMP WITH TIME ZONE"),
        ("local", "TIMESTAMP"),
        ("day", "DATE"),
        ("time", "TIME"),
        ("u", "UUID"),
        ("tags", "VARCHAR[]"),
        ("sums", "DECIMAL(9,2)[]"),
        ("doc", "JSON"),
        ("raw", "BLOB"),
        ("ok", "BOOLEAN"),
        ("r", "FLOAT"),
        ("d", "DOUBLE"),
        ("s", "INTEGER"),
        ("note", "VARCHAR"),
    ];
    for (name, kind) in types {
        assert_eq!(duckdb["types"][name], kind, "{name}: {duckdb}");
    }
    let row = json!([
        9_007_199_254_740_993_i64,
        "1234567890123456789012345678.0123456789",
        "10000000000000000000000000000000000000000",
        "2026-01-02 01:04:05.678901+00:00",
        "2026-01-02 03:04:05.000001",
        "0044-03-15",
        "23:59:59.999999",
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        ["a", null, "b,c"],
        ["1.50", "-2.00"],
        "{\"a\": [1]}",
        "00ff",
        true,
        "0.5",
        "0.1",
        -3,
        "é",
    ]);
    assert_eq!(duckdb["rows"][1], row);
    let first = &duckdb["rows"][0];
    assert_eq!(
        (&first[1], &first[3], &first[8], &first[9], &first[14]),
        (&json!("-1E-10"), &Value::Null, &json!([]), &Value::Null, &json!("nan"))
    );
    let arrow = read(&sandbox, "pyarrow", "t.parquet");
    assert_eq!(
        (&arrow["types"]["n"], &arrow["types"]["at"]),
        (&json!("decimal128(38, 10)"), &json!("timestamp[us, tz=UTC]"))
    );
    assert_eq!((&arrow["rows"][1][1], &arrow["rows"][1][8]), (&row[1], &row[8]));

    // One of SQLite, of many row groups' worth of batches; what has several types in a column is refused.
    sandbox.sql("app.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, r REAL, b BLOB, ok BOOLEAN);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO a SELECT i, 'v' || i, i / 2.0, x'00ff', i % 2 FROM n;
        CREATE TABLE mixed (v INTEGER); INSERT INTO mixed VALUES (1), ('x')");
    sandbox.done(&["export", "app.db", "-o", "out", "--format", "parquet", "--tables", "a"]);
    let found = read(&sandbox, "duckdb", "out/a.parquet");
    assert_eq!(found["rows"].as_array().map(Vec::len), Some(20_000));
    assert_eq!(found["rows"][19_999], json!([20_000, "v20000", "10000.0", "00ff", false]));
    sandbox
        .run(&["export", "app.db", "-o", "m", "--format", "parquet"])
        .expect(2)
        .says(&["mixed.v", "NDJSON or CSV"]);
    assert!(!sandbox.path("m").exists());
}

/// Writes one table with everything that packs pages, in every form of pages, and one by DuckDB.
const WRITE: &str = r#"
import datetime, decimal, os, duckdb, pyarrow as arrow, pyarrow.parquet as parquet
D, utc = decimal.Decimal, datetime.timezone.utc
moment = datetime.datetime(2024, 1, 1, 0, 0, 0, 123456)
rows = 3000
def column(kind, *values):
    return arrow.array([values[at % len(values)] for at in range(rows)], kind)
table = arrow.table({
    "id": arrow.array(range(rows), arrow.int64()),
    "i8": column(arrow.int8(), -8, None), "u32": column(arrow.uint32(), 2**32 - 1), "u64": column(arrow.uint64(), 7, 2**64 - 1),
    "real": column(arrow.float32(), 0.5), "half": column(arrow.float16(), 1.5), "double": column(arrow.float64(), 0.1, float("nan"), float("-inf")),
    "text": column(arrow.string(), "needle", "", None), "raw": column(arrow.binary(), b"\x00\xff"), "three": column(arrow.binary(3), b"abc"),
    "ok": column(arrow.bool_(), True, False, None), "price": column(arrow.decimal128(38, 10), D("-12.5"), None),
    "wide": column(arrow.decimal256(60, 2), D("1" * 50 + ".25")), "day": column(arrow.date32(), datetime.date(1969, 12, 31)),
    "ms": column(arrow.timestamp("ms", "UTC"), moment.replace(microsecond=7000, tzinfo=utc)), "us": column(arrow.timestamp("us"), moment),
    "ns": arrow.array([1704067200123456789] * rows, arrow.timestamp("ns", "UTC")), "time": column(arrow.time64("us"), datetime.time(23, 59, 59, 5)),
    "list": column(arrow.list_(arrow.int32()), [1, None], [], None), "map": column(arrow.map_(arrow.string(), arrow.int32()), [("k", 1)], []),
    "struct": column(arrow.struct([("a", arrow.list_(arrow.string())), ("b", arrow.float64())]), {"a": ["x"], "b": 2.0}, None),
})
forms = {
    "none": dict(compression="none", use_dictionary=False, write_page_checksum=True),
    "snappy": dict(compression="snappy"), "gzip": dict(compression="gzip", data_page_version="2.0"), "zstd": dict(compression="zstd", row_group_size=700),
    "lz4": dict(compression="lz4"), "brotli": dict(compression="brotli", write_page_checksum=True),
    "delta": dict(compression="none", use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "raw": "DELTA_LENGTH_BYTE_ARRAY", "double": "BYTE_STREAM_SPLIT"}),
}
for name, form in forms.items():
    os.mkdir(name)
    parquet.write_table(table, f"{name}/t.parquet", **form)
parquet.write_table(table.select(["id", "ns"]), "old.parquet", use_deprecated_int96_timestamps=True)
duckdb.sql("SET TimeZone = 'UTC'")
duckdb.sql("""COPY (SELECT 1 AS id, 'b'::ENUM('a', 'b') AS e, uuid '6f9619ff-8b86-d011-b42d-00cf4fc964ff' AS u, INTERVAL '14 months 3 days 4005 milliseconds' AS i,
    [[1.50::DECIMAL(9,2)], NULL] AS l, MAP {1: 'x'} AS m, TIMESTAMPTZ '2024-01-01 02:00:00+02' AS at, '{"k": [1.0]}'::JSON AS doc, '\\x00\\xFF'::BLOB AS raw,
    DATE '0044-03-15 (BC)' AS day, TIME '24:00:00' AS time) TO 'duck.parquet'""")
"#;

/// The rows of a state as NDJSON.
fn rows(sandbox: &Sandbox, state: &str) -> Vec<Value> {
    let told = sandbox.done(&["export", state, "--format", "ndjson", "-o", "-"]).out;
    told.lines().map(|line| serde_json::from_str::<Value>(line).expect("it is JSON")["row"].take()).collect()
}

#[test]
fn parquet_of_others_is_a_state() {
    let sandbox = Sandbox::new();
    python(&sandbox, &[WRITE]);
    let first = rows(&sandbox, "none");
    assert_eq!(first.len(), 3000);
    let row = json!({
        "id": 0, "i8": -8, "u32": 4_294_967_295_i64, "u64": "7", "real": 0.5, "half": 1.5, "double": 0.1, "text": "needle", "raw": { "$base64": "AP8=" },
        "three": { "$base64": "YWJj" }, "ok": true, "price": "-12.5000000000", "wide": format!("{}.25", "1".repeat(50)), "day": "1969-12-31",
        "ms": "2024-01-01T00:00:00.007Z", "us": "2024-01-01T00:00:00.123456", "ns": "2024-01-01T00:00:00.123456789Z", "time": "23:59:59.000005",
        "list": [1, null], "map": { "k": 1 }, "struct": { "a": ["x"], "b": 2.0 },
    });
    assert_eq!(first[0], row);
    let second = &first[1];
    assert_eq!(
        (
            &second["u64"],
            &second["double"],
            &second["text"],
            &second["list"],
            &second["map"],
            &second["struct"]
        ),
        (&json!("18446744073709551615"), &json!("NaN"), &json!(""), &json!([]), &json!({}), &Value::Null)
    );
    assert_eq!((&first[2]["double"], &first[2]["text"]), (&json!("-Infinity"), &Value::Null));
    for form in ["snappy", "gzip", "zstd", "lz4", "brotli", "delta"] {
        assert!(rows(&sandbox, form) == first, "{form}");
        sandbox.done(&["diff", "none", form]);
    }
    assert_eq!(rows(&sandbox, "old.parquet")[0]["ns"], "2024-01-01T00:00:00.123456789");
    let duck = json!({
        "id": 1, "e": "b", "u": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "i": "P14M3DT4.005S", "l": [["1.50"], null], "m": { "1": "x" },
        "at": "2024-01-01T00:00:00.000000Z", "doc": { "k": [1.0] }, "raw": { "$base64": "AP8=" }, "day": "0044-03-15 BC", "time": "24:00:00.000000",
    });
    assert_eq!(rows(&sandbox, "duck.parquet"), [duck]);
    let told = sandbox.json(&["inspect", "duck.parquet"]).to_string();
    assert!(told.contains("Apache Parquet") && told.contains("DuckDB"), "{told}");
    let told = sandbox.json(&["import", "snappy", "--as", "other", "--name", "s"]).to_string();
    assert!(told.contains("t.double: NaN") && told.contains("t.u64: integers beyond"), "{told}");
    sandbox.done(&["restore", "s", "--to", "new.db"]);
    sandbox.done(&["diff", "s", "new.db"]);

    // One byte of a page with a checksum, and one of the footer; the other tables of a folder can be taken.
    let whole = std::fs::read(sandbox.path("none/t.parquet")).expect("it is there");
    // The first are among what is said of the pages.
    let mut places = whole.windows(6).enumerate().filter(|(_, bytes)| bytes == b"needle");
    let (at, _) = places.nth(20).expect("it is not packed");
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    std::fs::write(sandbox.path("none/t.parquet"), &flipped).expect("it is written");
    sandbox.run(&["import", "none"]).expect(3).says(&["t.parquet, row group 1, column text: ", "checksum"]);
    std::fs::copy(sandbox.path("duck.parquet"), sandbox.path("none/duck.parquet")).expect("it is copied");
    let told = sandbox.run(&["import", "none", "--salvage", "--name", "saved"]).expect(1);
    assert_eq!(rows(&sandbox, "saved").len(), 1, "{told:?}");
    std::fs::write(sandbox.path("cut.parquet"), &whole[..whole.len() - 1]).expect("it is written");
    sandbox.run(&["import", "cut.parquet"]).expect(3).says(&["cut.parquet, at its end: ", "cut off"]);
    std::fs::write(sandbox.path("none/a.csv"), "id\n1\n").expect("it is written");
    sandbox.run(&["import", "none"]).expect(1).says(&["end with .csv, and duck.parquet"]);
}

#[test]
fn parquet_of_ours_comes_back_with_equal_values() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    sandbox.sql(
        "app.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, r REAL, b BLOB, ok BOOLEAN, doc JSON TEXT);
         INSERT INTO a VALUES (-9223372036854775808, 'é' || char(0) || 'x', 1e300, x'00ff', 1, '[1.50]'), (9223372036854775807, '', -9e999, x'', 0, '{}'),
             (3, NULL, NULL, NULL, NULL, NULL), (4, 'v', 5.0, x'01', 1, 'null');
         CREATE TABLE lines (\"order\" INTEGER, n INTEGER, v TEXT, PRIMARY KEY (\"order\", n)); INSERT INTO lines VALUES (2, 1, 'a'), (1, 2, 'b'); CREATE TABLE none (id TEXT)",
    );
    sandbox.done(&["export", "app.db", "-o", "out", "--format", "parquet"]);
    let same = |first: &str, second: &str| {
        let told = sandbox.run(&["diff", first, second, "--rows-only", "--json"]).out;
        serde_json::from_str::<Value>(&told).expect("it is JSON")["rows"].clone()
    };
    let nothing = json!({ "inserted": 0, "updated": 0, "deleted": 0 });
    assert_eq!(same("app.db", "out"), nothing);
    sandbox.done(&["import", "out", "--as", "copy", "--name", "out-1"]);
    assert_eq!(same("app.db", "out-1"), nothing);
    sandbox.sql("app.db", "UPDATE a SET r = 5.5 WHERE id = 4");
    assert_eq!(same("app.db", "out")["updated"], 1);

    let shop = server.database("rowkeep_cli_parquet_live");
    shop.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, n numeric(38,10), free numeric, at timestamptz, local timestamp, day date, time time, u uuid, tags text[],
             sums numeric(9,2)[], doc jsonb, raw bytea, ok boolean, r real, d double precision, s smallint, note text, days date[]);
         INSERT INTO t VALUES (9007199254740993, 1234567890123456789012345678.0123456789, 1e40, '2026-01-02 03:04:05.678901+02', '0044-03-15 03:04:05.000001 BC',
             '0044-03-15 BC', '24:00', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '{a,NULL,\"b,c\"}', '{1.50,-2}', '{\"a\": [1.50]}', '\\x00ff', true, 0.1, 0.1, -3, 'é',
             '{2024-01-01,NULL}'), (1, -0.0000000001, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, 'infinity', 'NaN', NULL, NULL, NULL);",
    );
    sandbox.done(&["export", &shop.url(), "-o", "t.parquet", "--tables", "t"]);
    let equal = || {
        let told = sandbox.done(&["diff", "t.parquet", &shop.url()]);
        assert!(told.out.starts_with("equal"), "{told:?}");
    };
    equal();
    shop.sql("UPDATE t SET local = local + interval '1 microsecond', n = n + 0.0000000001, tags = '{a}' WHERE id > 1; DELETE FROM t WHERE id = 1");
    assert_eq!(same("t.parquet", &shop.url()), json!({ "inserted": 0, "updated": 1, "deleted": 1 }));
    sandbox.done(&["restore", "t.parquet", "--to", &shop.url(), "--yes"]);
    equal();
    let copy = server.database("rowkeep_cli_parquet_new");
    sandbox.done(&["restore", "t.parquet", "--to", &copy.url(), "--yes"]);
    assert_eq!(
        copy.sql("SELECT n, doc, tags FROM t WHERE id > 1"),
        "1234567890123456789012345678.0123456789|{\"a\": [1.50]}|[\"a\",null,\"b,c\"]\n"
    );
}
