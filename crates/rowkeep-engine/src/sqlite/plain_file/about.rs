//! What a file of JSON is, by its members and where it stands.

use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::json::{Json, Trouble};
use crate::file_source::Source;

/// What a document of JSON is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A full backup of Phone Range Nexus.
    PrnFull,
    /// What changed since another.
    PrnIncrement,
    /// A backup of DINO.
    Dino,
    /// A backup of Numericalz.
    Num,
    /// Tables as arrays of rows.
    Tables,
}

impl Kind {
    pub(super) fn told(self) -> &'static str {
        match self {
            Kind::PrnFull => "a full backup of Phone Range Nexus",
            Kind::PrnIncrement => "an incremental backup of Phone Range Nexus",
            Kind::Dino => "a backup of DINO",
            Kind::Num => "a backup of Numericalz",
            Kind::Tables => "JSON with tables of rows",
        }
    }
}

/// What the beginning of a document tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) kind: Kind,
    pub(super) time: Option<Timestamp>,
    pub(super) written_by: Option<String>,
    /// Of an increment: when the state was that it changes, and the file of the full backup.
    pub(super) since: Option<Timestamp>,
    pub(super) base: Option<String>,
}

/// Looks at the first bytes of a document; nothing where they are those of no object with tables.
///
/// The order of its members tells nothing: where rows stand before what says whose they are, the file is read for that.
pub(super) fn beginning(head: &[u8], path: &Path) -> Option<Beginning> {
    let mut members = Members::default();
    let read = members.read(&mut Json::new(head), path);
    if matches!(read, Err(Trouble::Ended))
        && (members.has_data || members.has_changes || members.has_metadata)
        && let Ok(whole) = Source::of(path).and_then(|file| file.open())
    {
        let mut all = Members::default();
        // What is wrong with it is said when its rows are read.
        let _ = all.read(&mut Json::new(whole), path);
        if all.has_data || all.metadata.is_some() {
            members = all;
        }
    }
    members.beginning(path)
}

/// The members of an object that comes next, as far as they can be read, and why there are no more.
fn members<R: Read>(json: &mut Json<R>) -> (Map<String, Value>, Result<(), Trouble>) {
    let mut members = Map::new();
    let mut read = || -> Result<(), Trouble> {
        json.take(b'{')?;
        let mut goes_on = !json.is_empty(b'}')?;
        while goes_on {
            let (name, mut raw) = (json.name()?, Vec::new());
            json.value(&mut raw)?;
            members.extend(serde_json::from_slice(&raw).ok().map(|value| (name, value)));
            goes_on = json.goes_on(b'}')?;
        }
        Ok(())
    };
    let ended = read();
    (members, ended)
}

/// What the members of a document tell of it, as far as they were read.
#[derive(Default)]
struct Members {
    /// What it says of itself, where that tells an application or a time.
    metadata: Option<Value>,
    /// The time beside its tables, if it has such a member.
    timestamp: Option<Option<Timestamp>>,
    /// Whether such a member begins.
    has_metadata: bool,
    /// Whether it has tables below a member `data`, or changes of tables.
    has_data: bool,
    has_changes: bool,
    /// Whether a member of its own is a list of rows, or may be one.
    has_rows: bool,
}

impl Members {
    /// Reads until all is known.
    fn read<R: Read>(&mut self, json: &mut Json<R>, path: &Path) -> Result<(), Trouble> {
        json.take(b'{')?;
        let mut goes_on = !json.is_empty(b'}')?;
        while goes_on {
            let name = json.name()?;
            match (name.as_str(), json.next()?) {
                ("metadata", b'{') => {
                    self.has_metadata = true;
                    let (said, ended) = members(json);
                    self.metadata = Some(Value::Object(said));
                    ended?;
                }
                ("timestamp", b'"' | b'0'..=b'9') => {
                    let mut raw = Vec::new();
                    json.value(&mut raw)?;
                    let told = super::json::text(&raw);
                    let milliseconds = || Timestamp::from_millisecond(told.parse().ok()?).ok();
                    self.timestamp = Some(told.parse().ok().or_else(milliseconds));
                }
                (tables @ ("data" | "changes"), b'{') => {
                    self.has_data |= tables == "data";
                    self.has_changes |= tables == "changes";
                    if self.is_known(path) {
                        return Ok(());
                    }
                    pass_over(json, 2)?;
                }
                (_, b'[') => list(json, &mut self.has_rows)?,
                _ => pass_over(json, 0)?,
            }
            if self.is_known(path) {
                return Ok(());
            }
            goes_on = json.goes_on(b'}')?;
        }
        Ok(())
    }

    /// Whether nothing that follows tells more.
    fn is_known(&self, path: &Path) -> bool {
        let is_said = self.metadata.as_ref().is_some_and(|said| kind_of(said).is_some());
        is_said || self.has_data && (self.timestamp.is_some() || time_of_name(path).is_some())
    }

    fn beginning(self, path: &Path) -> Option<Beginning> {
        let of = |kind| Beginning { kind, time: None, written_by: None, since: None, base: None };
        if let Some(said) = self.metadata {
            let text = |name: &str| said.get(name).and_then(|value| value.as_str());
            let time = |name: &str| text(name).and_then(|text| text.parse().ok());
            let told = time("until_timestamp").or_else(|| time("timestamp"));
            return Some(Beginning {
                time: told.or(self.timestamp.flatten()),
                written_by: text("program").map(str::to_owned),
                since: time("since_timestamp"),
                base: text("base_backup").map(str::to_owned),
                ..of(kind_of(&said).unwrap_or(Kind::Tables))
            });
        }
        match self.timestamp {
            Some(time) if self.has_data => Some(Beginning { time, ..of(Kind::Num) }),
            _ if self.has_data => Some(Beginning { time: time_of_name(path), ..of(Kind::Dino) }),
            time if self.has_rows => Some(Beginning { time: time.flatten(), ..of(Kind::Tables) }),
            _ => None,
        }
    }
}

/// Which application what a document says of itself is of.
fn kind_of(said: &Value) -> Option<Kind> {
    match said.get("type").and_then(|kind| kind.as_str()) {
        Some("incremental_backup") => Some(Kind::PrnIncrement),
        Some("full_backup") => Some(Kind::PrnFull),
        _ => said.get("recordCounts").map(|_| Kind::Dino),
    }
}

/// Passes over a value; the values of objects and lists in it one by one, down to a depth, so that no more than one is in memory.
fn pass_over<R: Read>(json: &mut Json<R>, depth: usize) -> Result<(), Trouble> {
    let begin = json.next()?;
    if depth == 0 || !matches!(begin, b'{' | b'[') {
        return json.value(&mut Vec::new());
    }
    json.take(begin)?;
    // The end of each follows its beginning by two in ASCII.
    let end = begin + 2;
    let mut goes_on = !json.is_empty(end)?;
    while goes_on {
        if begin == b'{' {
            json.name()?;
        }
        pass_over(json, depth - 1)?;
        goes_on = json.goes_on(end)?;
    }
    Ok(())
}

/// Passes over a list, and says as soon as it is known whether it is one of rows, or an empty one, which may be.
fn list<R: Read>(json: &mut Json<R>, has_rows: &mut bool) -> Result<(), Trouble> {
    json.take(b'[')?;
    let first = json.next();
    // Where the beginning ends here, nothing speaks against it.
    *has_rows |= matches!(first, Ok(b'{' | b']') | Err(Trouble::Ended));
    first?;
    let mut goes_on = !json.is_empty(b']')?;
    while goes_on {
        pass_over(json, 0)?;
        goes_on = json.goes_on(b']')?;
    }
    Ok(())
}

/// The time in the name of a backup of DINO: `backup_1704067200000_abc123def.json`.
fn time_of_name(path: &Path) -> Option<Timestamp> {
    let digits = stem(path).strip_prefix("backup_")?.split('_').next()?.to_owned();
    Timestamp::from_millisecond(digits.parse().ok()?).ok()
}

/// What a file is called in front of what says how it is packed, and of what says how it is written.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let without = |name: &str, endings: &[&str]| {
        let small = name.to_ascii_lowercase();
        let ending = endings.iter().find(|ending| small.ends_with(*ending) && small.len() > ending.len());
        name[..name.len() - ending.map_or(0, |ending| ending.len())].to_owned()
    };
    let unpacked = without(&name, &[".gz", ".zst", ".xz", ".lz4", ".zip"]);
    without(&unpacked, &[".json", ".ndjson", ".jsonl", ".csv", ".parquet"])
}

/// The files that DINO keeps beside a backup: its metadata and its checksum.
pub(super) fn companions(path: &Path) -> (PathBuf, PathBuf) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = stem(path);
    (
        folder.join("metadata").join(format!("{stem}.meta.json")),
        folder.join("checksums").join(format!("{stem}.sha256")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_how_they_begin() {
        let kind = |text: &str| beginning(text.as_bytes(), Path::new("x.json")).map(|found| found.kind);
        for (text, expected) in [
            ("{\"metadata\":{\"type\":\"full_backup\"},", Some(Kind::PrnFull)),
            ("{ \"metadata\": { \"type\": \"incremental_backup\" }", Some(Kind::PrnIncrement)),
            ("{\"metadata\":{\"type\":\"incremental_backup\",\"note\":\"cut", Some(Kind::PrnIncrement)),
            (
                "{\"changes\":{\"a\":{}},\"metadata\":{\"type\":\"incremental_backup\"}}",
                Some(Kind::PrnIncrement),
            ),
            ("{\"changes\":{\"a\":1},\"x\":2}", None),
            ("{\"timestamp\": \"2024-06-18T10:30:00.000Z\", \"data\": {", Some(Kind::Num)),
            ("{\"data\": {\"users\": [", Some(Kind::Dino)),
            ("{\"users\": [{\"id\": 1", Some(Kind::Tables)),
            ("{\"users\": [", Some(Kind::Tables)),
            ("{\"name\": \"app\", \"version\": \"1\"}", None),
            ("{\"files\": [\"a\"]}", None),
            ("{\"version\": 1, \"list\": [1, 2], \"t\": [{", Some(Kind::Tables)),
            ("{\"a\": [], \"b\": 1}", Some(Kind::Tables)),
            (
                "{\"data\": {\"users\": [{\"id\": 1}]}, \"timestamp\": \"2024-06-18T10:30:00.000Z\"}",
                Some(Kind::Num),
            ),
            ("{\"data\": {}, \"timestamp\": 1718706600000}", Some(Kind::Num)),
            ("{\"app\": 1, \"timestamp\": \"2024-06-18T10:30:00.000Z\", \"data\": {", Some(Kind::Num)),
            ("{\"data\": {\"users\": []}, \"metadata\": {\"recordCounts\": {}}}", Some(Kind::Dino)),
            ("{\"data\": {\"users\": []}, \"metadata\": {\"type\": \"full_backup\"}}", Some(Kind::PrnFull)),
            ("{\"users\": [{\"id\": 1}], \"timestamp\": \"2024-06-18T10:30:00.000Z\"}", Some(Kind::Tables)),
            ("{\"timestamp\": 5, \"name\": \"x\"}", None),
            ("[1]", None),
            ("", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        // The rows may be more than what is looked at first.
        let folder = tempfile::tempdir().expect("a folder is made");
        let path = folder.path().join("late.json");
        let rows = vec!["{\"id\": \"0123456789\"}"; 10_000].join(",");
        let text =
            format!("{{\"data\": {{\"users\": [{rows}]}}, \"timestamp\": \"2024-06-18T10:30:00.000Z\"}}");
        std::fs::write(&path, &text).expect("it is written");
        let late = beginning(&text.as_bytes()[..1000], &path).expect("it is known");
        assert_eq!(late.kind, Kind::Num);
        assert_eq!(late.time.map(|time| time.to_string()).as_deref(), Some("2024-06-18T10:30:00Z"));
        for (file, called) in [
            ("a.csv.ndjson", "a.csv"),
            ("A.CSV.GZ", "A"),
            ("x.gz.csv.gz", "x.gz"),
            (".csv", ".csv"),
            ("a.json", "a"),
        ] {
            assert_eq!(stem(Path::new(file)), called, "{file}");
        }
        let named = beginning(b"{\"data\":{}", Path::new("/b/backup_1704067200000_abc123def.json.gz"));
        let time = named.and_then(|named| named.time).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2024-01-01T00:00:00Z"));
    }
}
