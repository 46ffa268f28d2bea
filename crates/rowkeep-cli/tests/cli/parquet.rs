//! Tables as Parquet, read back by others (`scripts/test-parquet`).

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
    let python = std::env::var("ROWKEEP_TEST_PARQUET_PYTHON").expect("tests are run by scripts/test-parquet");
    let ran = Command::new(python).args(["-c", READ, reader, file]).current_dir(sandbox.path("")).output();
    let ran = ran.expect("python runs");
    assert!(ran.status.success(), "{reader}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("it is JSON")
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
