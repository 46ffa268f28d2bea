//! Rules of masks that are proposed.

use rowkeep::jobs::check_mask::{CheckMaskOutcome, CheckedMask};
use rowkeep::jobs::suggest_mask::SuggestMaskOutcome;
use rowkeep::rows::mask::Suggestion;

use super::units::{counted, plain};

/// What rules do to databases, and what they leave alone.
pub(crate) fn checked(outcome: &CheckMaskOutcome) -> String {
    let of_database = |checked: &CheckedMask| {
        let mut lines = vec![format!(
            "{}: {} masked",
            plain(&checked.database),
            counted(checked.masked.len() as u64, "column")
        )];
        lines.extend(checked.masked.iter().map(|column| format!("  {}", plain(column))));
        if !checked.unruled.is_empty() {
            let looks = if checked.unruled.len() == 1 { "looks" } else { "look" };
            let unruled = counted(checked.unruled.len() as u64, "column");
            lines.push(format!("{unruled} without a rule {looks} personal:"));
            lines.extend(checked.unruled.iter().map(|column| format!("  {}", plain(column))));
        }
        lines.join("\n")
    };
    outcome.databases.iter().map(of_database).collect::<Vec<_>>().join("\n")
}

/// What is proposed, as it may stand in rowkeep.toml.
pub(crate) fn told(outcome: &SuggestMaskOutcome) -> String {
    let databases = outcome.databases.iter().map(|found| of_database(&found.database, &found.rules));
    databases.collect::<Vec<_>>().join("\n\n")
}

fn of_database(database: &str, rules: &[Suggestion]) -> String {
    if rules.is_empty() {
        return format!("# {}: no column looks personal", plain(database));
    }
    let key = |text: &str| toml_key(text);
    let width = rules.iter().map(|rule| key(&rule.column).chars().count() + rule.rule.chars().count()).max();
    let mut lines = vec![
        format!("# {} that look personal; look for what this misses", counted(rules.len() as u64, "column")),
        format!("[databases.{}.mask]", key(database)),
    ];
    for rule in rules {
        let column = key(&rule.column);
        let used = column.chars().count() + rule.rule.chars().count();
        let space = " ".repeat(width.unwrap_or_default().saturating_sub(used));
        lines.push(format!("{column} = {}{space}  # {}, by {}", rule.rule, rule.holds, rule.seen_by));
    }
    lines.join("\n")
}

/// A key of TOML: in quotes, unless it is of letters, digits, `-` and `_`.
fn toml_key(text: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    let mut key = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => key.extend(['\\', character]),
            control if control.is_control() => key.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => key.push(other),
        }
    }
    key + "\""
}
