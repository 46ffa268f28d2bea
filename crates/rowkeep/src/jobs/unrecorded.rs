//! What a command changed that no snapshot tells: invalid indexes, views that were filled again, and the like.

use rowkeep_engine::{Engine, Unrecorded};

/// Something that a command changed, with what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrecordedChange(Unrecorded);

/// What became of taking such changes back, in words for people.
#[derive(Debug, Clone, Default)]
pub(super) struct TakenBack {
    /// What was taken back.
    pub(super) done: Vec<String>,
    /// What stays, and why.
    pub(super) left: Vec<String>,
}

impl UnrecordedChange {
    /// It in words.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.0.what, self.0.told)
    }
}

/// What differs. Things that came or went as a whole are among the definitions, but for remains.
pub(super) fn changes(before: &[Unrecorded], now: Vec<Unrecorded>) -> Vec<UnrecordedChange> {
    let change = |now: Unrecorded| match before.iter().find(|before| before.what == now.what) {
        None => now.is_remains.then_some(now),
        Some(before) if before.state == now.state => None,
        Some(before) => Some(Unrecorded { take_back: before.take_back.clone(), ..now }),
    };
    now.into_iter().filter_map(change).map(UnrecordedChange).collect()
}

/// Takes changes back that are still there when rows and definitions are what they were; of a database that was made again
/// only what may remain of it.
pub(super) async fn take_back(
    engine: &dyn Engine,
    changed: &[UnrecordedChange],
    is_made_again: bool,
) -> Result<TakenBack, rowkeep_engine::EngineError> {
    let mut taken = TakenBack::default();
    if changed.is_empty() {
        return Ok(taken);
    }
    let now = engine.unrecorded().await?;
    for change in changed {
        let is_there = now.iter().any(|now| now.what == change.0.what);
        if !is_there || is_made_again && !change.0.is_remains {
            continue;
        }
        let told = change.told();
        if change.0.take_back.is_empty() {
            taken.left.push(told);
            continue;
        }
        match engine.take_back(&change.0).await {
            Ok(()) => taken.done.push(told),
            Err(error) => taken.left.push(format!("{told}: {error}")),
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(what: &str, state: &str, is_remains: bool) -> Unrecorded {
        let take_back = vec![format!("{what} {state}")];
        Unrecorded {
            what: what.to_owned(),
            state: state.to_owned(),
            told: "is".to_owned(),
            is_remains,
            take_back,
        }
    }

    #[test]
    fn what_remains_and_what_has_another_state_is_a_change() {
        let before = [thing("index a", "", true), thing("view v", "1", false), thing("view w", "1", false)];
        let now = vec![
            thing("index a", "", true),
            thing("index b", "", true),
            thing("view v", "2", false),
            thing("view new", "1", false),
        ];
        let changed = changes(&before, now);
        let told: Vec<_> =
            changed.iter().map(|change| (change.0.what.as_str(), change.0.take_back.as_slice())).collect();
        assert_eq!(
            told,
            [("index b", &["index b ".to_owned()][..]), ("view v", &["view v 1".to_owned()][..])]
        );
    }
}
