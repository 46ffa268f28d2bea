use aws_lc_rs::digest::{SHA256, digest};
use futures::TryStreamExt;
use rowkeep_format::Table;

use super::super::dialect::IndexedDbDialect;
use super::super::scan::{member, members};
use super::*;
use crate::ErrorKind;
use crate::dialect::Dialect;

/// A file with stores of a database, each as it is described, with the key path and the lines of records.
fn text(stores: &[(&str, &str, &[&str])]) -> String {
    let sum = |text: &str| hex::encode(digest(&SHA256, text.as_bytes()));
    let part = "hello";
    let about: Vec<String> = stores
        .iter()
        .map(|(name, key_path, _)| {
            format!(r#"{{"name":"{name}","keyPath":{key_path},"autoIncrement":false,"indexes":[]}}"#)
        })
        .collect();
    let first = format!(
        concat!(
            r#"{{"format":"rowkeep-indexeddb","version":1,"database":"prn","databaseVersion":4,"#,
            r#""time":"2026-11-30T02:00:00.000Z","program":"rowkeep-indexeddb 1","stores":[{}]}}"#,
            "\n"
        ),
        about.join(",")
    );
    let (mut out, mut said, mut count) = (first.clone(), first, 0);
    out.push_str(&format!("{{\"part\":\"{}\",\"bytes\":\"aGVsbG8=\"}}\n", sum(part)));
    for (name, _, records) in stores {
        let lines: String =
            records.iter().map(|record| format!("{{\"store\":\"{name}\",{record}}}\n")).collect();
        let end =
            format!("{{\"end\":\"{name}\",\"records\":{},\"sha256\":\"{}\"}}\n", records.len(), sum(&lines));
        out.push_str(&lines);
        out.push_str(&end);
        said.push_str(&end);
        count += records.len();
    }
    out.push_str(&format!("{{\"complete\":true,\"records\":{count},\"sha256\":\"{}\"}}\n", sum(&said)));
    out
}

const LOG: [&str; 4] = [
    r#""key":1,"value":"=1+1""#,
    r#""key":{"$":"date","value":"2026-11-30T02:00:00.000Z"},"value":{"$":"date","value":"invalid"}"#,
    r#""key":"\ud800","value":{"$":"object","properties":[["$",1],["b",[]]]}"#,
    r#""key":[1,"a"],"value":{"b":{"$":"map","entries":[]},"a":{"$":"ref","to":1},"$c":-0.5}"#,
];

const PEOPLE: [&str; 4] = [
    r#""value":{"id":1,"name":"Ada","flag":true}"#,
    r#""value":{"id":2,"name":null,"photo":{"$":"blob","type":"","size":5,"parts":["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]}}"#,
    r#""value":{"name":"Bo","id":3}"#,
    r#""value":{"id":1e+21}"#,
];

fn open(text: &str) -> Result<Arc<dyn View>, EngineError> {
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("prn.ndjson");
    std::fs::write(&path, text).expect("it is written");
    let file = Source::of(&path)?;
    let head = Head { path: &path, is_folder: false, bytes: file.head() };
    let about = StateFile.recognise(&head).expect("it is one");
    StateFile.open(&file, &about, &FileOptions { with_ddl: true, ..FileOptions::default() })
}

async fn rows(view: &dyn View, table: &Table) -> Vec<RowBatch> {
    view.rows(table).await.expect("it is there").try_collect().await.expect("it is read")
}

#[tokio::test]
async fn records_become_rows_and_come_back() {
    let stores: [(&str, &str, &[&str]); 3] =
        [("empty", "[\"a\",\"b\"]", &[]), ("log", "null", &LOG), ("people", "\"id\"", &PEOPLE)];
    let view = open(&text(&stores)).expect("it is read");
    let schema = view.schema().clone();
    let shown: Vec<String> = schema
        .tables
        .iter()
        .map(|table| {
            let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let key: Vec<&str> = table.key.columns.iter().map(|part| columns[part.column]).collect();
            format!("{}({}) by {}", table.name, columns.join(" "), key.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "empty(a b) by a b",
            "log($key b a $$c $value) by $key",
            "people(flag id name photo $order) by id",
            "$.parts(sha256 bytes) by sha256",
        ]
    );
    for (table, (_, _, records)) in schema.tables.iter().zip(stores) {
        let documents = IndexedDbDialect.documents(table).expect("it is a store");
        let mut found = Vec::new();
        for batch in rows(view.as_ref(), table).await {
            for row in 0..batch.rows() {
                let mut out = Vec::new();
                documents.put(&batch, row, &mut out);
                found.push(String::from_utf8(out).expect("it is text"));
            }
        }
        let value = |record: &&str| {
            let line = format!("{{{record}}}");
            let members = members(&line).expect("it is an object");
            member(&members, "value").expect("it has a value").to_owned()
        };
        let mut expected: Vec<String> = records.iter().map(value).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{}", table.name);
    }
    let parts = rows(view.as_ref(), &schema.tables[3]).await;
    assert_eq!(parts[0].value(0, 1), Value::Blob(b"hello"));
    let definitions = IndexedDbDialect.definitions(&schema);
    assert_eq!(definitions[0].sql, r#"{"database":"prn","databaseVersion":4}"#);
    assert_eq!(definitions.len(), 4);
    assert!(view.notes().is_empty());
}

#[test]
fn what_is_not_as_it_was_written_is_refused() {
    let whole = text(&[("log", "null", &LOG), ("people", "\"id\"", &PEOPLE)]);
    let cut =
        whole.trim_end().rsplit_once('\n').map(|(before, _)| format!("{before}\n")).expect("it has lines");
    let is_part = |line: &&str| line.starts_with("{\"part\"");
    let without_part: String = whole.split_inclusive('\n').filter(|line| !is_part(line)).collect();
    for (file, told) in [
        (without_part, "a part of a content that the record holds is not in it"),
        (whole.replace("Ada", "Eve"), "the records of store people are not as they were written"),
        (
            whole.replace("\"databaseVersion\":4", "\"databaseVersion\":5"),
            "the file is not as it was written",
        ),
        (whole.replace("aGVsbG8=", "aGVsbG9="), "a part of a content is not as it was written"),
        (whole.replace("\"records\":4", "\"records\":5"), "store log has 4 records instead of 5"),
        (
            whole.replacen("{\"store\":\"log\"", "{\"store\":\"people\"", 1),
            "a record of store people does not belong here",
        ),
        (whole.replace("\"version\":1,", "\"version\":2,"), "is of version 2 of its form"),
        (text(&[("people", "\"name\"", &PEOPLE)]), "the record of store people has no key that can be read"),
        (format!("{whole}{{}}\n"), "something follows the end"),
        (cut, "the file is cut off"),
        (whole[..whole.len() - 10].to_owned(), "the file is cut off"),
        (whole.replace("\"flag\":true", "\"flag\":tru"), "it is no JSON"),
    ] {
        let error = open(&file).err().expect("it is refused");
        assert!(error.to_string().contains(told), "{error} lacks {told:?}");
        assert!(matches!(error.kind(), ErrorKind::DamagedFile | ErrorKind::Unsupported), "{error:?}");
    }
}
