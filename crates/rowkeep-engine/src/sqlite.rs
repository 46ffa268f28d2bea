//! SQLite: a database that is one file.
//!
//! # Reading
//! A view is a read transaction on up to two connections, which are proven to see the same state by their data versions. All
//! tables are read from their own pages in the order of their rowid or, without rowids, of their primary key: never by way
//! of an index, so that a damaged index loses no rows. Where that is not the order of the key, the rows are
//! sorted outside ([`crate::sort`]). Virtual tables have no rows of their own; what they keep is in shadow tables, which are
//! read as all others are. `user_version` and `application_id` are rows of a table `sqlite_settings`, which SQLite does not
//! have.
//!
//! With a write-ahead log, readers and writers do not meet. Without one, nobody can commit as long as anybody reads; so
//! a view watches for writers, and when one has begun, copies the database and goes on in the copy (see
//! `read/yield_to_writers.rs`). Opening a database does what any application's opening does and nothing else: it rolls back
//! what a crashed writer left half done. A log that a crashed writer left is read, and left.
//!
//! # Making
//! A database is made under another name beside its own, in one transaction, and renamed when it is whole and on disk.
//! Tables and indexes are created by their own SQL; views, triggers and virtual tables, which have no pages, are entered into
//! the schema as they were. So the copy has the same schema to the letter, full-text and spatial indexes work without
//! being built again, and modules that are not known here are kept. Rows keep their rowids and the kinds of their
//! values; text is restored byte by byte, be it UTF-8 or not. Triggers, foreign keys and `CHECK` do not act on rows that
//! are put back, and where a column refuses one, the table has a definition that takes it until all are there (`load/filling.rs`).
//!
//! # Changing
//! Rows of a database in use are changed in one transaction (see `apply.rs`), and its whole content is replaced in one
//! (see `load/replace.rs`): the file stays, and with it whoever has it open.
//!
//! What only the application has, its own functions and collations, can be read, but not always made again: an index
//! over such is left out and told, a table whose key or generated columns need such is made without them where that is wanted.

mod apply;
pub(crate) mod catalog;
pub(crate) mod connect;
pub(crate) mod d1_script;
mod dialect;
pub(crate) mod dump_file;
mod engine;
mod examine;
pub(crate) mod full_text;
mod kind;
pub(crate) mod literal;
mod load;
pub(crate) mod long_values;
pub(crate) mod mysql_dump;
pub(crate) mod plain_file;
pub(crate) mod quote;
pub(crate) mod read;
pub(crate) mod schema;
mod scratch;
mod sqlite3_script;

pub(crate) use catalog::identity::of_file as file_identity;
pub(crate) use connect::header::is_database;
pub use dialect::SqliteDialect;
pub use engine::Sqlite;
pub use kind::SqliteKind;
pub(crate) use schema::ddl::ENGINE as NAME;
pub(crate) use schema::outline::outline;
