//! A repository to work with, and what every test does with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep::capture::{CaptureOptions, capture};
use rowkeep::engine::{DatabaseUrl, Engine, Surroundings, connect};
use rowkeep::repository::{Protection, Repository, open_store};
use rowkeep::restore::verify::verify;
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error};

/// A repository in memory, and the machine's PostgreSQL programs.
pub(crate) struct World {
    runtime: tokio::runtime::Runtime,
    pub(crate) repository: Repository,
    surroundings: Surroundings,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at("memory://")
    }

    /// The same with the repository at a location.
    pub(crate) fn at(location: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let store = open_store(location, &[]).expect("the location can be used");
        let repository =
            runtime.block_on(Repository::init(store, Protection::Unencrypted)).expect("a repository is made");
        let bins = std::env::var_os("ROWKEEP_PG_BIN").unwrap_or_default();
        let surroundings =
            Surroundings { postgres_bin: std::env::split_paths(&bins).collect(), ..Surroundings::default() };
        Self { runtime, repository, surroundings }
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn capture(&self, url: &str) -> Result<Snapshot, Error> {
        self.capture_in(&Context::silent(), url)
    }

    /// A snapshot for which every row is read, whatever the database tells of what was written.
    pub(crate) fn capture_all(&self, url: &str) -> Result<Snapshot, Error> {
        self.capture_all_in(&Context::silent(), url)
    }

    pub(crate) fn capture_all_in(&self, context: &Context, url: &str) -> Result<Snapshot, Error> {
        self.capture_with(context, self.engine_that_reads_all(url).as_ref(), false)
    }

    pub(crate) fn capture_in(&self, context: &Context, url: &str) -> Result<Snapshot, Error> {
        let engine = connect(&DatabaseUrl::parse(url)?, &self.surroundings)?;
        self.capture_with(context, engine.as_ref(), false)
    }

    /// A snapshot from which a database can be made.
    pub(crate) fn capture_whole(&self, url: &str) -> Result<Snapshot, Error> {
        self.capture_with(&Context::silent(), self.engine(url).as_ref(), true)
    }

    fn capture_with(
        &self,
        context: &Context,
        engine: &dyn Engine,
        with_schema: bool,
    ) -> Result<Snapshot, Error> {
        self.block_on(capture(context, &self.repository, engine, &Self::options(with_schema)))
    }

    /// How snapshots are made here.
    pub(crate) fn options(with_schema: bool) -> CaptureOptions {
        CaptureOptions {
            database: "test".to_owned(),
            configured: false,
            name: None,
            tags: BTreeMap::new(),
            environment: None,
            selection: Selection::default(),
            mask: None,
            with_schema,
            with_data: true,
            trusts_marks: false,
            suspicion: None,
            program: "test".to_owned(),
            repository_folder: None,
        }
    }

    /// The engine of a database.
    pub(crate) fn engine(&self, url: &str) -> Arc<dyn Engine> {
        let url = DatabaseUrl::parse(url).expect("it is a URL");
        connect(&url, &self.surroundings).expect("the URL can be meant")
    }

    /// The engine of a database that tells nothing of what was written.
    pub(crate) fn engine_that_reads_all(&self, url: &str) -> Arc<dyn Engine> {
        let url = DatabaseUrl::parse(url).expect("it is a URL");
        let surroundings = Surroundings { read_all: true, ..self.surroundings.clone() };
        connect(&url, &surroundings).expect("the URL can be meant")
    }

    /// Whether a database is as a snapshot says.
    pub(crate) fn verify(&self, snapshot: &Snapshot, url: &str) -> Result<bool, Error> {
        let engine = connect(&DatabaseUrl::parse(url)?, &self.surroundings)?;
        let context = Context::silent();
        let comparison = verify(&context, &self.repository, snapshot, engine.as_ref());
        Ok(self.block_on(comparison)?.is_equal())
    }

    /// The hash of a table of the database as it is now.
    pub(crate) fn hash(&self, url: &str, table: &str) -> String {
        let snapshot =
            self.capture_all(url).unwrap_or_else(|error| panic!("{url} cannot be captured: {error:?}"));
        let entry = snapshot.manifest.tables.iter().find(|entry| entry.name.name == table);
        entry.unwrap_or_else(|| panic!("{table} was captured")).root.hash.to_string()
    }
}

/// How many random cases a test looks at, so many times the usual number where more are asked for (`ROWKEEP_TEST_TIMES`).
pub(crate) fn asked_for(usual: u32) -> u32 {
    let times = std::env::var("ROWKEEP_TEST_TIMES").ok();
    usual * times.map_or(1, |times| times.parse().expect("ROWKEEP_TEST_TIMES is a number"))
}
