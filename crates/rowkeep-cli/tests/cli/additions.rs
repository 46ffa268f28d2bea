//! A service that has nothing but what is added over HTTP: it reads its file again, and its additions are written, checked and recovered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, filled};
use crate::serve::{Service, token, write};

const PASSPHRASE: &str = "a phrase that passes";

/// Asks until something holds.
fn until(service: &Service, token: &str, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let value = service.get(token, path);
        if holds(&value) {
            return value;
        }
        assert!(Instant::now() < until, "{path} still says {value}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// The names of the databases.
fn names(listed: &Value) -> Vec<&str> {
    let databases = listed["databases"].as_array().expect("a list");
    databases.iter().map(|database| database["name"].as_str().expect("a name")).collect()
}

/// Expects all of these in what was printed.
fn prints(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.out.contains(word), "{word:?} is not in {ran:#?}");
    }
}

/// A service of a folder without rowkeep.toml to which a repository and the database shop were added, and the job of its first drill.
fn added(sandbox: &Sandbox) -> (Service, String) {
    sandbox.sql("shop.db", &filled(300));
    sandbox.sql("orders.db", &filled(30));
    let service = Service::start(sandbox);
    let token = token(sandbox);
    let repository = json!({ "location": "backups", "passphrase": PASSPHRASE });
    service.post(&token, "/api/v1/repository", &repository, 201);
    let shop = json!({ "name": "shop", "url": "shop.db", "promise": { "lose": "6h" } });
    let made = service.post(&token, "/api/v1/databases", &shop, 201);
    let drill = format!("/api/v1/jobs/{}", made["first_drill"].as_str().expect("it has an id"));
    let drill = until(&service, &token, &drill, |job| job["state"] != "waiting" && job["state"] != "running");
    assert_eq!(drill["state"], "done", "{drill}");
    (service, token)
}

#[test]
fn a_changed_file_is_read_again_on_a_signal() {
    let sandbox = Sandbox::bare();
    let (service, token) = added(&sandbox);
    write(&sandbox, "[databases.orders]\nurl = 'orders.db'\n");
    service.signal("HUP");
    let listed = until(&service, &token, "/api/v1/databases", |listed| names(listed).len() == 2);
    assert_eq!(names(&listed), ["orders", "shop"]);
    write(&sandbox, "[databases.orders]\nurl = 'orders.db'\nexlude = []\n");
    service.signal("HUP");
    let told = until(&service, &token, "/api/v1/configuration", |told| told["problem"].is_string());
    assert!(told["problem"].as_str().is_some_and(|problem| problem.contains("line 3")), "{told}");
    assert_eq!(names(&service.get(&token, "/api/v1/databases")), ["orders", "shop"]);
}

#[test]
fn a_file_that_is_typed_has_to_be_there() {
    let sandbox = Sandbox::bare();
    let typed = sandbox.run(&["serve", "--listen", "127.0.0.1:0", "--config", "nowhere.toml"]);
    typed.expect(1).says(&["cannot read nowhere.toml"]);
}

#[test]
fn what_was_added_is_checked_written_and_brought_back() {
    let sandbox = Sandbox::bare();
    let (mut service, token) = added(&sandbox);
    let busy = sandbox.run(&["config", "export"]);
    busy.expect(1).says(&["another process serves", "/api/v1/configuration/export"]);
    // Who and what was added is put into the repository at once.
    let open = ["-r", "backups", "--passphrase-file", "passphrase"];
    std::fs::write(sandbox.path("passphrase"), format!("{PASSPHRASE}\n")).expect("it is written");
    let listed = [&["snapshots"][..], &open].concat();
    let until_then = Instant::now() + Duration::from_secs(60);
    let is_kept = || {
        let head = service.get(&token, "/api/v1/audit?limit=500")["entries"].to_string();
        assert!(head.contains("database.create"), "{head}");
        let listed = sandbox.json(&listed);
        listed["snapshots"].as_array().expect("a list").iter().any(|one| one["database"] == "rowkeep-service")
    };
    while !is_kept() {
        assert!(Instant::now() < until_then, "the state is not kept");
        std::thread::sleep(Duration::from_millis(50));
    }
    service.signal("TERM");
    service.wait();

    let checked = sandbox.done(&["config", "check"]);
    prints(
        &checked,
        &["1 database", "added on a page: the repository", "added on a page: database shop", "every 3 hours"],
    );
    let exported = sandbox.done(&["config", "export"]);
    assert!(!exported.out.contains(PASSPHRASE), "{}", exported.out);
    prints(&exported, &["[databases.shop]", "lose = \"6h\"", "passphrase = \"${ROWKEEP_PASSPHRASE}\""]);
    let clear = sandbox.done(&["config", "export", "--with-secrets"]);
    prints(&clear, &[PASSPHRASE]);

    // In the file, it says the same; then the additions do not count.
    write(&sandbox, &clear.out);
    sandbox.done(&["check"]);
    prints(&sandbox.done(&["config", "check"]), &["left out: database shop: rowkeep.toml says it too"]);
    write(&sandbox, &exported.out);
    let unset = sandbox.run(&["check"]);
    unset.expect(4).says(&["ROWKEEP_PASSPHRASE is not set"]);

    for name in ["rowkeep.toml", "rowkeep-state.db", "rowkeep-state.db.key"] {
        std::fs::remove_file(sandbox.path(name)).expect("it is there");
    }
    let recover = ["--recover", "backups", "--passphrase-file", "passphrase"];
    let service = Service::start_with(&sandbox, &recover);
    assert_eq!(names(&service.get(&token, "/api/v1/databases")), ["shop"]);
    assert_eq!(service.get(&token, "/api/v1/databases/shop")["standing"], "kept");
    let configuration = service.get(&token, "/api/v1/configuration");
    assert_eq!(configuration["additions"].as_array().map(Vec::len), Some(2), "{configuration}");
    drop(service);
    // From now on, it opens the repository by what was added.
    let service = Service::start(&sandbox);
    assert_eq!(service.get(&token, "/api/v1/databases/shop")["standing"], "kept");
}
