//! What a file of JSON is, by how it begins and where it stands.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::json::{Json, Trouble};

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
pub(super) fn beginning(head: &[u8], path: &Path) -> Option<Beginning> {
    let mut json = Json::new(head);
    json.take(b'{').ok()?;
    let of = |kind| Beginning { kind, time: None, written_by: None, since: None, base: None };
    let name = json.name().ok()?;
    let first = json.next().ok()?;
    match (name.as_str(), first) {
        ("metadata", b'{') => {
            let mut raw = Vec::new();
            json.value(&mut raw).ok()?;
            let said: serde_json::Value = serde_json::from_slice(&raw).ok()?;
            let text = |name: &str| said.get(name).and_then(|value| value.as_str());
            let time = |name: &str| text(name).and_then(|text| text.parse().ok());
            let kind = match text("type") {
                Some("incremental_backup") => Kind::PrnIncrement,
                Some("full_backup") => Kind::PrnFull,
                _ if said.get("recordCounts").is_some() => Kind::Dino,
                _ => Kind::Tables,
            };
            Some(Beginning {
                time: time("until_timestamp").or_else(|| time("timestamp")),
                written_by: text("program").map(str::to_owned),
                since: time("since_timestamp"),
                base: text("base_backup").map(str::to_owned),
                ..of(kind)
            })
        }
        ("timestamp", b'"') => {
            let mut raw = Vec::new();
            json.value(&mut raw).ok()?;
            json.take(b',').ok()?;
            let next = json.name().ok()?;
            let time = super::json::text(&raw).parse().ok();
            (next == "data").then_some(Beginning { time, ..of(Kind::Num) })
        }
        ("data", b'{') => Some(Beginning { time: time_of_name(path), ..of(Kind::Dino) }),
        (_, first) => has_rows(&mut json, first).then_some(of(Kind::Tables)),
    }
}

/// Whether a member is a list of rows, the one that begins with this byte or one behind it.
fn has_rows(json: &mut Json<&[u8]>, mut first: u8) -> bool {
    let mut is_empty_list = false;
    let mut next = || -> Result<Option<bool>, Trouble> {
        if first == b'[' {
            json.take(b'[')?;
            match json.next()? {
                b'{' => return Ok(Some(true)),
                b']' => is_empty_list = true,
                _ => {
                    json.value(&mut Vec::new())?;
                    while json.goes_on(b']')? {
                        json.value(&mut Vec::new())?;
                    }
                    return after(json, &mut first);
                }
            }
            json.take(b']')?;
        } else {
            json.value(&mut Vec::new())?;
        }
        after(json, &mut first)
    };
    loop {
        match next() {
            Ok(Some(has_rows)) => return has_rows || is_empty_list,
            Ok(None) => {}
            // Where the beginning ends, it had only lists that may be tables.
            Err(Trouble::Ended) => return is_empty_list || first == b'[',
            Err(_) => return false,
        }
    }
}

/// Goes to the value of the next member; says that there is none.
fn after(json: &mut Json<&[u8]>, first: &mut u8) -> Result<Option<bool>, Trouble> {
    if !json.goes_on(b'}')? {
        return Ok(Some(false));
    }
    json.name()?;
    *first = json.next()?;
    Ok(None)
}

/// The time in the name of a backup of DINO: `backup_1704067200000_abc123def.json`.
fn time_of_name(path: &Path) -> Option<Timestamp> {
    let digits = stem(path).strip_prefix("backup_")?.split('_').next()?.to_owned();
    Timestamp::from_millisecond(digits.parse().ok()?).ok()
}

/// What a file is called in front of its endings.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut stem = name.as_str();
    for ending in [".gz", ".zst", ".xz", ".lz4", ".zip", ".json", ".ndjson", ".jsonl", ".csv"] {
        stem = stem.strip_suffix(ending).filter(|stem| !stem.is_empty()).unwrap_or(stem);
    }
    stem.to_owned()
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
            ("{\"timestamp\": \"2024-06-18T10:30:00.000Z\", \"data\": {", Some(Kind::Num)),
            ("{\"data\": {\"users\": [", Some(Kind::Dino)),
            ("{\"users\": [{\"id\": 1", Some(Kind::Tables)),
            ("{\"users\": [", Some(Kind::Tables)),
            ("{\"name\": \"app\", \"version\": \"1\"}", None),
            ("{\"files\": [\"a\"]}", None),
            ("{\"version\": 1, \"list\": [1, 2], \"t\": [{", Some(Kind::Tables)),
            ("{\"a\": [], \"b\": 1}", Some(Kind::Tables)),
            ("[1]", None),
            ("", None),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        let named = beginning(b"{\"data\":{}", Path::new("/b/backup_1704067200000_abc123def.json.gz"));
        let time = named.and_then(|named| named.time).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2024-01-01T00:00:00Z"));
    }
}
