//! PostgreSQL, from version 13 on.
//!
//! Reading: one connection locks all tables, takes a snapshot and exports it; others share it and read with `COPY`.
//! The schema is what the server's own `pg_dump` writes at that snapshot. Creating: the same text is run statement by
//! statement, rows go in by `COPY`, and what belongs to a table alone is built as soon as its rows are there. Replacing:
//! the same in one transaction, in which all that the database holds is dropped first (see `load/replace.rs`).

#![forbid(unsafe_code)]

mod apply;
mod catalog;
mod connect;
mod copy_text;
mod dialect;
pub(crate) mod dump_file;
mod engine;
mod examine;
mod kind;
mod load;
mod psql_script;
mod quote;
mod read;
pub(crate) mod schema;
mod scratch;
mod unrecorded;

pub use connect::own::{OwnConnection, OwnDatabase};
pub use connect::session::farewell;
pub use dialect::PostgresDialect;
pub use engine::Postgres;
pub use kind::PostgresKind;
pub use load::scratch::{Abandoned, Scratch, ScratchServer};
pub(crate) use schema::ddl::ENGINE as NAME;
pub(crate) use schema::outline::outline;
