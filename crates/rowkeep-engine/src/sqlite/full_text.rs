//! Full-text tables, by their definitions.

/// A table of fts5.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FullText {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// Whether its text is that of another table.
    pub(crate) is_of_another: bool,
}

impl FullText {
    /// Reads a definition; nothing where it is one of another module.
    pub(crate) fn of(name: &str, sql: &str) -> Option<Self> {
        let lower = sql.to_ascii_lowercase();
        let (before, after) = lower.split_once("using")?;
        let module = after.trim_start();
        if !module.starts_with("fts5") {
            return None;
        }
        let open = sql[before.len()..].find('(')? + before.len();
        let arguments = sql[open + 1..].trim_end().trim_end_matches(';').trim_end().strip_suffix(')')?;
        let (mut columns, mut is_of_another) = (Vec::new(), false);
        for argument in divided(arguments) {
            match argument.split_once('=') {
                Some((option, set)) if !argument.starts_with(['"', '\'', '`', '[']) => {
                    let set = set.trim().trim_matches(['"', '\'']);
                    is_of_another |= option.trim().eq_ignore_ascii_case("content") && !set.is_empty();
                }
                _ => columns.push(column(argument)),
            }
        }
        Some(Self { name: name.to_owned(), columns, is_of_another })
    }
}

/// The name of a column, without quotes and what follows it.
fn column(argument: &str) -> String {
    let closing = match argument.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => quote,
        Some('[') => ']',
        _ => return argument.split_whitespace().next().unwrap_or_default().to_owned(),
    };
    let mut out = String::new();
    let mut characters = argument.chars().skip(1).peekable();
    while let Some(character) = characters.next() {
        if character == closing {
            if characters.peek() != Some(&closing) {
                break;
            }
            characters.next();
        }
        out.push(character);
    }
    out
}

/// What stands between commas that are in no quotes.
fn divided(arguments: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (place, character) in arguments.char_indices() {
        match (quote, character) {
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '[') => quote = Some(']'),
            (Some(closing), _) if closing == character => quote = None,
            (None, ',') => {
                parts.push(arguments[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_tell_columns_and_content() {
        let of = |sql| FullText::of("t", sql).map(|found| (found.columns.join("|"), found.is_of_another));
        let read = |columns: &str, is_of_another| Some((columns.to_owned(), is_of_another));
        assert_eq!(of("CREATE VIRTUAL TABLE t USING fts5 (body)"), read("body", false));
        assert_eq!(
            of(
                "create virtual table t using FTS5(\"a, \"\"b\" UNINDEXED, [c d], e, prefix='2 3', tokenize = \"porter ascii\")"
            ),
            read("a, \"b|c d|e", false)
        );
        assert_eq!(
            of("CREATE VIRTUAL TABLE t USING fts5(a, content='notes', content_rowid='id')"),
            read("a", true)
        );
        assert_eq!(of("CREATE VIRTUAL TABLE t USING fts5(a, content='')"), read("a", false));
        assert_eq!(of("CREATE VIRTUAL TABLE t USING rtree(id, a, b)"), None);
    }
}
