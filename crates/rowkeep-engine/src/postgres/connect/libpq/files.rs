//! Service files and password files.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::percent::encoded;
use crate::{EngineError, ErrorKind};

/// The settings of a service, from the first of the files that has it.
pub(super) fn service_of(name: &str, files: &[PathBuf]) -> Result<HashMap<String, String>, EngineError> {
    for file in files {
        match fs::read_to_string(file) {
            Ok(text) => {
                if let Some(settings) = service_in(&text, name) {
                    return Ok(settings);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(
                    invalid(format!("cannot read the service file {}", file.display())).with_source(error)
                );
            }
        }
    }
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Err(invalid(match files.as_slice() {
        [] => format!("there is no service file in which service {name} could be (PGSERVICEFILE names one)"),
        files => format!("service {name} is not in {}", files.join(" or ")),
    }))
}

fn service_in(text: &str, name: &str) -> Option<HashMap<String, String>> {
    let mut settings: Option<HashMap<String, String>> = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            if settings.is_some() {
                break;
            }
            settings = (section.strip_suffix(']') == Some(name)).then(HashMap::new);
        } else if let (Some(settings), Some((key, value)), false) =
            (&mut settings, line.split_once('='), line.starts_with('#'))
        {
            settings.entry(key.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
        }
    }
    settings
}

fn invalid(message: String) -> EngineError {
    EngineError::new(ErrorKind::InvalidUrl, message)
}

/// What a password is looked up by.
pub(super) struct Looked<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password that a file has for a connection, percent-encoded; nothing where there is no file or no such line.
///
/// A file that others may read is refused where it has one: libpq would pass over it.
pub(super) fn password_of(file: &Path, looked: &Looked<'_>) -> Result<Option<String>, EngineError> {
    let Ok(text) = fs::read_to_string(file) else { return Ok(None) };
    let Some(password) = text.lines().find_map(|line| password_in(line, looked)) else { return Ok(None) };
    if is_open_to_others(file) {
        return Err(invalid(format!(
            "the password file {} can be read by others: `chmod 600` it, or PostgreSQL's own programs pass over it too",
            file.display()
        )));
    }
    Ok(Some(encoded(&password)))
}

fn password_in(line: &str, looked: &Looked<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let (mut fields, mut field, mut characters) = (Vec::new(), String::new(), line.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => field.extend(characters.next()),
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    let [host, port, database, user] = fields.as_slice() else { return None };
    let is_local = looked.host.starts_with('/') || looked.host.starts_with('@');
    let fits = |field: &str, value: &str| field == "*" || field == value;
    let is_meant = (fits(host, looked.host) || is_local && host == "localhost")
        && fits(port, looked.port)
        && fits(database, looked.database)
        && fits(user, looked.user);
    is_meant.then_some(field)
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
