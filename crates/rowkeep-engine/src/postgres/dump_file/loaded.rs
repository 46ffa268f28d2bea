//! A dump, read as far as its statements go: of one database, and whether it is whole.

use std::fs::File;
use std::sync::Arc;

use rowkeep_format::TableName;

use super::archive::{self, Archive};
use super::choose::choose;
use super::contents::Contents;
use super::plain::{self, Script};
use crate::file_source::{Damage, FileOptions, Source};
use crate::postgres::dump_file::archive::header::MAGIC;
use crate::{EngineError, ErrorKind};

/// What a dump holds of the database that is meant.
pub(super) struct Loaded {
    pub(super) contents: Contents,
    /// Tables of which rows are missing.
    pub(super) cut: Vec<TableName>,
    /// Whether nothing says that the dump was cut off or changed: what it has no rows of, it was made without.
    pub(super) is_whole: bool,
}

/// Reads a dump; a damaged one only where what is whole of it is wanted.
pub(super) fn load(file: &Source, options: &FileOptions) -> Result<Loaded, EngineError> {
    let is_tar = file.head().get(257..262) == Some(b"ustar");
    let is_archive = file.head().starts_with(MAGIC) || is_tar;
    let (content, broken) = match file.is_folder() {
        true => (open_in_folder(file)?, None),
        false => file.spooled(options.temporary.as_deref())?,
    };
    let (mut notes, is_packed_well) = (Vec::new(), broken.is_none());
    if let Some(error) = broken {
        if !options.salvage {
            return Err(error);
        }
        notes.push(error.to_string());
    }
    let content = Arc::new(content);
    let mut loaded = match is_archive {
        true => of_archive(file, &content, options, &mut notes)?,
        false => of_script(file, &content, options, &mut notes)?,
    };
    loaded.is_whole &= is_packed_well;
    loaded.contents.notes.splice(..0, notes);
    Ok(loaded)
}

fn of_archive(
    file: &Source,
    content: &Arc<File>,
    options: &FileOptions,
    notes: &mut Vec<String>,
) -> Result<Loaded, EngineError> {
    let read = archive::read(file.path(), content, file.is_folder());
    let Archive { contents, damage, cut } = read.map_err(|damage| file.damaged(&damage))?;
    let is_whole = damage.is_none();
    accept(file, damage, options, notes)?;
    options.refuse_another(file, contents.name.as_deref())?;
    Ok(Loaded { contents, cut, is_whole })
}

fn of_script(
    file: &Source,
    content: &Arc<File>,
    options: &FileOptions,
    notes: &mut Vec<String>,
) -> Result<Loaded, EngineError> {
    let read = plain::read(content).map_err(|error| {
        EngineError::new(ErrorKind::Other, format!("{}: the file cannot be read", file.path().display()))
            .with_source(error)
    });
    let Script { databases, damage, mut cut } = read?;
    let is_whole = damage.is_none();
    accept(file, damage, options, notes)?;
    let is_of_last = databases.len();
    let (place, contents) = choose(file, databases, options.database.as_deref())?;
    if place + 1 != is_of_last {
        cut.clear();
    }
    Ok(Loaded { contents, cut, is_whole })
}

/// Fails for a file that is not whole, unless what is whole of it is wanted.
fn accept(
    file: &Source,
    damage: Option<Damage>,
    options: &FileOptions,
    notes: &mut Vec<String>,
) -> Result<(), EngineError> {
    match damage {
        Some(damage) if !options.salvage => Err(file.damaged(&damage)),
        Some(damage) => {
            notes.push(format!("{}: {}", damage.place, damage.what));
            Ok(())
        }
        None => Ok(()),
    }
}

fn open_in_folder(file: &Source) -> Result<File, EngineError> {
    let path = file.path().join("toc.dat");
    File::open(&path).map_err(|error| {
        EngineError::new(ErrorKind::Other, format!("{}: the file cannot be read", path.display()))
            .with_source(error)
    })
}
