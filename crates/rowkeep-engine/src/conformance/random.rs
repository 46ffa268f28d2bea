//! Any state becomes any other, and is what it was when the same changes are reversed.

use std::fmt::Write;

use super::changes::{ListedChanges, State, applied};
use super::fixture::Fixture;
use crate::{ApplyOptions, ChangeSource};

const ROUNDS: u64 = 8;

/// Numbers that look like chance, and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn text(&mut self) -> String {
        match self.below(6) {
            0 => "NULL".into(),
            1 => "''".into(),
            number => format!("'value {}'", number * self.below(3)),
        }
    }
}

const SCHEMA: &str = "CREATE TABLE parent (id integer PRIMARY KEY, place integer NOT NULL UNIQUE, v text);
    CREATE TABLE child (a integer NOT NULL, b integer NOT NULL, parent_id integer REFERENCES parent (id) ON DELETE CASCADE,
        place integer REFERENCES parent (place) ON DELETE SET NULL, v text, PRIMARY KEY (a, b));
    CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree (id) ON DELETE CASCADE, v text);
    CREATE TABLE keyless (n integer, v text);";

/// A whole state as statements. All rows are made anew, so that one with the same key may have quite other values.
fn state(chance: &mut Chance) -> String {
    let mut sql =
        String::from("DELETE FROM keyless; DELETE FROM tree; DELETE FROM child; DELETE FROM parent;\n");
    let ids: Vec<u64> = (0..20).filter(|_| chance.below(2) == 0).collect();
    let mut places: Vec<u64> = (0..20).collect();
    for place in (1..places.len()).rev() {
        places.swap(place, chance.below(place as u64 + 1) as usize);
    }
    for (id, place) in ids.iter().zip(&places) {
        let _ = writeln!(sql, "INSERT INTO parent VALUES ({id}, {place}, {});", chance.text());
    }
    let places = &places[..ids.len()];
    let one_of = |chance: &mut Chance, all: &[u64]| match chance.below(all.len() as u64 + 1) {
        0 => "NULL".into(),
        number => all[number as usize - 1].to_string(),
    };
    for key in (0..40).filter(|_| chance.below(3) > 0).collect::<Vec<_>>() {
        let (id, place, v) = (one_of(chance, &ids), one_of(chance, places), chance.text());
        let _ = writeln!(sql, "INSERT INTO child VALUES ({}, {}, {id}, {place}, {v});", key % 7, key / 7);
    }
    let mut above = Vec::new();
    let mut nodes: Vec<u64> = (0..20).filter(|_| chance.below(2) == 0).collect();
    if chance.below(2) == 0 {
        nodes.reverse();
    }
    for node in nodes {
        above.push(node);
        let (up, v) = (one_of(chance, &above), chance.text());
        let _ = writeln!(sql, "INSERT INTO tree VALUES ({node}, {up}, {v});");
    }
    for _ in 0..chance.below(15) {
        let _ = writeln!(sql, "INSERT INTO keyless VALUES ({}, {});", chance.below(3), chance.text());
    }
    sql
}

/// A changeset between any two states leads from one to the other and back.
pub async fn any_state_becomes_any_other(fixture: &dyn Fixture) {
    let mut chance = Chance(20);
    let sandbox = fixture.empty().await;
    let engine = sandbox.engine();
    sandbox.run(SCHEMA).await;
    for round in 0..ROUNDS {
        sandbox.run(&state(&mut chance)).await;
        let first = State::of(&*engine).await;
        sandbox.run(&state(&mut chance)).await;
        let second = State::of(&*engine).await;
        let forth = first.to(&second);
        let apply = async |changes: &ListedChanges| {
            let done = changes.apply(&*engine, &ApplyOptions::default()).await;
            let done = done.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
            for table in changes.tables() {
                let done = applied(&done, &table.table.name.name);
                assert_eq!((done.done, done.already, done.skipped), (table.counts, 0, 0), "round {round}");
            }
        };
        apply(&forth.clone().reversed()).await;
        State::of(&*engine).await.assert_is(&first, &format!("round {round}, back"));
        apply(&forth).await;
        State::of(&*engine).await.assert_is(&second, &format!("round {round}, forth"));
    }
}
