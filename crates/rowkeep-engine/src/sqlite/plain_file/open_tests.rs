use std::path::Path;

use futures::StreamExt;
use rowkeep_format::Identity;

use super::*;

/// A backup as exports write it, with the checksums of its tables.
fn whole() -> String {
    let tables = [
        ("a", "[{\"id\":1,\"v\":\"one\",\"n\":12.50},{\"id\":2,\"v\":null,\"n\":-3}]"),
        ("b", "[{\"id\":\"x\",\"doc\":{\"k\":[true,null]}}]"),
    ];
    let sum =
        |text: &str| hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()));
    let members: Vec<String> = tables.iter().map(|(name, rows)| format!("\"{name}\":{rows}")).collect();
    let data = format!("{{{}}}", members.join(","));
    let sums: Vec<String> =
        tables.iter().map(|(name, rows)| format!("\"{name}\":\"sha256:{}\"", sum(rows))).collect();
    format!(
        "{{\"metadata\":{{\"version\":\"4.0\",\"type\":\"full_backup\",\"checksum\":\"sha256:{}\",\"record_count\":3,\
         \"program\":\"rowkeep 0.1.0\"}},\n\"data\":{data},\n\"integrity\":{{\"table_checksums\":{{{}}}}}}}\n",
        sum(&data),
        sums.join(",")
    )
}

/// What a file holds: the rows of its tables, in words; or why it is refused.
fn rows_of(path: &Path, contents: &[u8], runtime: &tokio::runtime::Runtime) -> Result<String, String> {
    std::fs::write(path, contents).expect("it is written");
    let source = Source::of(path).map_err(|error| error.to_string())?;
    let options = FileOptions {
        with_ddl: false,
        database: None,
        salvage: false,
        beside: None,
        null: None,
        temporary: path.parent().map(Path::to_owned),
        identity: Identity::default(),
        facts: Vec::new(),
    };
    let head = Head { path, is_folder: false, bytes: source.head() };
    let about = JsonDocument.recognise(&head).ok_or("it is not recognised")?;
    let view = JsonDocument.open(&source, &about, &options).map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut told = String::new();
        for table in view.schema().tables.iter().filter(|table| table.kind.is_user_table()) {
            told += &format!("{}:", table.name);
            let mut rows = view.rows(table).await.map_err(|error| error.to_string())?;
            while let Some(batch) = rows.next().await {
                told += &format!("{batch:?}");
            }
        }
        Ok(told)
    })
}

#[test]
fn damaged_files_are_refused_or_hold_what_the_whole_one_holds() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("backup.json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let whole = whole();
    let rows = rows_of(&path, whole.as_bytes(), &runtime).expect("it is whole");
    assert!(rows.contains("a:") && rows.contains("b:"), "{rows}");
    let end = whole.trim_end().len();
    for at in (0..end).step_by(8) {
        let read = rows_of(&path, &whole.as_bytes()[..at], &runtime);
        assert!(read.is_err(), "cut at {at}: {read:?}");
    }
    let (mut refused, mut seed) = (0, 7u32);
    for _ in 0..120 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (at, bit) = ((seed >> 8) as usize % end, seed % 8);
        let mut flipped = whole.clone().into_bytes();
        flipped[at] ^= 1 << bit;
        match rows_of(&path, &flipped, &runtime) {
            Err(_) => refused += 1,
            Ok(found) => assert_eq!(found, rows, "bit {bit} of byte {at}"),
        }
    }
    assert!(refused > 80, "{refused}");
}

#[test]
fn tables_have_room_for_columns_that_come_late() {
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("tables.json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let of = |rows: [&str; 3]| {
        let document = format!("{{\"t\":[{}]}}", rows.join(","));
        rows_of(&path, document.as_bytes(), &runtime).expect("it is read")
    };
    let wide: Vec<String> = (0..150).map(|at| format!("\"c{at}\":{at}")).collect();
    let wide = format!("{{\"id\":2,{}}}", wide.join(","));
    let (first, last) = ("{\"id\":1,\"c0\":7}", "{\"id\":3,\"c1\":9}");
    assert_eq!(of([first, &wide, last]), of([&wide, first, last]));
}
