//! Stores are tried, and what they lack is found out, said, written down and gone by.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, Result as StoreResult};
use rowkeep_format::clock::{Clock, SystemClock, TestClock};
use rowkeep_repository::{
    Error, ErrorKind, Lack, Probe, ProbeDepth, ProbeReport, PruneOptions, Repository, StoreFinding,
    StoreLevel, create_store, open_bucket,
};
use std::sync::Arc;

use crate::bucket::{Manner, Server};
use crate::faults::{Hiding, ReadOnly, Unconditional};
use crate::stores::{Place, S3, Store, names, open_s3, put, s3_options};
use crate::support::*;
use crate::watched::{Watch, Watched};

async fn tried(store: &Store) -> ProbeReport {
    tried_by(store, SystemClock::shared()).await
}

async fn tried_by(store: &Store, clock: Arc<dyn Clock>) -> ProbeReport {
    let probe = Probe { store: store.clone(), bucket: None, folder: None, clock };
    probe.run(ProbeDepth::Full).await.expect("random bytes")
}

/// The bucket of a server, tried.
async fn tried_bucket(manner: Manner) -> (ProbeReport, Server, Store) {
    let server = Server::start(manner).await;
    let store = open_s3(&server.endpoint);
    let bucket = open_bucket(S3, &s3_options(&server.endpoint)).expect("well formed");
    assert!(bucket.is_some());
    let probe = Probe { store: store.clone(), bucket, folder: None, clock: SystemClock::shared() };
    (probe.run(ProbeDepth::Full).await.expect("random bytes"), server, store)
}

fn finding<'r>(report: &'r ProbeReport, what: &str) -> &'r StoreFinding {
    let found = report.findings.iter().find(|finding| finding.what == what);
    found.unwrap_or_else(|| panic!("nothing of {what}: {report:#?}"))
}

/// What is not as it should be.
fn faults(report: &ProbeReport) -> Vec<(&str, StoreLevel)> {
    let faults = report.findings.iter().filter(|finding| finding.level > StoreLevel::Ok);
    faults.map(|finding| (finding.what.as_str(), finding.level)).collect()
}

fn assert_explained(report: &ProbeReport) {
    for finding in report.findings.iter().filter(|finding| finding.level > StoreLevel::Ok) {
        assert!(finding.means.is_some() && finding.remedy.is_some(), "{finding:#?}");
    }
}

#[tokio::test]
async fn a_store_that_does_what_it_should_is_left_as_it_was() {
    let memory = Place::memory();
    put(&memory.store, "other", b"object".to_vec()).await;
    let report = tried(&memory.store).await;
    assert_eq!((faults(&report), report.lacks.len()), (vec![], 0), "{report:#?}");
    assert_eq!(names(&memory.store).await, ["other"]);
    let tried: Vec<&str> = report.findings.iter().map(|finding| finding.what.as_str()).collect();
    let expected = [
        "write",
        "read after write",
        "clock",
        "conditional create",
        "list after write",
        "overwrite",
        "range reads",
        "delete",
    ];
    assert_eq!(tried, expected.to_vec());
}

#[tokio::test]
async fn nothing_stays_of_a_probe_of_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = create_store(folder.path().to_str().expect("text"), &[]).expect("a store");
    let path = Some(folder.path().to_owned());
    let probe = Probe { store, bucket: None, folder: path, clock: SystemClock::shared() };
    for depth in [ProbeDepth::Brief, ProbeDepth::Full] {
        let report = probe.run(depth).await.expect("random bytes");
        assert_eq!(faults(&report), [], "{report:#?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
    }
}

#[tokio::test]
async fn a_server_of_s3_is_tried_with_its_pages_versions_and_locks() {
    let (report, _server, store) = tried_bucket(Manner::default()).await;
    assert_eq!((faults(&report), report.lacks.len()), (vec![], 0), "{report:#?}");
    let pages = &finding(&report, "pages of lists").seen;
    assert!(pages.contains("each name once and in order"), "{pages}");
    assert_eq!(finding(&report, "versions").seen, "the bucket keeps no versions");
    assert_eq!(finding(&report, "object lock").seen, "the bucket has none");
    assert_eq!(names(&store).await, [""; 0]);
}

#[tokio::test]
async fn what_a_bucket_keeps_of_what_is_deleted_is_said() {
    let until = Timestamp::from_second(4_102_444_800).expect("a time");
    let keeps_versions = Manner { keeps_versions: true, ..Manner::default() };
    let (report, ..) = tried_bucket(keeps_versions).await;
    assert_eq!(faults(&report), [("versions", StoreLevel::Warning)], "{report:#?}");
    assert!(report.left_versions > 10 && report.left_until.is_none(), "{report:#?}");
    assert_explained(&report);

    let expiring = Manner { noncurrent_days: Some(7), ..keeps_versions };
    let (report, ..) = tried_bucket(expiring).await;
    assert_eq!(faults(&report), [], "{report:#?}");
    assert!(finding(&report, "versions").seen.ends_with("after 7 days"), "{report:#?}");

    // A lock that takes nothing without a checksum.
    let locked = Manner { retained_until: Some(until.as_second()), ..expiring };
    let (report, ..) = tried_bucket(locked).await;
    assert_eq!((faults(&report), report.left_until), (vec![], Some(until)), "{report:#?}");
    let lock = finding(&report, "object lock");
    assert!(lock.seen.contains("COMPLIANCE") && lock.seen.contains("30 days"), "{lock:?}");
}

#[tokio::test]
async fn a_role_that_may_not_delete_is_not_taken_for_a_store_that_does_not() {
    let (report, _server, store) =
        tried_bucket(Manner { refuses_deletions: true, ..Manner::default() }).await;
    assert_eq!(faults(&report), [("delete", StoreLevel::Warning)], "{report:#?}");
    assert_eq!((report.lacks.len(), report.is_healthy()), (0, true));
    assert_explained(&report);
    assert_eq!(report.left, names(&store).await, "what stays is said");
    // And it keeps nobody from making a repository there.
    init(&store).await;
}

#[tokio::test]
async fn servers_that_lie_are_found_out() {
    let lies = [
        (
            Manner { keeps_deleted: true, ..Manner::default() },
            "delete",
            StoreLevel::Error,
            Some(Lack::Deletion),
        ),
        (
            Manner { ignores_conditions: true, ..Manner::default() },
            "conditional create",
            StoreLevel::Warning,
            Some(Lack::ConditionalCreate),
        ),
        (Manner { repeats_pages: true, ..Manner::default() }, "pages of lists", StoreLevel::Error, None),
    ];
    for (manner, what, level, lack) in lies {
        let (report, ..) = tried_bucket(manner).await;
        assert_eq!(faults(&report), [(what, level)], "{report:#?}");
        assert_eq!(report.lacks, lack.into_iter().collect::<BTreeSet<_>>());
        assert_explained(&report);
    }
}

/// Lists what was written only after it was asked once more.
#[derive(Debug, Default)]
struct ListingLate(Mutex<BTreeSet<String>>);

impl Watch for ListingLate {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> StoreResult<()> {
        if let ("put", Some(path)) = (request, path) {
            self.0.lock().expect("no panic").insert(path.to_string());
        }
        Ok(())
    }

    fn listing(
        &self,
        _: Option<&Path>,
        listing: BoxStream<'static, StoreResult<ObjectMeta>>,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        let hidden = std::mem::take(&mut *self.0.lock().expect("no panic"));
        let is_shown = move |meta: &StoreResult<ObjectMeta>| {
            let is_hidden = meta.as_ref().is_ok_and(|meta| hidden.contains(meta.location.as_ref()));
            futures::future::ready(!is_hidden)
        };
        listing.filter(is_shown).boxed()
    }
}

/// Does not find what was written only just before.
#[derive(Debug, Default)]
struct ReadingLate(Mutex<BTreeSet<String>>);

impl Watch for ReadingLate {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> StoreResult<()> {
        let Some(path) = path else { return Ok(()) };
        let mut written = self.0.lock().expect("no panic");
        match request {
            "put" => drop(written.insert(path.to_string())),
            _ if written.remove(path.as_ref()) => {
                return Err(StoreError::NotFound { path: path.to_string(), source: "not yet".into() });
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test]
async fn stores_that_are_late_are_found_out() {
    let place = Place::memory();
    let late: Store = Watched::by(ListingLate::default(), place.store.clone());
    let report = tried(&late).await;
    assert_eq!(faults(&report), [("list after write", StoreLevel::Error)], "{report:#?}");
    assert_eq!(report.lacks, [Lack::Listing].into());
    let late: Store = Watched::by(ReadingLate::default(), place.store.clone());
    let report = tried(&late).await;
    assert!(faults(&report).contains(&("read after write", StoreLevel::Error)), "{report:#?}");
    assert!(report.lacks.contains(&Lack::Listing));
    assert_explained(&report);
}

#[tokio::test]
async fn rights_that_are_missing_are_named() {
    let place = Place::memory();
    let store: Store = Watched::by(ReadOnly, place.store.clone());
    let report = tried(&store).await;
    assert_eq!(faults(&report), [("write", StoreLevel::Error)]);
    assert!(!report.is_healthy());
    assert_explained(&report);

    #[derive(Debug)]
    struct Unlisted;
    impl Watch for Unlisted {
        fn asked(&self, request: &'static str, path: Option<&Path>) -> StoreResult<()> {
            let path = path.map(Path::to_string).unwrap_or_default();
            let denied = StoreError::PermissionDenied { path, source: "not yours".into() };
            if request == "list" { Err(denied) } else { Ok(()) }
        }
    }
    let store: Store = Watched::by(Unlisted, place.store.clone());
    let report = tried(&store).await;
    assert_eq!(faults(&report)[0], ("list after write", StoreLevel::Error), "{report:#?}");
    assert_eq!(names(&place.store).await, [""; 0], "what was written is removed nevertheless");

    // Rights that end at the repository's folders are enough.
    let store: Store = Watched::by(Hiding, place.store.clone());
    assert_eq!(faults(&tried(&store).await), []);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_by_how_much() {
    let place = Place::memory();
    let clock = Arc::new(TestClock::new(SystemClock.now()));
    clock.jump(SignedDuration::from_hours(2));
    let report = tried_by(&place.store, clock).await;
    assert_eq!(faults(&report), [("clock", StoreLevel::Warning)], "{report:#?}");
    let seen = &finding(&report, "clock").seen;
    assert!(seen.starts_with("the store's clock is 7") && seen.contains("behind"), "{seen}");
}

#[tokio::test]
async fn what_a_store_lacks_is_written_down_and_struck_when_it_was_mended() {
    let place = Place::memory();
    let found = [Lack::Listing, Lack::ConditionalCreate].into();
    assert!(!Repository::record_lacks(place.store.clone(), &found).await.expect("asked"), "no repository");
    let repository = init(&place.store).await;
    assert!(Repository::record_lacks(place.store.clone(), &found).await.expect("written"));
    let recorded =
        |names: Vec<String>| names.into_iter().filter(|name| name.contains("lacks")).collect::<Vec<_>>();
    let both = ["ledger/lacks-conditional-create", "ledger/lacks-listing"];
    assert_eq!(recorded(names(&place.store).await), both);
    assert_eq!(check(&repository).await.findings, []);

    // Nobody could tell what is needed.
    let error = error_of(repository.prune(&PruneOptions::default(), &Listed(&repository)).await);
    assert!(matches!(error, Error::ListsLate), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unfit);

    Repository::record_lacks(place.store.clone(), &BTreeSet::new()).await.expect("struck");
    assert_eq!(recorded(names(&place.store).await), [""; 0]);
    repository.prune(&PruneOptions::default(), &Listed(&repository)).await.expect("pruned");
}

#[tokio::test]
async fn without_conditions_no_plan_is_executed_twice() {
    let place = Place::memory();
    init(&place.store).await;
    let store: Store = Watched::by(Unconditional, place.store.clone());
    let report = tried(&store).await;
    assert_eq!(report.lacks, [Lack::ConditionalCreate].into());
    Repository::record_lacks(store.clone(), &report.lacks).await.expect("written");
    let repository = open(&store).await;
    for _ in 0..20 {
        let plan = repository.store_plan(b"a plan", &|_| Box::pin(async { Ok(true) })).await.expect("stored");
        let claiming = (0..8).map(|_| repository.claim_plan(&plan, b"words"));
        let claims = futures::future::join_all(claiming).await;
        let claimed = claims.into_iter().filter(|claimed| *claimed.as_ref().expect("asked")).count();
        assert!(claimed <= 1, "{claimed} claims of one plan");
        if claimed == 0 {
            assert!(
                repository.claim_plan(&plan, b"words").await.expect("asked"),
                "the others have withdrawn"
            );
        }
        assert!(!repository.claim_plan(&plan, b"words").await.expect("asked"));
        assert_eq!(check(&repository).await.findings, []);
        repository.release_plan(&plan).await.expect("released");
        assert!(repository.claim_plan(&plan, b"words").await.expect("asked"), "it may be claimed again");
        repository.delete_plan(&plan).await.expect("deleted");
    }
    assert!(!names(&place.store).await.iter().any(|name| name.starts_with("plans/")));
}
