//! What a script may do: change the database that it is run into, and nothing else on this machine.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// Settings that dumps make, which belong to the database that they are of.
const PRAGMAS: [&str; 9] = [
    "application_id",
    "auto_vacuum",
    "defer_foreign_keys",
    "encoding",
    "foreign_keys",
    "page_size",
    "recursive_triggers",
    "user_version",
    "writable_schema",
];

/// Functions that reach beyond the database.
const FUNCTIONS: [&str; 5] = ["edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"];

/// Decides about one action of a statement.
pub(super) fn decide(context: AuthContext<'_>) -> Authorization {
    let is_one_of = |name: &str, names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match context.action {
        // `VACUUM INTO` attaches too.
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Function { function_name } if is_one_of(function_name, &FUNCTIONS) => Authorization::Deny,
        // The others say how to work, not what the database is: they are passed over.
        AuthAction::Pragma { pragma_name, .. } if !is_one_of(pragma_name, &PRAGMAS) => Authorization::Ignore,
        // No dump has queries that go on for ever.
        AuthAction::Recursive => Authorization::Deny,
        AuthAction::Unknown { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}
