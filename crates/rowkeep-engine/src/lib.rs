//! Database engines: what rowkeep reads rows from and writes rows to.
//!
//! An [`Engine`] opens a [`View`], one consistent state of a live database, and a [`Target`], a database that is being
//! made from nothing. Both speak of rows in batches; neither knows of chunks, repositories or terminals.

mod apply;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod connect;
mod conversion;
mod d1;
mod definition;
mod definitions;
pub mod dialect;
mod engine;
mod error;
mod examination;
mod file;
mod file_source;
mod held_folder;
mod indexeddb;
pub mod javascript;
mod kind;
mod outline;
pub mod postgres;
mod pushed;
mod query_rows;
mod rows;
mod scratch;
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
pub use connect::{
    arrives, completed, connect, database_file, database_files, dialect_of, dialect_of_files, is_dump,
    is_url, is_url_of_server, kind_of, kinds, place, register, secret_of_environment,
};
pub use conversion::{Conversion, Converted, Misfit};
pub use definition::{Definition, DefinitionKind};
pub use definitions::definitions;
pub use engine::Engine;
pub use error::{EngineError, ErrorKind};
pub use examination::{Examination, Finding, Level};
pub use file::{CONTENT, FileChoice, FileEngine, MissingBase, stem};
pub use held_folder::{AbandonedFolder, HeldFolder};
pub use kind::Kind;
pub use pushed::{Pushed, PushedState, PushedView};
pub use query_rows::QueryRows;
pub use rows::RowStream;
pub use scratch::{Cleared, ScratchDatabase, ScratchPlace, ScratchWanted};
pub use surroundings::{CloudflareEnvironment, LibpqEnvironment, Surroundings};
pub use target::{Contents, CreateOptions, FILE_MODE, Finished, LeftOut, Target};
pub use unrecorded::Unrecorded;
pub use url::{DatabaseUrl, Location};
pub use view::{CONSISTENCY, ChangeCount, Consistency, Estimate, FILE_PART, Meant, View, ViewOptions};
