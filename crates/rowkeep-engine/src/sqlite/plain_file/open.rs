//! Documents of JSON as states.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::about::{Kind, beginning};
use super::chain::chain;
use super::document::{Document, Failed, keys_of, read};
use super::json::{Json, Trouble};
use super::staged::Tables;
use super::table::Refused;
use super::verify::{Verdict, verify, verify_beside};
use crate::file_source::{
    About, Damage, FileOptions, FileTime, Format, Head, MissingBase, Place, Source, Unpacked,
};
use crate::sqlite::connect::error::when;
use crate::sqlite::dump_file::{Said, Scratch};
use crate::sqlite::schema::ddl;
use crate::{EngineError, ErrorKind, FILE_PART, View};

/// One object of JSON with tables: the backups of some applications, and any other of that form.
pub(crate) struct JsonDocument;

impl Format for JsonDocument {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        if head.is_folder {
            return None;
        }
        let begins = beginning(head.bytes, head.path)?;
        Some(About {
            engine: ddl::ENGINE,
            what: begins.kind.told().to_owned(),
            written_by: begins.written_by,
            database: None,
            time: begins.time.map(FileTime::Exact),
        })
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        let begins = beginning(file.head(), file.path()).ok_or_else(|| {
            EngineError::new(
                ErrorKind::NotADatabase,
                format!("{}: no JSON with tables", file.path().display()),
            )
        })?;
        let files = chain(file, &begins, options.beside.as_deref()).map_err(|none| none.error)?;
        let scratch = Scratch::new(options.temporary.as_deref())?;
        let mut said = Said { facts: options.facts.clone(), ..Said::default() };
        let mut tables = Tables::new(scratch.connection()).map_err(temporary)?;
        let mut whole = None;
        let mut parts: Vec<Option<String>> = Vec::new();
        for file in &files {
            let part = one(file, begins.kind, options, &mut tables, (&mut whole, &mut said))?;
            refuse_another(file, &part, parts.first())?;
            parts.push(part);
        }
        let part = parts.into_iter().flatten().next();
        said.facts.extend(part.map(|part| (FILE_PART.to_owned(), part)));
        if let Some(whole) = whole {
            said.damaged.extend(tables.names().filter(|name| !whole.contains(*name)).map(str::to_owned));
            refuse_nothing(file, whole.is_empty(), &said)?;
        }
        if files.len() > 1 {
            said.notes.push(format!("it is put together of {} files", files.len()));
        }
        let told = tables.finish().map_err(|refused| not_taken(file, refused))?;
        said.notes.extend(told);
        scratch.into_view(options, said)
    }

    fn missing_base(&self, file: &Source) -> Option<MissingBase> {
        let begins = beginning(file.head(), file.path())?;
        chain(file, &begins, None).err()?.base
    }

    fn files(&self, file: &Source) -> Vec<PathBuf> {
        let chain = beginning(file.head(), file.path()).and_then(|begins| chain(file, &begins, None).ok());
        let files = chain.iter().flatten().map(|file| file.path().to_owned()).collect();
        if chain.is_some() { files } else { vec![file.path().to_owned()] }
    }
}

/// Refuses a damaged file of which nothing is known to be whole.
pub(super) fn refuse_nothing(file: &Source, is_nothing: bool, said: &Said) -> Result<(), EngineError> {
    match is_nothing {
        true => {
            let (path, why) = (file.path().display(), said.notes.join("; "));
            let message = format!("{path}: no table of it is known to be whole: {why}");
            Err(EngineError::new(ErrorKind::DamagedFile, message))
        }
        false => Ok(()),
    }
}

/// Refuses an increment that is of another part of the state than the backup that it goes on from.
fn refuse_another(
    file: &Source,
    part: &Option<String>,
    first: Option<&Option<String>>,
) -> Result<(), EngineError> {
    if first.is_none_or(|first| first == part) {
        return Ok(());
    }
    let told = |part: &Option<String>| match part.as_deref() {
        None => "all of the state",
        Some("masked") => "masked rows",
        Some("some_tables") => "some tables",
        Some(_) => "some rows",
    };
    let (path, own, base) = (file.path().display(), told(part), first.map_or("nothing", told));
    let message = format!(
        "{path} is of {own}, and what it goes on from has {base}: put the backup that it is of beside it"
    );
    Err(EngineError::new(ErrorKind::Unsupported, message))
}

/// The tables that are known to be whole, where not all are.
type Whole = Option<HashSet<String>>;

/// Reads one file. Of what is not known to be whole in it, nothing is known after later files either.
fn one(
    file: &Source,
    kind: Kind,
    options: &FileOptions,
    tables: &mut Tables<'_>,
    (whole, said): (&mut Whole, &mut Said),
) -> Result<Option<String>, EngineError> {
    let mut json = Json::new(file.open()?);
    let mut document = Document::default();
    if let Err(failed) = read(&mut json, tables, &mut document) {
        let error = error_of(file, &json, failed);
        if !options.salvage {
            return Err(error);
        }
        said.notes.push(format!("{error}; what would have followed is not known"));
        // Changes of any other table may have followed.
        let is_gone = |name: &&str| !tables.names().any(|known| known == *name);
        let part = document.part().map(str::to_owned);
        said.damaged.extend(document.listed().filter(is_gone).map(str::to_owned));
        let read = document.whole;
        *whole = Some(match whole.take() {
            Some(before) => before.into_iter().filter(|name| read.contains(name)).collect(),
            None => read,
        });
        return Ok(part);
    }
    let counts: HashMap<String, u64> = tables.counts().map(|(name, rows)| (name.to_owned(), rows)).collect();
    for name in counts.keys() {
        tables.key(name, keys_of(&document, name));
    }
    let mut verdict = verify(&document, &counts);
    if kind == Kind::Dino {
        let Verdict { wrong, notes } = verify_beside(file.path()).map_err(|error| {
            EngineError::new(ErrorKind::Other, format!("{}: it cannot be read again", file.path().display()))
                .with_source(error)
        })?;
        verdict.wrong.extend(wrong);
        verdict.notes.extend(notes);
    }
    let doubted = verdict.doubted(&document, &counts);
    said.notes.extend(verdict.notes);
    let part = document.part().map(str::to_owned);
    if verdict.wrong.is_empty() {
        return Ok(part);
    }
    let wrong: Vec<String> = verdict.wrong.into_iter().map(|(_, wrong)| wrong).collect();
    if !options.salvage {
        let message = format!("{}: {}", file.path().display(), wrong.join("; "));
        return Err(EngineError::new(ErrorKind::DamagedFile, message));
    }
    said.notes.extend(wrong);
    said.damaged.extend(doubted.iter().filter(|name| !counts.contains_key(*name)).cloned());
    let known = whole.get_or_insert_with(|| counts.into_keys().collect());
    known.retain(|name| !doubted.contains(name));
    Ok(part)
}

/// What is wrong with a file of JSON, and where.
pub(super) fn error_of(file: &Source, json: &Json<Unpacked>, failed: Failed) -> EngineError {
    error_at(file, (json.line(), json.source()), failed, "the file is cut off")
}

/// What is wrong with a file that is read so far, and what to say where it ends within something.
pub(super) fn error_at(
    file: &Source,
    (line, read): (u64, &Unpacked),
    failed: Failed,
    ended: &str,
) -> EngineError {
    let damaged = |what: String| file.damaged(&Damage { place: Place { line }.to_string(), what });
    match failed {
        Failed::Json(Trouble::Io(error)) => read.failed(error),
        Failed::Json(Trouble::Ended) => damaged(ended.to_owned()),
        Failed::Json(Trouble::Wrong(what)) | Failed::Row(Refused::Words(what)) => damaged(what),
        Failed::Row(Refused::Sqlite(error)) => temporary(error),
    }
}

/// What keeps rows from being put together.
pub(super) fn not_taken(file: &Source, refused: Refused) -> EngineError {
    match refused {
        Refused::Words(what) => {
            EngineError::new(ErrorKind::DamagedFile, format!("{}: {what}", file.path().display()))
        }
        Refused::Sqlite(error) => temporary(error),
    }
}

pub(super) fn temporary(error: rusqlite::Error) -> EngineError {
    when("a temporary database".to_owned())(error)
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
