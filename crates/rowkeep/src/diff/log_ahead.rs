//! The values of sequences, where one side was read on a standby.
//!
//! A server may log a sequence some numbers before it gives them, so that a standby shows a value that the primary may only come to.
//! A value of a standby that lies no further ahead than that is taken for the other side's: it can be the same, and nobody
//! could tell. Values that one side could not read, of unlogged sequences on a standby and of those that a role may not read, are
//! taken for the other side's too.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt;
use rowkeep_engine::dialect::Sequences;
use rowkeep_format::manifest::{Unread, Why};
use rowkeep_format::{RowBatch, Table, TableKind, TableName, Value};

use super::pairing::Pair;
use crate::state::State;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// The fact by which a standby is known.
const STANDBY: &str = "standby";

/// The values by schema and name: last value, and whether it was used.
type Values = BTreeMap<(String, String), (String, String)>;

/// The sequences that only the second state has, in words for people.
pub(crate) async fn gone(context: &Context, before: &State, after: &State) -> Result<Vec<String>, Error> {
    let Some(known) = after.dialect().sequences() else { return Ok(Vec::new()) };
    let Some(table) = after.table(&TableName::plain(known.table)).filter(|table| after.holds(&table.name))
    else {
        return Ok(Vec::new());
    };
    if table.columns.len() != 4 || before.unread().iter().any(is_sequence) {
        return Ok(Vec::new());
    }
    let (before, after) = (values(context, before, table).await?, values(context, after, table).await?);
    let gone = after.into_keys().filter(|name| !before.contains_key(name));
    Ok(gone.map(|(schema, name)| TableName::qualified(schema, name).to_string()).collect())
}

/// Whether the values of two states are those of a standby and of another server, or one lacks some that it could not read.
pub(crate) fn is_between(before: &State, after: &State, table: &Table) -> bool {
    let is_named_so = |known: Sequences| table.name == TableName::plain(known.table);
    let is_of_sequences = table.kind == TableKind::Settings
        && before.dialect().sequences().is_some_and(is_named_so)
        && table.columns.len() == 4;
    is_of_sequences
        && (is_standby(before) != is_standby(after) || [before, after].into_iter().any(lacks_some))
}

fn lacks_some(state: &State) -> bool {
    state.unread().iter().any(is_sequence)
}

fn is_sequence(unread: &Unread) -> bool {
    matches!(unread.why, Why::UnloggedSequence | Why::DeniedSequence)
}

fn is_standby(state: &State) -> bool {
    state.environment(STANDBY).is_some()
}

/// The values of both sides, of the standby's those that cannot be told apart from the other's as the other has them.
pub(super) async fn levelled(
    context: &Context,
    pair: Pair<'_>,
) -> Result<Option<(Arc<RowBatch>, Arc<RowBatch>)>, Error> {
    if !is_between(pair.before, pair.after, pair.old) || pair.new.columns.len() != 4 {
        return Ok(None);
    }
    let mut before = values(context, pair.before, pair.old).await?;
    let mut after = values(context, pair.after, pair.new).await?;
    fill(&mut before, &after, pair.before);
    fill(&mut after, &before, pair.after);
    match (is_standby(pair.before), is_standby(pair.after)) {
        (true, false) => level(&mut before, &after, &Steps::of(pair.before)),
        (false, true) => level(&mut after, &before, &Steps::of(pair.after)),
        _ => {}
    }
    Ok(Some((Arc::new(batch(&before)), Arc::new(batch(&after)))))
}

/// By how much the sequences of a standby go on, where that is not one, by schema and name.
struct Steps {
    known: BTreeMap<String, BTreeMap<String, i64>>,
    /// How many numbers are logged before they are given.
    logged: i128,
}

impl Steps {
    fn of(state: &State) -> Self {
        let sequences = state.dialect().sequences();
        let steps = sequences.and_then(|sequences| state.environment(sequences.steps));
        // A step that cannot be read is one.
        let known = steps.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        Self { known, logged: sequences.map_or(0, |sequences| sequences.logged_ahead) }
    }

    fn step(&self, (schema, name): &(String, String)) -> i128 {
        self.known.get(schema).and_then(|names| names.get(name)).copied().unwrap_or(1).into()
    }
}

/// Puts the values of the other side in the place of those that a state could not read.
fn fill(values: &mut Values, other: &Values, state: &State) {
    for unread in state.unread() {
        let name = (unread.name.schema.clone().unwrap_or_default(), unread.name.name.clone());
        if let (false, Some(value)) = (values.contains_key(&name), other.get(&name)) {
            values.insert(name, value.clone());
        }
    }
}

fn level(standby: &mut Values, other: &Values, steps: &Steps) {
    for (name, ahead) in standby {
        let is_logged = |value: &&(String, String)| is_within(ahead, value, steps.step(name), steps.logged);
        if let Some(value) = other.get(name).filter(is_logged) {
            *ahead = value.clone();
        }
    }
}

/// Whether a value of a standby is what may have been logged of another.
fn is_within(ahead: &(String, String), behind: &(String, String), step: i128, logged: i128) -> bool {
    let (Ok(last), Ok(other)) = (ahead.0.parse::<i128>(), behind.0.parse::<i128>()) else { return false };
    // One that was not used yet has the number before its first behind it.
    let other = if behind.1 == "t" { other } else { other - step };
    let distance = last - other;
    ahead.1 == "t" && step != 0 && distance % step == 0 && (0..=logged).contains(&(distance / step))
}

async fn values(context: &Context, state: &State, table: &Table) -> Result<Values, Error> {
    let cause = Cause::default();
    if state.table(&table.name).is_none() {
        return Ok(Values::new());
    }
    let mut read = match state {
        State::Live(live) => live.view.rows(table).await?,
        State::Snapshot(stored) => match stored.entry(&table.name) {
            Some(entry) => rows(context, &stored.reader, entry, &cause),
            None => return Ok(Values::new()),
        },
    };
    let mut values = Values::new();
    while let Some(batch) = read.try_next().await.map_err(|error| cause.of(error))? {
        for row in 0..batch.rows() {
            let at = |column| text(batch.value(row, column));
            values.insert((at(0), at(1)), (at(2), at(3)));
        }
    }
    Ok(values)
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Integer(integer) => integer.to_string(),
        _ => String::new(),
    }
}

fn batch(values: &Values) -> RowBatch {
    let mut batch = RowBatch::new(4);
    for ((schema, name), (last, called)) in values {
        batch.push_row([schema, name, last, called].map(|text| Value::Text(text.as_bytes())));
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_logged_is_the_same() {
        let value = |last: &str, called: &str| (last.to_owned(), called.to_owned());
        for (standby, other, step, same) in [
            (("33", "t"), ("2", "t"), 1, true),
            (("33", "t"), ("1", "t"), 1, true),
            (("34", "t"), ("1", "t"), 1, false),
            (("2", "t"), ("33", "t"), 1, false),
            (("2", "t"), ("2", "t"), 1, true),
            (("32", "t"), ("1", "f"), 1, true),
            (("33", "t"), ("1", "f"), 1, false),
            (("330", "t"), ("10", "t"), 10, true),
            (("335", "t"), ("10", "t"), 10, false),
            (("-33", "t"), ("-1", "t"), -1, true),
            (("-1", "t"), ("-33", "t"), -1, false),
            (("1", "f"), ("1", "t"), 1, false),
        ] {
            let told = is_within(&value(standby.0, standby.1), &value(other.0, other.1), step, 32);
            assert_eq!(told, same, "{standby:?} {other:?} {step}");
        }
    }
}
