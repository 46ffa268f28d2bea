//! Which of several databases of a dump is meant.

use super::contents::Contents;
use crate::file_source::Source;
use crate::postgres::schema::cursor::Cursor;
use crate::{EngineError, ErrorKind};

/// Takes the database of a name, or the only one that holds something; says where it stands among them.
pub(super) fn choose(
    file: &Source,
    databases: Vec<Contents>,
    wanted: Option<&str>,
) -> Result<(usize, Contents), EngineError> {
    let shown = file.path().display();
    let named: Vec<String> = databases.iter().filter_map(|database| database.name.clone()).collect();
    let is_meant = |database: &Contents| match wanted {
        Some(wanted) => database.name.as_deref() == Some(wanted),
        // What comes before the first database of several concerns the whole server.
        None => (named.is_empty() || database.name.is_some()) && holds_something(database),
    };
    let mut meant: Vec<(usize, Contents)> =
        databases.into_iter().enumerate().filter(|(_, database)| is_meant(database)).collect();
    match (meant.len(), wanted) {
        (1, _) => Ok(meant.remove(0)),
        (0, None) => Ok((0, Contents::default())),
        (0, Some(wanted)) => {
            let known = if named.is_empty() { "one, without a name".to_owned() } else { named.join(", ") };
            let message = format!("{shown} holds no database {wanted}; there is {known}");
            Err(EngineError::new(ErrorKind::Unsupported, message))
        }
        (several, _) if named.is_empty() => {
            let message = format!(
                "{shown} holds {several} dumps, one behind the other: divide it, and take them one by one"
            );
            Err(EngineError::new(ErrorKind::Unsupported, message))
        }
        _ => {
            let names: Vec<String> = meant.into_iter().filter_map(|(_, database)| database.name).collect();
            let message = format!(
                "{shown} holds several databases: name one of them with --database, or behind a #: {}",
                names.join(", ")
            );
            Err(EngineError::new(ErrorKind::Unsupported, message))
        }
    }
}

/// Whether somebody has made anything in a database: every one has settings and comments of its own.
fn holds_something(database: &Contents) -> bool {
    let makes = |sql: &String| {
        let cursor = Cursor::new(sql.get(..64).unwrap_or(sql));
        cursor.sees(&["create"]) || cursor.sees(&["alter", "table"])
    };
    !database.data.is_empty()
        || !database.mentioned.is_empty()
        || !database.object_data.is_empty()
        || database.before.iter().chain(&database.after).any(makes)
}
