//! The statements that restore an entry, as `pg_restore` writes them (`pg_backup_archiver.c`: `_printTocEntry`).

use super::header::{Entry, Header};
use crate::postgres::quote;
use crate::postgres::schema::split;

/// Kinds whose owner is named by schema and name.
const QUALIFIED: [&str; 12] = [
    "COLLATION",
    "CONVERSION",
    "DOMAIN",
    "FOREIGN TABLE",
    "MATERIALIZED VIEW",
    "SEQUENCE",
    "STATISTICS",
    "TABLE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TYPE",
    "VIEW",
];

/// Kinds whose owner is named by name alone.
const PLAIN: [&str; 7] = [
    "EVENT TRIGGER",
    "FOREIGN DATA WRAPPER",
    "PROCEDURAL LANGUAGE",
    "PUBLICATION",
    "SCHEMA",
    "SERVER",
    "SUBSCRIPTION",
];

/// Kinds that are named as the statement names them that drops them.
const AS_DROPPED: [&str; 6] =
    ["AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE"];

/// What restores an entry.
pub(super) fn statements(entry: &Entry, header: &Header) -> Vec<String> {
    if entry.kind == "BLOB METADATA" {
        let objects = entry.definition.lines().map(str::trim).filter(|line| !line.is_empty());
        return objects
            .flat_map(|oid| {
                let owner =
                    (!entry.owner.is_empty()).then(|| owned(&format!("LARGE OBJECT {oid}"), &entry.owner));
                std::iter::once(format!("SELECT pg_catalog.lo_create('{oid}');")).chain(owner)
            })
            .collect();
    }
    let mut found = Vec::new();
    let is_placed = !entry.tablespace.is_empty();
    let is_accessed = !entry.access_method.is_empty() && entry.access_method != "heap";
    if is_placed {
        found.push(format!("SET default_tablespace = {};", quote::ident(&entry.tablespace)));
    }
    if is_accessed {
        found.push(format!("SET default_table_access_method = {};", quote::ident(&entry.access_method)));
    }
    let definition = entry.definition.trim();
    // An entry may hold several: all grants of a table, say.
    found.extend(split::statements(definition).into_iter().map(str::to_owned));
    if is_placed {
        found.push("SET default_tablespace = '';".to_owned());
    }
    if is_accessed {
        found.push("SET default_table_access_method = heap;".to_owned());
    }
    if !entry.owner.is_empty() && !entry.drop.is_empty() {
        found.extend(object(entry, header).map(|object| owned(&object, &entry.owner)));
    }
    found
}

fn owned(object: &str, owner: &str) -> String {
    format!("ALTER {object} OWNER TO {};", quote::printed(owner))
}

/// What `ALTER ... OWNER` calls an entry; nothing for what has no owner of its own.
fn object(entry: &Entry, header: &Header) -> Option<String> {
    // Before its version 16, `pg_dump` called everything a table whose owner is changed as one's.
    let is_old = header.version < (1, 15);
    let kind = match entry.kind.as_str() {
        "MATERIALIZED VIEW" | "SEQUENCE" | "VIEW" if is_old => "TABLE",
        kind => kind,
    };
    let name = quote::printed(&entry.tag);
    if QUALIFIED.contains(&kind) {
        let schema = entry.schema.as_ref().map(|schema| format!("{}.", quote::printed(schema)));
        return Some(format!("{kind} {}{name}", schema.unwrap_or_default()));
    }
    if PLAIN.contains(&kind) {
        return Some(format!("{kind} {name}"));
    }
    if kind == "BLOB" {
        return Some(format!("LARGE OBJECT {}", entry.tag));
    }
    if AS_DROPPED.contains(&kind) {
        let dropped = entry.drop.trim().trim_end_matches(';').strip_prefix("DROP ")?;
        return Some(dropped.trim_start_matches("IF EXISTS ").to_owned());
    }
    None
}
