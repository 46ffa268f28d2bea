//! What an application's own log says is done to a snapshot: against the states that the database itself had at each moment.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::diff::{DiffOptions, Filter, diff};
use rowkeep::replay::{ChangeLog, ProblemKind, Replayed, Replaying, capture_replayed, replay};
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};
use serde_json::{Map, Value as Json, json};

use crate::apply::{File, Live, hashes};
use crate::postgres::{Database, servers};
use crate::world::{World, asked_for};

/// What differs between the engines.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) schema: &'static str,
    /// Whether moments are numbers of milliseconds.
    has_milliseconds: bool,
}

pub(crate) const SQLITE: Kind = Kind {
    schema: "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, born DATE, cost DECIMAL(8,2), size REAL, active BOOLEAN, more JSON);
        CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE log (n INTEGER PRIMARY KEY, at INTEGER, kind TEXT, row_id TEXT, did TEXT, was TEXT, became TEXT);",
    has_milliseconds: true,
};

pub(crate) const POSTGRES: Kind = Kind {
    schema: "CREATE TABLE people (id text PRIMARY KEY, name varchar(40), born date, cost numeric(8,2), size double precision, active boolean, more jsonb);
        CREATE TABLE places (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE log (n bigint PRIMARY KEY, at timestamptz, kind text, row_id text, did text, was jsonb, became text);",
    has_milliseconds: false,
};

fn log() -> ChangeLog {
    let list = |word: &str| vec![word.to_owned()];
    ChangeLog {
        table: "log".to_owned(),
        time: "at".to_owned(),
        of: "kind".to_owned(),
        tables: BTreeMap::from([("Person".to_owned(), "people".to_owned())]),
        key: "row_id".to_owned(),
        action: "did".to_owned(),
        inserted: list("CREATE"),
        updated: list("UPDATE"),
        deleted: list("DELETE"),
        after: "became".to_owned(),
        before: Some("was".to_owned()),
        partial: None,
    }
}

pub(crate) fn moment(number: u32) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("it is a time");
    start + SignedDuration::from_millis(i64::from(number) * 500)
}

impl Kind {
    fn time(self, at: Timestamp) -> String {
        if self.has_milliseconds { at.as_millisecond().to_string() } else { format!("'{at}'") }
    }

    /// The statement that writes an entry.
    pub(crate) fn entry(
        self,
        number: usize,
        at: Timestamp,
        of: &str,
        key: &str,
        did: &str,
        [was, became]: [&Json; 2],
    ) -> String {
        let json =
            |value: &Json| if value.is_null() { "NULL".to_owned() } else { quoted(&value.to_string()) };
        let (at, was, became) = (self.time(at), json(was), json(became));
        format!("INSERT INTO log VALUES ({number}, {at}, '{of}', '{key}', '{did}', {was}, {became});")
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value as SQL and as JSON, of a column and a number.
fn value(column: &str, number: u8) -> (String, Json) {
    let of_text = |text: String| (quoted(&text), Json::from(text));
    match column {
        "name" => of_text(format!("Zoë's {number}\n\"{{}}\"")),
        "born" => of_text(format!("2026-01-{:02}", 1 + number % 28)),
        "cost" => {
            let cost = f64::from(number) / 4.0;
            (cost.to_string(), json!(cost))
        }
        "size" if number.is_multiple_of(7) => (format!("{number}e17"), json!(f64::from(number) * 1e17)),
        "size" => (format!("{:?}", f64::from(number) / 1024.0), json!(f64::from(number) / 1024.0)),
        "active" => (format!("{}", number.is_multiple_of(2)), json!(number.is_multiple_of(2))),
        _ if number.is_multiple_of(3) => ("NULL".to_owned(), Json::Null),
        _ => {
            let more = json!({ "b": [number, true], "a": { "it's": null } });
            (quoted(&more.to_string()), more)
        }
    }
}

const PERSON: [&str; 6] = ["name", "born", "cost", "size", "active", "more"];

/// What somebody does: to a row of one of two tables, which comes, changes or goes.
#[derive(Debug, Clone, Copy)]
struct Step {
    is_person: bool,
    row: u8,
    goes: bool,
    columns: u8,
    number: u8,
}

fn any_step() -> impl Strategy<Value = Step> {
    let parts = (any::<bool>(), 0u8..5, prop::bool::weighted(0.3), any::<u8>(), any::<u8>());
    parts.prop_map(|(is_person, row, goes, columns, number)| Step { is_person, row, goes, columns, number })
}

/// The rows that are there, as JSON.
#[derive(Default)]
struct There(BTreeMap<(bool, u8), Map<String, Json>>);

impl There {
    /// The statements that do a step, with the entry of the log.
    fn sql(&mut self, kind: Kind, number: usize, step: Step) -> String {
        let (table, of) = if step.is_person { ("people", "Person") } else { ("places", "places") };
        let all: &[&str] = if step.is_person { &PERSON } else { &["name"] };
        let (key, id) = match step.is_person {
            true => (format!("p{}", step.row), json!(format!("p{}", step.row))),
            false => (step.row.to_string(), json!(step.row)),
        };
        let at = moment(number as u32 / 2);
        let (place, own_key) = ((step.is_person, step.row), quoted(&key));
        let Some(there) = self.0.get_mut(&place) else {
            let values: Vec<_> = all.iter().map(|column| value(column, step.number)).collect();
            let mut row: Map<String, Json> = Map::from_iter([("id".to_owned(), id)]);
            row.extend(all.iter().map(ToString::to_string).zip(values.iter().map(|(_, json)| json.clone())));
            let values: Vec<String> = values.into_iter().map(|(sql, _)| sql).collect();
            let entry = kind.entry(number, at, of, &key, "CREATE", [&Json::Null, &Json::Object(row.clone())]);
            self.0.insert(place, row);
            return format!("INSERT INTO {table} VALUES ({own_key}, {}); {entry}", values.join(", "));
        };
        if step.goes {
            let entry =
                kind.entry(number, at, of, &key, "DELETE", [&Json::Object(there.clone()), &Json::Null]);
            self.0.remove(&place);
            return format!("DELETE FROM {table} WHERE id = {own_key}; {entry}");
        }
        // All columns are logged, or those alone that are written.
        let is_whole = step.columns.is_multiple_of(4);
        let written = |at: usize| step.columns >> (2 + at % 6) & 1 == 1 || at == 0;
        let (mut set, mut was, mut became) = (Vec::new(), there.clone(), there.clone());
        for (place, column) in all.iter().enumerate() {
            let (sql, json) = value(column, step.number);
            if written(place) {
                set.push(format!("{column} = {sql}"));
                became.insert((*column).to_owned(), json.clone());
                there.insert((*column).to_owned(), json);
            } else if !is_whole {
                was.remove(*column);
                became.remove(*column);
            }
        }
        let entry = kind.entry(number, at, of, &key, "UPDATE", [&Json::Object(was), &Json::Object(became)]);
        format!("UPDATE {table} SET {} WHERE id = {own_key}; {entry}", set.join(", "))
    }
}

pub(crate) fn replayed(
    world: &World,
    base: &Snapshot,
    log_of: &Snapshot,
    until: Timestamp,
) -> Result<Replayed, Error> {
    world.block_on(async {
        let state = State::snapshot(&world.repository, log_of.clone()).await?;
        let log = log();
        let replaying = Replaying { base, log: &state, of: &log, until };
        replay(&Context::silent(), &world.repository, &replaying).await
    })
}

pub(crate) fn stored(world: &World, replayed: &Replayed) -> Snapshot {
    let (context, options) = (Context::silent(), World::options(false));
    let made = capture_replayed(&context, &world.repository, replayed, &options);
    world.block_on(made).expect("a snapshot is made")
}

/// How two snapshots differ, hidden numbers aside.
pub(crate) fn differences(world: &World, one: &Snapshot, other: &Snapshot) -> Vec<String> {
    world.block_on(async {
        let state = async |snapshot: &Snapshot| {
            State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens")
        };
        let options =
            DiffOptions { filter: Filter { rowids: false, ..Filter::default() }, ..DiffOptions::default() };
        let keys = world.repository.content_keys();
        let found = diff(&Context::silent(), keys, &state(one).await, &state(other).await, &options).await;
        let found = found.expect("they are compared");
        let tables = found.changes.tables().iter().filter(|table| table.counts.total() > 0);
        tables.map(|table| format!("{}: {:?}", table.table.name, table.counts)).collect()
    })
}

fn check(live: &dyn Live, kind: Kind, steps: &[Step], before: usize) -> Result<(), TestCaseError> {
    let world = live.world();
    let capture = || world.capture_all(live.url()).expect("it is captured");
    live.sql("DELETE FROM people; DELETE FROM places; DELETE FROM log;");
    let mut there = There::default();
    let mut states = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        live.sql(&there.sql(kind, number, *step));
        states.push(capture());
    }
    let (base, last) = (&states[before], states.last().expect("there are steps"));
    // Two entries are of one moment: the state is known that is there after the second.
    for number in (before..steps.len()).filter(|number| number % 2 == 1) {
        let until = moment(number as u32 / 2);
        let replayed = replayed(world, base, last, until);
        prop_assert!(replayed.is_ok(), "{:?}", replayed.err());
        let replayed = replayed.expect("it was looked at");
        prop_assert_eq!(&replayed.problems, &Vec::new());
        prop_assert_eq!(replayed.entries, (number - before) as u64);
        prop_assert_eq!(replayed.later, (steps.len() - 1 - number) as u64);
        let made = stored(world, &replayed);
        prop_assert_eq!(differences(world, &made, &states[number]), Vec::<String>::new(), "at {}", until);
        if !kind.has_milliseconds {
            prop_assert_eq!(hashes(&made), hashes(&states[number]), "at {}", until);
        }
    }
    Ok(())
}

fn run(live: &dyn Live, kind: Kind, cases: u32) {
    live.sql(kind.schema);
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let steps = (prop::collection::vec(any_step(), 8..20), 0usize..8);
    let outcome = TestRunner::new(config).run(&steps, |(steps, before)| check(live, kind, &steps, before));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_moment_comes_back_in_sqlite() {
    run(&File::new(), SQLITE, 16);
}

#[test]
fn every_moment_comes_back_in_postgres() {
    run(&Database::new(&servers()[0], "rowkeep_test_replay"), POSTGRES, 4);
}

/// A database with a log, of which a base was captured.
fn begun() -> (File, Snapshot) {
    let live = File::new();
    live.sql(SQLITE.schema);
    let mut there = There::default();
    let step = |row, number| Step { is_person: true, row, goes: false, columns: 0, number };
    for number in 0..4u8 {
        live.sql(&there.sql(SQLITE, number.into(), step(number, number + 1)));
    }
    let base = live.world().capture_all(live.url()).expect("it is captured");
    (live, base)
}

/// What does not fit is told by table, with what is wrong; the rest is done.
#[test]
fn entries_that_do_not_fit_are_told() {
    let (live, base) = begun();
    let nothing = Json::Null;
    let entry = |number: usize, of: &str, key: &str, did: &str, was: Json, became: Json| {
        live.sql(&SQLITE.entry(number, moment(number as u32), of, key, did, [&was, &became]));
    };
    entry(10, "Person", "p0", "UPDATE", json!({ "name": "other" }), json!({ "name": "Ann" }));
    entry(11, "Person", "p9", "UPDATE", nothing.clone(), json!({ "name": "Ann" }));
    entry(12, "Person", "p9", "DELETE", nothing.clone(), nothing.clone());
    entry(13, "Person", "p1", "CREATE", nothing.clone(), json!({ "id": "p1", "name": "Ben" }));
    entry(14, "Animal", "1", "CREATE", nothing.clone(), json!({ "id": 1 }));
    entry(15, "Person", "p2", "UPDATE", nothing.clone(), nothing.clone());
    entry(16, "Person", "p2", "UPDATE", nothing.clone(), json!({ "colour": "red" }));
    entry(17, "Person", "p2", "UPDATE", nothing.clone(), json!({ "born": 7 }));
    entry(18, "Person", "p2", "UPDATE", nothing.clone(), json!([1]));
    entry(19, "places", "1", "CREATE", nothing.clone(), json!({ "id": 1, "name": null }));
    entry(20, "Person", "p3", "LOGIN", nothing.clone(), nothing.clone());
    entry(21, "log", "1", "DELETE", nothing.clone(), nothing.clone());
    live.sql("INSERT INTO log VALUES (22, NULL, 'Person', 'p3', 'DELETE', NULL, NULL)");
    live.sql(&format!(
        "INSERT INTO log VALUES (23, {}, 'Person', 'p3', 'DELETE', NULL, NULL)",
        SQLITE.time(moment(0))
    ));
    live.sql("UPDATE log SET became = '{}' WHERE n = 1");
    entry(24, "Person", "p3", "DELETE", nothing.clone(), nothing);
    let log_of = live.world().capture_all(live.url()).expect("it is captured");
    let found = replayed(live.world(), &base, &log_of, moment(23)).expect("it is replayed");
    let told: Vec<_> = found
        .problems
        .iter()
        .map(|problem| (problem.table.as_str(), problem.kind, problem.detail.as_deref(), problem.entries))
        .collect();
    use ProblemKind::{Altered, Differs, Earlier, Exists, Missing, NoTable, NoTime, Unreadable};
    assert_eq!(
        told,
        [
            ("Animal", NoTable, None, 1),
            ("Person", Missing, None, 2),
            ("Person", Exists, None, 1),
            ("Person", Differs, Some("name"), 1),
            ("Person", Unreadable, Some("column born: no row of the base has a value of that kind"), 1),
            ("Person", Unreadable, Some("it is no object of JSON"), 1),
            ("Person", Unreadable, Some("it lacks column born"), 1),
            ("Person", Unreadable, Some("it says nothing of the row"), 1),
            ("Person", Unreadable, Some("the table has no column colour"), 1),
            ("log", NoTime, None, 1),
            ("log", Earlier, None, 1),
            ("log", Altered, None, 1),
            ("log", NoTable, None, 1),
            ("places", Unreadable, Some("column name refuses NULL, which it would have"), 1),
        ]
    );
    assert_eq!((found.entries, found.others, found.later), (12, 1, 1));
    // p0 has another name, p3 went by the entry of an earlier time, and the log has what it had then.
    let made = stored(live.world(), &found);
    let counts: Vec<String> =
        found.counts().iter().map(|(table, counts)| format!("{table} {counts:?}")).collect();
    assert_eq!(
        counts,
        [
            "log Counts { inserted: 13, updated: 0, deleted: 0 }",
            "people Counts { inserted: 0, updated: 1, deleted: 1 }"
        ]
    );
    assert_eq!(differences(live.world(), &base, &made).len(), 2);
}

/// Numbers that a sequence gave are not given again.
#[test]
fn sequences_go_on_behind_what_was_replayed() {
    let live = Database::new(&servers()[0], "rowkeep_test_replayed_sequence");
    live.sql(POSTGRES.schema);
    live.sql("CREATE SEQUENCE numbers OWNED BY places.id; SELECT nextval('numbers')");
    let base = live.world.capture_all(&live.url).expect("it is captured");
    live.sql("INSERT INTO places VALUES (nextval('numbers'), 'a')");
    live.sql(&POSTGRES.entry(
        1,
        moment(1),
        "places",
        "2",
        "CREATE",
        [&Json::Null, &json!({ "id": 2, "name": "a" })],
    ));
    let last = live.world.capture_all(&live.url).expect("it is captured");
    let found = replayed(&live.world, &base, &last, moment(1)).expect("it is replayed");
    assert_eq!(differences(&live.world, &stored(&live.world, &found), &last), Vec::<String>::new());
}

/// Of two entries of one moment the keys tell which was first, where they are numbers; else nobody knows.
#[test]
fn entries_of_one_moment_need_an_order() {
    let live = File::new();
    live.sql(&SQLITE.schema.replace("n INTEGER PRIMARY KEY", "n TEXT PRIMARY KEY"));
    live.sql("INSERT INTO places VALUES (1, 'a')");
    let base = live.world().capture_all(live.url()).expect("it is captured");
    for (number, name) in [(1, "b"), (2, "c")] {
        live.sql(&SQLITE.entry(
            number,
            moment(1),
            "places",
            "1",
            "UPDATE",
            [&Json::Null, &json!({ "name": name })],
        ));
    }
    let log_of = live.world().capture_all(live.url()).expect("it is captured");
    let found = replayed(live.world(), &base, &log_of, moment(1)).expect("it is replayed");
    let told: Vec<_> = found.problems.iter().map(|problem| (problem.kind, &*problem.first)).collect();
    assert_eq!(told, [(ProblemKind::Unordered, "2")]);
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    assert!(found.notes[0].contains("empty in the base"), "{:?}", found.notes);
}

/// A log that does not reach back to the base, or a base that is later than the time, makes nothing.
#[test]
fn a_log_that_is_not_whole_is_refused() {
    let (live, base) = begun();
    let refused = |log_of: &Snapshot, until| match replayed(live.world(), &base, log_of, until) {
        Err(Error::LogNotWhole { why, .. }) => why,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it is replayed"),
    };
    assert!(refused(&base, moment(0)).contains("later than that time"));
    live.sql("DELETE FROM log WHERE n < 3");
    live.sql(&SQLITE.entry(4, moment(9), "Person", "p0", "DELETE", [&Json::Null, &Json::Null]));
    let pruned = live.world().capture_all(live.url()).expect("it is captured");
    let found = replayed(live.world(), &base, &pruned, moment(9)).expect("it still reaches back");
    assert_eq!((found.entries, found.problems.len()), (1, 0));
    live.sql("DELETE FROM log WHERE n = 3");
    let gone = live.world().capture_all(live.url()).expect("it is captured");
    assert!(refused(&gone, moment(9)).contains("no more in it"));
    live.sql("ALTER TABLE log ADD COLUMN more TEXT");
    let other = live.world().capture_all(live.url()).expect("it is captured");
    assert!(refused(&other, moment(9)).contains("columns"));
}
