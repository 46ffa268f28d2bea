//! Chains of snapshots whose times a test decides on, without rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rowkeep::clock::{Clock, TestClock};
use rowkeep::config::Config;
use rowkeep::engine::Surroundings;
use rowkeep::format::manifest::{Before, Cost, Scope, VERSION};
use rowkeep::format::{ChunkId, Manifest, SnapshotId};
use rowkeep::jobs::init::InitRequest;
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{AtMoment, Context, Event};
use tokio_util::sync::CancellationToken;

/// A repository of snapshots that hold nothing, and a clock.
pub(crate) struct Chains {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) told: Arc<Mutex<Told>>,
}

/// What whoever watches was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) warnings: Vec<String>,
    pub(crate) moments: Vec<AtMoment>,
}

/// A time as tests write it.
pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The manifest of a snapshot that holds nothing.
pub(crate) fn manifest(database: &str, time: Timestamp) -> Manifest {
    Manifest {
        version: VERSION,
        database: database.to_owned(),
        engine: "sqlite".to_owned(),
        source: format!("{database}.db"),
        identity: None,
        name: None,
        time,
        position: None,
        instant: None,
        parent: None,
        sequence: None,
        scope: Scope::Full,
        schema: ChunkId([0; 32]),
        tables: Vec::new(),
        unread: Vec::new(),
        tags: BTreeMap::new(),
        environment: BTreeMap::new(),
        before: None,
        origin: None,
        suspicion: None,
        cost: Cost::default(),
        program: "test".to_owned(),
    }
}

/// What makes a snapshot a safety snapshot of a restore.
pub(crate) fn before(operation: &str, from: &str) -> Before {
    Before {
        operation: operation.to_owned(),
        from: from.to_owned(),
        changes: Some(ChunkId([0; 32])),
        entered: false,
        dangled: Vec::new(),
    }
}

impl Chains {
    pub(crate) fn at(now: &str) -> Self {
        let chains = Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime starts"),
            folder: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(TestClock::new(time(now))),
            told: Arc::default(),
        };
        let request = InitRequest { no_encryption: true, ..InitRequest::default() };
        chains.block_on(request.run(&chains.workspace(""))).expect("a repository is made");
        chains
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// What jobs work in, with this configuration.
    pub(crate) fn workspace(&self, config: &str) -> Workspace {
        let config = Config::parse(config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let clock: Arc<dyn Clock> = self.clock.clone();
        let circumstances = Circumstances {
            repository: Some(self.folder.path().join("repository").to_string_lossy().into_owned()),
            program: "test".to_owned(),
            surroundings: Surroundings { clock, ..Surroundings::default() },
            ..Circumstances::default()
        };
        Workspace::new(config, circumstances)
    }

    /// A context that takes down what is told.
    pub(crate) fn context(&self) -> Context {
        let told = Arc::clone(&self.told);
        let observer = move |event: Event<'_>| {
            let mut told = told.lock().expect("nobody panicked");
            match event {
                Event::Warning(warning) => told.warnings.push(warning.to_owned()),
                Event::AtMoment(found) => told.moments.push(found.clone()),
                _ => {}
            }
        };
        Context::new(Arc::new(observer), CancellationToken::new()).with_clock(self.clock.clone())
    }

    /// Makes a snapshot visible.
    pub(crate) fn commit(&self, workspace: &Workspace, manifest: &Manifest) -> SnapshotId {
        self.block_on(async {
            let repository = workspace.repository().await.expect("it opens");
            repository.commit(&manifest.to_json()).await.expect("it is stored")
        })
    }

    /// Makes snapshots of a database visible, each the parent of the next.
    pub(crate) fn chain(&self, workspace: &Workspace, database: &str, times: &[&str]) -> Vec<SnapshotId> {
        let mut made: Vec<SnapshotId> = Vec::new();
        for at in times {
            let sequence = Some(made.len() as u64 + 1);
            let parent = made.last().copied();
            let manifest = Manifest { parent, sequence, ..manifest(database, time(at)) };
            made.push(self.commit(workspace, &manifest));
        }
        made
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
