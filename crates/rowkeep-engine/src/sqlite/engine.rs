//! An SQLite database file, as an engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rowkeep_format::{Identity, Schema};

use super::catalog::identity;
use super::connect::blocking::blocking;
use super::connect::interrupt::{self, Interrupt};
use super::connect::patience::Patience;
use super::load::{contents, target};
use super::read::{query, view};
use super::schema::ddl::ENGINE;
use super::{apply, examine};
use crate::sort::SortOptions;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, CreateOptions, Engine, EngineError, ErrorKind,
    Examination, Finding, Meant, QueryRows, Surroundings, Target, View, ViewOptions,
};

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
        ENGINE
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

    async fn examine_rows(&self, _meant: &Meant) -> Result<Vec<Finding>, EngineError> {
        let (path, patience) = (self.file()?, self.patience.clone());
        blocking(move || examine::rows(&path, &patience)).await
    }

    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        self.open_of(options, &Meant::default()).await
    }

    async fn open_of(&self, options: &ViewOptions, meant: &Meant) -> Result<Arc<dyn View>, EngineError> {
        let doubtful = meant.doubtful_keys().to_vec();
        let (path, host, temporary) = (self.file()?, self.host.clone(), self.temporary.clone());
        let (patience, options, reads_all) = (self.patience.clone(), options.clone(), self.reads_all);
        let view =
            move || view::SqliteView::open(&path, host.as_deref(), temporary, &patience, &options, &doubtful);
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
