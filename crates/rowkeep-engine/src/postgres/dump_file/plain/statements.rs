//! What a statement of a plain dump is for.

use rowkeep_format::TableName;

use crate::postgres::dump_file::inserts::values_at;
use crate::postgres::dump_file::settings::BACKSLASHES;
use crate::postgres::schema::classify::{Kind, classify};
use crate::postgres::schema::cursor::Cursor;

/// How much of a statement tells what it is.
const OPENING_BYTES: usize = 2048;

/// A statement of a dump, or a command of `psql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// Rows follow.
    Copy {
        table: TableName,
        columns: Option<Vec<String>>,
    },
    /// Holds rows itself; what it begins with up to its values.
    Insert {
        table: TableName,
        opening: Vec<u8>,
    },
    /// What follows is of another database.
    Connect(String),
    /// Makes a database.
    CreateDatabase(String, String),
    /// Says where a sequence stands.
    Sequence(String),
    /// Makes a large object, or says whose it is.
    LargeObject(String),
    /// Begins and ends the contents of a large object.
    LargeObjectBegins(String),
    LargeObjectEnds,
    /// Fills a materialised view.
    Refresh(String),
    /// Says how text is encoded.
    Encoding(String),
    /// A part of the schema; whether it is one that comes after rows.
    Definition {
        sql: String,
        is_after: bool,
    },
    /// Of no concern: it prepares, removes, or is about the whole server.
    Nothing,
}

/// Finds out what a piece of code is.
pub(super) fn statement(code: &[u8]) -> Result<Statement, String> {
    if code.first() == Some(&b'\\') {
        return Ok(command(&String::from_utf8_lossy(code)));
    }
    let opening = lossy(code);
    let mut cursor = Cursor::new(&opening);
    if cursor.takes(&["copy"]) {
        let table = cursor.qualified().ok_or("a COPY names no table")?;
        let columns = if cursor.sees_symbol('(') { Some(all_names(code)?) } else { None };
        return Ok(Statement::Copy { table, columns });
    }
    if cursor.takes(&["insert", "into"]) {
        let table = cursor.qualified().ok_or("an INSERT names no table")?;
        let values = values_at(code).ok_or("an INSERT has no values")?;
        return Ok(Statement::Insert { table, opening: code[..values].to_vec() });
    }
    if cursor.sees(&["begin"]) || cursor.sees(&["commit"]) || cursor.sees(&["drop"]) {
        return Ok(Statement::Nothing);
    }
    if cursor.takes(&["select", "pg_catalog"]) {
        return select(&mut cursor, code);
    }
    // Statistics of the planner.
    if cursor.sees(&["select"]) && opening.contains("pg_restore_") {
        return Ok(Statement::Nothing);
    }
    let sql = text(code)?;
    if cursor.takes(&["create", "database"]) {
        return Ok(Statement::CreateDatabase(cursor.name().unwrap_or_default(), sql));
    }
    let of_database = [
        &["alter", "database"][..],
        &["comment", "on", "database"],
        &["security", "label"],
        &["create", "role"],
        &["alter", "role"],
        &["create", "tablespace"],
        &["alter", "tablespace"],
    ];
    let is_of_server = of_database.iter().any(|words| cursor.sees(words))
        && (!cursor.sees(&["security"]) || sql.contains(" ON DATABASE "));
    let is_grant = cursor.sees(&["grant"]) || cursor.sees(&["revoke"]);
    let removes =
        cursor.sees(&["alter", "table", "if", "exists"]) || cursor.sees(&["alter", "foreign", "table", "if"]);
    if is_of_server || removes || is_grant && sql.contains(" ON DATABASE ") {
        return Ok(Statement::Nothing);
    }
    if cursor.takes(&["set", "client_encoding"]) {
        cursor.takes_symbol('=');
        cursor.takes(&["to"]);
        return Ok(Statement::Encoding(cursor.literal().unwrap_or_default()));
    }
    if cursor.sees(&["set", "standard_conforming_strings"]) && sql.to_ascii_lowercase().contains("off") {
        return Err(BACKSLASHES.to_owned());
    }
    if cursor.sees(&["refresh", "materialized", "view"]) {
        return Ok(Statement::Refresh(sql));
    }
    let large_object = &["large", "object"];
    let mut ahead = cursor.clone();
    let of_object = ahead.takes(&["alter"]) || ahead.takes(&["comment", "on"]);
    if of_object && ahead.sees(large_object) || is_grant && sql.contains(" ON LARGE OBJECT ") {
        return Ok(Statement::LargeObject(sql));
    }
    if !KNOWN.iter().any(|word| cursor.sees(&[word])) {
        let begin: String = sql.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
        return Err(format!("`{begin}` begins as no statement does that pg_dump writes"));
    }
    Ok(Statement::Definition { is_after: comes_after(&cursor, &sql), sql })
}

/// What statements begin with that define something, or set how that is read.
const KNOWN: [&str; 12] = [
    "alter", "analyze", "comment", "create", "do", "grant", "import", "reset", "revoke", "security",
    "select", "set",
];

/// Whether a part of the schema comes after rows.
fn comes_after(cursor: &Cursor<'_>, sql: &str) -> bool {
    const AFTER: [&[&str]; 13] = [
        &["create", "index"],
        &["create", "unique", "index"],
        &["create", "trigger"],
        &["create", "constraint", "trigger"],
        &["create", "rule"],
        &["create", "policy"],
        &["create", "publication"],
        &["alter", "publication"],
        &["create", "subscription"],
        &["create", "event", "trigger"],
        &["create", "statistics"],
        &["alter", "index"],
        &["alter", "domain"],
    ];
    let is_named = AFTER.iter().any(|words| cursor.sees(words));
    (is_named && !sql.contains(" OWNER TO "))
        || matches!(classify(sql), Kind::Index(_) | Kind::Reference(_) | Kind::UncheckedReference)
        || (cursor.sees(&["alter", "table"]) && sql.contains(" ROW LEVEL SECURITY"))
}

fn select(cursor: &mut Cursor<'_>, code: &[u8]) -> Result<Statement, String> {
    cursor.takes_symbol('.');
    if cursor.sees(&["setval"]) {
        return Ok(Statement::Sequence(text(code)?));
    }
    if cursor.sees(&["lo_create"]) {
        return Ok(Statement::LargeObject(text(code)?));
    }
    if cursor.takes(&["lo_open"]) {
        cursor.takes_symbol('(');
        return Ok(Statement::LargeObjectBegins(cursor.literal().unwrap_or_default()));
    }
    if cursor.sees(&["lo_close"]) {
        return Ok(Statement::LargeObjectEnds);
    }
    Ok(Statement::Nothing)
}

/// A command of `psql`; of these only one says what follows.
fn command(line: &str) -> Statement {
    let line = line.trim();
    let Some(name) = line.strip_prefix("\\connect ") else { return Statement::Nothing };
    let name = name.trim().trim_start_matches("-reuse-previous=on ").trim();
    let unquoted = |text: &str, quote: char| -> Option<String> {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    };
    let name = unquoted(name, '"').unwrap_or_else(|| name.to_owned());
    // As a connection string, where the name has anything unusual.
    let in_string = name.strip_prefix("dbname='").and_then(|rest| rest.strip_suffix('\''));
    let name = in_string.map(|name| name.replace("\\'", "'").replace("\\\\", "\\")).unwrap_or(name);
    Statement::Connect(name)
}

/// The columns that a `COPY` names; there may be many.
fn all_names(code: &[u8]) -> Result<Vec<String>, String> {
    let whole = text(code)?;
    let mut cursor = Cursor::new(&whole);
    cursor.takes(&["copy"]);
    cursor.qualified();
    cursor.names().ok_or_else(|| "a COPY names its columns in a way that is not understood".to_owned())
}

fn text(code: &[u8]) -> Result<String, String> {
    let text = String::from_utf8(code.to_vec());
    text.map_err(|_| "a statement is not in UTF-8; make the dump with pg_dump --encoding=UTF8".to_owned())
}

/// What a statement begins with.
fn lossy(code: &[u8]) -> String {
    String::from_utf8_lossy(&code[..code.len().min(OPENING_BYTES)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart() {
        let found = |code: &str| statement(code.as_bytes()).expect("it is understood");
        let table = |name: &str| TableName::qualified("public", name);
        let columns = Some(vec!["id".to_owned(), "a b".to_owned()]);
        assert_eq!(
            found("COPY public.\"T\" (id, \"a b\") FROM stdin;"),
            Statement::Copy { table: table("T"), columns }
        );
        assert_eq!(
            found("INSERT INTO public.t (a) VALUES\n\t(1);"),
            Statement::Insert { table: table("t"), opening: b"INSERT INTO public.t (a)".to_vec() }
        );
        assert_eq!(found("\\connect shop\n"), Statement::Connect("shop".into()));
        assert_eq!(
            found("\\connect -reuse-previous=on \"dbname='a b'\"\n"),
            Statement::Connect("a b".into())
        );
        assert_eq!(found("SET client_encoding = 'UTF8';"), Statement::Encoding("UTF8".into()));
        assert_eq!(
            found("SELECT pg_catalog.lo_open('16', 131072);"),
            Statement::LargeObjectBegins("16".into())
        );
        for (code, after) in [
            ("CREATE TABLE public.t (a integer);", false),
            ("ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT 1;", false),
            ("ALTER TABLE ONLY public.p ATTACH PARTITION public.t DEFAULT;", false),
            ("GRANT SELECT ON TABLE public.t TO a;", false),
            ("CREATE TRIGGER t AFTER INSERT ON public.t EXECUTE FUNCTION f();", true),
            ("ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (a);", true),
        ] {
            let Statement::Definition { sql, is_after } = found(code) else { panic!("{code}") };
            assert_eq!((sql.as_str(), is_after), (code, after));
        }
        for code in [
            "DROP TABLE public.t;",
            "ALTER DATABASE a OWNER TO b;",
            "GRANT ALL ON DATABASE a TO b;",
            "\\restrict x\n",
            "COMMIT;",
        ] {
            assert_eq!(found(code), Statement::Nothing, "{code}");
        }
    }
}
