use anyhow::Result;
use clap::Subcommand;
use rowkeep::rows::mask::{Suggestion, suggest};
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::units::{counted, plain};

/// Take what is personal out of rows.
#[derive(Debug, Subcommand)]
pub(crate) enum Mask {
    /// Propose rules by the names of columns and a sample of their values
    Suggest(Suggest),
}

/// Propose rules for rowkeep.toml by the names of columns and a sample of their values.
///
/// Values are never shown. A proposal is no proof: look for what it misses.
#[derive(Debug, clap::Args)]
pub(crate) struct Suggest {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
}

impl Mask {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let Mask::Suggest(command) = self;
        let mut found = Vec::new();
        for source in session.sources(command.database.as_deref())? {
            found.push((source.name, suggest(&session.context, source.engine.as_ref()).await?));
        }
        session.result(
            || json!({ "databases": found.iter().map(|(name, rules)| json!({ "database": name, "rules": rules })).collect::<Vec<_>>() }),
            || found.iter().map(|(name, rules)| told(name, rules)).collect::<Vec<_>>().join("\n\n"),
        );
        Ok(DONE)
    }
}

fn told(database: &str, rules: &[Suggestion]) -> String {
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
