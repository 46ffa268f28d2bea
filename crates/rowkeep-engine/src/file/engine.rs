//! A file as a database that can only be read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep_format::{Identity, Schema};

use super::recognise::{Found, recognise, refuse_empty};
use crate::file_source::{FileOptions, FileTime, MissingBase};
use crate::sqlite::file_identity;
use crate::{
    Applied, ApplyOptions, ChangeSource, Contents, CreateOptions, Engine, EngineError, ErrorKind,
    Examination, Finding, Level, QueryRows, Surroundings, Target, View, ViewOptions,
};

/// The fact that tells files of one content.
pub const CONTENT: &str = "file_content";

/// What is wanted of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChoice {
    /// Which of several databases in it.
    pub database: Option<String>,
    /// Of a damaged one, the tables that are whole.
    pub salvage: bool,
    /// A folder with the backups that an incremental one goes on from, beside that of the file.
    pub beside: Option<PathBuf>,
    /// What stands for NULL in CSV, beside an empty field without quotes.
    pub null: Option<String>,
    /// A hash of its content and of what is wanted of it, which the state tells as a fact.
    pub content: Option<String>,
}

/// A file of a format that is read, such as a dump.
pub struct FileEngine {
    found: Found,
    choice: FileChoice,
    surroundings: Surroundings,
}

impl FileEngine {
    /// Looks at what a path names; nothing where that is no file of a format that is read. A `#` behind a path names one of
    /// several databases in it.
    pub fn find(path: &Path, surroundings: &Surroundings) -> Result<Option<Self>, EngineError> {
        refuse_empty(path)?;
        Ok(recognise(path)?.map(|found| Self::new(found, surroundings)))
    }

    /// The engine of a file that was found.
    pub(crate) fn new(found: Found, surroundings: &Surroundings) -> Self {
        let choice = FileChoice { database: found.database.clone(), ..FileChoice::default() };
        Self { found, choice, surroundings: surroundings.clone() }
    }

    /// The same where something else is wanted of it.
    #[must_use]
    pub fn choosing(self, choice: FileChoice) -> Self {
        let database = choice.database.or(self.choice.database);
        Self { choice: FileChoice { database, ..choice }, ..self }
    }

    /// What the file is, for people.
    pub fn what(&self) -> String {
        let what = &self.found.about.what;
        self.found
            .source
            .packing()
            .name()
            .map_or_else(|| what.clone(), |packing| format!("{what}, packed by {packing}"))
    }

    /// The program that wrote it, with its version, where the file says so.
    pub fn written_by(&self) -> Option<&str> {
        self.found.about.written_by.as_deref()
    }

    /// The database that it is of, where the file says so or one was chosen.
    pub fn database(&self) -> Option<&str> {
        self.choice.database.as_deref().or(self.found.about.database.as_deref())
    }

    /// When the file says that it was written; where it says that without a time zone, in this one.
    pub fn time(&self, zone: &TimeZone) -> Option<Timestamp> {
        match self.found.about.time? {
            FileTime::Exact(time) => Some(time),
            FileTime::Local(local) => zone.to_timestamp(local).ok(),
        }
    }

    /// The state that an incremental backup goes on from, where no file beside it has that.
    pub fn missing_base(&self) -> Option<MissingBase> {
        self.found.format.missing_base(&self.found.source)
    }

    /// The files that the state is read from.
    pub fn files(&self) -> Vec<PathBuf> {
        self.found.format.files(&self.found.source)
    }

    /// Whether it has the rows of one table alone, so that a state may have several such files.
    pub fn is_one_table(&self) -> bool {
        self.found.format.is_one_table(&self.found.source)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.found.source.path()
    }

    fn only_read(&self) -> EngineError {
        let message = format!(
            "{} is {}, which is only read: name the database that is to be changed",
            self.describe(),
            self.found.about.what
        );
        EngineError::new(ErrorKind::Unsupported, message)
    }

    fn facts(&self) -> Vec<(String, String)> {
        let file = std::fs::metadata(self.path()).ok();
        let bytes = file.as_ref().map(|file| file.len()).unwrap_or_default();
        let mut facts = vec![("file_format".to_owned(), self.what())];
        facts.extend(self.written_by().map(|program| ("written_by".to_owned(), program.to_owned())));
        if !self.found.source.is_folder() {
            facts.push(("file_bytes".to_owned(), bytes.to_string()));
        }
        facts.extend(self.choice.content.iter().map(|content| (CONTENT.to_owned(), content.clone())));
        facts
    }
}

#[async_trait]
impl Engine for FileEngine {
    fn name(&self) -> &'static str {
        self.found.about.engine
    }

    fn describe(&self) -> String {
        let path = self.path().display();
        self.choice.database.as_ref().map_or_else(|| path.to_string(), |name| format!("{path}#{name}"))
    }

    fn place(&self) -> String {
        let path = self.path();
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    }

    fn state_time(&self, zone: &TimeZone) -> Option<Timestamp> {
        let modified = || Timestamp::try_from(std::fs::metadata(self.path()).ok()?.modified().ok()?).ok();
        self.time(zone).or_else(modified)
    }

    async fn identity(&self) -> Result<Identity, EngineError> {
        let identity = file_identity(self.path(), self.surroundings.host.as_deref());
        Ok(Identity { place: self.place(), ..identity })
    }

    async fn examine(&self) -> Result<Examination, EngineError> {
        let known = Finding::new("recognise the file", Level::Ok, self.what());
        Ok(Examination { facts: self.facts(), findings: vec![known] })
    }

    async fn open(&self, options: &ViewOptions) -> Result<Arc<dyn View>, EngineError> {
        let options = FileOptions {
            with_ddl: options.with_ddl,
            database: self.choice.database.clone(),
            salvage: self.choice.salvage,
            beside: self.choice.beside.clone(),
            null: self.choice.null.clone(),
            temporary: self.surroundings.temporary.clone(),
            identity: self.identity().await?,
            facts: self.facts(),
        };
        let found = self.found.clone();
        let open = move || found.format.open(&found.source, &found.about, &options);
        tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| {
            Err(EngineError::new(ErrorKind::Other, "a thread that reads a file ended unexpectedly")
                .with_source(error))
        })
    }

    async fn contents(&self) -> Result<Contents, EngineError> {
        Ok(Contents::Occupied(vec![self.what()]))
    }

    fn check_changeable(&self) -> Result<(), EngineError> {
        Err(self.only_read())
    }

    async fn create(&self, _: &Schema, _: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Err(self.only_read())
    }

    async fn replace(&self, _: &Schema, _: &CreateOptions) -> Result<Arc<dyn Target>, EngineError> {
        Err(self.only_read())
    }

    async fn check_replaceable(&self) -> Result<(), EngineError> {
        Err(self.only_read())
    }

    async fn apply(&self, _: Arc<dyn ChangeSource>, _: &ApplyOptions) -> Result<Applied, EngineError> {
        Err(self.only_read())
    }

    async fn query(&self, _: &str, _: usize) -> Result<QueryRows, EngineError> {
        let message = format!(
            "{} is a file, in which no statements can run: import it and restore it",
            self.describe()
        );
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }
}
