//! Holds: what is held stays, whoever wants it gone.

use crate::sandbox::{Ran, Sandbox, files_below};
use crate::subjects::on_each;

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x')";

fn backup(sandbox: &Sandbox, url: &str) -> String {
    let made = sandbox.json(&["backup", url]);
    made["snapshots"][0]["id"].as_str().expect("it has one").to_owned()
}

#[test]
fn a_held_snapshot_is_neither_deleted_nor_let_go() {
    on_each("rowkeep_cli_holds", T, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        let ids = [(); 3].map(|()| backup(sandbox, &url));
        let short = ids[0][..8].to_owned();
        let held = sandbox.done(&["hold", &ids[0], "--reason", "the audit of 2026"]);
        assert!(held.out.contains(&format!("snapshot {short} is held until it is released")), "{held:?}");
        let is_refused = |ran: Ran| ran.expect(4).says(&["is held: the audit of 2026", "rowkeep release"]);
        is_refused(sandbox.run(&["delete", &ids[0], "--yes"]));
        is_refused(sandbox.run(&["delete", &ids[0], "--dry-run"]));
        // Of several none goes.
        is_refused(sandbox.run(&["delete", &ids[1], &ids[0], "--yes"]));
        let listed = sandbox.json(&["snapshots"]);
        assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(3));
        assert_eq!(listed["snapshots"][0]["holds"][0]["reason"], "the audit of 2026");
        assert!(listed["snapshots"][1].get("holds").is_none(), "{listed}");
        let told = sandbox.done(&["snapshots"]);
        assert!(told.out.contains(&format!("HELD snapshot {short}: the audit of 2026")), "{told:?}");
        let shown = sandbox.done(&["show", &short]);
        assert!(shown.out.contains("HELD         the audit of 2026"), "{shown:?}");
        assert_eq!(sandbox.json(&["show", &short])["holds"][0]["kind"], "hold");
        // No rule lets it go.
        let kept = sandbox.json(&["keep", "--keep-last", "1"]);
        let snapshots = &kept["databases"][0]["snapshots"];
        assert_eq!(snapshots[0]["decision"]["kept"][0]["rule"], "held", "{kept}");
        assert!(snapshots[1]["decision"]["unkept_since"].is_string(), "{kept}");
        // Another hold on it ends by itself, the first does not.
        let until = sandbox.json(&["hold", &short, "--until", "90d"]);
        assert!(until["holds"][0]["until"].is_string(), "{until}");
        let later = sandbox.json(&["keep", "--keep-last", "1", "--at", "2100-01-01"]);
        let kept =
            later["databases"][0]["snapshots"][0]["decision"]["kept"].as_array().expect("a list").len();
        assert_eq!(kept, 1, "{later}");
        let check = sandbox.done(&["check"]);
        assert!(!check.out.contains("holds/"), "{check:?}");
        let released = sandbox.done(&["release", &short]);
        assert!(released.out.contains("is released from 2 holds"), "{released:?}");
        sandbox.run(&["release", &short]).expect(2).says(&["is neither held nor suspicious"]);
        sandbox.done(&["delete", &ids[0], "--yes"]);
        assert!(files_below(&sandbox.path("rowkeep-repository/holds")).is_empty());
    });
}

#[test]
fn a_hold_that_has_ended_holds_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    let id = backup(&sandbox, "app.db");
    backup(&sandbox, "app.db");
    let soon = sandbox.json(&["hold", &id, "--until", "2100-01-01T00:00Z"]);
    assert_eq!(soon["holds"][0]["until"], "2100-01-01T00:00:00Z");
    let of = |at: &str| {
        let kept = sandbox.json(&["keep", "--keep-last", "1", "--at", at]);
        kept["databases"][0]["snapshots"][0]["decision"].clone()
    };
    assert_eq!(of("2099-12-31T23:59Z")["goes"], "2100-01-01T00:00:00Z");
    assert_eq!(of("2100-01-02")["unkept_since"], "2100-01-01T00:00:00Z");
}

#[test]
fn what_cannot_be_held_or_released_is_said() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", T);
    let id = backup(&sandbox, "app.db");
    for (args, said) in [
        (vec!["hold", "nothing"], "no snapshot nothing"),
        (vec!["hold", &id, "--until", "2020-01-01"], "a hold ends in time to come"),
        (vec!["hold", &id, "--until", "-2h"], "a hold ends in time to come"),
        (vec!["hold", &id, "--until", "soon"], "write 2027-01-31"),
        (vec!["hold", &id, "--until", "2026-13-45"], "is no time"),
        (vec!["hold", &id, "--until", "0d"], "write 2027-01-31"),
        (vec!["release", "nothing"], "no snapshot nothing"),
        (vec!["release", &id], "is neither held nor suspicious"),
    ] {
        sandbox.run(&args).expect(2).says(&[said]);
    }
}

#[test]
fn while_a_hold_cannot_be_read_nothing_is_deleted() {
    let sandbox = Sandbox::bare();
    sandbox.done(&["init", "--no-encryption"]);
    sandbox.sql("app.db", T);
    let id = backup(&sandbox, "app.db");
    backup(&sandbox, "app.db");
    sandbox.done(&["hold", &id]);
    let [file] = &files_below(&sandbox.path("rowkeep-repository/holds"))[..] else { panic!("one hold") };
    let mut permissions = std::fs::metadata(file).expect("it is there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(file, permissions).expect("it is ours");
    let mut bytes = std::fs::read(file).expect("it can be read");
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    std::fs::write(file, bytes).expect("it can be written");
    sandbox.run(&["keep"]).expect(3).says(&["holds/"]);
    sandbox.run(&["delete", "latest", "--yes"]).expect(3).says(&["holds/"]);
    // What is only shown is shown without it.
    let listed = sandbox.run(&["snapshots"]).expect(3);
    assert!(listed.out.contains("2 snapshots") && listed.out.contains("cannot read a hold: "), "{listed:?}");
    sandbox.done(&["show", "latest"]).says(&["warning: ", "holds/"]);
    let check = sandbox.run(&["check"]).expect(3);
    assert!(check.out.contains("nobody can tell which snapshot it holds"), "{check:?}");
    sandbox.done(&["repair", "--yes"]);
    sandbox.done(&["check"]);
    sandbox.done(&["delete", "latest", "--yes"]);
}
