//! What an application's own log says at one moment, and values of types that a schema defines for itself.

use rowkeep::replay::{ProblemKind, Replayed};
use rowkeep::state::snapshots::Snapshot;
use serde_json::{Value as Json, json};

use crate::apply::{File, Live, hashes};
use crate::postgres::{Database, servers};
use crate::replay::{Kind, POSTGRES, SQLITE, differences, moment, replayed, stored};

/// What a log says of a row: its own key, what was done, the row before and after.
type Said = (&'static str, &'static str, Json, Json);

/// Replays what was said of place 1 at one moment; the state afterwards is the one that is captured last.
fn at_once(live: &dyn Live, kind: Kind, said: &[Said], afterwards: &str) -> (Replayed, Snapshot, Snapshot) {
    let base = live.world().capture_all(live.url()).expect("it is captured");
    for (key, did, was, became) in said {
        let entry = kind.entry(0, moment(1), "places", "1", did, [was, became]);
        live.sql(&entry.replacen("VALUES (0,", &format!("VALUES ({key},"), 1));
    }
    live.sql(afterwards);
    let last = live.world().capture_all(live.url()).expect("it is captured");
    let found = replayed(live.world(), &base, &last, moment(1)).expect("it is replayed");
    let made = stored(live.world(), &found);
    (found, made, last)
}

fn name(text: &str) -> Json {
    json!({ "name": text })
}

/// Keys that are numbers are in the order of these, whatever their type.
#[test]
fn numbers_tell_which_of_two_was_first() {
    let said = [("9", "UPDATE", Json::Null, name("b")), ("10", "UPDATE", Json::Null, name("c"))];
    let afterwards = "UPDATE places SET name = 'c'";
    let begun = "INSERT INTO places VALUES (1, 'a')";
    let file = File::new();
    let postgres = Database::new(&servers()[0], "rowkeep_test_replay_orders");
    for (live, kind, declared, key) in [
        (&file as &dyn Live, SQLITE, "n INTEGER PRIMARY KEY", "n REAL PRIMARY KEY"),
        (&postgres as &dyn Live, POSTGRES, "n bigint PRIMARY KEY", "n numeric(20) PRIMARY KEY"),
    ] {
        live.sql(&kind.schema.replace(declared, key));
        live.sql(begun);
        let (found, made, last) = at_once(live, kind, &said, afterwards);
        assert!(found.problems.is_empty(), "{key}: {:?}", found.problems);
        assert_eq!(differences(live.world(), &made, &last), Vec::<String>::new(), "{key}");
    }
}

/// Where keys do not tell it, what rows were before does; where that does not either, it is said.
#[test]
fn rows_tell_which_of_two_was_first() {
    let whole = |text: &str| json!({ "id": 1, "name": text });
    let no = || Json::Null;
    let came = |text: &str| ("'z'", "CREATE", no(), whole(text));
    let begun = "INSERT INTO places VALUES (1, 'a')";
    let becomes = "UPDATE places SET name = 'c'";
    for (before, said, afterwards, unordered) in [
        ("", vec![("'a'", "UPDATE", no(), name("c")), came("b")], "INSERT INTO places VALUES (1, 'c')", None),
        (
            begun,
            vec![("'x'", "UPDATE", name("a"), name("b")), ("'b'", "UPDATE", name("b"), name("c"))],
            becomes,
            None,
        ),
        (begun, vec![came("c"), ("'zz'", "DELETE", no(), no())], becomes, None),
        ("", vec![("'a'", "DELETE", whole("b"), no()), came("b")], "", None),
        // Whichever was first, the row becomes the same.
        (begun, vec![("'a'", "UPDATE", no(), name("c")), ("'b'", "UPDATE", no(), name("c"))], becomes, None),
        (
            begun,
            vec![("'a'", "UPDATE", no(), name("b")), ("'b'", "UPDATE", no(), name("c"))],
            becomes,
            Some("b"),
        ),
        (
            begun,
            vec![("'a'", "UPDATE", name("x"), name("b")), ("'b'", "UPDATE", name("y"), name("c"))],
            becomes,
            Some("b"),
        ),
    ] {
        let live = File::new();
        live.sql(&SQLITE.schema.replace("n INTEGER PRIMARY KEY", "n TEXT PRIMARY KEY"));
        live.sql(before);
        let (found, made, last) = at_once(&live, SQLITE, &said, afterwards);
        let is_unordered = |kind| kind == ProblemKind::Unordered;
        let told = found.problems.iter().find(|problem| is_unordered(problem.kind));
        assert_eq!(told.map(|problem| problem.first.as_str()), unordered, "{said:?}: {:?}", found.problems);
        assert_eq!(found.problems.is_empty(), unordered.is_none(), "{said:?}: {:?}", found.problems);
        let differ = differences(live.world(), &made, &last);
        assert_eq!(differ, Vec::<String>::new(), "{said:?}");
    }
}

/// A domain is what it is made of, an enumeration has its labels, and of others nobody knows how they are printed.
#[test]
fn types_that_a_schema_defines_have_their_values() {
    let live = Database::new(&servers()[0], "rowkeep_test_replay_types");
    live.sql(POSTGRES.schema);
    live.sql(
        "CREATE TYPE mood AS ENUM ('new', 'it''s over'); CREATE TYPE pair AS (a integer, b text);
        CREATE DOMAIN number AS bigint CHECK (VALUE > 0); CREATE DOMAIN price AS numeric(10,2) DEFAULT 0;
        CREATE DOMAIN instant AS timestamp(3) with time zone NOT NULL; CREATE DOMAIN seen AS instant;
        CREATE DOMAIN feeling AS mood; CREATE DOMAIN document AS jsonb;
        CREATE TABLE things (id number PRIMARY KEY, mood mood, cost price, at seen, felt feeling, more document, pairs pair, moods mood[])",
    );
    let base = live.world.capture_whole(&live.url).expect("it is captured");
    live.sql(
        "INSERT INTO things VALUES (2, 'it''s over', 10.5, '2026-01-02T03:04:05.670+02:00', 'new', '{\"b\": [1], \"a\": 2}', NULL, NULL)",
    );
    let thing = json!({
        "id": 2, "mood": "it's over", "cost": 10.5, "at": "2026-01-02T03:04:05.670+02:00", "felt": "new",
        "more": { "b": [1], "a": 2 }, "pairs": null, "moods": null,
    });
    live.sql(&POSTGRES.entry(1, moment(1), "things", "2", "CREATE", [&Json::Null, &thing]));
    let last = live.world.capture_all(&live.url).expect("it is captured");
    let found = replayed(&live.world, &base, &last, moment(1)).expect("it is replayed");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(hashes(&stored(&live.world, &found)), hashes(&last));
    let wrong = [
        json!({ "mood": "old" }),
        json!({ "felt": "old" }),
        json!({ "cost": 10.123 }),
        json!({ "at": "2026-01-02" }),
        json!({ "pairs": "(1,a)" }),
        json!({ "moods": ["new"] }),
    ];
    for (number, became) in (2..).zip(&wrong) {
        live.sql(&POSTGRES.entry(number, moment(2), "things", "2", "UPDATE", [&Json::Null, became]));
    }
    let log_of = live.world.capture_all(&live.url).expect("it is captured");
    let found = replayed(&live.world, &base, &log_of, moment(2)).expect("it is replayed");
    let told: Vec<_> =
        found.problems.iter().map(|problem| problem.detail.as_deref().unwrap_or_default()).collect();
    assert_eq!(
        told,
        [
            "column at: it says no time zone, and the column has one",
            "column cost: it has digits that the column's type would round",
            "column felt: it is none of the labels of the column's type",
            "column mood: it is none of the labels of the column's type",
            "column moods: how the column's type prints it is not known here",
            "column pairs: how the column's type prints it is not known here",
        ]
    );
}
