//! What is kept of the databases of a repository: each by its own rules, among its own snapshots.

use rowkeep::format::{Identity, Manifest, SnapshotId};
use rowkeep::jobs::keep::{KeepOutcome, KeepRequest};
use rowkeep::jobs::workspace::Workspace;
use rowkeep::retention::By;

use crate::chains::{Chains, before, manifest, time};

fn keep(chains: &Chains, workspace: &Workspace) -> KeepOutcome {
    chains.block_on(KeepRequest::default().run(&chains.context(), workspace)).expect("it is decided")
}

fn kept(outcome: &KeepOutcome) -> Vec<SnapshotId> {
    let all = outcome.databases.iter().flat_map(|database| &database.snapshots);
    all.filter(|one| one.decision.is_kept()).map(|one| one.summary.id).collect()
}

#[test]
fn databases_of_one_name_do_not_compete() {
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let workspace = chains.workspace("[keep]\nlast = 1");
    let at = |place: &str, at: &str, sequence| {
        let identity = Some(Identity::at(place));
        let made = Manifest { identity, sequence: Some(sequence), ..manifest("app", time(at)) };
        chains.commit(&workspace, &made)
    };
    let _old = at("/srv/one/app.db", "2026-11-01T12:00:00Z", 1);
    let one = at("/srv/one/app.db", "2026-11-02T12:00:00Z", 2);
    let _other_old = at("/srv/two/app.db", "2026-11-03T12:00:00Z", 3);
    let other = at("/srv/two/app.db", "2026-11-04T12:00:00Z", 4);
    let outcome = keep(&chains, &workspace);
    assert_eq!(outcome.databases.len(), 2, "{outcome:?}");
    assert_eq!(kept(&outcome), [one, other]);
}

#[test]
fn parts_and_masked_rows_are_in_nobodys_place() {
    use rowkeep::format::manifest::Scope;
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let workspace = chains.workspace("[keep]\ndaily = 1");
    let full = chains.commit(&workspace, &manifest("app", time("2026-11-28T01:00:00Z")));
    let part = Manifest {
        scope: Scope::SomeTables,
        sequence: Some(1),
        ..manifest("app", time("2026-11-28T02:00:00Z"))
    };
    let part = chains.commit(&workspace, &part);
    let mut masked = Manifest { sequence: Some(2), ..manifest("app", time("2026-11-28T03:00:00Z")) };
    masked.environment.insert("masked".to_owned(), "true".to_owned());
    let masked = chains.commit(&workspace, &masked);
    assert_eq!(kept(&keep(&chains, &workspace)), [full, part, masked]);
}

#[test]
fn days_are_those_of_the_database() {
    let chains = Chains::at("2026-07-25T12:00:00Z");
    let of = |zone: &str| format!("timezone = '{zone}'\n[keep]\ndaily = 9");
    let workspace = chains.workspace("");
    // On either side of midnight in London, on one day in UTC.
    let made = chains.chain(&workspace, "shop", &["2026-07-20T22:30:00Z", "2026-07-20T23:30:00Z"]);
    assert_eq!(kept(&keep(&chains, &chains.workspace(&of("Europe/London")))), made);
    assert_eq!(kept(&keep(&chains, &chains.workspace(&of("UTC")))), made[1..]);
}

#[test]
fn safety_snapshots_and_wrong_times_have_their_own_rules() {
    let chains = Chains::at("2026-11-29T12:00:00Z");
    let workspace = chains.workspace("[keep]\nlast = 1");
    let made = chains.chain(
        &workspace,
        "shop",
        &["2026-11-01T10:00:00Z", "2025-11-01T11:00:00Z", "2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z"],
    );
    let safety = |at: &str, from: &str, sequence| {
        let taken = Some(before("undo", from));
        let made = Manifest { before: taken, sequence: Some(sequence), ..manifest("shop", time(at)) };
        chains.commit(&workspace, &made)
    };
    let old = safety("2026-11-10T12:00:00Z", "snapshot 01", 10);
    let young = safety("2026-11-20T12:00:00Z", "snapshot 01", 11);
    let undo = safety("2026-11-14T12:00:00Z", &format!("before {young}"), 12);
    let outcome = keep(&chains, &workspace);
    assert_eq!(kept(&outcome), [made[1], made[3], young, undo]);
    let decision = |id: SnapshotId| {
        let mut all = outcome.databases[0].snapshots.iter();
        all.find(|one| one.summary.id == id).expect("it is there").decision.clone()
    };
    assert!(matches!(decision(made[1]).kept[0].by, By::WrongTime { .. }));
    assert_eq!(decision(young).goes, Some(time("2026-12-04T12:00:00Z")));
    assert_eq!(decision(undo).goes, Some(time("2026-12-04T12:00:00Z")));
    assert_eq!(decision(undo).kept[0].by, By::UndoOf { safety: young });
    assert_eq!(decision(old).unkept_since, Some(time("2026-11-24T12:00:00Z")));
    assert_eq!(decision(made[2]).unkept_since, Some(time("2026-11-02T12:00:00Z")));
}
