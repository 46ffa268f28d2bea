//! Reading an archive: what its entries say, and where their data is.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use rowkeep_format::TableName;

use super::custom;
use super::definition::statements;
use super::files::Files;
use super::header::{CUSTOM, DIRECTORY, Entry, Header, Section, TAR, Wrong, entries, header};
use super::tar;
use crate::file_source::Damage;
use crate::postgres::catalog::large_objects;
use crate::postgres::dump_file::contents::{Contents, Form, ObjectData, TableData};
use crate::postgres::dump_file::place::Place;
use crate::postgres::dump_file::settings::BACKSLASHES;
use crate::postgres::schema::cursor::Cursor;

/// What an archive holds.
#[derive(Debug, Default)]
pub(in crate::postgres::dump_file) struct Archive {
    pub(in crate::postgres::dump_file) contents: Contents,
    /// Where it is not whole.
    pub(in crate::postgres::dump_file) damage: Option<Damage>,
    /// Tables whose rows are not in it as they should be.
    pub(in crate::postgres::dump_file) cut: Vec<TableName>,
}

/// Reads an archive: a file as it is, or a folder by the file with its table of contents.
pub(in crate::postgres::dump_file) fn read(
    path: &Path,
    file: &Arc<File>,
    is_folder: bool,
) -> Result<Archive, Damage> {
    let whole = |what: Wrong| Damage { place: "in its table of contents".to_owned(), what: told(what) };
    let mut bytes = BufReader::with_capacity(256 * 1024, file.as_ref());
    bytes.rewind().map_err(|error| whole(error.into()))?;
    if is_folder {
        let (header, entries) = contents(&mut bytes).map_err(whole)?;
        // That of a folder says of itself that it is a tar file's, so that restoring from one is the same.
        if header.format != TAR && header.format != DIRECTORY {
            return Err(Damage {
                place: "toc.dat".to_owned(),
                what: "it is not that of a folder".to_owned(),
            });
        }
        return gather(&header, &entries, &Files::Folder(path.to_owned()));
    }
    if tar::is_tar(file) {
        let (members, damage) = tar::members(file);
        let toc = members.section("toc.dat").ok_or_else(|| {
            damage.clone().unwrap_or_else(|| Damage {
                place: "in its list of files".to_owned(),
                what: "toc.dat is missing".to_owned(),
            })
        })?;
        let toc = Place::Section(toc).open().map_err(|error| whole(error.into()))?;
        let (header, entries) = contents(&mut BufReader::new(toc)).map_err(whole)?;
        if header.format != TAR {
            return Err(whole(Wrong::Form("it is not that of a tar file".to_owned())));
        }
        let mut archive = gather(&header, &entries, &Files::Tar(members))?;
        archive.damage = damage.or(archive.damage);
        return Ok(archive);
    }
    let (header, entries) = contents(&mut bytes).map_err(whole)?;
    if header.format != CUSTOM {
        return Err(whole(Wrong::Form("it is of another format than the file".to_owned())));
    }
    let begins = bytes.stream_position().map_err(|error| whole(error.into()))?;
    let (blocks, damage) = custom::find(file, begins, &header);
    let mut archive = gather(&header, &entries, &Files::Custom(blocks))?;
    archive.damage = damage.or(archive.damage);
    Ok(archive)
}

fn contents(bytes: &mut impl Read) -> Result<(Header, Vec<Entry>), Wrong> {
    let header = header(bytes)?;
    let entries = entries(bytes, &header)?;
    Ok((header, entries))
}

fn gather(header: &Header, entries: &[Entry], files: &Files) -> Result<Archive, Damage> {
    let mut archive = Archive::default();
    let contents = &mut archive.contents;
    contents.name = header.database.clone();
    contents.server = header.server.clone();
    contents.program = header.program.clone();
    let mut missing = |what: &str| {
        archive.damage.get_or_insert_with(|| Damage {
            place: format!("the data of {what}"),
            what: "it is missing".to_owned(),
        });
    };
    for entry in entries {
        match entry.kind.as_str() {
            "TABLE DATA" => {
                let table = TableName { schema: entry.schema.clone(), name: entry.tag.clone() };
                contents.mentioned.push(table.clone());
                match files.data(header, entry.id, entry.file.as_deref()).filter(|_| entry.has_data) {
                    Some(place) => contents.data.push(TableData {
                        columns: copied_columns(&entry.copy),
                        form: if entry.copy.is_empty() { Form::Inserts } else { Form::Copy },
                        begins: format!("in the data of {table}"),
                        table,
                        announced: None,
                        place,
                    }),
                    None => {
                        missing(&table.to_string());
                        archive.cut.push(table);
                    }
                }
            }
            "BLOBS" => match files.objects(header, entry.id, entry.file.as_deref()) {
                Some(objects) => {
                    let data = |(oid, place)| ObjectData { oid, place, is_script: false };
                    contents.object_data.extend(objects.into_iter().map(data));
                }
                None => {
                    missing("the large objects");
                    archive.cut.push(large_objects::data().name);
                }
            },
            "SEQUENCE SET" => contents.sequences.push(entry.definition.clone()),
            "DATABASE" => contents.create = Some(entry.definition.clone()),
            "ENCODING" => contents.encoding = Cursor::new(after_equals(&entry.definition)).literal(),
            "MATERIALIZED VIEW DATA" => contents.refresh.push(entry.definition.clone()),
            "BLOB" | "BLOB METADATA" | "BLOB COMMENTS" => contents.objects.extend(statements(entry, header)),
            "STDSTRINGS" if entry.definition.to_ascii_lowercase().contains("'off'") => {
                return Err(Damage { place: "in its settings".to_owned(), what: BACKSLASHES.to_owned() });
            }
            "STDSTRINGS" | "SEARCHPATH" | "STATISTICS DATA" | "DATABASE PROPERTIES" => {}
            _ if entry.tag.starts_with("LARGE OBJECT") => contents.objects.extend(statements(entry, header)),
            _ if entry.tag.starts_with("DATABASE ") && entry.section == Section::None => {}
            _ => match entry.section {
                Section::Before => contents.before.extend(statements(entry, header)),
                Section::None | Section::After => contents.after.extend(statements(entry, header)),
                Section::Data => {}
            },
        }
    }
    Ok(archive)
}

/// The columns that a `COPY` of an entry names.
fn copied_columns(copy: &str) -> Option<Vec<String>> {
    let mut cursor = Cursor::new(copy);
    if !cursor.takes(&["copy"]) {
        return None;
    }
    cursor.qualified()?;
    // A table without columns has an empty list.
    if cursor.sees_symbol('(') { Some(cursor.names().unwrap_or_default()) } else { None }
}

fn after_equals(sql: &str) -> &str {
    sql.split_once('=').map_or("", |(_, value)| value.trim())
}

fn told(wrong: Wrong) -> String {
    match wrong {
        Wrong::Form(what) => what,
        Wrong::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the file is cut off".to_owned()
        }
        Wrong::Io(error) => format!("it cannot be read: {error}"),
    }
}
