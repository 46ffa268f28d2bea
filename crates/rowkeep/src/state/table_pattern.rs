//! Patterns for the names of tables, as people write them.

use rowkeep_format::TableName;
use wildmatch::WildMatchPattern;

use crate::quotes::{in_quotes, quoted};

/// `*` stands for any run of characters. The other wildcard, for one character, is one that no name holds.
type Glob = WildMatchPattern<'*', '\0'>;

/// Which tables are meant by a text: `table` or `schema.table`, with `*` for any run of characters.
///
/// Either part is taken as it is where it stands in double quotes, in which two of them are one: `public."odd*name"`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TablePattern {
    /// The whole name, or without its schema.
    Text(Glob),
    /// Each part by itself, where one is in quotes; a table in any schema where none is named.
    Parts { schema: Option<Part>, table: Part },
}

/// What stands before or after the dot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Exactly this.
    Quoted(String),
    /// A pattern.
    Glob(Glob),
}

impl TablePattern {
    /// Reads a pattern; every text is one.
    pub(crate) fn new(text: &str) -> Self {
        match parts(text) {
            Some((schema, table)) => Self::Parts { schema, table },
            None => Self::Text(Glob::new(text)),
        }
    }

    /// Whether a table is meant.
    pub(crate) fn matches(&self, name: &TableName) -> bool {
        match self {
            TablePattern::Text(glob) => {
                let qualified = || name.schema.as_ref().map(|schema| format!("{schema}.{}", name.name));
                glob.matches(&name.name) || qualified().is_some_and(|name| glob.matches(&name))
            }
            TablePattern::Parts { schema, table } => {
                let in_schema = |part: &Part| name.schema.as_ref().is_some_and(|name| part.matches(name));
                table.matches(&name.name) && schema.as_ref().is_none_or(in_schema)
            }
        }
    }
}

impl Part {
    fn matches(&self, name: &str) -> bool {
        match self {
            Part::Quoted(exact) => exact == name,
            Part::Glob(glob) => glob.matches(name),
        }
    }
}

/// The pattern that means one table only.
pub(crate) fn pattern_of(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", in_quotes(schema, '"'), in_quotes(&name.name, '"')),
        None => in_quotes(&name.name, '"'),
    }
}

/// The parts of a pattern of which at least one is in quotes.
fn parts(text: &str) -> Option<(Option<Part>, Part)> {
    let (first, rest) = part(text)?;
    let (schema, table) = match rest.strip_prefix('.') {
        Some(rest) => match part(rest)? {
            (second, "") => (Some(first), second),
            _ => return None,
        },
        None if rest.is_empty() => (None, first),
        None => return None,
    };
    let is_quoted = |part: &Part| matches!(part, Part::Quoted(_));
    (is_quoted(&table) || schema.as_ref().is_some_and(is_quoted)).then_some((schema, table))
}

/// The first part of a text, and what comes after it.
fn part(text: &str) -> Option<(Part, &str)> {
    if text.starts_with('"') {
        let (name, length) = quoted(text, '"')?;
        return Some((Part::Quoted(name), &text[length..]));
    }
    let (name, rest) = text.split_at(text.find(['.', '"']).unwrap_or(text.len()));
    Some((Part::Glob(Glob::new(name)), rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn matches(pattern: &str, schema: &str, table: &str) -> bool {
        TablePattern::new(pattern).matches(&TableName::qualified(schema, table))
    }

    #[test]
    fn names_with_and_without_a_schema() {
        assert!(matches("users", "public", "users") && matches("users", "audit", "users"));
        assert!(matches("audit.users", "audit", "users") && !matches("audit.users", "public", "users"));
        assert!(matches("*.users", "audit", "users") && matches("au*rs", "audit", "users"));
        assert!(matches("us*", "public", "users") && matches("*", "public", ""));
        assert!(!matches("user", "public", "users") && !matches("*x", "public", "users"));
        assert!(matches("a.b", "public", "a.b") && matches("a.b", "a", "b"));
        assert!(TablePattern::new("users").matches(&TableName::plain("users")));
    }

    #[test]
    fn what_is_in_quotes_is_taken_as_it_is() {
        assert!(matches("odd*name", "public", "oddest name"));
        for pattern in ["\"odd*name\"", "public.\"odd*name\"", "pub*.\"odd*name\"", "\"public\".odd*name"] {
            assert!(matches(pattern, "public", "odd*name"), "{pattern}");
        }
        assert!(!matches("\"odd*name\"", "public", "oddest name"));
        assert!(!matches("public.\"odd*name\"", "audit", "odd*name"));
        assert!(matches("\"a.b\"", "public", "a.b") && !matches("\"a.b\"", "a", "b"));
        assert!(matches("\"say \"\"hi\"\"\"", "public", "say \"hi\""));
    }

    #[test]
    fn quotes_that_are_part_of_a_name_need_none() {
        for name in ["we\"ird", "\"", "\"open", "a\"b\"c", "\"a\"b", "\"a\".\"b\".\"c\""] {
            assert!(TablePattern::new(name).matches(&TableName::plain(name)), "{name}");
        }
    }

    #[test]
    fn the_pattern_of_a_table_means_it_alone() {
        let names = ["odd*name", "oddest name", "a.b", "b", "say \"hi\"", "*", "", "ü*", "x\0y"];
        let schemas = ["public", "a", "pub*"];
        let all = names.iter().flat_map(|name| schemas.map(|schema| TableName::qualified(schema, *name)));
        let all: Vec<_> = all.chain(names.map(TableName::plain)).collect();
        for table in &all {
            let pattern = TablePattern::new(&pattern_of(table));
            let meant: Vec<_> = all.iter().filter(|other| pattern.matches(other)).collect();
            let is_alone = |other: &&TableName| other.schema == table.schema || table.schema.is_none();
            assert!(meant.contains(&table) && meant.iter().all(|other| other.name == table.name), "{table}");
            assert!(meant.iter().all(is_alone), "{table}");
        }
    }

    /// Whoever tries every way to divide the name among the stars does not come to an end.
    #[test]
    fn many_stars_come_to_an_end() {
        let (done, matched) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let pattern = format!("{}b", "*a".repeat(12));
            done.send(matches(&pattern, "public", &"a".repeat(10_000)))
        });
        assert!(!matched.recv_timeout(Duration::from_secs(120)).expect("it comes to an end"));
    }
}
