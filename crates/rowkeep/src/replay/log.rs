//! What an application's own log of its changes looks like.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The table in which an application writes down what it changed, as it stands in `rowkeep.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeLog {
    /// The table.
    pub table: String,
    /// The column that says when a row was changed.
    pub time: String,
    /// The column that says in which table.
    pub of: String,
    /// The tables that have other names there: what they are called in the log, and what in the database.
    #[serde(default)]
    pub tables: BTreeMap<String, String>,
    /// The column with the key of the row.
    pub key: String,
    /// The column that says what was done.
    pub action: String,
    /// What it says of rows that came.
    #[serde(default)]
    pub inserted: Vec<String>,
    /// What it says of rows that were changed.
    #[serde(default)]
    pub updated: Vec<String>,
    /// What it says of rows that went.
    #[serde(default)]
    pub deleted: Vec<String>,
    /// The column with the row as it became, or with what of it was changed.
    pub after: String,
    /// The column with the same as it was before.
    pub before: Option<String>,
    /// Which of these two have of an update only what it changed, and not the whole row; what each entry shows when not given.
    pub partial: Option<Vec<Part>>,
}

/// A column of a log with a row, or with a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The row as it became.
    After,
    /// The row as it was.
    Before,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    Update,
    Delete,
}

impl ChangeLog {
    /// Takes it as it was written; the error says what cannot be meant.
    pub fn read(self) -> Result<Self, String> {
        let mut all: Vec<&String> =
            [&self.inserted, &self.updated, &self.deleted].into_iter().flatten().collect();
        if all.is_empty() {
            return Err("log: inserted, updated and deleted are empty, so no entry would say anything".into());
        }
        all.sort();
        match all.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("log: {:?} is said to mean two actions", pair[0])),
            None => Ok(self),
        }
    }

    /// Whether a column has only what an update changed; nothing where that is not said.
    pub(super) fn is_partial(&self, part: Part) -> Option<bool> {
        self.partial.as_ref().map(|partial| partial.contains(&part))
    }

    /// What an entry says was done; nothing where it is about no row.
    pub(super) fn action_of(&self, said: &str) -> Option<Action> {
        let is_in = |list: &[String]| list.iter().any(|known| known == said);
        if is_in(&self.inserted) {
            Some(Action::Insert)
        } else if is_in(&self.updated) {
            Some(Action::Update)
        } else if is_in(&self.deleted) {
            Some(Action::Delete)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let read = |actions: &str| {
            let text = format!(
                "table = 'log'\ntime = 'at'\nof = 'of'\nkey = 'id'\naction = 'did'\nafter = 'now'\n{actions}"
            );
            toml::from_str::<ChangeLog>(&text).map_err(|error| error.to_string())?.read()
        };
        let log = read("inserted = ['CREATE']\nupdated = ['UPDATE', 'ASSIGN']").expect("it is well formed");
        assert_eq!(log.action_of("ASSIGN"), Some(Action::Update));
        assert_eq!(log.action_of("LOGIN"), None);
        for (actions, says) in [
            ("", "are empty"),
            ("inserted = ['X']\ndeleted = ['X']", "\"X\" is said to mean two actions"),
            ("inserted = ['X']\ncolour = 'red'", "unknown field"),
            ("inserted = ['X']\npartial = ['now']", "unknown variant"),
        ] {
            let error = read(actions).expect_err(actions);
            assert!(error.contains(says), "{error}");
        }
    }
}
