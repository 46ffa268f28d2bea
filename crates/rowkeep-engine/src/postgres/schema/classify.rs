//! What a statement of a dump does, as far as it matters when and how it is run.

use rowkeep_format::TableName;

use super::lexer::{Token, Tokens};
use crate::postgres::quote;

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes a setting of the session, to a value as it is written.
    Setting(String, String),
    /// Begins to act as another role.
    BecomeRole,
    /// Ends that.
    BecomeSelf,
    /// Gives something to an owner, who may not exist here.
    Owner(String),
    /// Grants, revokes, or changes what is granted by default; to roles that may not exist here.
    Privileges(Vec<String>),
    /// Builds an index or a constraint with an index, which concern the table alone.
    ///
    /// Not one that calls a function or an operator of the application, because that may read other tables.
    Index(TableName),
    /// Adds a reference between tables.
    Reference(Reference),
    /// Adds a reference that must not be checked, which not every server can do for every table.
    UncheckedReference,
    /// Makes a table a partition of another.
    Partition {
        /// The partitioned table.
        parent: TableName,
        /// The partition.
        child: TableName,
    },
    /// Makes or changes an event trigger, which would fire for every later statement.
    EventTrigger,
    /// Something without which the database is still whole, such as a comment.
    Optional,
    /// Something that may take more rights than an ordinary role has.
    Privileged,
    /// Everything else.
    Plain,
}

/// A foreign key that is added to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The table that refers.
    pub(crate) table: TableName,
    /// The constraint's name, as SQL.
    pub(crate) constraint: String,
    /// The table referred to.
    pub(crate) references: TableName,
    /// Whether the rows of the table alone are concerned, not of partitions.
    pub(crate) only: bool,
    /// Whether the rows that are there have to conform; a reference may have been made without that.
    pub(crate) checked: bool,
}

/// Things whose making may take more rights than an ordinary role has, or parts that a server does not have.
const PRIVILEGED: [&[&str]; 16] = [
    &["publication"],
    &["subscription"],
    &["server"],
    &["foreign", "data", "wrapper"],
    &["foreign", "table"],
    &["user", "mapping"],
    &["language"],
    &["trusted", "language"],
    &["procedural", "language"],
    &["cast"],
    &["transform"],
    &["access", "method"],
    &["operator", "class"],
    &["operator", "family"],
    &["policy"],
    &["text", "search"],
];

/// Things whose definition may hold passwords.
const SECRET: [&[&str]; 3] = [&["subscription"], &["server"], &["user", "mapping"]];

/// What a statement does.
pub(crate) fn classify(sql: &str) -> Kind {
    let words = Words::new(sql);
    let opening = words.lowercase(8);
    let opening: Vec<&str> = opening.iter().map(String::as_str).collect();
    match opening.as_slice() {
        ["set", "session", "authorization", ..] => Kind::BecomeRole,
        ["reset", "session", "authorization", ..] => Kind::BecomeSelf,
        ["set", name, ..] => Kind::Setting((*name).to_owned(), words.value()),
        ["select", "pg_catalog", ".", "set_config", ..] => {
            Kind::Setting("search_path".to_owned(), String::new())
        }
        ["grant", ..] => Kind::Privileges(words.roles()),
        ["revoke", ..] | ["alter", "default", "privileges", ..] => Kind::Privileges(words.roles()),
        ["comment", "on", "event", "trigger", ..] | ["create" | "alter", "event", "trigger", ..] => {
            Kind::EventTrigger
        }
        ["comment", ..] | ["security", "label", ..] | ["create" | "alter", "extension", ..] => Kind::Optional,
        ["create", "index", ..] | ["create", "unique", "index", ..] => {
            words.table_after("on").filter(|_| !words.calls_functions()).map_or(Kind::Plain, Kind::Index)
        }
        ["alter", ..] if words.owner().is_some() => words.owner().map_or(Kind::Plain, Kind::Owner),
        ["alter", "table", ..] => words.alteration().unwrap_or(Kind::Plain),
        ["create" | "alter", ..] if names(&opening, &PRIVILEGED) => Kind::Privileged,
        _ => Kind::Plain,
    }
}

/// An extension that a statement creates, with what the statement says of it.
pub(crate) struct Extension {
    /// Its name.
    pub(crate) name: String,
    /// The schema that it is to be in.
    pub(crate) schema: Option<String>,
    /// The version that it is to have.
    pub(crate) version: Option<String>,
}

/// The extension that a statement creates.
pub(crate) fn extension(sql: &str) -> Option<Extension> {
    let words = Words::new(sql);
    if !words.are(0, &["create", "extension"]) {
        return None;
    }
    let at = if words.are(2, &["if", "not", "exists"]) { 5 } else { 2 };
    let schema = words.find(at + 1, "schema").and_then(|place| words.name(place + 1));
    let version = words.find(at + 1, "version").and_then(|place| words.literal(place + 1));
    Some(Extension { name: words.name(at)?, schema, version })
}

/// The extension that an `ALTER EXTENSION ... UPDATE TO` brings to a version, and that version.
pub(crate) fn extension_version(sql: &str) -> Option<(String, String)> {
    let words = Words::new(sql);
    if !words.are(0, &["alter", "extension"]) || !words.are(3, &["update", "to"]) {
        return None;
    }
    Some((words.name(2)?, words.literal(5)?))
}

/// Whether a statement says by which user and password a server of others is connected to.
pub(crate) fn is_user_mapping(sql: &str) -> bool {
    let words = Words::new(sql);
    words.are(0, &["create", "user", "mapping"])
}

/// A constraint in a form in which the rows that are there need not conform.
pub(crate) struct Unchecked {
    /// The statement that adds it.
    pub(crate) sql: String,
    /// The statement that holds it against those rows later.
    pub(crate) validate: String,
}

/// The other form of a statement that adds a constraint which has one.
pub(crate) fn unchecked(sql: &str) -> Option<Unchecked> {
    let words = Words::new(sql);
    let kind = ["table", "domain"].into_iter().find(|kind| words.are(0, &["alter", kind]))?;
    let (name, at) = words.table(if words.is(2, "only") { 3 } else { 2 })?;
    let what = at + 3;
    let can_be =
        words.is(what, "check") || words.are(what, &["foreign", "key"]) || words.are(what, &["not", "null"]);
    if !words.are(at, &["add", "constraint"]) || !can_be {
        return None;
    }
    let (kind, name) = (kind.to_ascii_uppercase(), quote::table(&name));
    let constraint = words.tokens.get(at + 2)?.text();
    Some(Unchecked {
        sql: format!("{} NOT VALID;", sql.trim_end().trim_end_matches(';')),
        validate: format!("ALTER {kind} {name} VALIDATE CONSTRAINT {constraint};"),
    })
}

/// Whether rows could not be loaded, or not where they belong, if a statement was left out.
pub(crate) fn is_needed_by_rows(sql: &str) -> bool {
    let words = Words::new(sql);
    let is_made = |what: &str| words.is(1, what) || (words.is(1, "unlogged") && words.is(2, what));
    matches!(classify(sql), Kind::Partition { .. })
        || (words.is(0, "create") && ["schema", "sequence", "table"].into_iter().any(is_made))
}

/// Whether only a superuser may run a statement: functions in languages that are not trusted, and types that such functions make.
pub(crate) fn takes_superuser(sql: &str) -> bool {
    let words = Words::new(sql);
    let language = words.find(2, "language").map(|at| at + 1);
    let is_untrusted = language.is_some_and(|at| words.is(at, "c") || words.is(at, "internal"));
    match words.lowercase(2).iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["create", "function" | "procedure"] => is_untrusted || words.find(2, "leakproof").is_some(),
        // A base type has parts; others say AS, and a shell has nothing.
        ["create", "type"] => {
            words.table(2).is_some_and(|(_, at)| words.tokens.get(at) == Some(&Token::Symbol('(')))
        }
        _ => false,
    }
}

/// The table that a statement creates.
pub(crate) fn table(sql: &str) -> Option<TableName> {
    let words = Words::new(sql);
    let at = if words.is(1, "unlogged") { 2 } else { 1 };
    (words.is(0, "create") && words.is(at, "table"))
        .then(|| words.table(at + 1))
        .flatten()
        .map(|(name, _)| name)
}

/// The schema that a statement creates.
pub(crate) fn schema(sql: &str) -> Option<String> {
    let words = Words::new(sql);
    words.are(0, &["create", "schema"]).then(|| words.name(2)).flatten()
}

fn names(opening: &[&str], things: &[&[&str]]) -> bool {
    let thing = match opening {
        [_, "or", "replace", thing @ ..] | [_, thing @ ..] => thing,
        [] => return false,
    };
    things.iter().any(|name| thing.starts_with(name))
}

/// The beginning of a statement, for people: one line, without anything that may be a password.
pub(crate) fn brief(sql: &str) -> String {
    const SHOWN: usize = 120;
    let words = Words::new(sql);
    let opening = words.lowercase(6);
    let opening: Vec<&str> = opening.iter().map(String::as_str).collect();
    let mut line: String = if names(&opening, &SECRET) {
        let before = words.tokens.iter().take_while(|token| !matches!(token, Token::Text(_)));
        before.map(|token| token.text()).collect::<Vec<_>>().join(" ")
    } else {
        sql.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    if let Some((at, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(at);
        line.push_str(" ...");
    }
    line
}

/// The statement as it may be shown: without what may be a password.
pub(crate) fn shown(sql: &str) -> String {
    let opening = Words::new(sql).lowercase(6);
    let opening: Vec<&str> = opening.iter().map(String::as_str).collect();
    if names(&opening, &SECRET) { brief(sql) } else { sql.to_owned() }
}

/// The tokens of a statement.
struct Words<'a> {
    tokens: Vec<Token<'a>>,
}

impl<'a> Words<'a> {
    fn new(sql: &'a str) -> Self {
        Self { tokens: Tokens::new(sql).collect() }
    }

    /// The first tokens in lower case; quoted names and literals stay as they are.
    fn lowercase(&self, count: usize) -> Vec<String> {
        let lowercase = |token: &Token<'_>| match token {
            Token::Word(word) => word.to_ascii_lowercase(),
            other => other.text().into_owned(),
        };
        self.tokens.iter().take(count).map(lowercase).collect()
    }

    fn is(&self, at: usize, keyword: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_keyword(keyword))
    }

    fn are(&self, at: usize, keywords: &[&str]) -> bool {
        keywords.iter().enumerate().all(|(offset, keyword)| self.is(at + offset, keyword))
    }

    /// Where a keyword stands outside parentheses, from some token on.
    fn find(&self, from: usize, keyword: &str) -> Option<usize> {
        let mut depth = 0;
        (from..self.tokens.len()).find(|at| {
            match self.tokens[*at] {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth -= 1,
                _ => {}
            }
            depth == 0 && self.is(*at, keyword)
        })
    }

    /// The name at a place: what it says, not how it is quoted.
    fn name(&self, at: usize) -> Option<String> {
        self.tokens.get(at)?.name()
    }

    /// The text of a plain literal at a place.
    fn literal(&self, at: usize) -> Option<String> {
        match self.tokens.get(at)? {
            Token::Text(text) => Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'")),
            _ => None,
        }
    }

    /// The name of a table at a place, with or without its schema, and where it ends.
    fn table(&self, at: usize) -> Option<(TableName, usize)> {
        let first = self.name(at)?;
        if self.tokens.get(at + 1) == Some(&Token::Symbol('.')) {
            return Some((TableName::qualified(first, self.name(at + 2)?), at + 3));
        }
        Some((TableName::plain(first), at + 1))
    }

    fn table_after(&self, keyword: &str) -> Option<TableName> {
        let mut at = self.find(0, keyword)? + 1;
        if self.is(at, "only") {
            at += 1;
        }
        Some(self.table(at)?.0)
    }

    /// What follows `=` or `TO` in a `SET`.
    fn value(&self) -> String {
        let value = self.tokens.iter().skip(3).take_while(|token| **token != Token::Symbol(';'));
        value.map(|token| token.text()).collect::<Vec<_>>().join(" ")
    }

    /// The role in `... OWNER TO role;`.
    fn owner(&self) -> Option<String> {
        let end = self.tokens.len() - usize::from(self.tokens.last() == Some(&Token::Symbol(';')));
        let at = end.checked_sub(3)?;
        if self.are(at, &["owner", "to"]) { self.name(at + 2) } else { None }
    }

    /// The roles that a grant names: those it is to or from, those it is made by or for.
    fn roles(&self) -> Vec<String> {
        let mut roles = Vec::new();
        let mut add = |at: usize| {
            let is_public = self.is(at, "public");
            roles.extend(self.name(at).filter(|_| !is_public));
        };
        for (keyword, offset) in [("to", 1), ("from", 1), ("role", 1), ("by", 1)] {
            let mut from = 1;
            while let Some(at) = self.find(from, keyword) {
                let mut role = at + offset;
                add(role);
                while self.tokens.get(role + 1) == Some(&Token::Symbol(',')) {
                    role += 2;
                    add(role);
                }
                from = at + 1;
            }
        }
        roles
    }

    /// Whether a function is called or an operator used that is not in `pg_catalog`: those have their schema before
    /// them.
    fn calls_functions(&self) -> bool {
        self.tokens.windows(3).enumerate().any(|(at, window)| match window {
            [Token::Symbol('.'), Token::Word(_) | Token::Quoted(_), Token::Symbol('(')] => true,
            [Token::Word(_), Token::Symbol('('), Token::Word(_) | Token::Quoted(_)] => {
                self.is(at, "operator")
            }
            _ => false,
        })
    }

    /// What an `ALTER TABLE` does.
    fn alteration(&self) -> Option<Kind> {
        let only = self.is(2, "only");
        let (table, at) = self.table(if only { 3 } else { 2 })?;
        if self.are(at, &["attach", "partition"]) {
            return Some(Kind::Partition { parent: table, child: self.table(at + 2)?.0 });
        }
        if !self.are(at, &["add", "constraint"]) {
            return None;
        }
        let constraint = self.tokens.get(at + 2)?.text().into_owned();
        let what = at + 3;
        if self.are(what, &["primary", "key"]) || self.is(what, "unique") || self.is(what, "exclude") {
            return Some(if self.calls_functions() { Kind::Plain } else { Kind::Index(table) });
        }
        if !self.are(what, &["foreign", "key"]) {
            return None;
        }
        let at = self.find(what, "references")? + 1;
        let (references, end) = self.table(at)?;
        let skipped = |word: &str| {
            let mut from = end;
            while let Some(at) = self.find(from, word) {
                if self.is(at - 1, "not") {
                    return true;
                }
                from = at + 1;
            }
            false
        };
        let checked = !skipped("valid") && !skipped("enforced");
        Some(Kind::Reference(Reference { table, constraint, references, only, checked }))
    }
}
