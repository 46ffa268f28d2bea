//! How to take back what was done.

use rowkeep::format::SnapshotId;

use super::command_line::command;
use super::units::{plain, short};
use crate::setup::Session;

/// The command that takes back what was done to a database, as it is to be typed; `database` is its URL or path without
/// secrets. With a configuration, its name there is shorter, and a URL with a password is needed no more.
pub(crate) fn told(session: &Session, database: &str, safety: SnapshotId) -> String {
    let workspace = session.workspace().ok();
    let named = workspace.and_then(|workspace| workspace.configured_as(database)).map(|(name, _)| name);
    let words = ["undo".to_owned(), named.unwrap_or(database).to_owned()];
    format!("safety snapshot {}: `{}` reverts this", short(safety), plain(&command(&words, &session.global)))
}
