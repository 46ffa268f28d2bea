//! Command lines that are not understood, told without what may be secret in them.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use rowkeep::jobs::DatabaseRef;

/// An error without passwords in URLs and without values of options of object stores, which it would repeat.
pub(crate) fn without_secrets(mut error: clap::Error) -> clap::Error {
    let is_of_store = matches!(
        error.get(ContextKind::InvalidArg),
        Some(ContextValue::String(option)) if option.starts_with("--store-option") || option.starts_with("--to-store-option")
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

/// What there is to say when a password was typed.
pub(crate) const VISIBLE_PASSWORD: &str = "warning: the password in the URL is visible to other users of this machine in \
the list of processes; PGPASSWORD, ~/.pgpass, a service file or rowkeep.toml keep it out of there";

/// Whether an argument is a URL with a password. What follows `--` is another program's.
pub(crate) fn hold_password(arguments: impl Iterator<Item = OsString>) -> bool {
    let ours = arguments.take_while(|argument| argument != "--");
    ours.filter_map(|argument| argument.into_string().ok())
        .any(|argument| argument.contains("://") && DatabaseRef::from(argument).holds_password())
}
