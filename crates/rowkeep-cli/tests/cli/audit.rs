//! The audit of a service that does not run.

use rusqlite::Connection;

use crate::sandbox::{Sandbox, filled};
use crate::serve::{CONFIG, Service, token, write};

#[test]
fn the_audit_is_checked_and_given_out_while_the_service_is_stopped() {
    let sandbox = Sandbox::new();
    // The states in the repository know entries too, and come when they come.
    write(&sandbox, &format!("[service]\nkeep_state = 'off'\n{CONFIG}"));
    let missing = sandbox.run(&["audit", "verify"]);
    assert_eq!(missing.status, 2, "{missing:?}");
    assert!(missing.err.contains("there is no state of a service at"), "{missing:?}");
    assert!(!sandbox.path("rowkeep-state.db").exists(), "none is made");
    sandbox.sql("a.db", &filled(20));
    let service = Service::start(&sandbox);
    let path = "/api/v1/databases/a/backups?wait=60s";
    let (status, job) = service.ask(&token(&sandbox), "POST", path, "").expect("it answers");
    assert_eq!((status, job["state"].as_str()), (200, Some("done")), "{job}");
    for command in ["verify", "export"] {
        let in_use = sandbox.run(&["audit", command]);
        assert_eq!(in_use.status, 1, "{in_use:?}");
        assert!(in_use.err.contains("another process serves with the state"), "{in_use:?}");
        assert!(in_use.err.contains("/api/v1/audit/verification"), "{in_use:?}");
    }
    drop(service);
    let whole = sandbox.done(&["audit", "verify"]);
    assert!(whole.out.contains("the audit is what was written: 4 entries"), "{whole:?}");
    assert!(whole.out.contains("entries named by 1 snapshot are all in it"), "{whole:?}");
    let lines = sandbox.done(&["audit", "export"]);
    assert_eq!(lines.out.lines().count(), 4, "{lines:?}");
    let csv = sandbox.done(&["audit", "export", "--format", "csv"]);
    assert!(csv.out.starts_with("number,time,who,"), "{csv:?}");
    assert!(csv.out.contains(",backup.create,backup of a: "), "{csv:?}");

    let state = sandbox.path("rowkeep-state.db");
    let change = |sql: &str| {
        Connection::open(&state).expect("it opens").execute_batch(sql).expect("it is changed");
    };
    change("UPDATE audit SET outcome = 'refused' WHERE number = 2");
    let changed = sandbox.run(&["audit", "verify"]);
    assert_eq!(changed.status, 3, "{changed:?}");
    assert!(changed.out.contains("entry 2: it is not what was written"), "{changed:?}");
    change("DELETE FROM audit WHERE number >= 2");
    let cut = sandbox.run(&["audit", "verify", "--state", "rowkeep-state.db"]);
    assert_eq!(cut.status, 3, "{cut:?}");
    assert!(cut.out.contains("1 of 1 snapshot name an entry that is not in it"), "{cut:?}");
    assert!(cut.out.contains("the audit ends with entry 1"), "{cut:?}");
    let json = sandbox.run(&["audit", "verify", "--json"]);
    assert!(json.out.contains("\"intact\":false"), "{json:?}");
}
