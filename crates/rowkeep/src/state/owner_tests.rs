use rowkeep_format::SnapshotId;
use rowkeep_format::manifest::Scope;

use super::*;

/// A snapshot of a database of this name.
fn summary(name: &str, identity: Option<Identity>) -> Summary {
    Summary {
        id: SnapshotId([1; 16]),
        database: name.into(),
        engine: "sqlite".into(),
        source: "".into(),
        identity: identity.map(std::sync::Arc::new),
        name: None,
        time: jiff::Timestamp::UNIX_EPOCH,
        parent: None,
        sequence: None,
        scope: Scope::Full,
        tags: Default::default(),
        before: None,
        origin: None,
        masked: false,
        suspicious_after: None,
        all_tables: 0,
        tables: 0,
        rows: 0,
        bytes: 0,
        row_counts: None,
        new_bytes: 0,
        duration_ms: 0,
    }
}

fn server(place: &str, system: &str, oid: &str) -> Identity {
    Identity { system: Some(system.to_owned()), oid: Some(oid.to_owned()), ..Identity::at(place) }
}

fn configured(identity: Identity) -> Identity {
    Identity { configured: true, ..identity }
}

/// Whether a database owns a snapshot, whether the next one follows it, and whether it is of the very database.
fn of(owner: (&str, Identity), snapshot: (&str, Option<Identity>)) -> (bool, bool, Sameness) {
    let owner = Owner { name: owner.0.to_owned(), identity: Some(owner.1) };
    let summary = summary(snapshot.0, snapshot.1);
    (owner.owns(&summary), owner.continues(&summary), owner.sameness(&summary))
}

#[test]
fn names_decide_where_they_are_configured_and_identity_elsewhere() {
    let app = || server("postgres://h/app", "7", "5");
    let again = || server("postgres://h/app", "7", "6");
    let other = || server("postgres://other/app", "8", "5");
    let (same, else_) = (Sameness::Same, Sameness::Other);
    for (owner, snapshot, expected) in [
        (("app", app()), ("app", Some(app())), (true, true, same)),
        // Renamed, or typed under another name than it has in a configuration.
        (("app", app()), ("old", Some(app())), (true, true, same)),
        (("app", app()), ("shop", Some(configured(app()))), (true, true, same)),
        // Two configured names may stand for two selections of one database.
        (("app", configured(app())), ("shop", Some(configured(app()))), (false, false, same)),
        // Dropped and created again: what was restored from stays, the chain does not.
        (("app", again()), ("app", Some(app())), (true, false, else_)),
        (("app", configured(again())), ("app", Some(configured(app()))), (true, true, else_)),
        // Another of the same name.
        (("app", app()), ("app", Some(other())), (false, false, else_)),
        (("app", configured(app())), ("app", Some(other())), (false, false, else_)),
        (("app", configured(other())), ("app", Some(configured(app()))), (true, true, else_)),
        // Of older programs, and where the database cannot be asked.
        (("app", app()), ("app", None), (true, true, Sameness::Unknown)),
        (("app", app()), ("old", None), (false, false, else_)),
        (("app", Identity::at("postgres://h/app")), ("app", Some(app())), (true, true, Sameness::Unknown)),
        (("old", Identity::at("postgres://h/app")), ("app", Some(app())), (false, false, else_)),
    ] {
        assert_eq!(of(owner.clone(), snapshot.clone()), expected, "{owner:?} {snapshot:?}");
    }
}

#[test]
fn what_is_only_known_by_name_owns_all_of_that_name() {
    let owner = Owner::named("app");
    assert!(owner.owns(&summary("app", None)));
    assert!(owner.owns(&summary("app", Some(Identity::at("/a/app.db")))));
    assert!(!owner.owns(&summary("shop", None)));
    assert_eq!(owner.sameness(&summary("app", None)), Sameness::Unknown);
}
