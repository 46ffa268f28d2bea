//! A matrix of damage: every kind of object, harmed in every way, under every command.
//!
//! Whatever is not harmed is served, the harm is named, nothing is changed by what fails, and a repair ends with a check
//! that finds nothing.

mod harm;
mod place;

use std::path::Path;

use rowkeep::ErrorKind;
use serde_json::{Value, json};

use harm::{Harm, Kind};
use place::Place;

#[test]
fn rows_and_where_they_are() {
    go_through(&[Kind::Pack, Kind::Index, Kind::Snapshot, Kind::Summary]);
}

#[test]
fn everything_beside_the_rows() {
    go_through(&[Kind::Entry, Kind::Applied, Kind::Plan, Kind::Claim, Kind::Slot, Kind::Config]);
}

fn go_through(kinds: &[Kind]) {
    let mut place = Place::full();
    for kind in kinds {
        for harm in Harm::ALL.into_iter().filter(|harm| harm.can_be_done_to(*kind)) {
            begin(&mut place, *kind, harm);
            if *kind == Kind::Config && harm != Harm::Doubled {
                refused(&place);
            } else {
                read(&place);
                checked(&place);
                changed(&place);
                written(&place);
            }
            healed(&place);
            // The same without anybody having worked with it before.
            begin(&mut place, *kind, harm);
            healed(&place);
        }
    }
}

fn begin(place: &mut Place, kind: Kind, harm: Harm) {
    place.begin(kind, harm);
    if kind == Kind::Slot && matches!(harm, Harm::Flipped | Harm::Cut | Harm::Missing) {
        // Whoever has the secret of that slot is not told that it is a wrong one.
        let error = place.attempt("check", json!({})).expect_err("nobody can open it").in_one_line();
        assert!(place.marks.iter().any(|mark| error.contains(mark)), "{place}: {error}");
        place.by_spare_key();
    }
}

/// Nobody can open the repository: everything is refused in words that fit, and changes nothing.
fn refused(place: &Place) {
    let new = place.new_file();
    for (job, request) in [
        ("backup", json!({ "database": "other" })),
        ("restore", json!({ "snapshot": "first", "to": new })),
        ("restore", json!({ "snapshot": "latest:other", "to": "other" })),
        ("undo", json!({ "database": "other" })),
        ("verify", json!({ "snapshot": "latest:other", "against": "other" })),
        ("diff", json!({ "before": "latest:other", "after": "other" })),
        ("history", json!({ "table": "events", "key": "60", "database": "other" })),
        ("export", json!({ "state": "latest:other", "to": new })),
        ("drill", json!({ "database": "other" })),
        ("delete", json!({ "snapshots": ["first"] })),
        ("check", json!({})),
    ] {
        let error = place.attempt(job, request).expect_err("it cannot be opened").in_one_line();
        let is_named = match place.harm {
            Harm::Missing => error.contains("config"),
            Harm::Foreign => error.contains("the key file opens none"),
            _ => error.contains("config is damaged"),
        };
        assert!(is_named, "{place}, {job}: {error}");
    }
    assert!(!new.exists() && place.shows("first").is_err(), "{place}");
    place.assert_is(Path::new("app.db"), "second");
    place.assert_is(Path::new("other.db"), "other");
    place.done("doctor", json!({}));
}

/// Commands that read: whatever is asked of the other database is done, and of this one what is not damaged.
fn read(place: &Place) {
    let listed = place.listed();
    assert!(listed.iter().any(|(_, name)| name == "other at first"), "{place}: {listed:?}");
    place.shows("latest:other").unwrap_or_else(|error| panic!("{place}: {}", error.in_one_line()));
    place.done("doctor", json!({}));
    for (job, request) in [
        ("verify", json!({ "snapshot": "latest:other", "against": "other" })),
        ("diff", json!({ "before": "latest:other", "after": "other" })),
        ("export", json!({ "state": "latest:other", "to": place.new_file() })),
        ("history", json!({ "table": "events", "key": "60", "database": "other" })),
    ] {
        place.done(job, request);
    }
    let drilled = place.done("drill", json!({ "database": "other" }));
    let reports = drilled["reports"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(reports.iter().any(|report| report["status"] == "passed"), "{place}: {drilled}");
    place.restores("latest:other", "other", false);
    for snapshot in ["first", "second"] {
        if let Err(error) = place.shows(snapshot) {
            // It is not there, or nobody can tell which is called so.
            assert!(matches!(place.kind, Kind::Snapshot), "{place}: {}", error.in_one_line());
            continue;
        }
        place.restores(snapshot, snapshot, true);
        for (job, request) in [
            ("verify", json!({ "snapshot": snapshot, "against": "app" })),
            ("diff", json!({ "before": snapshot, "after": "app" })),
            ("export", json!({ "state": snapshot, "to": place.new_file() })),
            ("drill", json!({ "snapshot": snapshot })),
        ] {
            place.served(job, request);
        }
    }
    place.served("history", json!({ "table": "events", "key": "60", "database": "app" }));
}

/// A check names what was harmed.
fn checked(place: &Place) {
    let told = place.done("check", json!({ "read_percent": 100.0 })).to_string();
    let is_told = match (place.kind, place.harm) {
        // Nothing depends on a summary; plans, and records of what was done, may go.
        (Kind::Summary | Kind::Plan | Kind::Claim | Kind::Applied, Harm::Missing | Harm::Older) => true,
        // What is said of a plan that is not there says nothing.
        (Kind::Claim, Harm::Foreign) => true,
        // That an index object is gone is seen by the packs that none names.
        (Kind::Index, Harm::Missing | Harm::Older) => told.contains("no index object names it"),
        _ => place.marks.iter().any(|mark| told.contains(mark)),
    };
    assert!(is_told, "{place}: none of {:?} in {told}", place.marks);
}

/// Commands that change databases: what they change is right, and what fails changes nothing.
fn changed(place: &Place) {
    let (app, other) = (Path::new("app.db"), Path::new("other.db"));
    place.done("undo", json!({ "database": "other" }));
    place.assert_is(other, "harmed");
    place.done("restore", json!({ "snapshot": "latest:other", "to": "other" }));
    place.assert_is(other, "other");
    let is_there = place.shows("first").is_ok();
    if is_there && place.served("restore", json!({ "snapshot": "first", "to": "app" })) {
        place.assert_is(app, "first");
        place.done("undo", json!({ "database": "app" }));
    }
    place.assert_is(app, "second");
    let applied = place.attempt("apply", json!({ "plan": place.plan }));
    match applied {
        Ok(_) => place.assert_is(app, "first"),
        Err(error) => {
            // Without its plan or its snapshot it is not even known.
            let is_unknown = matches!(place.kind, Kind::Plan | Kind::Claim | Kind::Snapshot);
            let is_fitting = error.kind() == ErrorKind::Damage || is_unknown;
            assert!(is_fitting, "{place}: {}", error.in_one_line());
            place.assert_is(app, "second");
        }
    }
    place.put_back("app.db", "second");
}

/// Commands that write to the repository: what they store can be had.
fn written(place: &Place) {
    for (database, state) in [("other", "other"), ("app", "second")] {
        place.done("backup", json!({ "database": database }));
        place.restores(&format!("latest:{database}"), state, false);
        place.done("verify", json!({ "snapshot": format!("latest:{database}"), "against": database }));
    }
    let deleted = place.attempt("delete", json!({ "snapshots": [place.first] }));
    let is_gone = place.kind == Kind::Snapshot && place.harm == Harm::Missing;
    assert_eq!(deleted.is_ok(), !is_gone, "{place}: {:?}", deleted.err().map(|error| error.in_one_line()));
}

/// A repair ends clean, and what it does not name as incomplete can be restored.
fn healed(place: &Place) {
    let repaired = place.done("repair", json!({}));
    let checked = place.done("check", json!({ "read_percent": 100.0 }));
    assert!(checked["clean"] == true, "{place}: {repaired} {checked}");
    assert_eq!(place.done("repair", json!({}))["ended"], "nothing", "{place}: {repaired}");
    let incomplete: Vec<&Value> = match repaired["incomplete"].as_array() {
        Some(losses) => losses.iter().map(|loss| &loss["snapshot"]).collect(),
        None => Vec::new(),
    };
    let listed = place.listed();
    for (id, name) in &listed {
        let state = match &**name {
            "other at first" => "other",
            "first" | "second" => name,
            // The last one of its database; others were taken before something was changed.
            _ => continue,
        };
        place.restores(id, state, incomplete.contains(&&json!(id)));
    }
    for (database, state) in [("app", "second"), ("other", "other")] {
        place.done("backup", json!({ "database": database }));
        place.restores(&format!("latest:{database}"), state, false);
    }
}
