//! Which file a database is.

use std::fs;
use std::path::Path;

use rowkeep_format::{Identity, Schema};

/// The database in a file, as far as the file itself tells it.
pub(crate) fn of_file(path: &Path, host: Option<&str>) -> Identity {
    Identity {
        host: host.map(str::to_owned),
        file: number_and_birth(path),
        ..Identity::at(path.display().to_string())
    }
}

/// The same with the mark of what it holds.
pub(crate) fn of_database(path: &Path, host: Option<&str>, schema: &Schema) -> Identity {
    let own = schema.tables.iter().filter(|table| table.kind.is_user_table());
    Identity { mark: Identity::mark(own.map(|table| table.name.name.as_str())), ..of_file(path, host) }
}

/// The number of a file in its file system, which is given again to others, and when it was born, which is not.
#[cfg(unix)]
fn number_and_birth(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok()?;
    let born = metadata.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{}/{}.{:09}", metadata.ino(), born.as_secs(), born.subsec_nanos()))
}

/// Not known on this system.
#[cfg(not(unix))]
fn number_and_birth(_: &Path) -> Option<String> {
    None
}
