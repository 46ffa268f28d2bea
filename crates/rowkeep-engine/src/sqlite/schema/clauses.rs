//! What the SQL of a table says that no pragma tells.

/// `CHECK` constraints, and whether a reference is checked at the end of a transaction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Clauses {
    /// The expressions, in parentheses.
    pub(crate) checks: Vec<String>,
    /// Whether `INITIALLY DEFERRED` occurs.
    pub(crate) deferred: bool,
}

impl Clauses {
    /// Reads the SQL of a table that SQLite has accepted.
    pub(crate) fn of(sql: &str) -> Self {
        let mut clauses = Self::default();
        let mut last = "";
        let mut at = 0;
        while at < sql.len() {
            let length = token(&sql[at..]);
            let word = &sql[at..at + length];
            if word.starts_with('(') && last.eq_ignore_ascii_case("check") {
                let end = at + parenthesised(&sql[at..]);
                clauses.checks.push(sql[at..end].to_owned());
                at = end;
                last = "";
                continue;
            }
            if word.eq_ignore_ascii_case("deferred") && last.eq_ignore_ascii_case("initially") {
                clauses.deferred = true;
            }
            if !is_blank(word) {
                last = word;
            }
            at += length;
        }
        clauses
    }
}

/// The tokens of a text, which together are all of it.
pub(super) fn tokens(sql: &str) -> Vec<&str> {
    let (mut all, mut rest) = (Vec::new(), sql);
    while !rest.is_empty() {
        let (first, others) = rest.split_at(token(rest));
        all.push(first);
        rest = others;
    }
    all
}

pub(super) fn is_blank(token: &str) -> bool {
    token.starts_with("--") || token.starts_with("/*") || token.chars().all(char::is_whitespace)
}

/// The length of the first token of a text that is not empty: a literal, a name, a word, a comment, a symbol.
fn token(text: &str) -> usize {
    let first = text.chars().next().unwrap_or(' ');
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    match first {
        '\'' | '"' | '`' => quoted(text, first),
        '[' => text.find(']').map_or(text.len(), |end| end + 1),
        '-' if text.starts_with("--") => text.find('\n').unwrap_or(text.len()),
        '/' if text.starts_with("/*") => text[2..].find("*/").map_or(text.len(), |end| end + 4),
        c if is_word(c) => text.find(|c| !is_word(c)).unwrap_or(text.len()),
        c => c.len_utf8(),
    }
}

/// The length of a quoted text; a doubled quote is one of its characters.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The length of what an opening parenthesis and its closing one enclose, with them.
fn parenthesised(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        let length = token(&text[at..]);
        match &text[at..at + length] {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        at += length;
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checks_are_found() {
        let clauses = Clauses::of(
            "CREATE TABLE [check (x)] (a CHECK (a > ')' /* ) */ AND (a) < 2), \"check\" TEXT DEFAULT 'CHECK (1)',
             -- CHECK (2)
             CONSTRAINT c check(length(\"check\") > 0), b REFERENCES t DEFERRABLE INITIALLY\n DEFERRED)",
        );
        assert_eq!(clauses.checks, ["(a > ')' /* ) */ AND (a) < 2)", "(length(\"check\") > 0)"]);
        assert!(clauses.deferred);
        assert_eq!(Clauses::of("CREATE TABLE t (a DEFAULT 'initially deferred')"), Clauses::default());
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(sql: String) {
            let _ = Clauses::of(&format!("CHECK ({sql}"));
        }
    }
}
