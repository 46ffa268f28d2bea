//! What of a schema a server would not take, before a restore begins.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use rowkeep_format::Schema;

use super::super::catalog::facts;
use super::super::connect::address::Address;
use super::super::connect::row::text;
use super::super::connect::server::Server;
use super::super::connect::session::Session;
use super::super::load::maintenance;
use super::super::load::plan::Plan;
use super::super::schema::classify::{self, Kind};
use super::super::schema::ddl;
use super::super::schema::lexer::{Token, Tokens};
use super::super::schema::script::{Statement, parse};
use crate::examination::counted;
use crate::{EngineError, ErrorKind, Finding, Level};

/// How many names are told.
const TOLD: usize = 10;

/// Looks at a server for what a restore of a schema would do without there.
pub(crate) async fn findings(
    address: &Arc<Address>,
    schema: &Schema,
    server_version: Option<&str>,
) -> Result<Vec<Finding>, EngineError> {
    let session = match Server::reach(address).await {
        Ok((_, session)) => session,
        Err(error) if error.kind() == ErrorKind::NotFound => beside(address).await?,
        Err(error) => return Err(error),
    };
    let statements: Vec<Statement> =
        [ddl::BEFORE, ddl::AFTER].into_iter().flat_map(|part| parse(schema.ddl(part))).collect();
    let mut findings = vec![version(&session, server_version)];
    findings.extend(extensions(&session, &statements, schema).await?);
    let lacking = Plan::new(schema).store_in(&facts::storage(&session).await?);
    findings.extend(lacking.into_iter().map(|lack| Finding::new("tablespaces", Level::Warning, lack)));
    findings.extend(roles(&session, &statements).await?);
    findings.extend(collations(&session, &statements).await?);
    findings.extend(privileges(&session, &statements).await?);
    if let [version] = findings.as_slice()
        && version.level == Level::Ok
    {
        let detail =
            format!("nothing of its {} is known to be refused", counted(statements.len(), "statement"));
        findings.push(Finding::new("the schema", Level::Ok, detail));
    }
    Ok(findings)
}

/// A session in a database that the server has, where that of the address is not there.
async fn beside(address: &Arc<Address>) -> Result<Session, EngineError> {
    let mut last = maintenance::none();
    for name in maintenance::DATABASES {
        match Server::reach_database(address, name).await {
            Ok((_, session)) => return Ok(session),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn version(session: &Session, of_snapshot: Option<&str>) -> Finding {
    const WHAT: &str = "server version";
    let major = |version: &str| -> Option<u32> {
        version.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok())
    };
    match of_snapshot.filter(|version| major(version).is_some_and(|major| major > session.major)) {
        Some(newer) => Finding::new(
            WHAT,
            Level::Warning,
            format!(
                "PostgreSQL {}, and the snapshot is of {newer}: what the older server does not know is refused; restore into {newer} or \
                 newer, or try it with a drill",
                session.version
            ),
        ),
        None => Finding::new(WHAT, Level::Ok, format!("PostgreSQL {}", session.version)),
    }
}

async fn extensions(
    session: &Session,
    statements: &[Statement],
    schema: &Schema,
) -> Result<Vec<Finding>, EngineError> {
    let query = "SELECT name, version FROM pg_catalog.pg_available_extension_versions";
    let rows = session.rows("cannot list the extensions of the server", query).await?;
    let mut available: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    rows.iter().for_each(|row| {
        available.entry(text(row, 0)).or_default().insert(text(row, 1));
    });
    let mut findings = Vec::new();
    let mut find = |detail| findings.push(Finding::new("extensions", Level::Warning, detail));
    let wanted = statements.iter().filter_map(|statement| classify::extension(&statement.sql));
    let lacking: Vec<String> = wanted
        .map(|extension| extension.name)
        .filter(|name| !available.contains_key(name.as_str()))
        .collect();
    for name in lacking {
        find(format!(
            "extension {name} is not available: install it on the server; else what is made of it is left out, tables with columns of \
             its types with their rows"
        ));
    }
    let versions = parse(schema.ddl(ddl::EXTENSIONS));
    for (name, version) in versions.iter().filter_map(|statement| classify::extension_version(&statement.sql))
    {
        if available.get(name.as_str()).is_some_and(|versions| !versions.contains(version.as_str())) {
            find(format!(
                "extension {name} is not available in version {version}, which the database had: it gets the server's default one"
            ));
        }
    }
    Ok(findings)
}

async fn roles(session: &Session, statements: &[Statement]) -> Result<Option<Finding>, EngineError> {
    let known = facts::roles(session).await?;
    let is_word = |role: &str| matches!(role, "current_user" | "session_user" | "current_role");
    let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
    for statement in statements {
        let roles = match &statement.kind {
            Kind::Owner(role) => std::slice::from_ref(role),
            Kind::Privileges(roles) => roles.as_slice(),
            _ => continue,
        };
        for role in roles.iter().filter(|role| !known.contains(*role) && !is_word(role)) {
            *lacking.entry(role).or_default() += 1;
        }
    }
    let counts: BTreeSet<String> =
        lacking.iter().map(|(role, count)| format!("{role} ({})", counted(*count, "statement"))).collect();
    let advice = "create them (CREATE ROLE); else what is theirs belongs to whoever restores, and what is granted to them is left out";
    Ok(some("roles", &counts, "do not exist", advice))
}

/// Collations that the server would have to have itself.
async fn collations(session: &Session, statements: &[Statement]) -> Result<Option<Finding>, EngineError> {
    let query = "SELECT collname FROM pg_catalog.pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace \
                 AND collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database WHERE datname = current_database()))";
    let rows = session.rows("cannot list the collations", query).await?;
    let known: HashSet<&str> = rows.iter().map(|row| text(row, 0)).collect();
    let mut lacking = BTreeSet::new();
    for statement in statements {
        let tokens: Vec<Token<'_>> = Tokens::new(&statement.sql).collect();
        for window in tokens.windows(4) {
            let is_own = window[0].is_keyword("collate") && window[1].is_keyword("pg_catalog");
            let name = window[3].name().filter(|_| is_own && window[2] == Token::Symbol('.'));
            lacking.extend(name.filter(|name| !known.contains(name.as_str())));
        }
    }
    let advice = "install the locale and run pg_import_system_collations, or restore where it is; a table that needs one is left out";
    Ok(some("collations", &lacking, "do not exist", advice))
}

/// What takes a superuser, where the role is none.
async fn privileges(session: &Session, statements: &[Statement]) -> Result<Option<Finding>, EngineError> {
    let query = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    if session.value("cannot ask what the role may do", query).await?.as_deref() == Some("t") {
        return Ok(None);
    }
    let refused: BTreeSet<String> = statements
        .iter()
        .filter(|statement| statement.kind == Kind::EventTrigger || classify::takes_superuser(&statement.sql))
        .map(|statement| classify::brief(&statement.sql).chars().take(80).collect())
        .collect();
    let advice = "restore as one, or expect these and what is made of them to be left out";
    Ok(some("rights of the role", &refused, "take a superuser", advice))
}

fn some(what: &str, names: &BTreeSet<String>, lack: &str, advice: &str) -> Option<Finding> {
    let told = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| Finding::new(what, Level::Warning, format!("{told}{more} {lack}: {advice}")))
}
