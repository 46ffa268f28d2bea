//! How two schemas differ in the statements that they are made of.

use std::collections::HashMap;

use rowkeep_engine::definitions;
use rowkeep_format::Schema;
use serde::{Deserialize, Serialize};

/// A statement of one schema that the other does not have, or has in another form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionChange {
    /// What the first schema has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the second schema has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Compares the statements that two schemas are made of, whatever their order; nothing when one was kept without.
///
/// Two statements that begin alike, up to the first parenthesis, are taken for two forms of one.
pub fn definition_changes(before: &Schema, after: &Schema) -> Vec<DefinitionChange> {
    if before.ddl.is_empty() || after.ddl.is_empty() {
        return Vec::new();
    }
    changes(definitions(before), definitions(after))
}

fn changes(before: Vec<String>, after: Vec<String>) -> Vec<DefinitionChange> {
    let gone = lacking(&before, &after);
    let mut new: Vec<Option<String>> = lacking(&after, &before).into_iter().map(Some).collect();
    let mut out: Vec<DefinitionChange> = Vec::new();
    for before in gone {
        let other = new.iter_mut().find(|new| new.as_deref().is_some_and(|new| head(new) == head(&before)));
        out.push(DefinitionChange { after: other.and_then(Option::take), before: Some(before) });
    }
    out.extend(new.into_iter().flatten().map(|after| DefinitionChange { before: None, after: Some(after) }));
    out
}

/// What is in one list and not, or not so often, in the other.
fn lacking(list: &[String], other: &[String]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    other.iter().for_each(|statement| *counts.entry(statement).or_default() += 1);
    let is_lacking = |statement: &&String| match counts.get_mut(statement.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    list.iter().filter(is_lacking).cloned().collect()
}

fn head(statement: &str) -> Vec<&str> {
    let end = statement.find('(').unwrap_or(statement.len());
    let words = statement[..end].split_whitespace();
    words.take_while(|word| !word.eq_ignore_ascii_case("as")).collect()
}

impl DefinitionChange {
    /// The lines of both forms that differ, each with `-` or `+`, below the first line where that is the same.
    pub fn lines(&self) -> Vec<String> {
        let lines = |text: &Option<String>| -> Vec<String> {
            text.iter().flat_map(|text| text.lines()).map(|line| line.trim_end().to_owned()).collect()
        };
        let (before, after) = (lines(&self.before), lines(&self.after));
        let mut start = 0;
        while start < before.len().min(after.len()) && before[start] == after[start] {
            start += 1;
        }
        let mut end = 0;
        while end < before.len().min(after.len()) - start
            && before[before.len() - 1 - end] == after[after.len() - 1 - end]
        {
            end += 1;
        }
        let mut out: Vec<String> =
            before.first().filter(|_| start > 0).map(|line| format!("  {line}")).into_iter().collect();
        out.extend(before[start..before.len() - end].iter().map(|line| format!("- {line}")));
        out.extend(after[start..after.len() - end].iter().map(|line| format!("+ {line}")));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &[&str], after: &[&str]) -> Vec<String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        changes(owned(before), owned(after)).iter().flat_map(DefinitionChange::lines).collect()
    }

    #[test]
    fn statements_come_go_and_change() {
        assert_eq!(told(&["A;", "B;", "B;"], &["B;", "A;", "B;"]), Vec::<String>::new());
        assert_eq!(told(&["A;", "A;"], &["A;"]), ["- A;"]);
        assert_eq!(told(&[], &["CREATE INDEX i ON t (a);"]), ["+ CREATE INDEX i ON t (a);"]);
        assert_eq!(
            told(
                &["CREATE TABLE t (\n  a int,\n  b int\n);", "CREATE VIEW v AS SELECT 1"],
                &["CREATE VIEW v AS SELECT 2", "CREATE TABLE t (\n  a int,\n  c text,\n  b int\n);"]
            ),
            [
                "  CREATE TABLE t (",
                "+   c text,",
                "- CREATE VIEW v AS SELECT 1",
                "+ CREATE VIEW v AS SELECT 2"
            ]
        );
    }
}
