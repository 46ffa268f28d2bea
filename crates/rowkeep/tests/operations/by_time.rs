//! A time is a state: which snapshot it means, and what is said of it.

use jiff::{SignedDuration, Timestamp};
use rowkeep::Error;
use rowkeep::format::{Manifest, SnapshotId};
use rowkeep::jobs::workspace::Workspace;
use rowkeep::state::times::doubt;

use crate::chains::{Chains, Numbers, before, manifest, time};

fn find(chains: &Chains, workspace: &Workspace, asked: &str) -> Result<SnapshotId, String> {
    let context = chains.context();
    let found: Result<_, Error> = chains.block_on(workspace.snapshot(&context, asked));
    found.map(|snapshot| snapshot.id).map_err(|error| error.in_one_line())
}

#[test]
fn a_time_means_the_newest_snapshot_that_is_not_after_it() {
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let config = "timezone = 'Europe/London'\n[databases.shop]\nurl = 'shop.db'\n\
                  [databases.log]\nurl = 'log.db'\ntimezone = 'America/New_York'";
    let workspace = chains.workspace(config);
    let times =
        ["2026-07-20T10:00:00Z", "2026-07-20T14:30:00Z", "2026-07-20T23:30:00Z", "2026-11-29T09:00:00Z"];
    let shop = chains.chain(&workspace, "shop", &times);
    let log = chains.chain(&workspace, "log", &times);
    let safety = Manifest {
        before: Some(before("restore", "snapshot 01")),
        sequence: Some(9),
        ..manifest("shop", time("2026-11-29T11:00:00Z"))
    };
    chains.commit(&workspace, &safety);
    for (asked, expected, seconds) in [
        // 14:30 in UTC is 15:30 in London's summer and 10:30 in New York's.
        ("shop@2026-07-20 15:30", shop[1], 0),
        ("shop@2026-07-20 15:29:59", shop[0], 4 * 3600 + 30 * 60 - 1),
        ("log@2026-07-20 15:30", log[1], 5 * 3600),
        ("log@2026-07-20 15:30 UTC", log[1], 3600),
        ("shop@2026-07-20T14:30Z", shop[1], 0),
        ("shop@2026-07-20T16:30+02:00", shop[1], 0),
        ("shop@2026-07-20 23:30 Asia/Tokyo", shop[1], 0),
        // A day ends when it ends there: at half past eleven in UTC it is the next day in London.
        ("shop@2026-07-20", shop[1], 8 * 3600 + 30 * 60 - 1),
        ("log@2026-07-20", log[2], 4 * 3600 + 30 * 60 - 1),
        // Safety snapshots are passed over.
        ("shop@-10min", shop[3], 2 * 3600 + 50 * 60),
        ("shop@-3h", shop[3], 0),
        ("shop@-181min", shop[2], 131 * 86_400 + 9 * 3600 + 29 * 60),
        ("shop@2100-01-01T00:00Z", shop[3], 2_306_502_000),
    ] {
        assert_eq!(find(&chains, &workspace, asked), Ok(expected), "{asked}");
        let told = chains.told.lock().expect("nobody panicked").moments.pop().expect("it is told");
        assert_eq!((told.asked.as_str(), told.snapshot), (asked, expected));
        assert_eq!(told.seconds_before, seconds, "{asked}: {told:?}");
        assert!(chains.told.lock().expect("nobody panicked").warnings.is_empty());
    }
}

#[test]
fn what_no_time_or_no_snapshot_is_meant_by_is_said() {
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let workspace = chains.workspace("timezone = 'Europe/London'");
    let shop = chains.chain(&workspace, "shop", &["2026-07-20T10:00:00Z"]);
    for (asked, said) in [
        (
            "shop@2026-07-20T09:59:59Z",
            "there is no snapshot of shop at or before 2026-07-20 10:59:59 Europe/London; the first is",
        ),
        ("shop@-200d", "there is no snapshot of shop at or before"),
        ("shop@yesterday", "\"shop@yesterday\" does not say which time is meant: write"),
        ("shop@", "\"shop@\" does not say which time is meant"),
        ("shop@2026-13-45", "is no time"),
        ("shop@2026-11-20 15:30 Europe/Atlantis", "no time zone \"Europe/Atlantis\""),
        ("shop@2026-10-25 01:30", "was twice in Europe/London"),
        ("shop@2026-03-29 01:30", "there was no 2026-03-29 01:30 in Europe/London"),
        ("shop@-5parsecs", "is no length of time"),
        ("@-2h", "name the database before it"),
        ("stock@-2h", "there is no snapshot of database stock"),
        ("stock@yesterday", "no snapshot stock@yesterday"),
        ("postgres://u:s3cret@h/shop@-2h", "there is no snapshot of database postgres://u@h/shop"),
    ] {
        let error = find(&chains, &workspace, asked).expect_err(asked);
        assert!(error.contains(said) && !error.contains("s3cret"), "{asked}: {error}");
    }
    // What somebody named so before it meant a time is still found by that.
    let named = Manifest {
        name: Some("shop@2026-07-21".to_owned()),
        ..manifest("old", time("2026-07-20T10:00:00Z"))
    };
    let named = chains.commit(&workspace, &named);
    assert_eq!(find(&chains, &workspace, "shop@2026-07-21"), Ok(named));
    assert_eq!(find(&chains, &workspace, "shop@2026-07-22"), Ok(shop[0]));
}

#[test]
fn a_snapshot_whose_clock_was_wrong_is_never_meant_silently() {
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let workspace = chains.workspace("");
    // The second was taken while the clock was a year behind, the third while it was ahead of now.
    let times =
        ["2026-11-20T10:00:00Z", "2025-11-20T11:00:00Z", "2027-11-20T12:00:00Z", "2026-11-20T13:00:00Z"];
    let shop = chains.chain(&workspace, "shop", &times);
    assert_eq!(find(&chains, &workspace, "shop@2026-11-20T12:30Z"), Ok(shop[0]));
    let warnings = std::mem::take(&mut chains.told.lock().expect("nobody panicked").warnings);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for (warning, passed_over) in warnings.iter().zip([shop[2], shop[1]]) {
        assert!(warning.contains(&passed_over.to_string()[..8]), "{warning}");
    }
    // What came after a snapshot that is surely after the time is not meant by it.
    assert_eq!(find(&chains, &workspace, "shop@2026-11-20T13:00Z"), Ok(shop[3]));
    assert!(chains.told.lock().expect("nobody panicked").warnings.is_empty());
    let refused = find(&chains, &workspace, "shop@2026-11-20T09:00Z").expect_err("nothing is sure");
    assert!(refused.contains("there is no snapshot of shop at or before"), "{refused}");
    let lone = chains.chain(&workspace, "lone", &["2027-01-01T00:00:00Z"]);
    let refused = find(&chains, &workspace, "lone@2026-11-29T11:00Z").expect_err("nothing is sure");
    assert!(refused.contains("no snapshot of lone is known to be at or before"), "{refused}");
    assert!(refused.contains(&lone[0].to_string()[..8]) && refused.contains("after now"), "{refused}");
}

#[test]
fn random_chains_under_wrong_clocks_are_as_the_plain_rule_says() {
    let mut numbers = Numbers(7);
    for _ in 0..6 {
        let chains = Chains::at("2026-11-29T12:00:00Z");
        let workspace = chains.workspace("");
        let now = time("2026-11-29T12:00:00Z");
        let mut right = now - SignedDuration::from_hours(40);
        let mut last = None;
        for sequence in 1..=30 {
            right += SignedDuration::from_mins(numbers.below(90) as i64);
            let wrong = match numbers.below(5) {
                0 => SignedDuration::from_mins(numbers.below(20_000) as i64 - 10_000),
                _ => SignedDuration::ZERO,
            };
            let before = (numbers.below(6) == 0).then(|| before("restore", "snapshot 01"));
            let made = Manifest {
                parent: last,
                sequence: Some(sequence),
                before: before.clone(),
                ..manifest("shop", right + wrong)
            };
            let id = chains.commit(&workspace, &made);
            last = if before.is_none() { Some(id) } else { last };
        }
        let catalog = chains.block_on(async {
            workspace.repository().await.expect("it opens").catalog_now().await.expect("it is read")
        });
        let sure: Vec<(SnapshotId, Timestamp)> = catalog
            .snapshots()
            .filter(|one| !one.is_safety() && doubt(one, &catalog, now).is_none())
            .map(|one| (one.id, one.time))
            .collect();
        for _ in 0..60 {
            let asked = now - SignedDuration::from_mins(numbers.below(3000) as i64);
            let expected = sure.iter().rfind(|(_, time)| *time <= asked).map(|(id, _)| *id);
            let found = find(&chains, &workspace, &format!("shop@{asked}")).ok();
            assert_eq!(found, expected, "{asked}");
        }
    }
}
