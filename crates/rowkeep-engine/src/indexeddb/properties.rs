//! The properties of a record.

use super::scan::{members, quoted_text, text};

/// The properties of a record in their order, each as JSON; nothing where it is no object of which they are all.
pub(super) fn properties(value: &str) -> Option<Vec<(String, &str)>> {
    let mut found: Vec<(String, &str)> = Vec::new();
    for (quoted, json) in members(value)? {
        let name = text(quoted).filter(|name| name != "$" && quoted_text(name) == quoted)?;
        found.push((name, json));
    }
    let mut names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let is_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    (!is_twice).then_some(found)
}
