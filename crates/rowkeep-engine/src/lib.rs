//! Database engines: what rowkeep reads rows from and writes rows to.
//!
//! An [`Engine`] opens a [`View`], one consistent state of a live database, and a [`Target`], a database that is being
//! made from nothing. Both speak of rows in batches; neither knows of chunks, repositories or terminals.

mod apply;
pub mod conformance;
mod connect;
mod conversion;
mod d1;
mod definition;
mod definitions;
mod engine;
mod error;
mod examination;
mod file;
mod file_source;
mod outline;
pub mod postgres;
mod query_rows;
mod rows;
pub mod sort;
pub mod sql;
mod sql_text;
pub mod sqlite;
mod surroundings;
mod target;
pub mod translate;
mod unrecorded;
mod url;
mod view;
mod worker;

pub use apply::{Applied, AppliedTable, ApplyOptions, ChangeSource, ChangeStream, MayDangle, OnConflict};
pub use connect::{completed, connect, is_dump, is_sqlite, place};
pub use conversion::{Conversion, Converted, Misfit};
pub use definition::{Definition, DefinitionKind};
pub use definitions::definitions;
pub use engine::Engine;
pub use error::{EngineError, ErrorKind};
pub use examination::{Examination, Finding, Level};
pub use file::{CONTENT, FileChoice, FileEngine, MissingBase};
pub use query_rows::QueryRows;
pub use rows::RowStream;
pub use surroundings::{CloudflareEnvironment, LibpqEnvironment, Surroundings};
pub use target::{Contents, CreateOptions, FILE_MODE, Target};
pub use unrecorded::Unrecorded;
pub use url::DatabaseUrl;
pub use view::{ChangeCount, Estimate, Meant, View, ViewOptions};
