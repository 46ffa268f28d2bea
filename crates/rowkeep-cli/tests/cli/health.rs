//! What monitors are told.

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::serve::{CONFIG, Service, write};

#[test]
fn monitors_are_told_how_databases_are() {
    let sandbox = Sandbox::new();
    let config = format!("{CONFIG}promise = {{ lose = '6h', back_in = '30min' }}\n");
    write(&sandbox, &config);
    let nowhere = sandbox.run(&["health", "--repository", "nowhere"]);
    assert_eq!(nowhere.status, 1, "{nowhere:?}");
    let unknown = sandbox.run(&["health", "--prometheus", "--repository", "nowhere"]);
    assert_eq!(unknown.status, 1, "{unknown:?}");
    assert!(unknown.out.contains("rowkeep_standing{database=\"a\",standing=\"unknown\"} 1\n"), "{unknown:?}");
    assert!(!unknown.out.contains("rowkeep_snapshots{"), "{unknown:?}");
    for name in ["a", "b"] {
        sandbox.sql(
            &format!("{name}.db"),
            "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)",
        );
    }
    sandbox.done(&["backup", "a"]);
    let one = sandbox.run(&["health"]);
    assert_eq!(one.status, 3, "{one:?}");
    assert!(one.out.starts_with("1 of 2 databases are protected\n"), "{one:?}");
    assert!(one.out.contains("broken") && one.out.contains("at most 6 h"), "{one:?}");
    sandbox.done(&["backup", "b"]);
    let both = sandbox.done(&["health", "--json"]);
    let both: serde_json::Value = serde_json::from_str(&both.out).expect("it is JSON");
    assert_eq!(both["summary"], "2 of 2 databases are protected");
    assert_eq!(both["databases"][1]["standing"], "kept");
    assert_eq!(
        (&both["databases"][1]["newest"]["rows"], &both["databases"][1]["last_drill"]),
        (&json!(2), &json!(null))
    );
    // A drill that fails is no matter of the age.
    let failing = "[[databases.b.checks]]\ntable = 't'\nmin_rows = 3\n";
    write(&sandbox, &format!("{config}{failing}"));
    sandbox.run(&["drill", "b"]);
    let at_risk = sandbox.run(&["health"]);
    assert_eq!(at_risk.status, 3, "{at_risk:?}");
    assert!(at_risk.out.contains("at risk") && at_risk.out.contains("FAILED"), "{at_risk:?}");
    let figures = sandbox.run(&["health", "--prometheus"]);
    for line in [
        "rowkeep_last_backup_rows{database=\"b\"} 2",
        "rowkeep_snapshots{database=\"a\"} 1",
        "rowkeep_recovery_time_target_seconds{database=\"b\"} 1800",
        "rowkeep_last_drill_success{database=\"b\"} 0",
    ] {
        assert!(figures.out.lines().any(|other| other == line), "{line}: {figures:?}");
    }
    assert!(!figures.out.contains("rowkeep_jobs"), "nobody knows without a service: {figures:?}");
}

#[test]
fn a_service_is_asked_whether_it_can_work() {
    let sandbox = Sandbox::new();
    write(&sandbox, CONFIG);
    let service = Service::start(&sandbox);
    let url = format!("http://{}", service.address);
    let ready = sandbox.done(&["health", "--url", &url]);
    assert_eq!(ready.out.trim(), "the service is ready");
    drop(service);
    let gone = sandbox.run(&["health", "--url", &url]);
    assert_eq!(gone.status, 1, "{gone:?}");
    assert!(gone.err.contains(&format!("the service at {url} does not answer")), "{gone:?}");
    let wrong = sandbox.run(&["health", "--url", "localhost:8470"]);
    assert_eq!(wrong.status, 2, "{wrong:?}");
}
