//! The versions that extensions had: `CREATE EXTENSION` makes the server's default one, which may have other tables.

use std::collections::{HashMap, HashSet};

use super::notes::Notes;
use super::plan::Plan;
use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::postgres::schema::classify;

/// Has the plan create its extensions in the versions that they had, where the server has these.
pub(crate) async fn request(session: &Session, plan: &mut Plan, notes: &Notes) -> Result<(), EngineError> {
    let wanted: HashMap<String, String> = plan
        .extension_versions
        .iter()
        .filter_map(|statement| classify::extension_version(statement))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let query = "SELECT name, version FROM pg_catalog.pg_available_extension_versions";
    let rows = session.rows("cannot list the versions of extensions", query).await?;
    let available: HashSet<(&str, &str)> = rows.iter().map(|row| (text(row, 0), text(row, 1))).collect();
    let available_names: HashSet<&str> = available.iter().map(|(name, _)| *name).collect();
    for statement in &mut plan.before {
        let Some(classify::Extension { name, .. }) = classify::extension(&statement.sql) else { continue };
        let Some(version) = wanted.get(&name) else { continue };
        if available.contains(&(name.as_str(), version.as_str())) {
            let sql = statement.sql.trim_end().trim_end_matches(';');
            statement.sql = format!("{sql} VERSION {};", quote::literal(version));
        } else if available_names.contains(name.as_str()) {
            notes.add(format!(
                "extension {name} was of version {version}, which the server does not have; it gets the server's default"
            ));
        }
    }
    Ok(())
}
