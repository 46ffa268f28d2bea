//! Settings of our sessions, so that neither the server's nor the database's nor the role's own change what is read or written.
//!
//! A connection may be lent to us for one transaction only, by a pooler that gives it to an application next. So what reads
//! and what changes rows sets them for its transaction alone ([`local`]); only what makes databases, for which a connection
//! has to be ours, sets them for all of it ([`to_load`]).

use std::fmt::Write as _;

/// Settings with their values as SQL.
type Settings = Vec<(&'static str, &'static str)>;

/// For the length of a transaction, or of statements that are sent together.
pub(crate) fn local(settings: &[(&str, &str)]) -> String {
    written("SET LOCAL", settings)
}

fn written(set: &str, settings: &[(&str, &str)]) -> String {
    settings.iter().fold(String::new(), |mut sql, (name, value)| {
        let _ = write!(sql, "{set} {name} = {value}; ");
        sql
    })
}

/// For asking the catalogs, and part of all others: no time limits, names as the catalogs' own statements expect them, values in the
/// one form that reads back exactly and is the same on both sides.
pub(crate) fn asking(major: u32) -> Settings {
    // The time of what is sent together is limited from its beginning, so this comes first.
    let mut settings =
        vec![("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];
    if major >= 14 {
        settings.push(("idle_session_timeout", "0"));
    }
    if major >= 17 {
        settings.push(("transaction_timeout", "0"));
    }
    settings.extend(MEANING);
    // An error would end the connection, also one that is expected.
    settings.extend([("exit_on_error", "off"), ("client_min_messages", "warning"), ("jit", "off")]);
    // Other processes would take longer to start than these statements run.
    settings.push(("max_parallel_workers_per_gather", "0"));
    settings.push(HASH_MEMORY);
    settings
}

/// A server makes room for a hash table before it knows how little will be in it, up to as many times its working memory.
const HASH_MEMORY: (&str, &str) = ("hash_mem_multiplier", "1");

/// What changes how statements are understood and values printed.
const MEANING: [(&str, &str); 15] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("array_nulls", "on"),
    ("quote_all_identifiers", "off"),
    ("transform_null_equals", "off"),
    ("DateStyle", "'ISO, YMD'"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "'UTC'"),
    ("lc_monetary", "'C'"),
    ("xmloption", "content"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "3"),
    // Those that look up rows by an index may not leave some out.
    ("gin_fuzzy_search_limit", "0"),
    ("row_security", "off"),
];

/// For reading rows.
pub(crate) fn reading(major: u32) -> Settings {
    let mut settings = asking(major);
    settings.extend([("synchronize_seqscans", "off"), ("work_mem", "'64MB'")]);
    settings
}

/// For statements of others that only read: as for reading, but names are found as the role usually finds them.
pub(crate) fn reading_for_others(major: u32) -> Settings {
    let mut settings = reading(major);
    settings.push(("search_path", "DEFAULT"));
    settings
}

/// For changing rows: as for reading, and nobody is waited for without end. Our temporary tables are plain ones in the usual
/// place.
pub(crate) fn changing(major: u32) -> Settings {
    let mut settings = asking(major);
    settings.extend([("work_mem", "'64MB'"), ("lock_timeout", "'60s'"), PARALLEL]);
    settings.extend(TABLES);
    settings
}

/// As many processes for one statement as the server gives others.
const PARALLEL: (&str, &str) = ("max_parallel_workers_per_gather", "DEFAULT");

const TABLES: [(&str, &str); 2] = [("temp_tablespaces", "''"), ("default_table_access_method", "heap")];

/// What a session would have had without [`changing`], for the database's own functions and for statements of others.
pub(crate) fn usual() -> String {
    MEANING.iter().chain(&TABLES).fold(String::new(), |mut sql, (name, _)| {
        let _ = write!(sql, "SET LOCAL {name} TO DEFAULT; ");
        sql
    })
}

/// Has pages that are damaged refused instead of read as empty ones. Only a superuser can have it otherwise, and take it back.
pub(crate) const NOTHING_PASSED_OVER: [(&str, &str); 2] =
    [("zero_damaged_pages", "off"), ("ignore_checksum_failure", "off")];

/// Has triggers and foreign keys act as they do for everybody; some roles are set up to replicate without them.
pub(crate) const ORIGIN: [(&str, &str); 1] = [("session_replication_role", "origin")];

/// Sets, for a transaction, what only some may set, where it is not so already; who may not is refused. Columns of a query: it
/// takes the transaction's snapshot.
pub(crate) fn demanded(settings: &[(&str, &str)]) -> String {
    let column = |(name, value): &(&str, &str)| {
        format!(
            "CASE WHEN pg_catalog.current_setting('{name}') OPERATOR(pg_catalog.<>) '{value}' \
             THEN pg_catalog.set_config('{name}', '{value}', true) END"
        )
    };
    settings.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// The memory for building indexes and checking references while loading.
pub(crate) const LOADING_MEMORY: &str = "256MB";

/// For creating and loading: what `pg_dump` sets, and what makes loading fast.
///
/// The log need not be flushed for each commit: until the last one, which waits, nothing counts.
fn loading(major: u32) -> Settings {
    let mut settings = asking(major);
    settings.extend(TABLES);
    settings.extend([
        PARALLEL,
        ("search_path", "''"),
        ("check_function_bodies", "off"),
        ("synchronous_commit", "off"),
        ("maintenance_work_mem", "'256MB'"),
        ("default_tablespace", "''"),
        ("default_transaction_read_only", "off"),
        ("default_transaction_isolation", "'read committed'"),
        ("default_transaction_deferrable", "off"),
    ]);
    if major >= 16 {
        settings.push(("icu_validation_level", "warning"));
    }
    settings
}

/// Makes a connection one for creating and loading.
pub(crate) fn to_load(major: u32) -> String {
    format!("{}{EVERY_RELATION}", written("SET", &loading(major)))
}

/// Makes it one for the transaction in which a database is replaced: the same, but others are not waited for without end,
/// because whoever comes meanwhile waits behind.
pub(crate) fn to_replace(major: u32) -> String {
    format!("{}SET lock_timeout = '10s'", to_load(major))
}

/// Views that a role may not use by itself may be what a materialised view is filled from. Not every server knows the setting.
const EVERY_RELATION: &str = "SELECT pg_catalog.set_config('restrict_nonsystem_relation_kind', '', false) \
    WHERE pg_catalog.current_setting('restrict_nonsystem_relation_kind', true) <> ''; ";

/// The same for programs that take settings as `PGOPTIONS`: those that would change how they print definitions, or end them.
pub(crate) fn options() -> String {
    let printed = MEANING.iter().filter(|(name, _)| !["search_path", "row_security"].contains(name));
    let others = [
        ("default_transaction_isolation", "read committed"),
        ("exit_on_error", "off"),
        ("client_min_messages", "warning"),
        ("max_parallel_workers_per_gather", "0"),
        HASH_MEMORY,
    ];
    let option =
        |(name, value): &(&str, &str)| format!("-c {name}={}", value.trim_matches('\'').replace(' ', "\\ "));
    printed.chain(&others).map(option).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_for_a_transaction_a_connection_and_a_program() {
        assert_eq!(local(&[("a", "1"), ("b", "'x y'")]), "SET LOCAL a = 1; SET LOCAL b = 'x y'; ");
        assert!(to_load(13).starts_with("SET statement_timeout = 0; "), "{}", to_load(13));
        assert!(options().contains("-c DateStyle=ISO,\\ YMD -c IntervalStyle=postgres"), "{}", options());
        assert!(usual().starts_with("SET LOCAL search_path TO DEFAULT; "), "{}", usual());
        assert!(loading(18).contains(&("maintenance_work_mem", &format!("'{LOADING_MEMORY}'"))));
    }
}
