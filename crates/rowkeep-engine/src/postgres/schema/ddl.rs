//! The parts of the DDL that a schema of PostgreSQL has.

/// The engine's name.
pub(crate) const ENGINE: &str = "postgresql";

/// The options of `CREATE DATABASE`: encoding and locale.
pub(crate) const DATABASE: &str = "database";

/// What has to be undone in a new database before anything is created: a `public` that the source does not have.
pub(crate) const PROLOGUE: &str = "prologue";

/// What `pg_dump` writes before rows: schemas, types, functions, tables, views.
pub(crate) const BEFORE: &str = "pre-data";

/// What `pg_dump` writes after rows: indexes, constraints, triggers, rules, policies, publications.
pub(crate) const AFTER: &str = "post-data";

/// Which version each extension has, as an `ALTER EXTENSION` that makes it so; `pg_dump` does not say.
pub(crate) const EXTENSIONS: &str = "extensions";

/// What fills the materialised views, in the order of their dependence.
pub(crate) const REFRESH: &str = "refresh";
