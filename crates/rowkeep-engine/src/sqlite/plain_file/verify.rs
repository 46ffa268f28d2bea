//! Whether a document is what it and the files beside it say.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::about::companions;
use super::document::Document;

/// What was found to be wrong, with the table that it is about where it is about one, and what cannot be told.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<(Option<String>, String)>,
    pub(super) notes: Vec<String>,
}

/// Holds a document against what it says of itself.
pub(super) fn verify(document: &Document, counts: &HashMap<String, u64>) -> Verdict {
    let mut verdict = Verdict::default();
    let of = |member: &str, name: &str| document.said.get(member).and_then(|said| said.get(name));
    let is_increment = of("metadata", "type").is_some_and(|kind| kind == "incremental_backup");
    let total = document.changes.or(is_increment.then_some(0)).unwrap_or_else(|| counts.values().sum());
    let said =
        of("metadata", "record_count").or_else(|| of("integrity", "record_count")).and_then(Value::as_u64);
    if let Some(said) = said.filter(|said| *said != total) {
        verdict.wrong.push((None, format!("it says that it has {said} rows, and has {total}")));
    }
    for (table, said) in of("metadata", "recordCounts").and_then(Value::as_object).into_iter().flatten() {
        let found = counts.get(table).copied().unwrap_or(0);
        if let Some(said) = said.as_u64().filter(|said| *said != found) {
            let wrong = format!("it says that {table} has {said} rows, and it has {found}");
            verdict.wrong.push((Some(table.clone()), wrong));
        }
    }
    let is_ours = of("metadata", "program").is_some_and(is_ours);
    let mut compare = |table: Option<&String>, said: &Value, found: Option<&String>| {
        let what = table.map_or("all tables", String::as_str);
        let Some(said) = said.as_str().filter(|said| !said.is_empty()) else { return };
        let digits = said.strip_prefix("sha256:").unwrap_or(said).to_ascii_lowercase();
        match found {
            Some(found) if *found == digits => {}
            Some(_) if is_ours => {
                let wrong = format!("the checksum of {what} is not that of its rows");
                verdict.wrong.push((table.cloned(), wrong));
            }
            None if is_ours => {
                verdict
                    .wrong
                    .push((table.cloned(), format!("{what}, of which it has a checksum, is not in it")));
            }
            _ => verdict.notes.push(format!(
                "the checksum of {what} was made in a way that is not known, so it proves nothing"
            )),
        }
    };
    for (table, said) in of("integrity", "table_checksums").and_then(Value::as_object).into_iter().flatten() {
        compare(Some(table), said, document.checksums.get(table));
    }
    if let (Some(said), true) = (of("metadata", "checksum"), document.checksum.is_some()) {
        compare(None, said, document.checksum.as_ref());
    }
    verdict
}

impl Verdict {
    /// The tables that are not known to be whole: those that something is wrong about, or all that no checksum of their own
    /// speaks for where it is not known which.
    pub(super) fn doubted(&self, document: &Document, tables: &HashMap<String, u64>) -> Vec<String> {
        let told: HashSet<&String> = self.wrong.iter().filter_map(|(table, _)| table.as_ref()).collect();
        let is_ours = document.said.get("metadata").and_then(|said| said.get("program")).is_some_and(is_ours);
        let sums = document.said.get("integrity").and_then(|said| said.get("table_checksums"));
        let is_proven = |name: &String| {
            let said = sums.and_then(|sums| sums.get(name)).and_then(Value::as_str);
            is_ours && said.is_some_and(|said| !said.is_empty()) && document.checksums.contains_key(name)
        };
        // One table that is told explains what is wrong with all of them.
        let is_somewhere = told.is_empty() && !self.wrong.is_empty();
        let is_doubted = |name: &&String| is_somewhere && !is_proven(name);
        let doubted: HashSet<&String> = tables.keys().filter(is_doubted).chain(told).collect();
        doubted.into_iter().cloned().collect()
    }
}

/// Whether exports of this program made it, so that its checksums are known to be what they say.
fn is_ours(program: &Value) -> bool {
    program.as_str().is_some_and(|name| name.starts_with("rowkeep "))
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
        verdict.wrong.push((None, format!("its metadata says that it has {said} bytes, and it has {size}")));
    }
    let mut own = None;
    for (what, said) in [("metadata", of_metadata), ("checksum file", of_file)] {
        let Some(said) = said.filter(|said| !said.is_empty()) else { continue };
        let own = match &own {
            Some(own) => own,
            None => own.insert(digest(path)?),
        };
        if !said.trim_start_matches("sha256:").eq_ignore_ascii_case(own) {
            verdict.wrong.push((None, format!("it has another checksum than its {what} says")));
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
