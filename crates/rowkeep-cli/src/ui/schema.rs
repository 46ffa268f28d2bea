//! Differences between schemas, as people read them.

use rowkeep::diff::{DefinitionChange, SchemaDifference};

use super::units::plain;

/// Most lines of definitions that are shown.
const SHOWN: usize = 200;

/// What differs, each in a line with `!`, then the lines of definitions with `-` and `+`; nothing when nothing does.
pub(crate) fn told(schema: &[SchemaDifference], definitions: &[DefinitionChange]) -> String {
    let mut out: Vec<String> =
        schema.iter().map(|found| format!("! {}", plain(&found.to_string()))).collect();
    let lines: Vec<String> = definitions.iter().flat_map(DefinitionChange::lines).collect();
    if !out.is_empty() && !lines.is_empty() {
        out.push(String::new());
    }
    out.extend(lines.iter().take(SHOWN).map(|line| plain(line)));
    if lines.len() > SHOWN {
        out.push(format!("… and {} more lines", lines.len() - SHOWN));
    }
    out.join("\n")
}

/// What was found, and below it what could not be compared.
pub(crate) fn with_notes(found: String, notes: &[String]) -> String {
    notes.iter().fold(found, |told, note| format!("{told}\nnote: {}", plain(note)))
}
