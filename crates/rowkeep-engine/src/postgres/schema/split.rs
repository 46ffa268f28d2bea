//! A script of SQL as single statements.

use super::lexer::{Token, Tokens};

/// The statements of a script, each from its first token to its semicolon.
///
/// Semicolons inside quotes, parentheses, comments and SQL-standard function bodies (`BEGIN ATOMIC ... END`) end
/// nothing. In a statement that begins with `CREATE [OR REPLACE] FUNCTION` or `PROCEDURE`, `BEGIN ATOMIC` opens such a body,
/// `CASE` opens within it and `END` closes. `BEGIN` by itself opens nothing: a column may have that name, without quotes.
pub(crate) fn statements(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut tokens = Tokens::new(script);
    let mut start = None;
    let mut parentheses = 0i64;
    let mut blocks = 0;
    let mut opening = Opening::default();
    let mut is_begin = false;
    while let Some(token) = tokens.next() {
        if start.is_none() {
            start = Some(tokens.end() - token.length_bytes());
        }
        match token {
            Token::Symbol(';') if parentheses == 0 && blocks == 0 => {
                statements.extend(start.take().map(|start| &script[start..tokens.end()]));
                opening = Opening::default();
            }
            Token::Symbol('(') => parentheses += 1,
            Token::Symbol(')') => parentheses = (parentheses - 1).max(0),
            Token::Word(word) => {
                opening.see(word);
                if opening.is_routine() && parentheses == 0 {
                    let is_inner = blocks > 0 && word.eq_ignore_ascii_case("case");
                    let is_body = blocks == 0 && is_begin && word.eq_ignore_ascii_case("atomic");
                    if is_inner || is_body {
                        blocks += 1;
                    } else if word.eq_ignore_ascii_case("end") && blocks > 0 {
                        blocks -= 1;
                    }
                }
            }
            _ => {}
        }
        is_begin = matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("begin"));
    }
    statements.extend(start.map(|start| script[start..].trim_end()));
    statements
}

/// The first words of a statement.
#[derive(Default)]
struct Opening {
    words: Vec<String>,
}

impl Opening {
    fn see(&mut self, word: &str) {
        if self.words.len() < 4 {
            self.words.push(word.to_ascii_lowercase());
        }
    }

    fn is_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn semicolons_that_end_nothing() {
        let script = r#"
            -- one; comment
            SELECT 'a;''b', E'it\';s', "c;""d", U&'\003b;', U&"x;", b'1', x'f' /* ; /* nested; */ ; */;
            CREATE RULE r AS ON INSERT TO t DO INSTEAD (DELETE FROM a; DELETE FROM b);
            CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT ';'; $$;
            CREATE FUNCTION g() RETURNS text AS $_$ SELECT $$;$$; $x$;$x$ $_$ LANGUAGE sql;
            SELECT $1;
            SELECT a$b$c;
            SELECT E'\\';
        "#;
        let found = statements(script);
        assert_eq!(found.len(), 7, "{found:#?}");
        assert!(found[0].starts_with("SELECT 'a;") && found[0].ends_with("*/;"));
        assert_eq!(found[4], "SELECT $1;");
        assert_eq!(found[5], "SELECT a$b$c;");
    }

    #[test]
    fn atomic_bodies_are_one_statement() {
        let script = "CREATE OR REPLACE FUNCTION public.f(a integer) RETURNS integer\n LANGUAGE sql\n\
            BEGIN ATOMIC\n SELECT CASE WHEN (a > 1) THEN 1 ELSE 2 END AS \"end\";\n SELECT 2;\nEND;\n\
            CREATE PROCEDURE p()\n BEGIN ATOMIC\n INSERT INTO t VALUES (1);\nEND;\n\
            BEGIN; SELECT 1; END;";
        let found = statements(script);
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[0].ends_with("END;") && found[0].contains("SELECT 2;"));
        assert_eq!(&found[2..], ["BEGIN;", "SELECT 1;", "END;"]);
        // A column, an argument or a function may be called `begin`, and is printed without quotes.
        let script = "CREATE FUNCTION public.begin(begin integer) RETURNS date LANGUAGE sql\n BEGIN ATOMIC\n \
            SELECT b.begin, begin AS case_ FROM b;\nEND;\nCREATE FUNCTION g() RETURNS date LANGUAGE sql RETURN begin(1);\nSELECT 1;";
        let found = statements(script);
        assert_eq!(found.len(), 3, "{found:#?}");
    }

    #[test]
    fn what_is_not_ended_ends_with_the_text() {
        assert_eq!(statements("SELECT 1"), ["SELECT 1"]);
        assert_eq!(statements("SELECT 'a; b"), ["SELECT 'a; b"]);
        assert_eq!(statements("SELECT $a$ ; $b$"), ["SELECT $a$ ; $b$"]);
        assert_eq!(statements(" -- nothing\n /* at all"), Vec::<&str>::new());
        assert_eq!(statements("ä;'ö;';ü"), ["ä;", "'ö;';", "ü"]);
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z_ ]{1,8}",
            "[^'\\\\]{0,8}".prop_map(|text| format!(" '{}' ", text)),
            "[^\"]{1,8}".prop_map(|text| format!(" \"{text}\" ")),
            "[^$]{0,8}".prop_map(|text| format!(" $q${text}$q$ ")),
            "[^*/]{0,8}".prop_map(|text| format!("/* {text} */")),
            "[^\n]{0,8}".prop_map(|text| format!("--{text}\n")),
            "[a-z; ]{0,8}".prop_map(|text| format!("({text})")),
        ]
    }

    proptest! {
        #[test]
        fn statements_come_apart_where_they_were_joined(
            pieces in proptest::collection::vec(proptest::collection::vec(piece(), 0..5), 1..5)
        ) {
            let written: Vec<String> =
                pieces.iter().map(|pieces| format!("SELECT {} x;", pieces.concat())).collect();
            let script = written.join("\n");
            let found = statements(&script);
            prop_assert_eq!(found, written);
        }

        #[test]
        fn no_text_is_too_strange(script: String) {
            let joined: usize = statements(&script).iter().map(|statement| statement.len()).sum();
            prop_assert!(joined <= script.len());
        }
    }
}
