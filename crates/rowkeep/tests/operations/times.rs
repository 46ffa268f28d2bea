//! Snapshots whose times cannot be right: it is said wherever their times matter.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rowkeep::clock::{Clock, TestClock};
use rowkeep::config::Config;
use rowkeep::engine::Surroundings;
use rowkeep::jobs::assess::{AssessRequest, Assessment};
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::caller::Unattended;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::jobs::init::InitRequest;
use rowkeep::jobs::snapshots;
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::report::{Report, ReportFormat, render};
use rowkeep::{Context, Event};
use tokio_util::sync::CancellationToken;

/// A shop whose data may be a day old at most, and a clock.
struct World {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shop = rusqlite::Connection::open(folder.path().join("shop.db")).expect("it opens");
        shop.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)").expect("SQL");
        let start: Timestamp = "2026-11-01T12:00:00Z".parse().expect("it is a time");
        let world = Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime starts"),
            folder,
            clock: Arc::new(TestClock::new(start)),
            warnings: Arc::default(),
        };
        let request = InitRequest { no_encryption: true, ..InitRequest::default() };
        world.runtime.block_on(request.run(&world.workspace())).expect("a repository is made");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn workspace(&self) -> Workspace {
        let shop = self.path("shop.db");
        let config = format!("[databases.shop]\nurl = '{}'\nmax_data_loss = '24h'", shop.display());
        let config = Config::parse(&config, Path::new("rowkeep.toml"), &|_| None).expect("it is well formed");
        let clock: Arc<dyn Clock> = self.clock.clone();
        let circumstances = Circumstances {
            repository: Some(self.path("repository").to_string_lossy().into_owned()),
            reports: self.path("reports"),
            program: "test".to_owned(),
            surroundings: Surroundings { clock, ..Surroundings::default() },
            ..Circumstances::default()
        };
        Workspace::new(config, circumstances)
    }

    fn context(&self) -> Context {
        let warnings = Arc::clone(&self.warnings);
        let observer = move |event: Event<'_>| {
            if let Event::Warning(warning) = event {
                warnings.lock().expect("nobody panicked").push(warning.to_owned());
            }
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        Context::new(Arc::new(observer), CancellationToken::new()).with_clock(clock)
    }

    /// The clock goes by so many hours, and the shop is backed up.
    fn backup_after(&self, hours: i64) {
        self.clock.jump(SignedDuration::from_hours(hours));
        let (context, workspace) = (self.context(), self.workspace());
        let request = BackupRequest::default();
        self.runtime.block_on(request.run(&context, &workspace, &Unattended)).expect("it is backed up");
    }

    /// Why the time of each snapshot cannot be right.
    fn doubts(&self) -> Vec<Option<String>> {
        let listed =
            self.runtime.block_on(snapshots::list(&self.workspace(), None)).expect("they are listed");
        listed.snapshots.into_iter().map(|snapshot| snapshot.time_doubt).collect()
    }

    fn assess(&self) -> Assessment {
        let request = AssessRequest { database: None, reports: None };
        let outcome = self.runtime.block_on(request.run(&self.context(), &self.workspace(), &Unattended));
        outcome.expect("it is assessed").databases.remove(0).assessment
    }

    fn drill(&self) -> Report {
        let request = DrillRequest::default();
        let outcome = self.runtime.block_on(request.run(&self.context(), &self.workspace(), &Unattended));
        outcome.expect("it is drilled").reports.remove(0)
    }
}

#[test]
fn a_snapshot_of_the_future_does_not_say_that_nothing_is_lost() {
    let world = World::new();
    world.backup_after(4 * 365 * 24);
    world.clock.jump(SignedDuration::from_hours(-4 * 365 * 24));
    let [Some(doubt)] = &world.doubts()[..] else { panic!("{:?}", world.doubts()) };
    assert!(doubt.contains("1460 d after now"), "{doubt}");
    let assessed = world.assess();
    assert_eq!((assessed.data_loss_seconds, assessed.time_doubt.as_ref()), (None, Some(doubt)));
    let report = world.drill();
    assert!(!report.is_passed(), "{report:?}");
    let told = render(&[report], ReportFormat::Terminal);
    assert!(told.contains("data loss      unknown") && told.contains("ERROR"), "{told}");
    assert!(!told.contains("0 s: the age"), "{told}");

    // The next one under a right clock is not in doubt for that, and what was wrong is said when it is made.
    world.backup_after(1);
    assert!(world.warnings.lock().expect("nobody panicked").iter().any(|warning| warning.contains("clock")));
    assert!(matches!(&world.doubts()[..], [Some(_), None]), "{:?}", world.doubts());
    world.clock.jump(SignedDuration::from_hours(2));
    let assessed = world.assess();
    assert_eq!((assessed.data_loss_seconds, assessed.time_doubt), (Some(7200), None));
    assert!(world.drill().is_passed());
}

#[test]
fn a_snapshot_from_before_its_parent_is_doubted() {
    let world = World::new();
    world.backup_after(0);
    world.backup_after(-50);
    world.clock.jump(SignedDuration::from_hours(60));
    let doubts = world.doubts();
    let [None, Some(doubt)] = &doubts[..] else { panic!("{doubts:?}") };
    assert!(doubt.contains("2 d 2 h before that of snapshot"), "{doubt}");
    assert_eq!(world.assess().data_loss_seconds, None);
    assert!(!world.drill().is_passed());
    world.backup_after(0);
    assert_eq!(world.assess().data_loss_seconds, Some(0));
    assert!(world.drill().is_passed());
}

#[test]
fn clocks_that_differ_a_little_are_no_matter() {
    let world = World::new();
    world.backup_after(0);
    world.clock.jump(SignedDuration::from_secs(-1));
    assert_eq!(world.doubts(), [None]);
    assert_eq!(world.assess().data_loss_seconds, Some(0));
}
