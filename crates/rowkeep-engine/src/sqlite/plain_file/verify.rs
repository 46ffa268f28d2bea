//! Whether a document is what it and the files beside it say.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::about::companions;
use super::document::Document;

/// What was found to be wrong, and what cannot be told.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Holds a document against what it says of itself.
pub(super) fn verify(document: &Document, counts: &HashMap<String, u64>, changes: u64) -> Verdict {
    let mut verdict = Verdict::default();
    let of = |member: &str, name: &str| document.said.get(member).and_then(|said| said.get(name));
    let is_increment = document.checksum.is_none() && document.said.contains_key("metadata") && changes > 0;
    let total = if is_increment { changes } else { counts.values().sum() };
    let said =
        of("metadata", "record_count").or_else(|| of("integrity", "record_count")).and_then(Value::as_u64);
    if let Some(said) = said.filter(|said| *said != total) {
        verdict.wrong.push(format!("it says that it has {said} rows, and has {total}"));
    }
    for (table, said) in of("metadata", "recordCounts").and_then(Value::as_object).into_iter().flatten() {
        let found = counts.get(table).copied().unwrap_or(0);
        if let Some(said) = said.as_u64().filter(|said| *said != found) {
            verdict.wrong.push(format!("it says that {table} has {said} rows, and it has {found}"));
        }
    }
    let is_ours =
        of("metadata", "program").and_then(Value::as_str).is_some_and(|name| name.starts_with("rowkeep "));
    let mut compare = |what: String, said: &Value, found: Option<&String>| {
        let Some(said) = said.as_str().filter(|said| !said.is_empty()) else { return };
        let digits = said.strip_prefix("sha256:").unwrap_or(said).to_ascii_lowercase();
        match found {
            Some(found) if *found == digits => {}
            Some(_) if is_ours => {
                verdict.wrong.push(format!("the checksum of {what} is not that of its rows"))
            }
            _ => verdict.notes.push(format!(
                "the checksum of {what} was made in a way that is not known, so it proves nothing"
            )),
        }
    };
    for (table, said) in of("integrity", "table_checksums").and_then(Value::as_object).into_iter().flatten() {
        compare(table.clone(), said, document.checksums.get(table));
    }
    if let (Some(said), true) = (of("metadata", "checksum"), document.checksum.is_some()) {
        compare("all tables".to_owned(), said, document.checksum.as_ref());
    }
    verdict
}

/// Holds a file against the metadata and the checksum that DINO keeps beside it, where they are.
pub(super) fn verify_beside(path: &Path) -> io::Result<Verdict> {
    let mut verdict = Verdict::default();
    let (metadata, checksum) = companions(path);
    let metadata: Option<Value> =
        std::fs::read(metadata).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let of_metadata = metadata.as_ref().and_then(|said| said.get("checksum")).and_then(Value::as_str);
    let of_file = std::fs::read_to_string(checksum).ok();
    let of_file = of_file.as_deref().and_then(|text| text.split_whitespace().next());
    let size = std::fs::metadata(path)?.len();
    let said = metadata.as_ref().and_then(|said| said.get("size")).and_then(Value::as_u64);
    if let Some(said) = said.filter(|said| *said != 0 && *said != size) {
        verdict.wrong.push(format!("its metadata says that it has {said} bytes, and it has {size}"));
    }
    let mut own = None;
    for (what, said) in [("metadata", of_metadata), ("checksum file", of_file)] {
        let Some(said) = said.filter(|said| !said.is_empty()) else { continue };
        let own = match &own {
            Some(own) => own,
            None => own.insert(digest(path)?),
        };
        if !said.trim_start_matches("sha256:").eq_ignore_ascii_case(own) {
            verdict.wrong.push(format!("it has another checksum than its {what} says"));
        }
    }
    Ok(verdict)
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut context, mut buffer) = (File::open(path)?, Context::new(&SHA256), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(context.finish())),
            read => context.update(&buffer[..read]),
        }
    }
}
