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
//! are put back.
//!
//! # Changing
//! Rows of a database in use are changed in one transaction (see `apply.rs`), and its whole content is replaced in one
//! (see `load/replace.rs`): the file stays, and with it whoever has it open.
//!
//! What only the application has, its own functions and collations, can be read, but not always made again: an index
//! over such is left out and said, a table whose key or generated columns need such cannot be made.

mod apply;
pub(crate) mod catalog;
pub(crate) mod connect;
pub(crate) mod d1_script;
pub(crate) mod dump_file;
mod examine;
mod full_text;
pub(crate) mod literal;
mod load;
pub(crate) mod mysql_dump;
pub(crate) mod plain_file;
pub(crate) mod quote;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod sqlite3_script;

pub use catalog::affinity::Affinity;
pub(crate) use catalog::identity::of_file as file_identity;
pub(crate) use connect::header::is_database;
pub(crate) use schema::ddl::ENGINE as NAME;
pub(crate) use schema::outline::outline;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rowkeep_format::{Identity, Schema};

use self::catalog::identity;
use self::catalog::tables::Object;
use self::connect::blocking::blocking;
use self::connect::interrupt::{self, Interrupt};
use self::connect::patience::Patience;
use self::load::{contents, target};
use self::read::{query, view};
use self::schema::ddl::{POST_DATA, PRE_DATA};
use crate::sort::SortOptions;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, CreateOptions, Definition, Engine, EngineError, ErrorKind,
    Examination, QueryRows, Surroundings, Target, View, ViewOptions,
};

/// The statements of a schema; of a part that this version cannot read, its text as it is stored.
pub(crate) fn definitions(schema: &Schema) -> Vec<Definition> {
    let statements = [PRE_DATA, POST_DATA].into_iter().map(|part| schema.ddl(part)).flat_map(|part| {
        match serde_json::from_str::<Vec<Object>>(part) {
            Ok(objects) => objects.into_iter().map(|object| object.sql).collect(),
            Err(_) if part.is_empty() => Vec::new(),
            Err(_) => vec![part.to_owned()],
        }
    });
    statements.map(definition).collect()
}

/// A statement as SQLite keeps it: of an index with the whitespace that stood behind it, which says nothing.
fn definition(sql: String) -> Definition {
    let mut definition = Definition::object(sql);
    definition.canonical.truncate(definition.canonical.trim_end().len());
    definition
}

/// An SQLite database file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    host: Option<String>,
    temporary: Option<PathBuf>,
    reads_all: bool,
    patience: Patience,
}

impl Sqlite {
    /// The database at `path`.
    pub fn new(path: PathBuf, surroundings: &Surroundings) -> Self {
        let patience = Patience::new(Duration::from_secs(10), Arc::clone(&surroundings.clock));
        let (host, temporary) = (surroundings.host.clone(), surroundings.temporary.clone());
        Self { path, host, temporary, reads_all: surroundings.read_all, patience }
    }

    /// The same, waiting so long at most for locks that others hold; ten seconds otherwise.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = self.patience.of(patience);
        self
    }

    /// Where the file is, whatever the working folder becomes, and behind all links. Never what SQLite takes for a URI.
    fn file(&self) -> Result<PathBuf, EngineError> {
        let absolute = std::path::absolute(&self.path).map_err(|error| {
            let message = format!("{:?} is not the path of a file", self.path);
            EngineError::new(ErrorKind::InvalidUrl, message).with_source(error)
        })?;
        Ok(std::fs::canonicalize(&absolute).unwrap_or(absolute))
    }
}

#[async_trait]
impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn place(&self) -> String {
        let path = self.file().unwrap_or_else(|_| self.path.clone());
        // A file that is gone has its place still, behind the links that its folder is reached by.
        let folder = path.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
        let path = match (folder, path.file_name()) {
            (Some(folder), Some(name)) if !path.exists() => folder.join(name),
            _ => path,
        };
        path.display().to_string()
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        match self.open(&ViewOptions { with_ddl: false }).await {
            Ok(view) => Ok(view.identity()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // What it holds cannot be read, but which file it is can.
            Err(_) => Ok(identity::of_file(&self.file()?, self.host.as_deref())),
        }
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        let (path, patience) = (self.file()?, self.patience.clone());
        blocking(move || examine::examine(&path, &patience)).await
    }

    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        let (path, host, temporary) = (self.file()?, self.host.clone(), self.temporary.clone());
        let (patience, options, reads_all) = (self.patience.clone(), options.clone(), self.reads_all);
        let view = move || view::SqliteView::open(&path, host.as_deref(), temporary, &patience, &options);
        Ok(Arc::new(blocking(view).await?.reading_all(reads_all)))
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        let (path, patience) = (self.file()?, self.patience.clone());
        blocking(move || contents::contents(&path, &patience)).await
    }

    async fn create(&self, schema: &Schema, options: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        let (path, patience) = (self.file()?, self.patience.clone());
        let (schema, options) = (schema.clone(), options.clone());
        let sort = SortOptions { folder: self.temporary.clone(), ..SortOptions::default() };
        let stop = options.stop.clone();
        let begin = move |interrupt: Interrupt| {
            target::SqliteTarget::begin(path, &schema, &options, &patience, sort, &interrupt)
        };
        Ok(Arc::new(interrupt::stoppable(&stop, begin).await?))
    }

    async fn replace(
        &self,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Arc<dyn Target>, EngineError> {
        let (path, patience) = (self.file()?, self.patience.clone());
        let (schema, options) = (schema.clone(), options.clone());
        let sort = SortOptions { folder: self.temporary.clone(), ..SortOptions::default() };
        let stop = options.stop.clone();
        let begin = move |interrupt: Interrupt| {
            target::SqliteTarget::begin_again(path, &schema, &options, &patience, sort, &interrupt)
        };
        Ok(Arc::new(interrupt::stoppable(&stop, begin).await?))
    }

    async fn apply(
        &self,
        changes: Arc<dyn ChangeSource>,
        options: &ApplyOptions,
    ) -> Result<Applied, EngineError> {
        let (path, patience, options) = (self.file()?, self.patience.clone(), options.clone());
        let stop = options.stop.clone();
        interrupt::stoppable(&stop, move |interrupt| {
            apply::apply(&path, &patience, &changes, &options, &interrupt)
        })
        .await
    }

    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, EngineError> {
        let (path, patience, sql) = (self.file()?, self.patience.clone(), sql.to_owned());
        interrupt::interruptible(move |interrupt| query::query(&path, &patience, &sql, limit, &interrupt))
            .await
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::Ddl;

    use super::*;

    #[test]
    fn definitions_that_cannot_be_read_are_not_left_out() {
        let schema = |sql: &str| Schema {
            engine: NAME.to_owned(),
            tables: Vec::new(),
            inherits: Vec::new(),
            ddl: vec![Ddl { part: PRE_DATA.to_owned(), sql: sql.to_owned() }],
        };
        let told = |sql: &str| -> Vec<String> {
            definitions(&schema(sql)).into_iter().map(|definition| definition.sql).collect()
        };
        assert_eq!(told("[]"), Vec::<String>::new());
        assert_eq!(told("{\"later\":1}"), ["{\"later\":1}"]);
    }
}
