//! A backup of which few rows changed stores little more than these, and what is stored as a difference is as good as any other.

use crate::sandbox::files_below;
use crate::subjects::{Subject, on_each};

const ROWS: u32 = 40_000;

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, price bigint, name text, other bigint)";

/// Fills the table with rows that do not compress to nothing.
fn fill(subject: &Subject<'_>) {
    let name = if subject.is_file() { "lower(hex(randomblob(16)))" } else { "md5(random()::text)" };
    let rows = format!(
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS})
         SELECT n, n * 48271 % 100003, {name}, n * 16807 % 2147483647 FROM s"
    );
    subject.sql(&format!("INSERT INTO t {rows}"));
}

/// Changes one row in 125 all over the table, other ones each time.
fn change(subject: &Subject<'_>, round: u32) {
    subject.sql(&format!("UPDATE t SET price = price + 1 WHERE id * 31 % 125 = {round}"));
}

fn backed_up(subject: &Subject<'_>) -> u64 {
    let made = subject.sandbox.json(&["backup", &subject.url()]);
    made["snapshots"][0]["new_bytes"].as_u64().expect("a size")
}

fn proven(subject: &Subject<'_>, snapshot: &str) {
    let sandbox = &subject.sandbox;
    sandbox.done(&["verify", snapshot, "--against", &subject.url()]);
    let checked = sandbox.done(&["check", "--read-data"]);
    assert!(checked.out.contains("no damage"), "{checked:?}");
}

#[test]
fn a_few_changed_rows_cost_little() {
    on_each("rowkeep_cli_increments", TABLE, |subject| {
        fill(subject);
        let first = backed_up(subject);
        for round in 1..=3 {
            change(subject, round);
            let next = backed_up(subject);
            assert!(next * 12 < first, "round {round}: {next} of {first}");
            proven(subject, "latest");
        }
        // Restored and proven by hash, all of them.
        let listed = subject.sandbox.json(&["snapshots"]);
        for (number, one) in listed["snapshots"].as_array().expect("a list").iter().enumerate() {
            let (id, to) = (one["id"].as_str().expect("an id"), format!("copy-{number}.db"));
            if subject.is_file() {
                subject.sandbox.done(&["restore", id, "--to", &to]);
            }
        }
        let changes = subject
            .sandbox
            .json_of(3, &["diff", "latest", listed["snapshots"][0]["id"].as_str().expect("an id")]);
        assert_eq!(changes["rows"]["updated"], u64::from(ROWS) / 125 * 3, "{changes}");
    });
}

#[test]
fn what_others_are_differences_to_stays_for_them() {
    on_each("rowkeep_cli_increments_kept", TABLE, |subject| {
        let sandbox = &subject.sandbox;
        fill(subject);
        backed_up(subject);
        let first = sandbox.json(&["snapshots"])["snapshots"][0]["id"].as_str().expect("an id").to_owned();
        change(subject, 1);
        backed_up(subject);
        sandbox.done(&["delete", &first, "--yes"]);
        for _ in 0..2 {
            sandbox.done(&["prune", "--grace", "0s", "--yes"]);
            proven(subject, "latest");
        }
        // The next one builds on the same.
        change(subject, 2);
        backed_up(subject);
        proven(subject, "latest");
        // When all of it changes, it is stored whole again, and what was there before goes.
        subject.sql("UPDATE t SET price = price * 7919 % 999983, other = other * 7927 % 1999999973");
        backed_up(subject);
        let pruned = sandbox.json(&["prune", "--grace", "0s", "--keep-last", "1", "--yes"]);
        assert!(pruned["space"]["deleted"]["packs"].as_u64() > Some(0), "{pruned}");
        proven(subject, "latest");
    });
}

#[test]
fn a_lost_pack_that_others_are_differences_to_is_told_and_stored_again() {
    on_each("rowkeep_cli_increments_lost", TABLE, |subject| {
        let sandbox = &subject.sandbox;
        fill(subject);
        backed_up(subject);
        let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
        let largest = packs.iter().max_by_key(|path| std::fs::metadata(path).map_or(0, |meta| meta.len()));
        change(subject, 1);
        backed_up(subject);
        std::fs::remove_file(largest.expect("a pack")).expect("deleted");
        let checked = sandbox.json_of(3, &["check"]);
        assert_eq!(checked["losses"].as_array().map(Vec::len), Some(2), "both need it: {checked}");
        // A backup stores again what is missing, whether it was whole or a difference.
        sandbox.done(&["backup", &subject.url()]);
        sandbox.done(&["verify", "latest", "--against", &subject.url()]);
        // What the first had, nobody has any more.
        sandbox.json_of(3, &["repair", "--yes"]);
        let checked = sandbox.done(&["check", "--read-data"]);
        assert!(checked.out.contains("no damage"), "{checked:?}");
        sandbox.done(&["verify", "latest", "--against", &subject.url()]);
    });
}
