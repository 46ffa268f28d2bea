//! A service whose machine is lost goes on from its repository.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::postgres::servers;
use crate::sandbox::{Numbers, Sandbox, filled};
use crate::serve::{CONFIG, Service, token, write};

const STATE: &str = "rowkeep-state.db";
const RECOVER: [&str; 2] = ["--recover", "rowkeep-repository"];
const VERIFICATION: &str = "/api/v1/audit/verification";

/// A service that keeps its state as soon as something changed.
fn protected() -> Sandbox {
    let sandbox = Sandbox::new();
    write(&sandbox, &format!("[service]\nkeep_state = '1s'\n{CONFIG}"));
    sandbox.sql("a.db", &filled(300));
    sandbox.sql("b.db", &filled(300));
    sandbox
}

/// The states that the repository has.
fn kept(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.json(&["snapshots", "-r", "rowkeep-repository"]);
    let all = listed["snapshots"].as_array().expect("a list").clone();
    all.into_iter().filter(|snapshot| snapshot["database"] == "rowkeep-service").collect()
}

fn wait_until_kept(sandbox: &Sandbox, than: usize) {
    let until = Instant::now() + Duration::from_secs(60);
    while kept(sandbox).len() <= than {
        assert!(Instant::now() < until, "the state is not put into the repository");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The files of the folder that are the service's own.
fn own_files(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path("")).expect("it is a folder");
    let names = entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned());
    let mut own: Vec<String> =
        names.filter(|name| name.starts_with(STATE) || name == "rowkeep.toml").collect();
    own.sort();
    own
}

/// Takes away all that a lost machine had of the service.
fn wipe(sandbox: &Sandbox) {
    let _ = std::fs::remove_file(sandbox.path("rowkeep-state.key"));
    for name in own_files(sandbox) {
        std::fs::remove_file(sandbox.path(&name)).expect("it is removed");
    }
}

/// `ROWKEEP_SERVICE_KILLS` says how often.
#[test]
fn a_service_that_is_killed_and_wiped_at_random_goes_on_from_its_repository() {
    let kills: u64 = std::env::var("ROWKEEP_SERVICE_KILLS").map_or(5, |text| text.parse().expect("a number"));
    let sandbox = protected();
    let mut numbers = Numbers(20_261_201);
    let mut service = Service::start(&sandbox);
    let token = token(&sandbox);
    wait_until_kept(&sandbox, 0);
    let config = std::fs::read(sandbox.path("rowkeep.toml")).expect("it is there");
    let key = std::fs::read(sandbox.path("rowkeep-state.db.key")).expect("it is there");
    for round in 0..kills {
        let until = Instant::now() + Duration::from_millis(100 + numbers.below(2_000));
        while Instant::now() < until {
            let name = if numbers.below(2) == 0 { "a" } else { "b" };
            let path = format!("/api/v1/databases/{name}/backups");
            let (status, job) = service.ask(&token, "POST", &path, "").expect("it was not killed yet");
            assert_eq!(status, 202, "{job}");
            std::thread::sleep(Duration::from_millis(numbers.below(150)));
        }
        service.kill();
        wipe(&sandbox);
        service = Service::start_with(&sandbox, &RECOVER);
        // The token is known, and the audit has all that snapshots know of it.
        let verified = service.get(&token, VERIFICATION);
        assert_eq!(verified["intact"], true, "round {round}: {verified}");
        let entries = service.get(&token, "/api/v1/audit?limit=500");
        let recovered = entries["entries"].as_array().expect("a list").iter();
        let recovered = recovered.filter(|entry| entry["action"] == "service.recover").count();
        assert!(recovered > 0, "{entries}");
        assert_eq!(std::fs::read(sandbox.path("rowkeep.toml")).expect("it is there"), config);
        assert_eq!(std::fs::read(sandbox.path("rowkeep-state.db.key")).expect("it is there"), key);
    }
    // What waited is done, and nothing twice.
    let until = Instant::now() + Duration::from_secs(60);
    for state in ["waiting", "running"] {
        while service.get(&token, &format!("/api/v1/jobs?state={state}"))["jobs"] != serde_json::json!([]) {
            assert!(Instant::now() < until, "jobs are still {state}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let failed = service.get(&token, "/api/v1/jobs?state=failed");
    assert_eq!(failed["jobs"], serde_json::json!([]), "{failed}");
    drop(service);
    let listed = sandbox.json(&["snapshots"]);
    let jobs = listed["snapshots"].as_array().expect("a list").iter();
    let jobs: Vec<&str> = jobs.filter_map(|one| one["tags"]["rowkeep-job"].as_str()).collect();
    assert_eq!(jobs.iter().collect::<BTreeSet<_>>().len(), jobs.len(), "a job made two snapshots");
    assert!(jobs.len() > 1, "{listed}");
    sandbox.done(&["audit", "verify"]);
    sandbox.done(&["check", "--read-data"]);
}

#[test]
fn a_recovery_that_cannot_be_leaves_nothing_behind() {
    let sandbox = protected();
    let none = sandbox.run(&["serve", "--listen", "127.0.0.1:0", "--recover", "rowkeep-repository"]);
    none.expect(1).says(&["rowkeep-repository has no state of a service", "without --recover"]);
    let config = std::fs::read(sandbox.path("rowkeep.toml")).expect("it is there");
    assert_eq!(own_files(&sandbox), ["rowkeep.toml"]);
    let mut service = Service::start(&sandbox);
    wait_until_kept(&sandbox, 0);
    service.kill();
    let recover = ["serve", "--listen", "127.0.0.1:0", "--recover", "rowkeep-repository"];
    sandbox.run(&recover).expect(4).says(&["rowkeep-state.db is there already", "without --recover"]);
    wipe(&sandbox);
    std::fs::write(sandbox.path("wrong"), "wrong\n").expect("it is written");
    let key_file = sandbox.path("rowkeep-repository.key");
    let moved = sandbox.path("moved.key");
    std::fs::rename(&key_file, &moved).expect("it is moved");
    let locked = sandbox.run(&[&recover[..], &["--passphrase-file", "wrong"]].concat());
    assert_ne!(locked.status, 0, "{locked:?}");
    assert_eq!(own_files(&sandbox), [""; 0], "{locked:?}");
    std::fs::rename(&moved, &key_file).expect("it is moved");
    // The key of another state is not written over.
    std::fs::write(sandbox.path("rowkeep-state.db.key"), [7; 32]).expect("it is written");
    sandbox.run(&recover).expect(4).says(&["rowkeep-state.db.key is there already"]);
    assert_eq!(own_files(&sandbox), ["rowkeep-state.db.key"]);
    std::fs::remove_file(sandbox.path("rowkeep-state.db.key")).expect("it is removed");
    // A configuration that is here counts.
    let other = [&b"# another\n"[..], &config].concat();
    std::fs::write(sandbox.path("rowkeep.toml"), &other).expect("it is written");
    let service = Service::start_with(&sandbox, &RECOVER);
    assert_eq!(service.get(&token(&sandbox), VERIFICATION)["intact"], true);
    assert_eq!(std::fs::read(sandbox.path("rowkeep.toml")).expect("it is there"), other);
}

/// What jobs, tokens and the audit are, as the service tells it.
fn known(service: &Service, token: &str) -> (Value, Value, Value) {
    let verified = service.get(token, VERIFICATION);
    assert_eq!(verified["intact"], true, "{verified}");
    let (jobs, tokens) =
        (service.get(token, "/api/v1/jobs?state=done"), service.get(token, "/api/v1/tokens"));
    let tokens =
        tokens["tokens"].as_array().expect("a list").iter().map(|token| token["name"].clone()).collect();
    (jobs, tokens, service.get(token, "/api/v1/users"))
}

#[test]
fn a_state_goes_from_a_file_into_postgresql_and_back() {
    let servers = servers();
    let (one, other) = (servers[0].database("state_one"), servers[1].database("state_other"));
    let sandbox = protected();
    let service = Service::start(&sandbox);
    let token = token(&sandbox);
    let path = "/api/v1/databases/a/backups?wait=60s";
    assert_eq!(service.ask(&token, "POST", path, "").expect("it answers").1["state"], "done");
    let before = known(&service, &token);
    // It is kept once more at the end.
    service.stop();
    let mut places = Vec::new();
    for url in [one.url(), other.url()] {
        wipe(&sandbox);
        let arguments = [&RECOVER[..], &["--state", &url]].concat();
        let service = Service::start_with(&sandbox, &arguments);
        assert_eq!(known(&service, &token), before);
        let again = sandbox.run(&["audit", "verify", "--state", &url]);
        assert!(again.err.contains("another process serves with the state"), "{again:?}");
        service.stop();
        sandbox.done(&["audit", "verify", "--state", &url]);
        let taken = sandbox.run(&[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat());
        taken.expect(4).says(&["is there already", "without --recover"]);
        places.push(url);
    }
    wipe(&sandbox);
    let service = Service::start_with(&sandbox, &RECOVER);
    assert_eq!(known(&service, &token), before);
    // A number comes once, wherever the state has been.
    assert_eq!(service.ask(&token, "POST", path, "").expect("it answers").1["state"], "done");
    service.stop();
    let exported = sandbox.done(&["audit", "export", "--state", &places[1]]);
    let here = sandbox.done(&["audit", "export"]);
    assert!(here.out.starts_with(exported.out.trim_end()), "{exported:?}");
    let away =
        sandbox.command(&["audit", "verify"]).env("ROWKEEP_STATE", servers[0].url_of("no_such")).output();
    let away = String::from_utf8_lossy(&away.expect("it is run").stderr).into_owned();
    assert!(away.contains("no_such"), "{away}");
}

#[test]
fn states_in_the_repository_are_thinned_out_and_have_rules_of_their_own() {
    let sandbox = protected();
    let service = Service::start(&sandbox);
    let token = token(&sandbox);
    wait_until_kept(&sandbox, 0);
    drop(service);
    let keeping = sandbox.json(&["keep", "--keep-last", "1"]);
    let databases = keeping["databases"].as_array().expect("a list");
    let of_service = databases.iter().find(|one| one["database"] == "rowkeep-service").expect("it is there");
    let rules = of_service["rules"].as_str().expect("it has rules");
    assert!(rules.contains("30"), "{rules}");
    // What is in it, nobody reads without the repository's key; and a database cannot have its name.
    write(&sandbox, "[databases.rowkeep-service]\nurl = 'a.db'\n");
    let taken = sandbox.run(&["config", "check"]);
    assert!(taken.err.contains("it stands for the state of the service"), "{taken:?}");
    assert!(!token.is_empty());
}
