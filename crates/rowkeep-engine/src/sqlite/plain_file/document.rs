//! One object of JSON that holds tables: `{table: [rows]}`, alone, below `data`, or as changes of them.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::json::{Json, LONGEST_BYTES, Trouble};
use super::staged::Tables;
use super::table::{Refused, Row};

/// What a document says of itself, and what of it was read.
#[derive(Default)]
pub(super) struct Document {
    /// The members beside the tables, as far as they say something of the whole.
    pub(super) said: HashMap<String, Value>,
    /// The SHA-256 of each table and of all, of their JSON without white space.
    pub(super) checksums: HashMap<String, String>,
    pub(super) checksum: Option<String>,
    /// How many changes it has; nothing where it holds a state.
    pub(super) changes: Option<u64>,
    /// The tables that were begun, and those of them that were read to their ends.
    begun: HashSet<String>,
    pub(super) whole: HashSet<String>,
}

impl Document {
    /// Begins a table; two of one name are refused, for programs that read JSON would see the last alone.
    fn begin(&mut self, name: &str) -> Result<(), Trouble> {
        match self.begun.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Trouble::Wrong(format!("two tables are called {name}"))),
        }
    }

    /// What of a state is in it, where it says that not all is.
    pub(super) fn part(&self) -> Option<&str> {
        self.said.get("metadata")?.get("part")?.as_str()
    }

    /// The tables that it says it has.
    pub(super) fn listed(&self) -> impl Iterator<Item = &str> {
        let said = ["schema", "metadata"].iter().filter_map(|member| self.said.get(*member)?.get("tables"));
        said.filter_map(Value::as_array).flatten().filter_map(Value::as_str)
    }

    /// Whether it says what names the rows of tables.
    fn says_keys(&self) -> bool {
        ["metadata", "schema"].iter().any(|member| said_keys(self, member).is_some())
    }
}

/// Why a document cannot be read on.
#[derive(Debug)]
pub(super) enum Failed {
    Json(Trouble),
    Row(Refused),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Failed::Json(trouble)
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Failed::Row(refused)
    }
}

/// The most members of a row, of a key and of a document beside its tables: each takes memory, however little it holds.
const MOST_MEMBERS: usize = 10_000;

/// How long what a document says of itself may be, in bytes.
const MOST_SAID_BYTES: usize = 8 << 20;

/// Members that say something of the whole.
const SAYING: [&str; 5] = ["metadata", "integrity", "schema", "timestamp", "version"];

/// Reads a document to its end.
pub(super) fn read<R: Read>(
    json: &mut Json<R>,
    tables: &mut Tables<'_>,
    document: &mut Document,
) -> Result<(), Failed> {
    json.take(b'{')?;
    let mut goes_on = !json.is_empty(b'}')?;
    let mut members = 0;
    while goes_on {
        members += 1;
        if members > MOST_MEMBERS {
            return Err(Trouble::Wrong(format!("it has more than {MOST_MEMBERS} members")).into());
        }
        let name = json.name()?;
        let first = json.next()?;
        match (name.as_str(), first) {
            ("data", b'{') => data(json, tables, document)?,
            ("changes", b'{') => changes(json, tables, document)?,
            (name, _) if SAYING.contains(&name) && first != b'[' => {
                let mut raw = Vec::new();
                json.value(&mut raw)?;
                if raw.len() > MOST_SAID_BYTES {
                    let most = MOST_SAID_BYTES >> 20;
                    return Err(Trouble::Wrong(format!("{name} is longer than {most} MiB")).into());
                }
                document.said.insert(name.to_owned(), serde_json::from_slice(&raw).unwrap_or_default());
            }
            (name, b'[') => {
                if let Some(what) = array(json, tables, document, name)? {
                    tables.note(format!("{name} is passed over: {what}"));
                }
            }
            (name, _) => {
                json.value(&mut Vec::new())?;
                tables.note(format!("{name} is passed over: it is no list of rows"));
            }
        }
        goes_on = json.goes_on(b'}')?;
    }
    match json.peek()? {
        None => Ok(()),
        Some(_) => Err(Trouble::Wrong("something follows the end of the object".to_owned()).into()),
    }
}

/// Reads the tables below a member.
fn data<R: Read>(json: &mut Json<R>, tables: &mut Tables<'_>, document: &mut Document) -> Result<(), Failed> {
    let mut all = Context::new(&SHA256);
    json.take(b'{')?;
    all.update(b"{");
    let mut goes_on = !json.is_empty(b'}')?;
    let mut members = 0;
    while goes_on {
        let name = json.name()?;
        if members > 0 {
            all.update(b",");
        }
        members += 1;
        if members > MOST_MEMBERS {
            return Err(Trouble::Wrong(format!("data has more than {MOST_MEMBERS} members")).into());
        }
        all.update(Value::from(name.as_str()).to_string().as_bytes());
        all.update(b":");
        if json.next()? != b'[' {
            let mut raw = Vec::new();
            json.value(&mut raw)?;
            all.update(&raw);
            tables.note(format!("{name} is passed over: it is no list of rows"));
        } else {
            let at = tables.table(&name)?;
            document.begin(&name)?;
            let mut own = Context::new(&SHA256);
            let mut see = |bytes: &[u8]| {
                own.update(bytes);
                all.update(bytes);
            };
            rows(json, &mut see, &mut |row| tables.add(at, row))?;
            document.whole.insert(name.clone());
            document.checksums.insert(name, hex::encode(own.finish()));
        }
        goes_on = json.goes_on(b'}')?;
    }
    all.update(b"}");
    document.checksum = Some(hex::encode(all.finish()));
    Ok(())
}

/// Reads a list that may be a table; says what it is where it is none.
fn array<R: Read>(
    json: &mut Json<R>,
    tables: &mut Tables<'_>,
    document: &mut Document,
    name: &str,
) -> Result<Option<&'static str>, Failed> {
    json.take(b'[')?;
    match json.next()? {
        b'{' | b']' => {}
        _ => {
            let mut goes_on = true;
            while goes_on {
                json.value(&mut Vec::new())?;
                goes_on = json.goes_on(b']')?;
            }
            return Ok(Some("it is a list of values, not of rows"));
        }
    }
    let at = tables.table(name)?;
    document.begin(name)?;
    elements(json, &mut |_| (), &mut |row| tables.add(at, row))?;
    document.whole.insert(name.to_owned());
    Ok(None)
}

/// Reads what changed in tables, into those that are there.
fn changes<R: Read>(
    json: &mut Json<R>,
    tables: &mut Tables<'_>,
    document: &mut Document,
) -> Result<(), Failed> {
    json.take(b'{')?;
    let mut goes_on = !json.is_empty(b'}')?;
    let changes = document.changes.get_or_insert(0);
    let mut all = std::mem::take(changes);
    while goes_on {
        let name = json.name()?;
        let at = tables.table(&name)?;
        document.begin(&name)?;
        tables.key(&name, keys_of(document, &name));
        if !document.says_keys() {
            tables.presume_key(at);
        }
        let mut count = 0;
        json.take(b'{')?;
        let mut has_list = !json.is_empty(b'}')?;
        let mut lists = HashSet::new();
        while has_list {
            let list = json.name()?;
            if !lists.insert(list.clone()) {
                return Err(Trouble::Wrong(format!("two lists of {name} are called {list}")).into());
            }
            match list.as_str() {
                "inserted" => rows(json, &mut |_| (), &mut |row| {
                    count += 1;
                    tables.insert(at, row)
                })?,
                "updated" => rows(json, &mut |_| (), &mut |row| {
                    count += 1;
                    tables.update(at, row)
                })?,
                "deleted" => deleted(json, &mut |key| {
                    count += 1;
                    tables.delete(at, key)
                })?,
                other => {
                    let wrong =
                        format!("{other} is no list of changes: there are inserted, updated, deleted");
                    return Err(Trouble::Wrong(wrong).into());
                }
            }
            has_list = json.goes_on(b'}')?;
        }
        all += count;
        document.whole.insert(name);
        goes_on = json.goes_on(b'}')?;
    }
    document.changes = Some(all);
    Ok(())
}

/// The columns that name the rows of a table, where the document says them before.
pub(super) fn keys_of(document: &Document, table: &str) -> Vec<String> {
    let said = ["metadata", "schema"].into_iter().filter_map(|member| said_keys(document, member));
    let keys = said.filter_map(|keys| keys.get(table)?.as_array()).next();
    let names = keys.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned));
    names.collect()
}

/// The keys of all tables, where a member of a document says them.
fn said_keys<'d>(document: &'d Document, member: &str) -> Option<&'d Value> {
    document.said.get(member)?.get("keys")
}

/// Reads an array of rows.
fn rows<R: Read>(
    json: &mut Json<R>,
    see: &mut dyn FnMut(&[u8]),
    take: &mut dyn FnMut(&Row) -> Result<(), Refused>,
) -> Result<(), Failed> {
    json.take(b'[')?;
    elements(json, see, take)
}

/// The same behind its beginning.
fn elements<R: Read>(
    json: &mut Json<R>,
    see: &mut dyn FnMut(&[u8]),
    take: &mut dyn FnMut(&Row) -> Result<(), Refused>,
) -> Result<(), Failed> {
    see(b"[");
    let mut goes_on = !json.is_empty(b']')?;
    let mut is_first = true;
    while goes_on {
        if !is_first {
            see(b",");
        }
        is_first = false;
        take(&row(json, see)?)?;
        goes_on = json.goes_on(b']')?;
    }
    see(b"]");
    Ok(())
}

/// Reads a row.
pub(super) fn row<R: Read>(json: &mut Json<R>, see: &mut dyn FnMut(&[u8])) -> Result<Row, Failed> {
    if json.next()? != b'{' {
        return Err(Trouble::Wrong("a row has to be an object".to_owned()).into());
    }
    json.take(b'{')?;
    see(b"{");
    let (mut row, mut bytes) = (Row::new(), 0);
    let mut goes_on = !json.is_empty(b'}')?;
    while goes_on {
        let name = json.name()?;
        let mut raw = Vec::new();
        json.value(&mut raw)?;
        bytes += name.len() + raw.len();
        if bytes > LONGEST_BYTES {
            return Err(Trouble::Wrong(format!("a row is longer than {} MiB", LONGEST_BYTES >> 20)).into());
        }
        if row.len() == MOST_MEMBERS {
            return Err(Trouble::Wrong(format!("a row has more than {MOST_MEMBERS} members")).into());
        }
        if !row.is_empty() {
            see(b",");
        }
        see(Value::from(name.as_str()).to_string().as_bytes());
        see(b":");
        see(&raw);
        row.push((name, raw));
        goes_on = json.goes_on(b'}')?;
    }
    see(b"}");
    Ok(row)
}

/// The values of a key, as JSON.
type KeyValues = [Vec<u8>];

/// Reads an array of keys, each a value or an array of such.
fn deleted<R: Read>(
    json: &mut Json<R>,
    take: &mut dyn FnMut(&KeyValues) -> Result<(), Refused>,
) -> Result<(), Failed> {
    json.take(b'[')?;
    let mut goes_on = !json.is_empty(b']')?;
    while goes_on {
        let mut key = Vec::new();
        if json.next()? == b'[' {
            json.take(b'[')?;
            let mut has_part = !json.is_empty(b']')?;
            let mut bytes = 0;
            while has_part {
                let mut raw = Vec::new();
                json.value(&mut raw)?;
                bytes += raw.len();
                if key.len() == MOST_MEMBERS || bytes > LONGEST_BYTES {
                    return Err(Trouble::Wrong(
                        "a key has more values than any table has columns".to_owned(),
                    )
                    .into());
                }
                key.push(raw);
                has_part = json.goes_on(b']')?;
            }
        } else {
            let mut raw = Vec::new();
            json.value(&mut raw)?;
            key.push(raw);
        }
        take(&key)?;
        goes_on = json.goes_on(b']')?;
    }
    Ok(())
}
