//! Statements in a form that does not depend on how often they were dumped and loaded.
//!
//! PostgreSQL prints an expression as it was parsed, and a loaded expression is parsed otherwise than the one that it was
//! printed from: `v IN ('a', 'b')` on a `varchar` is first `(v)::text = ANY ((ARRAY['a'::character varying,
//! 'b'::character varying])::text[])`, and loaded from that, `(v)::text = ANY (ARRAY[('a'::character varying)::text,
//! ('b'::character varying)::text])`.
//!
//! Programs differ too: up to version 15, `pg_dump` writes `ALTER TABLE` where it says whose a sequence or a view is.

use super::lexer::{Token, Tokens};

/// Relations that are altered as tables are: no two of one schema have the same name.
const AS_TABLES: [&[&str]; 4] = [&["sequence"], &["view"], &["materialized", "view"], &["foreign", "table"]];

/// The statement as its tokens, with casts of whole arrays made casts of their elements, and owners of relations given as those of
/// tables.
pub(crate) fn canonical(sql: &str) -> String {
    let mut tokens: Vec<Token<'_>> = Tokens::new(sql).collect();
    if let Some(kind) = owned_as_table(&tokens) {
        tokens.splice(1..=kind, [Token::Word("TABLE")]);
    }
    let mut out = String::with_capacity(sql.len());
    write(&tokens, &mut out);
    out
}

/// How many words say of what kind the relation is whose owner a statement sets: `ALTER MATERIALIZED VIEW v OWNER TO r`.
fn owned_as_table(tokens: &[Token<'_>]) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_keyword(word));
    let end = tokens.len() - usize::from(tokens.last() == Some(&Token::Symbol(';')));
    let sets_owner = end > 3 && is(end - 3, "owner") && is(end - 2, "to");
    let kind = AS_TABLES.iter().find(|words| words.iter().enumerate().all(|(at, word)| is(at + 1, word)));
    kind.filter(|_| sets_owner && is(0, "alter")).map(|words| words.len())
}

fn write(tokens: &[Token<'_>], out: &mut String) {
    let mut at = 0;
    while at < tokens.len() {
        match CastArray::at(&tokens[at..]) {
            Some(array) => {
                array.write(out);
                at += array.length;
            }
            None => {
                push(&tokens[at].text(), out);
                at += 1;
            }
        }
    }
}

fn push(token: &str, out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(token);
}

/// `(ARRAY[...])::type[]`.
struct CastArray<'t> {
    elements: Vec<&'t [Token<'t>]>,
    element_type: &'t [Token<'t>],
    length: usize,
}

impl<'t> CastArray<'t> {
    fn at(tokens: &'t [Token<'t>]) -> Option<Self> {
        let opens = tokens.first() == Some(&Token::Symbol('('))
            && tokens.get(1)?.is_keyword("array")
            && tokens.get(2) == Some(&Token::Symbol('['));
        if !opens {
            return None;
        }
        let (elements, end) = elements(tokens, 3)?;
        let casts = [')', ':', ':'].iter().enumerate();
        if !casts
            .into_iter()
            .all(|(offset, symbol)| tokens.get(end + 1 + offset) == Some(&Token::Symbol(*symbol)))
        {
            return None;
        }
        let start = end + 4;
        let type_end = start + type_length(&tokens[start..])?;
        let is_array = tokens.get(type_end) == Some(&Token::Symbol('['))
            && tokens.get(type_end + 1) == Some(&Token::Symbol(']'))
            && tokens.get(type_end + 2) != Some(&Token::Symbol('['));
        is_array.then(|| Self { elements, element_type: &tokens[start..type_end], length: type_end + 2 })
    }

    fn write(&self, out: &mut String) {
        push("ARRAY", out);
        push("[", out);
        for (number, element) in self.elements.iter().enumerate() {
            if number > 0 {
                push(",", out);
            }
            push("(", out);
            write(element, out);
            for symbol in [")", ":", ":"] {
                push(symbol, out);
            }
            write(self.element_type, out);
        }
        push("]", out);
    }
}

/// The elements of an array from its first token on, and where its closing bracket is.
fn elements<'t>(tokens: &'t [Token<'t>], start: usize) -> Option<(Vec<&'t [Token<'t>]>, usize)> {
    let (mut elements, mut begin, mut depth) = (Vec::new(), start, 0);
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Token::Symbol('(' | '[') => depth += 1,
            Token::Symbol(']') if depth == 0 => {
                if at > begin {
                    elements.push(&tokens[begin..at]);
                }
                return Some((elements, at));
            }
            Token::Symbol(')' | ']') => depth -= 1,
            Token::Symbol(',') if depth == 0 => {
                elements.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// How many tokens the name of a type has, with its modifiers: `pg_catalog.numeric(10,2)`, `character varying`.
fn type_length(tokens: &[Token<'_>]) -> Option<usize> {
    let mut length = 0;
    let mut depth = 0;
    for token in tokens {
        match token {
            Token::Word(_) | Token::Quoted(_) | Token::Symbol('.') => {}
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') if depth > 0 => depth -= 1,
            Token::Symbol(',' | '-') if depth > 0 => {}
            Token::Symbol(digit) if depth > 0 && digit.is_ascii_digit() => {}
            _ => break,
        }
        length += 1;
    }
    (length > 0 && depth == 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_of_arrays_are_casts_of_their_elements() {
        for (first, loaded) in [
            (
                "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
                "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
            ),
            (
                "((ARRAY[f(1, 2), (ARRAY[3])[1]])::bigint[])",
                "(ARRAY[(f(1, 2))::bigint, ((ARRAY[3])[1])::bigint])",
            ),
            ("(ARRAY[1.5])::numeric(10,2)[]", "ARRAY[(1.5)::numeric(10,2)]"),
            ("(ARRAY[(ARRAY['x'])::text[]])::\"T\".u[]", "ARRAY[(ARRAY[('x')::text])::\"T\".u]"),
            ("SELECT  1 -- one\n ;", "SELECT 1;"),
            ("ALTER SEQUENCE s.q OWNER TO \"O\";", "ALTER TABLE s.q OWNER TO \"O\";"),
            ("ALTER MATERIALIZED VIEW m OWNER TO o;", "ALTER TABLE m OWNER TO o;"),
        ] {
            assert_eq!(canonical(first), canonical(loaded), "{first}");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        for (one, other) in [
            ("(ARRAY['a'])::text[]", "ARRAY['a']"),
            ("(ARRAY['a'])::text[]", "(ARRAY['a'])::character varying[]"),
            ("(ARRAY['a', 'b'])::text[]", "(ARRAY['a'])::text[]"),
            ("(ARRAY['(ARRAY[1])::int[]'])", "(ARRAY['ARRAY[(1)::int]'])"),
            ("(ARRAY[1])::int", "ARRAY[(1)::int]"),
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("ALTER VIEW v OWNER TO a;", "ALTER TABLE v OWNER TO b;"),
            ("ALTER VIEW v SET SCHEMA s;", "ALTER TABLE v SET SCHEMA s;"),
            ("ALTER TYPE v OWNER TO a;", "ALTER TABLE v OWNER TO a;"),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one}");
        }
        for unfinished in
            ["(ARRAY[", "(ARRAY[1", "(ARRAY[1])", "(ARRAY[1])::", "(ARRAY[1])::t(", "(ARRAY[1])::t["]
        {
            assert!(!canonical(unfinished).is_empty());
        }
    }
}
