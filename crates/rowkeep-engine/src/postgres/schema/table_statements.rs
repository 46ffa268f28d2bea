//! Statements of a dump that make tables and sequences, which can run at once.
//!
//! What they need besides each other comes before them, and a statement that needs a table which is not there yet fails:
//! it then runs again once all others have. None succeeds with another result for running early.

use super::classify::Kind;
use super::lexer::{Token, Tokens};
use super::script::Statement;

/// From how many statements on a slice ends before the next table.
const SLICE: usize = 50;

/// Statements that follow one another.
#[derive(Debug)]
pub(crate) enum Part<'s> {
    /// They run in their order.
    InOrder(Vec<&'s Statement>),
    /// They make tables: the slices can run at once, each in its order.
    Tables(Vec<Vec<&'s Statement>>),
}

/// What a statement is to those before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Makes a table.
    Begins,
    /// Goes on with a table or a sequence.
    GoesOn,
    /// Something else, which may need all tables before it.
    Other,
}

/// Divides statements into parts, in their order.
pub(crate) fn parts<'s>(statements: &[&'s Statement]) -> Vec<Part<'s>> {
    let mut parts: Vec<Part<'s>> = Vec::new();
    for statement in statements.iter().copied() {
        match (role(statement), parts.last_mut()) {
            (Role::Other, Some(Part::InOrder(part))) => part.push(statement),
            (Role::Other, _) => parts.push(Part::InOrder(vec![statement])),
            (role, Some(Part::Tables(slices))) => match slices.last_mut() {
                Some(slice) if role == Role::GoesOn || slice.len() < SLICE => slice.push(statement),
                _ => slices.push(vec![statement]),
            },
            (Role::GoesOn, Some(Part::InOrder(part))) => part.push(statement),
            (_, _) => parts.push(Part::Tables(vec![vec![statement]])),
        }
    }
    parts
}

fn role(statement: &Statement) -> Role {
    let opening: Vec<String> = Tokens::new(&statement.sql)
        .take(3)
        .map(|token| match token {
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => String::new(),
        })
        .collect();
    let opening: Vec<&str> = opening.iter().map(String::as_str).collect();
    match (opening.as_slice(), &statement.kind) {
        (["create", "table", _] | ["create", "unlogged", "table"], _) => Role::Begins,
        (["create" | "alter", "sequence", _], _) => Role::GoesOn,
        (["alter", "table", _], Kind::Owner(_) | Kind::Plain) => Role::GoesOn,
        (["comment", "on", "table" | "column" | "sequence"], _) => Role::GoesOn,
        _ => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::schema::script::parse;

    fn divided(sql: &str) -> Vec<Vec<usize>> {
        let statements = parse(sql);
        let all: Vec<&Statement> = statements.iter().collect();
        let lengths = |part: &Part<'_>| match part {
            Part::InOrder(part) => vec![0, part.len()],
            Part::Tables(slices) => slices.iter().map(Vec::len).collect(),
        };
        parts(&all).iter().map(lengths).collect()
    }

    #[test]
    fn only_tables_and_what_goes_with_them_run_at_once() {
        let sql = "CREATE SCHEMA s; CREATE TYPE s.t AS ENUM ('a'); ALTER TYPE s.t OWNER TO x;
             CREATE TABLE s.a (x s.t); ALTER TABLE s.a OWNER TO x; COMMENT ON COLUMN s.a.x IS 'x';
             CREATE SEQUENCE s.q; ALTER SEQUENCE s.q OWNED BY s.a.x; CREATE UNLOGGED TABLE s.b ();
             CREATE VIEW s.v AS SELECT 1; CREATE TABLE s.c ();
             ALTER TABLE ONLY s.p ATTACH PARTITION s.c DEFAULT;
             ALTER TABLE ONLY s.a ALTER COLUMN x SET DEFAULT 'a';";
        assert_eq!(divided(sql), [vec![0, 3], vec![6], vec![0, 1], vec![1], vec![0, 2]]);
    }

    #[test]
    fn slices_begin_with_a_table() {
        let sql: String = (0..60)
            .map(|number| format!("CREATE TABLE s.t{number} (); ALTER TABLE s.t{number} OWNER TO x;\n"))
            .collect();
        assert_eq!(divided(&sql), [vec![50, 50, 20]]);
    }
}
