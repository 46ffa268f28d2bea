//! Command lines that are not understood, told without what may be secret in them.

use clap::error::{ContextKind, ContextValue};
use rowkeep::jobs::DatabaseRef;

/// An error without passwords in URLs and without values of options of object stores, which it would repeat.
pub(crate) fn without_secrets(mut error: clap::Error) -> clap::Error {
    let is_of_store = matches!(
        error.get(ContextKind::InvalidArg),
        Some(ContextValue::String(option)) if option.starts_with("--store-option")
    );
    let changed = |kind: ContextKind, value: &ContextValue| match value {
        ContextValue::String(_) if is_of_store && kind == ContextKind::InvalidValue => Some("…".to_owned()),
        ContextValue::String(text) => {
            let shown = DatabaseRef::from(text.as_str()).without_secrets();
            (shown != *text).then_some(shown)
        }
        _ => None,
    };
    let shown: Vec<(ContextKind, String)> =
        error.context().filter_map(|(kind, value)| Some((kind, changed(kind, value)?))).collect();
    if !shown.is_empty() {
        // Suggestions repeat it.
        error.remove(ContextKind::Suggested);
    }
    for (kind, text) in shown {
        error.insert(kind, ContextValue::String(text));
    }
    error
}
