//! The parts of the DDL that a schema of SQLite has.

/// The engine's name in schemas.
pub(crate) const ENGINE: &str = "sqlite";

/// The DDL part with [`Properties`](crate::sqlite::catalog::properties::Properties) as JSON.
pub(crate) const DATABASE: &str = "database";

/// The DDL part with the [`Object`](crate::sqlite::catalog::tables::Object)s that have to be there before rows, as a JSON list: tables.
pub(crate) const PRE_DATA: &str = "pre-data";

/// The DDL part with the [`Object`](crate::sqlite::catalog::tables::Object)s that come after rows, as a JSON list: indexes, views, triggers.
pub(crate) const POST_DATA: &str = "post-data";
