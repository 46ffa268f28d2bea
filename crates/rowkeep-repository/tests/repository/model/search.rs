//! Goes through all states of the model.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Actor, Broken, Did, Kind, Mistake, Prune, Set, State};

fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Goes through all states that can be reached, depth first.
pub(super) struct Search {
    mistake: Mistake,
    seen: HashSet<u64>,
    /// Stores of which is known what prunes make of them.
    settled: HashSet<u64>,
    trace: Vec<(&'static str, usize, Did)>,
}

impl Search {
    pub(super) fn run(state: &State, mistake: Mistake) -> (usize, Result<(), (Broken, String)>) {
        let (seen, settled) = (HashSet::default(), HashSet::default());
        let mut search = Self { mistake, seen, settled, trace: Vec::new() };
        let outcome = state.check().and_then(|()| search.visit(state));
        let outcome = outcome.map_err(|broken| {
            let mut words = String::new();
            for (number, (name, who, (what, of))) in search.trace.iter().enumerate() {
                let _ = writeln!(words, "{:3}. {name} {who} {what} {of}", number + 1);
            }
            (broken, words)
        });
        (search.seen.len(), outcome)
    }

    fn visit(&mut self, state: &State) -> Result<(), Broken> {
        if !self.seen.insert(hash_of(state)) {
            return Ok(());
        }
        self.settle(state)?;
        if state.time > 0 {
            let mut next = *state;
            next.time -= 1;
            next.store.now += 1;
            self.trace.push(("the grace period", 0, ("passes", Set(0))));
            self.visit(&next)?;
            self.trace.pop();
        }
        let untouched = Actor::Prune(Prune::default());
        for who in 0..state.actors.len() {
            // Of two that have not begun it does not matter which begins.
            if state.actors[who] == untouched && state.actors[..who].contains(&untouched) {
                continue;
            }
            for choice in 0..state.choices(who) {
                let mut next = *state;
                self.step(&mut next, who, choice)?;
                self.visit(&next)?;
                self.trace.pop();
            }
        }
        Ok(())
    }

    fn step(&mut self, state: &mut State, who: usize, choice: usize) -> Result<(), Broken> {
        let name = state.actors[who].name();
        let did = state.step(who, choice, self.mistake);
        let shown = did.unwrap_or(("misses a chunk", Set(0)));
        self.trace.push((name, who, shown));
        did?;
        state.check()
    }

    /// What prunes make of it if all others were killed just now.
    fn settle(&mut self, state: &State) -> Result<(), Broken> {
        let mut state = State { actors: [Actor::Ended; 4], ..*state };
        state.store.forget();
        state.store.ledger = state.store.ledger.and(state.store.snapshots);
        state.store.snapshot_written = Default::default();
        if !self.settled.insert(hash_of(&state.store)) {
            return Ok(());
        }
        let before = self.trace.len();
        for round in 1..=3 {
            state.store.forget();
            state.store.now += 1;
            state.actors[0] = Actor::Prune(Prune::default());
            self.trace.push(("the grace period", 0, ("passes, and nobody goes on but a new", Set(0))));
            while state.actors[0] != Actor::Ended {
                self.step(&mut state, 0, 0)?;
            }
            let store = &state.store;
            let is_clean = match round {
                1 => true,
                2 => store.records == store.of_kind(store.records, Kind::Deleted),
                _ => {
                    // One whose time lies ahead waits for it.
                    let past = store.records.filter(|record| store.record_written[record] <= store.now);
                    past.len() <= 1 && store.records == store.of_kind(store.records, Kind::Deleted)
                }
            };
            if !is_clean {
                return Err(Broken::RecordLeft);
            }
            let needed = store.needed_by(store.snapshots);
            let is_needed = |pack: usize| !store.pack_chunks[pack].and(needed).is_empty();
            if round == 2 && store.packs != store.packs.filter(is_needed) {
                return Err(Broken::PackLeft);
            }
        }
        self.trace.truncate(before);
        Ok(())
    }
}
