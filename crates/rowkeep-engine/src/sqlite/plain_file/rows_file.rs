//! Files of rows: NDJSON, CSV and others, one file with the rows of one table, or a folder with a file for each.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::about::stem;
use super::csv::{Csv, Field};
use super::document::{Failed, row};
use super::json::{Json, Trouble};
use super::open::{error_at, error_of, not_taken, refuse_nothing, temporary};
use super::staged::Tables;
use super::table::Row;
use crate::file_source::{About, FileOptions, Format, Head, Source};
use crate::sqlite::dump_file::{Said, Scratch};
use crate::sqlite::schema::ddl;
use crate::{EngineError, ErrorKind, View};

/// Files with an object of JSON on each line.
pub(crate) struct JsonLines;

/// Files with fields divided by commas.
pub(crate) struct CsvFiles;

/// How their names end, in front of what says that they are packed.
const JSON_LINES: [&str; 2] = [".ndjson", ".jsonl"];
const CSV: [&str; 1] = [".csv"];
pub(super) const PARQUET: [&str; 1] = [".parquet"];

/// All of them.
const FORMS: [&[&str]; 3] = [&CSV, &JSON_LINES, &PARQUET];

/// How names of packed files end.
const PACKED: [&str; 6] = ["", ".gz", ".zst", ".xz", ".lz4", ".zip"];

/// The files of a folder that hold rows of tables, in the first form of which there are any, by name.
pub(crate) fn table_files(folder: &Path) -> Vec<PathBuf> {
    FORMS
        .into_iter()
        .map(|endings| named(folder, endings))
        .find(|files| !files.is_empty())
        .unwrap_or_default()
}

fn named(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| ends(path, endings) && path.is_file());
    files.sort();
    files
}

pub(super) fn ends(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let is_hidden = name.starts_with('.');
    let mut all = endings.iter().flat_map(|ending| PACKED.map(|packed| format!("{ending}{packed}")));
    !is_hidden && all.any(|ending| name.ends_with(&ending))
}

pub(super) fn about(what: &str, is_folder: bool) -> About {
    let what = if is_folder { format!("a folder of {what}") } else { what.to_owned() };
    About { engine: ddl::ENGINE, what, written_by: None, database: None, time: None }
}

impl Format for JsonLines {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        let is_named = if head.is_folder {
            table_files(head.path).iter().any(|path| ends(path, &JSON_LINES))
        } else {
            ends(head.path, &JSON_LINES)
        };
        // Whatever it is called, a second object follows the first.
        let is_lines = || {
            let mut json = Json::new(head.bytes);
            row(&mut json, &mut |_| ()).is_ok() && matches!(json.peek(), Ok(Some(b'{')))
        };
        (is_named || !head.is_folder && is_lines()).then(|| about("NDJSON", head.is_folder))
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        all(file, &JSON_LINES, options, json_lines)
    }

    fn is_one_table(&self, file: &Source) -> bool {
        let first = row(&mut Json::new(file.head()), &mut |_| ());
        !file.is_folder() && !first.is_ok_and(|row| named_row(&row).is_some())
    }
}

impl Format for CsvFiles {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        let is_named = if head.is_folder {
            table_files(head.path).iter().any(|path| ends(path, &CSV))
        } else {
            ends(head.path, &CSV)
        };
        (is_named && !head.bytes.contains(&0)).then(|| about("CSV", head.is_folder))
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        all(file, &CSV, options, csv)
    }

    fn is_one_table(&self, file: &Source) -> bool {
        !file.is_folder()
    }
}

/// Reads one file into tables.
pub(super) type ReadFile = fn(&Source, &FileOptions, &mut Tables<'_>) -> Result<(), EngineError>;

/// Reads a file, or all of a folder, into a database of their own.
pub(super) fn all(
    file: &Source,
    endings: &[&str],
    options: &FileOptions,
    read: ReadFile,
) -> Result<Arc<dyn View>, EngineError> {
    let files = match file.is_folder() {
        true => {
            refuse_other_forms(file.path(), endings)?;
            named(file.path(), endings).iter().map(|path| Source::of(path)).collect::<Result<_, _>>()?
        }
        false => vec![file.clone()],
    };
    let scratch = Scratch::new(options.temporary.as_deref())?;
    let mut said = Said { facts: options.facts.clone(), ..Said::default() };
    let mut tables = Tables::new(scratch.connection()).map_err(temporary)?;
    let mut damaged = HashSet::new();
    for file in &files {
        tables.next_file();
        match read(file, options, &mut tables) {
            Err(error) if options.salvage => {
                said.notes.push(error.to_string());
                // Rows of any of its tables may have followed.
                let own: Vec<String> = tables.of_file().map(str::to_owned).collect();
                damaged.extend(if own.is_empty() { vec![table_of(file)] } else { own });
            }
            read => read?,
        }
    }
    if !damaged.is_empty() {
        refuse_nothing(file, tables.names().all(|name| damaged.contains(name)), &said)?;
        said.damaged.extend(damaged);
    }
    let told = tables.finish().map_err(|refused| not_taken(file, refused))?;
    said.notes.extend(told);
    scratch.into_view(options, said)
}

/// Refuses a folder with files of another form beside those of this one: which of them are the state, nobody says.
fn refuse_other_forms(folder: &Path, endings: &[&str]) -> Result<(), EngineError> {
    let mut others =
        FORMS.into_iter().filter(|other| *other != endings).flat_map(|other| named(folder, other));
    let Some(other) = others.next() else { return Ok(()) };
    let (folder, own) = (folder.display(), endings[0]);
    let other = other.file_name().unwrap_or_default().to_string_lossy();
    let message = format!(
        "{folder} has files that end with {own}, and {other}: which of them are the state is not known; leave those alone \
         that are, or import one by its name"
    );
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// The table that a file is called after: names are written as exports write them.
pub(super) fn table_of(file: &Source) -> String {
    let name = stem(file.path());
    let (mut out, mut rest) = (Vec::new(), name.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|digits| hex::decode(digits).ok()).filter(|_| *first == b'%');
        match escaped {
            Some(byte) => {
                out.extend(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or(name)
}

fn json_lines(file: &Source, _: &FileOptions, tables: &mut Tables<'_>) -> Result<(), EngineError> {
    let own = table_of(file);
    let mut json = Json::new(file.open()?);
    let mut is_empty = true;
    let mut next = |json: &mut Json<_>| -> Result<bool, Failed> {
        if json.peek()?.is_none() {
            return Ok(false);
        }
        is_empty = false;
        let row = row(json, &mut |_| ())?;
        match named_row(&row) {
            Some((table, row)) => {
                let at = tables.table(&table)?;
                tables.add(at, &row)?;
            }
            None => {
                let at = tables.table(&own)?;
                tables.add(at, &row)?;
            }
        }
        Ok(true)
    };
    loop {
        match next(&mut json) {
            Ok(true) => {}
            Ok(false) => break,
            Err(failed) => return Err(error_of(file, &json, failed)),
        }
    }
    if is_empty {
        tables.table(&own).map_err(|refused| not_taken(file, refused))?;
    }
    Ok(())
}

/// The row within `{"table": "orders", "row": {…}}`.
fn named_row(row: &Row) -> Option<(String, Row)> {
    let [(first, table), (second, inner)] = row.as_slice() else { return None };
    if first != "table" || second != "row" || !table.starts_with(b"\"") || !inner.starts_with(b"{") {
        return None;
    }
    let inner = super::document::row(&mut Json::new(inner.as_slice()), &mut |_| ()).ok()?;
    Some((super::json::text(table), inner))
}

fn csv(file: &Source, options: &FileOptions, tables: &mut Tables<'_>) -> Result<(), EngineError> {
    let own = table_of(file);
    tables.untyped();
    let mut csv = Csv::new(file.open()?);
    let read = |csv: &mut Csv<_>| -> Result<(), Failed> {
        let at = tables.table(&own)?;
        let Some(head) = csv.record()? else { return Ok(()) };
        let names: Vec<String> = head.into_iter().map(Option::unwrap_or_default).collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Trouble::Wrong(format!("two columns are called {}", pair[0])).into());
        }
        tables.columns(at, &names)?;
        csv.null(options.null.clone());
        let mut empty = 0_u64;
        while let Some(fields) = csv.record()? {
            // Where there are several columns, an empty line has no row. Where there is one, it is NULL, as exports of this
            // program and PostgreSQL write it.
            let is_empty = csv.is_blank();
            empty += u64::from(is_empty);
            if fields.len() != names.len() {
                if is_empty {
                    continue;
                }
                let wrong =
                    format!("a record has {} fields, and there are {} columns", fields.len(), names.len());
                return Err(Trouble::Wrong(wrong).into());
            }
            let value = |field: Field| match field {
                None => b"null".to_vec(),
                Some(text) => Value::from(text).to_string().into_bytes(),
            };
            let row: Row = names.iter().cloned().zip(fields.into_iter().map(value)).collect();
            tables.add(at, &row)?;
        }
        match (empty, names.len()) {
            (0, _) => {}
            (1, 1) => tables.note(format!("{own}: a line of it is empty, which is a row with NULL")),
            (_, 1) => tables.note(format!("{own}: {empty} lines of it are empty, which are rows with NULL")),
            _ => tables.note(format!("{own}: empty lines between its rows are passed over")),
        }
        Ok(())
    };
    let mut read = read;
    read(&mut csv).map_err(|failed| {
        let place = (csv.record_line(), csv.source());
        error_at(file, place, failed, "the file is cut off within quotes")
    })
}
