//! How databases are, with and without a service.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rowkeep::jobs::Verdict;
use rowkeep::jobs::health::{HealthOutcome, HealthRequest, Standing};
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{Config, Context};
use rowkeep_format::clock::TestClock;
use serde_json::json;
use tempfile::TempDir;

use super::support::{Service, opening};

fn time(text: &str) -> Timestamp {
    text.parse().expect("it is a time")
}

/// What is found without the service, by what it left.
async fn found(folder: &TempDir, clock: &Arc<TestClock>) -> HealthOutcome {
    let path = folder.path().join("rowkeep.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let config = Config::parse(&text, &path, &|_| None).expect("it is well formed");
    let circumstances = Circumstances {
        secrets: opening(folder),
        reports: folder.path().join("reports"),
        ..Circumstances::default()
    };
    let workspace = Workspace::new(config, circumstances);
    let context = Context::silent().with_clock(clock.clone());
    HealthRequest::default().run(&context, &workspace).await.expect("the repository is there")
}

fn standings(outcome: &HealthOutcome) -> Vec<(&str, Standing)> {
    outcome.databases.iter().map(|database| (&*database.name, database.standing)).collect()
}

/// Nothing is done by itself: the times of the schedule are over when the service starts, or it does not run.
const DAILY: &str = "[schedule]\nbackup = 'daily at 02:00'\n[databases.other]\nurl = 'orders.db'\npromise = { lose = '12h' }\nschedule = { backup = 'off' }\n";

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_backup_that_does_not_come_is_said() {
    let clock = Arc::new(TestClock::new(time("2026-11-29T12:00:00Z")));
    let service = Service::with(DAILY, clock.clone()).await;
    let back_up = async |name: &str| {
        let path = format!("/api/v1/databases/{name}/backups?wait=60s");
        let job = service.post(&path, json!({})).await.expect(200);
        assert_eq!(job["state"], "done", "{job}");
    };
    back_up("orders").await;
    let some = found(&service.folder, &clock).await;
    assert_eq!(some.verdict(), Verdict::Differences);
    let standing = [("orders", Standing::Kept), ("other", Standing::Broken), ("shop", Standing::Unprotected)];
    assert_eq!(standings(&some), standing);
    back_up("other").await;
    back_up("shop").await;
    let whole = found(&service.folder, &clock).await;
    assert_eq!((whole.verdict(), &*whole.summary), (Verdict::Done, "3 of 3 databases are protected"));
    let health = service.get("/api/v1/health").await;
    assert_eq!(health["summary"], *whole.summary, "{health}");
    let folder = service.stop().await;
    clock.jump(SignedDuration::from_hours(12));
    let whole = found(&folder, &clock).await;
    assert_eq!(whole.verdict(), Verdict::Done, "the next is due at two");
    clock.set(time("2026-11-30T02:20:00Z"));
    let late = found(&folder, &clock).await;
    let standing = [("orders", Standing::Overdue), ("other", Standing::Broken), ("shop", Standing::Overdue)];
    assert_eq!(standings(&late), standing);
    assert_eq!(late.databases[0].overdue_since, Some(time("2026-11-30T02:00:00Z")));
    assert_eq!((late.verdict(), &*late.summary), (Verdict::Differences, "0 of 3 databases are protected"));
    let figures = late.metrics("1.0");
    assert!(figures.contains("rowkeep_standing{database=\"shop\",standing=\"overdue\"} 1\n"), "{figures}");
    assert!(
        figures.contains("rowkeep_recovery_point_target_seconds{database=\"other\"} 43200\n"),
        "{figures}"
    );
}
