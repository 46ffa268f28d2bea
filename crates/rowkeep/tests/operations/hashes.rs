//! What tests of hashes share: random rows, random orders, edits and their reversal.

use std::collections::BTreeMap;

use proptest::prelude::*;

/// Rows by key; a value is text that both engines hold, or nothing.
pub(crate) type Rows = BTreeMap<i64, Option<String>>;

pub(crate) fn any_rows() -> impl Strategy<Value = Rows> {
    let text = prop_oneof![
        "[ -~]{0,30}",
        "[0-9]{1,5}\\.[0-9]{2}",
        Just("2026-11-20 10:30:00".to_owned()),
        "\\PC{0,8}",
        Just("x".repeat(60_000)),
    ];
    prop::collection::btree_map(-1000i64..100_000, prop::option::of(text), 0..120)
}

/// The same rows in another order.
pub(crate) fn shuffled(rows: &Rows, seed: u64) -> Vec<(i64, Option<String>)> {
    let mut rows: Vec<_> = rows.clone().into_iter().collect();
    rows.sort_by_key(|(key, _)| (*key as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    rows
}

/// Something done to rows, by the place of a row.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Update(prop::sample::Index, String),
    Delete(prop::sample::Index),
    Insert(String),
}

pub(crate) fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (any::<prop::sample::Index>(), "[a-z]{0,9}").prop_map(|(at, text)| Edit::Update(at, text)),
        any::<prop::sample::Index>().prop_map(Edit::Delete),
        "[a-z]{0,9}".prop_map(Edit::Insert),
    ];
    prop::collection::vec(edit, 1..6)
}

/// The rows after some edits.
pub(crate) fn edited(rows: &Rows, edits: &[Edit]) -> Rows {
    let mut rows = rows.clone();
    for edit in edits {
        let key_at = |rows: &Rows, at: &prop::sample::Index| {
            (!rows.is_empty()).then(|| *rows.keys().nth(at.index(rows.len())).expect("the place is within"))
        };
        match edit {
            Edit::Update(at, text) => {
                if let Some(key) = key_at(&rows, at) {
                    rows.insert(key, Some(text.clone()));
                }
            }
            Edit::Delete(at) => {
                if let Some(key) = key_at(&rows, at) {
                    rows.remove(&key);
                }
            }
            Edit::Insert(text) => {
                let key = rows.keys().next_back().map_or(1, |last| last + 1);
                rows.insert(key, Some(text.clone()));
            }
        }
    }
    rows
}
