//! A file and what is configured beside it, as one configuration.

use std::path::Path;

use toml::Table;

use super::Config;
use super::addition::{Addition, DATABASES, Subject};
use crate::Error;

/// A configuration that was made of a file and of additions.
#[derive(Debug, Clone)]
pub struct Combined {
    /// What counts.
    pub config: Config,
    /// The additions that do not.
    pub left_out: Vec<LeftOut>,
}

/// An addition that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What it is about.
    pub subject: Subject,
    /// Why it does not count.
    pub problem: String,
}

impl Combined {
    /// Reads the text of a file, and puts additions beside what it says.
    ///
    /// Fails where the file does not hold by itself. An addition never keeps it from that: what the file says of the same subject counts, and an
    /// addition with which the whole does not hold is left out.
    pub fn read(
        text: &str,
        path: &Path,
        additions: &[Addition],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        // What it relies on must not go with a page.
        let mut config = Config::parse(text, path, variable)?;
        let mut left_out = Vec::new();
        let (mut base, mut beside) = (Config::table(text, path)?, Vec::new());
        for addition in additions {
            let subject = addition.subject().clone();
            match addition.table() {
                Ok(_) if is_in(&base, &subject) => {
                    let problem = "rowkeep.toml says it too, and counts".to_owned();
                    left_out.push(LeftOut { subject, problem });
                }
                Ok(table) => beside.push((subject, table)),
                Err(problem) => left_out.push(LeftOut { subject, problem }),
            }
        }
        // Nearly always, all of them hold.
        let whole = beside.iter().fold(base.clone(), |whole, (_, table)| with(whole, table));
        if let Ok(config) = Config::of_table(whole, path, variable) {
            return Ok(Self { config, left_out });
        }
        for (subject, table) in beside {
            let tried = with(base.clone(), &table);
            match Config::of_table(tried.clone(), path, variable) {
                Ok(holds) => (base, config) = (tried, holds),
                Err(error) => left_out.push(LeftOut { subject, problem: problem(&error) }),
            }
        }
        Ok(Self { config, left_out })
    }
}

/// What is wrong, without the name of the file: it is not in there.
fn problem(error: &Error) -> String {
    match error {
        Error::Config { message, .. } => message.clone(),
        other => other.in_one_line(),
    }
}

/// Whether a file says something of a subject.
fn is_in(file: &Table, subject: &Subject) -> bool {
    match subject {
        Subject::Repository => file.contains_key("repository") || file.contains_key("repositories"),
        Subject::Schedule | Subject::Keep => file.contains_key(&subject.name()),
        Subject::Database(name) => file.get(DATABASES).is_some_and(|known| known.get(name).is_some()),
    }
}

/// A file with what is said beside it.
fn with(mut file: Table, beside: &Table) -> Table {
    for (name, value) in beside {
        match (file.get_mut(name).and_then(toml::Value::as_table_mut), value) {
            (Some(there), toml::Value::Table(more)) => {
                there.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => drop(file.insert(name.clone(), value.clone())),
        }
    }
    file
}

#[cfg(test)]
#[path = "combined_tests.rs"]
mod tests;
