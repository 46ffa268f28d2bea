//! Several processes on one repository.

use crate::sandbox::{Ran, Sandbox, filled};

#[test]
fn two_backups_at_the_same_time_both_succeed() {
    let sandbox = Sandbox::new();
    sandbox.sql("a.db", &filled(30_000));
    std::fs::copy(sandbox.path("a.db"), sandbox.path("b.db")).expect("the file can be copied");
    sandbox.sql("b.db", "UPDATE people SET name = name || '!' WHERE balance > 100");
    for _ in 0..3 {
        let both: Vec<_> = ["a.db", "b.db"]
            .map(|file| {
                let mut command = sandbox.command(&["backup", file]);
                command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
                command.spawn().expect("it can be run")
            })
            .into_iter()
            .collect();
        for child in both {
            Ran::of(&child.wait_with_output().expect("it ends")).expect(0);
        }
    }
    sandbox.done(&["check", "--read-data"]);
    for file in ["a", "b"] {
        sandbox.done(&["restore", &format!("latest:{file}"), "--to", &format!("{file}-copy.db")]);
        sandbox.done(&["verify", &format!("latest:{file}"), "--against", &format!("{file}.db")]);
    }
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(6));
}

#[test]
fn two_inits_at_the_same_time_leave_one_repository() {
    for _ in 0..5 {
        let sandbox = Sandbox::bare();
        let children: Vec<_> = ["one.key", "two.key"]
            .map(|file| {
                let mut command = sandbox.command(&["init", "--make-key-file", file]);
                command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
                command.spawn().expect("it can be run")
            })
            .into_iter()
            .collect();
        let ends: Vec<Ran> =
            children.into_iter().map(|child| Ran::of(&child.wait_with_output().expect("it ends"))).collect();
        let winners = ends.iter().filter(|ran| ran.status == 0).count();
        assert_eq!(winners, 1, "{ends:#?}");
        let winner = if ends[0].status == 0 { "one.key" } else { "two.key" };
        sandbox.done(&["check", "--key-file", winner]);
    }
}
