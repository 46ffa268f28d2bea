//! Large objects put back.

use futures::StreamExt;
use futures::future::try_join_all;
use rowkeep_format::{RowBatch, Value};
use serde::Deserialize;

use super::marker;
use super::statement_runner::Runner;
use super::transaction_scope::TransactionScope;
use crate::postgres::catalog::large_objects::{OBJECTS, PAGE_BYTES};
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::postgres::schema::classify::Kind;
use crate::postgres::schema::script::Statement;
use crate::{EngineError, ErrorKind, RowStream};

/// How many large objects are looked at together.
const AT_ONCE: usize = 1000;

/// Writes the contents of large objects, making each when its first page comes.
pub(crate) async fn load(
    session: &Session,
    scope: TransactionScope,
    mut rows: RowStream,
) -> Result<(), EngineError> {
    let failed = |error| failed("cannot load the large objects", error);
    // In one statement, so that a page is one trip to the server; an object that is there already stays.
    let create = session
        .client
        .prepare(
            "SELECT pg_catalog.lo_create($1) WHERE NOT EXISTS \
             (SELECT FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = $1)",
        )
        .await
        .map_err(failed)?;
    let put = session.client.prepare("SELECT pg_catalog.lo_put($1, $2, $3)").await.map_err(failed)?;
    let mut last = None;
    while let Some(batch) = rows.next().await {
        let pages = pages(&batch?)?;
        session.try_run(scope.begin()).await.map_err(failed)?;
        for page in &pages {
            if last != Some(page.oid) {
                session.client.execute(&create, &[&page.oid]).await.map_err(failed)?;
                last = Some(page.oid);
            }
        }
        try_join_all(pages.iter().map(async |page| {
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&page.oid, &page.offset, &page.bytes];
            session.client.execute(&put, &parameters).await
        }))
        .await
        .map_err(failed)?;
        session.try_run(scope.keep()).await.map_err(failed)?;
    }
    Ok(())
}

struct Page {
    oid: u32,
    offset: i64,
    bytes: Vec<u8>,
}

fn pages(batch: &RowBatch) -> Result<Vec<Page>, EngineError> {
    let malformed = || EngineError::new(ErrorKind::Unstorable, "a row is not a page of a large object");
    let integer = |value: Value<'_>| match value {
        Value::Integer(integer) => Some(integer),
        Value::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    };
    let page = |row| {
        let oid = u32::try_from(integer(batch.value(row, 0))?).ok()?;
        let offset = integer(batch.value(row, 1))?.checked_mul(PAGE_BYTES as i64)?;
        let Value::Blob(bytes) = batch.value(row, 2) else { return None };
        Some(Page { oid, offset, bytes: bytes.to_vec() })
    };
    if batch.columns().len() != 3 {
        return Err(malformed());
    }
    (0..batch.rows()).map(|row| page(row).ok_or_else(malformed)).collect()
}

/// Makes the large objects that have no contents, and gives all their owners, privileges and comments.
pub(crate) async fn finish(session: &Session, runner: &Runner<'_>) -> Result<(), EngineError> {
    let (mut from, aside) = ("-1".to_owned(), marker::aside(runner.scope));
    loop {
        let query = format!(
            "SELECT o.oid, o.owner, o.privileges, o.comment, o.owner = current_user, \
                    CASE WHEN EXISTS (SELECT FROM pg_largeobject_metadata m WHERE m.oid = o.oid) THEN o.oid \
                         ELSE lo_create(o.oid) END \
             FROM (SELECT * FROM {aside}.{OBJECTS} WHERE oid::bigint > {from} ORDER BY oid LIMIT {AT_ONCE}) o"
        );
        let rows = session.rows("cannot create the large objects", &query).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        from = text(last, 0).to_owned();
        let mut statements = Vec::new();
        for row in &rows {
            let owner = (text(row, 4) != "t").then(|| text(row, 1));
            statements.extend(properties(text(row, 0), owner, row[2].as_deref(), row[3].as_deref())?);
        }
        runner.run(&statements.iter().collect::<Vec<_>>()).await?;
    }
}

/// One privilege, as [`crate::postgres::catalog::large_objects`] writes it.
#[derive(Deserialize)]
struct Privilege {
    grantee: String,
    privilege: String,
    grantable: bool,
}

/// The statements that give a large object an owner (none for the one who made it), privileges and a comment.
pub(crate) fn properties(
    oid: &str,
    owner: Option<&str>,
    privileges: Option<&str>,
    comment: Option<&str>,
) -> Result<Vec<Statement>, EngineError> {
    let mut statements = Vec::new();
    let mut add = |sql: String, kind| statements.push(Statement { sql, kind, settings: Vec::new() });
    if let Some(comment) = comment {
        add(format!("COMMENT ON LARGE OBJECT {oid} IS {};", quote::literal(comment)), Kind::Optional);
    }
    if let Some(owner) = owner {
        let sql = format!("ALTER LARGE OBJECT {oid} OWNER TO {};", quote::ident(owner));
        add(sql, Kind::Owner(owner.to_owned()));
    }
    if let Some(privileges) = privileges {
        let roles = owner.map(str::to_owned).into_iter().collect();
        let owner = owner.map_or("CURRENT_USER".to_owned(), quote::ident);
        add(format!("REVOKE ALL ON LARGE OBJECT {oid} FROM {owner};"), Kind::Privileges(roles));
        let privileges: Vec<Privilege> = serde_json::from_str(privileges).map_err(|error| {
            let message = format!("the privileges of large object {oid} are not in a form that can be read");
            EngineError::new(ErrorKind::Unstorable, message).with_source(error)
        })?;
        for privilege in privileges {
            let to_public = privilege.grantee.is_empty();
            let grantee = if to_public { "PUBLIC".to_owned() } else { quote::ident(&privilege.grantee) };
            let option = if privilege.grantable { " WITH GRANT OPTION" } else { "" };
            let what = &privilege.privilege;
            add(
                format!("GRANT {what} ON LARGE OBJECT {oid} TO {grantee}{option};"),
                Kind::Privileges(if to_public { Vec::new() } else { vec![privilege.grantee] }),
            );
        }
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_given_or_refused() {
        let given = r#"[{"grantee":"r","privilege":"SELECT","grantable":true}]"#;
        let statements = properties("7", Some("o"), Some(given), None).expect("they are read");
        let last = statements.last().expect("there are some");
        assert_eq!(last.sql, "GRANT SELECT ON LARGE OBJECT 7 TO \"r\" WITH GRANT OPTION;");
        for other in ["", "{}", r#"[{"grantee":"r"}]"#] {
            let error =
                properties("7", Some("o"), Some(other), None).expect_err("it is no list of privileges");
            assert!(error.to_string().contains("the privileges of large object 7"), "{error}");
        }
    }
}
