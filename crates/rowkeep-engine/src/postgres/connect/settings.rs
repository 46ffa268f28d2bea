//! Settings of our sessions, so that neither the server's nor the role's own change what is read or written.

/// For reading: values in the one form that reads back exactly, nothing hidden, no time limits.
pub(crate) fn reading(major: u32) -> String {
    format!(
        "{} SET bytea_output = hex; SET extra_float_digits = 3; SET row_security = off; \
         SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB'; SET jit = off; {}",
        common(),
        no_limits(major)
    )
}

/// For changing rows: values in the same form as for reading, and nobody is waited for without end.
pub(crate) fn changing(major: u32) -> String {
    format!(
        "{} SET bytea_output = hex; SET extra_float_digits = 3; SET row_security = off; SET work_mem = '64MB'; \
         SET jit = off; SET client_min_messages = warning; SET lock_timeout = '60s'; {}",
        common(),
        no_limits(major)
    )
}

/// What a session would have had without [`changing`], for the database's own functions and for statements of others.
pub(crate) fn usual() -> &'static str {
    "RESET search_path; RESET standard_conforming_strings; RESET DateStyle; RESET IntervalStyle; RESET TimeZone; \
     RESET lc_monetary; RESET xmloption; RESET bytea_output; RESET extra_float_digits; RESET row_security"
}

/// For statements of others that only read: values in the same form as for reading, names as the role usually finds
/// them.
pub(crate) fn asking(major: u32) -> String {
    format!("{} RESET search_path; SET default_transaction_read_only = on", reading(major))
}

/// The memory for building indexes and checking references while loading.
pub(crate) const LOADING_MEMORY: &str = "256MB";

/// For creating and loading: what `pg_dump` sets, and what makes loading fast.
///
/// The log need not be flushed for each commit: until the last one, which waits, nothing counts.
pub(crate) fn loading(major: u32) -> String {
    format!(
        "{} SET check_function_bodies = off; SET row_security = off; SET client_min_messages = warning; \
         SET synchronous_commit = off; SET maintenance_work_mem = '{LOADING_MEMORY}'; SET default_tablespace = ''; \
         SET default_table_access_method = heap; SET jit = off; {}",
        common().replace("search_path = pg_catalog", "search_path = ''"),
        no_limits(major)
    )
}

/// For the transaction in which a database is replaced: the same, but others are not waited for without end, because
/// whoever comes meanwhile waits behind.
pub(crate) fn replacing(major: u32) -> String {
    format!("{} SET lock_timeout = '10s';", loading(major))
}

/// What has to be the same on both sides.
fn common() -> &'static str {
    "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET DateStyle = 'ISO, YMD'; \
     SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET lc_monetary = 'C'; SET xmloption = content;"
}

fn no_limits(major: u32) -> String {
    let mut limits = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;".to_owned();
    if major >= 14 {
        limits.push_str(" SET idle_session_timeout = 0;");
    }
    if major >= 17 {
        limits.push_str(" SET transaction_timeout = 0;");
    }
    limits
}
