//! Export: the rows of a state as files that others read.
//!
//! `docs/exporting.md` says what the files look like. Rows pass through in batches; nothing has its name before all of it is
//! written.

mod checksum;
mod compression;
mod csv;
mod documents;
mod files;
mod format;
mod increment;
mod names;
mod ndjson;
mod objects;
mod options;
mod own;
#[cfg(feature = "parquet")]
mod parquet;
mod script;
mod sheet;
mod source;
mod tables;

use std::path::PathBuf;

use rowkeep_format::{ContentKeys, Table};

use crate::{Context, Error, Event, Phase, State};
pub use compression::Compression;
pub use files::Destination;
use files::{Files, Terms};
pub use format::ExportFormat;
use increment::Increment;
pub use options::{ExportOptions, Exported, ExportedFile};
pub use rowkeep_engine::sql::Program;
use source::{Source, chosen};

/// Writes the rows of a state.
///
/// When it fails, is cancelled or its process is killed, no file has a name that it would have in the end; a stream has what was
/// written until then.
pub async fn export(
    context: &Context,
    state: &State,
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    context.until_cancelled(export_now(context, state, options, destination)).await
}

/// Writes what changed between two states, the older first, in a format that tells it.
///
/// `keys` are those of the repository that a snapshot is in, any others where both states are live.
pub async fn export_between(
    context: &Context,
    keys: &ContentKeys,
    states: (&State, &State),
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    context.until_cancelled(export_changes(context, keys, states, options, destination)).await
}

async fn export_now(
    context: &Context,
    state: &State,
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    let mut done = Exported::default();
    let tables = chosen(state, options, &mut done.notes)?;
    let source = Source::new(context, state, options, &tables, &mut done.notes)?;
    let script = tables::script_of(state, options, &mut done)?;
    let is_one = match (&destination, options.format) {
        (_, ExportFormat::Sql | ExportFormat::Own) => true,
        (_, format) if format.is_document() => true,
        (Destination::Folder(_), _) => false,
        (_, ExportFormat::Csv) if tables.len() != 1 => {
            let message = format!("one CSV file holds one table, and {} are meant", tables.len());
            return Err(Error::Export(message));
        }
        #[cfg(feature = "parquet")]
        (_, ExportFormat::Parquet) if tables.len() != 1 => {
            let message = format!("one Parquet file holds one table, and {} are meant", tables.len());
            return Err(Error::Export(message));
        }
        _ => true,
    };
    let extension = extension(options);
    let names = match (is_one, options.format) {
        (false, _) => names::file_names(&tables, &extension),
        (true, format) if format.is_document() => {
            vec![compressed(documents::name(&source, format)?, options)]
        }
        (true, _) => vec![names::file_name(&options.name, &extension)],
    };
    begin(context, state, &tables);
    let mut files = Files::begin(destination, &names, terms(options))?;
    let mut beside = Vec::new();
    if options.format.is_document() {
        let written = documents::document(&source, options, &tables, &mut files, &names[0]).await?;
        done.files.push(written.file);
        done.notes.extend(written.notes);
        beside = written.beside;
    } else if options.format == ExportFormat::Own {
        done.files.push(own::own(&source, options, &tables, &mut files, &names[0]).await?);
    } else if is_one {
        let form = (options.format, script.as_ref());
        let (file, notes) = tables::in_one(&source, form, &tables, &mut files, &names[0]).await?;
        done.files.push(file);
        done.notes.extend(notes);
    } else {
        let (written, notes) =
            tables::one_by_one(&source, options.format, &tables, &mut files, &names).await?;
        done.files = written;
        done.notes.extend(notes);
    }
    publish(files, &names, options, beside, done).await
}

async fn export_changes(
    context: &Context,
    keys: &ContentKeys,
    (old, new): (&State, &State),
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    increment::check(options.format)?;
    let mut done = Exported::default();
    let difference = increment::compare(context, keys, (old, new), options).await?;
    let both = ((old.schema(), old.unread()), (new.schema(), new.unread()));
    let (mut before, mut after) = options.selection.choose_of_two(both.0, both.1)?;
    before.retain(|table| table.kind.is_user_table() && old.holds(&table.name));
    after.retain(|table| table.kind.is_user_table() && new.holds(&table.name));
    let old = Source::new(context, old, options, &before, &mut Vec::new())?;
    let new = Source::new(context, new, options, &after, &mut done.notes)?;
    let increment = Increment { old: &old, new: &new, difference: &difference, options };
    let name = compressed(increment.name(), options);
    let mut files = Files::begin(destination, std::slice::from_ref(&name), terms(options))?;
    let written = increment.write(&mut files, &name).await?;
    done.files.push(written.file);
    done.notes.extend(written.notes);
    publish(files, &[name], options, written.beside, done).await
}

fn begin(context: &Context, state: &State, tables: &[&Table]) {
    context.observe(Event::Phase {
        phase: Phase::Export,
        tables: tables.iter().filter(|table| table.kind.is_user_table()).count() as u64,
        rows: tables.iter().map(|table| state.estimated_rows(&table.name)).sum(),
    });
}

fn terms(options: &ExportOptions) -> Terms {
    Terms {
        force: options.force,
        at_most: options.at_most,
        compression: options.compression,
        with_checksum: !options.alone,
    }
}

fn extension(options: &ExportOptions) -> String {
    compressed(options.format.extension().to_owned(), options)
}

fn compressed(name: String, options: &ExportOptions) -> String {
    match options.compression {
        Some(compression) => format!("{name}.{}", compression.extension()),
        None => name,
    }
}

/// Gives all files their names, and what stands beside them.
async fn publish(
    files: Files,
    names: &[String],
    options: &ExportOptions,
    mut beside: Vec<(String, String)>,
    mut done: Exported,
) -> Result<Exported, Error> {
    if !options.alone && beside.is_empty() {
        let named = files.named().and_then(|path| path.file_name());
        let named = named.map(|name| vec![name.to_string_lossy().into_owned()]);
        let names = named.as_deref().unwrap_or(names);
        let lines: String =
            names.iter().zip(&done.files).map(|(name, file)| checksum::line(&file.sha256, name)).collect();
        beside = match names {
            [] => Vec::new(),
            [only] => vec![(files::beside(&PathBuf::from(only)).to_string_lossy().into_owned(), lines)],
            _ => vec![(checksum::SUMS.to_owned(), lines)],
        };
    }
    let published = files.publish(&beside).await?;
    for (file, path) in done.files.iter_mut().zip(published.files) {
        file.path = path;
    }
    done.beside = published.beside;
    done.rows = done.files.iter().map(|file| file.rows).sum();
    done.bytes = done.files.iter().map(|file| file.bytes).sum();
    Ok(done)
}
