//! What is configured beside the file, written so that it can be put into it.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};

use super::addition::{Addition, DATABASES, Subject};
use crate::without_secrets::{holds_password, without_secrets};

/// Additions as TOML, to be put into `rowkeep.toml`.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The TOML. It is secret where secrets are in it.
    pub text: SecretString,
    /// The variables of the environment that stand in it for secrets, and what they are.
    pub variables: Vec<(String, String)>,
}

impl Exported {
    /// Writes additions. Passwords and passphrases are in it only where that is wanted; else a variable stands for each.
    pub fn of(additions: &[Addition], with_secrets: bool) -> Result<Self, String> {
        let (mut whole, mut databases) = (Table::new(), Table::new());
        let mut names = Names::default();
        for addition in additions {
            let mut table =
                addition.table().map_err(|problem| format!("{}: {problem}", addition.subject()))?;
            match addition.subject() {
                Subject::Repository => {
                    if let (Some(passphrase), false) = (table.get_mut("passphrase"), with_secrets) {
                        let means = "the passphrase of the repository".to_owned();
                        *passphrase = names.variable("ROWKEEP_PASSPHRASE", means);
                    }
                    whole.extend(table);
                }
                Subject::Schedule | Subject::Keep => whole.extend(table),
                Subject::Database(name) => {
                    let Some(Value::Table(own)) = table.remove(DATABASES) else { continue };
                    let Some((_, mut database)) = own.into_iter().find(|(known, _)| known == name) else {
                        continue;
                    };
                    if let Some(url) = database.get_mut("url")
                        && let Some(text) = url.as_str()
                        && holds_password(text)
                        && !with_secrets
                    {
                        let means =
                            format!("the address of {name}, with its password: {}", without_secrets(text));
                        *url = names.variable(&variable_of(name), means);
                    }
                    databases.insert(name.clone(), database);
                }
            }
        }
        if !databases.is_empty() {
            whole.insert(DATABASES.to_owned(), databases.into());
        }
        let told = names.made.iter().map(|(name, means)| format!("# {name}: {means}\n"));
        let mut text: String = told.collect();
        if !text.is_empty() {
            text.insert_str(0, "# Set these variables of the environment:\n");
            text.push('\n');
        }
        text.push_str(&whole.to_string());
        Ok(Self { text: text.into(), variables: names.made })
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.text.expose_secret().is_empty()
    }
}

/// The variables that stand for secrets.
#[derive(Default)]
struct Names {
    taken: BTreeSet<String>,
    made: Vec<(String, String)>,
}

impl Names {
    /// A reference to a variable of this name, or of one like it where that is taken.
    fn variable(&mut self, wanted: &str, means: String) -> Value {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        let reference = Value::String(format!("${{{name}}}"));
        self.made.push((name, means));
        reference
    }
}

/// The variable that stands for the URL of a database: `SHOP_EU_URL`.
fn variable_of(database: &str) -> String {
    let letter = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = database.chars().map(letter).collect();
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("_{name}_URL"),
        false => format!("{name}_URL"),
    }
}
