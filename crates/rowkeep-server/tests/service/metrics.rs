//! Figures for Prometheus: all that are promised are there, and what is shipped for monitoring uses no others.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use rowkeep::metrics::{ALL, Kind};
use serde_json::json;

use super::support::Service;

/// The figures, once it is known how much the repository holds, which is found out beside.
async fn text(service: &Service) -> String {
    for _ in 0..100 {
        let response = service.request(Method::GET, "/metrics").send().await.expect("it answers");
        assert_eq!(response.status().as_u16(), 200);
        let text = response.text().await.expect("it is text");
        if text.contains("\nrowkeep_repository_bytes ") {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("nobody finds out how much the repository holds");
}

/// A service that has done each kind of job.
async fn busy() -> Service {
    let service = Service::new().await;
    for path in
        ["databases/shop/backups", "databases/shop/backups", "databases/shop/drills", "repository/checks"]
    {
        let job = service.post(&format!("/api/v1/{path}?wait=60s"), json!({})).await.expect(200);
        assert_eq!(job["state"], "done", "{job}");
    }
    service
}

/// The figures of a name with their labels, and what they say.
fn figures<'a>(text: &'a str, name: &str) -> Vec<(&'a str, f64)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let own = lines.filter(|rest| rest.starts_with(['{', ' ']));
    own.map(|rest| {
        let (labels, value) = rest.rsplit_once(' ').expect("a value is behind a space");
        (labels, value.parse().expect("it is a number"))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_is_known_is_said() {
    let service = busy().await;
    let text = text(&service).await;
    for family in ALL {
        assert!(text.contains(&format!("# TYPE {} ", family.name)), "{} is missing", family.name);
        let name = match family.kind {
            Kind::Histogram => format!("{}_count", family.name),
            _ => family.name.to_owned(),
        };
        // Nothing was promised of these databases.
        let is_promised = name.ends_with("_target_seconds");
        assert_eq!(figures(&text, &name).is_empty(), is_promised, "{name}");
    }
    let shop = "{database=\"shop\"}";
    let is = |name: &str, labels: &str, value: f64| {
        let found = figures(&text, name);
        assert!(found.contains(&(labels, value)), "{name}{labels} is not {value}: {found:?}");
    };
    is("rowkeep_snapshots", shop, 2.0);
    is("rowkeep_last_backup_rows", shop, 500.0);
    is("rowkeep_last_backup_success", shop, 1.0);
    is("rowkeep_last_drill_success", shop, 1.0);
    is("rowkeep_last_check_success", "", 1.0);
    is("rowkeep_backup_duration_seconds_count", shop, 2.0);
    is("rowkeep_backup_duration_seconds_bucket", "{database=\"shop\",le=\"+Inf\"}", 2.0);
    is("rowkeep_backup_duration_seconds_bucket", "{database=\"shop\",le=\"86400\"}", 2.0);
    is("rowkeep_standing", "{database=\"orders\",standing=\"unprotected\"}", 1.0);
    is("rowkeep_jobs", "{state=\"running\"}", 0.0);
    is("rowkeep_jobs_completed_total", "{kind=\"backup\",result=\"done\"}", 2.0);
    let stored = figures(&text, "rowkeep_last_backup_bytes");
    assert_eq!(stored.len(), 2, "{stored:?}");
    let repository = figures(&text, "rowkeep_repository_bytes")[0].1;
    let on_disk = bytes_below(&service.folder.path().join("repository"));
    assert!(repository > 0.0 && repository <= on_disk as f64, "{repository} of {on_disk}");
    // Series would grow without end.
    let listed = service.get("/api/v1/databases/shop/snapshots").await;
    for snapshot in listed["snapshots"].as_array().expect("a list") {
        let id = snapshot["id"].as_str().expect("it has an id");
        assert!(!text.contains(&id[..8]), "{id} is a label");
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("it can be read");
    let sizes = entries.map(|entry| {
        let path = entry.expect("it can be read").path();
        if path.is_dir() { bytes_below(&path) } else { path.metadata().expect("it is there").len() }
    });
    sizes.sum()
}

/// The names in a text that begin as ours do.
fn names(text: &str) -> BTreeSet<&str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split(|character| !is_part(character)).filter(|word| word.starts_with("rowkeep_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_is_shipped_for_monitoring_uses_figures_that_there_are() {
    let service = busy().await;
    let text = text(&service).await;
    let known = names(&text);
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let mut files = 0;
    for folder in ["prometheus", "grafana"] {
        for entry in std::fs::read_dir(deploy.join(folder)).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let shipped = std::fs::read_to_string(&path).expect("it is text");
            let used = names(&shipped);
            assert!(!used.is_empty(), "{} uses none", path.display());
            let unknown: Vec<_> = used.difference(&known).collect();
            assert!(unknown.is_empty(), "{}: there is no {unknown:?}", path.display());
            files += 1;
        }
    }
    assert!(files >= 4, "only {files} files were looked at");
}
