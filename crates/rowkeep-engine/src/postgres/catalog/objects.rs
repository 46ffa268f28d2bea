//! What is in a database that somebody made.

use super::unfinished_restore::SCHEMA;
use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// The first number that the server gives to what users make.
pub(crate) const FIRST_USER_OID: u32 = 16384;

/// Something that is not part of something else.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// What it is, in the words of SQL: `table`, `foreign data wrapper`.
    pub(crate) kind: String,
    /// Its name as SQL.
    pub(crate) identity: String,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.identity)
    }
}

/// Catalogues of things in schemas, with the column of the schema, and which of them stand for themselves.
const IN_SCHEMAS: [(&str, &str, &str); 12] = [
    ("pg_class", "relnamespace", "relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT relispartition"),
    (
        "pg_type",
        "typnamespace",
        "typtype IN ('b', 'c', 'd', 'e', 'r') AND NOT (typelem <> 0 AND typlen = -1) \
        AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))",
    ),
    ("pg_proc", "pronamespace", "true"),
    ("pg_operator", "oprnamespace", "true"),
    ("pg_opclass", "opcnamespace", "true"),
    ("pg_opfamily", "opfnamespace", "true"),
    ("pg_collation", "collnamespace", "true"),
    ("pg_conversion", "connamespace", "true"),
    ("pg_ts_config", "cfgnamespace", "true"),
    ("pg_ts_dict", "dictnamespace", "true"),
    ("pg_ts_parser", "prsnamespace", "true"),
    ("pg_ts_template", "tmplnamespace", "true"),
];

/// Catalogues of things outside schemas, in the order in which they are best dropped.
const OUTSIDE: [(&str, &str); 9] = [
    ("pg_event_trigger", "true"),
    ("pg_subscription", "subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"),
    ("pg_publication", "true"),
    ("pg_foreign_data_wrapper", "true"),
    ("pg_foreign_server", "true"),
    ("pg_transform", "true"),
    ("pg_cast", "true"),
    ("pg_language", "true"),
    ("pg_am", "true"),
];

/// Lists what is in a database besides what extensions brought.
///
/// What a schema holds goes with the schema, but for `public` and others that are to stay; large objects are one entry.
pub(crate) async fn list(session: &Session, staying: &[String]) -> Result<Vec<Object>, EngineError> {
    let staying: Vec<String> =
        staying.iter().map(String::as_str).chain(["public"]).map(quote::literal).collect();
    let staying = staying.join(", ");
    // Nor what the server made by itself, such as the functions of a range type.
    let made_by_itself = |catalogue: &str| {
        format!(
            "o.oid >= {FIRST_USER_OID} AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d \
             WHERE d.classid = 'pg_catalog.{catalogue}'::regclass AND d.objid = o.oid AND d.deptype IN ('e', 'i'))"
        )
    };
    let mut parts = Vec::new();
    for (catalogue, condition) in OUTSIDE {
        let outside = made_by_itself(catalogue);
        parts.push(format!(
            "SELECT {}, '{catalogue}'::regclass::oid, o.oid FROM {catalogue} o WHERE {condition} AND {outside}",
            parts.len()
        ));
    }
    parts.push(format!(
        "SELECT {}, 'pg_namespace'::regclass::oid, o.oid FROM pg_namespace o \
         WHERE o.nspname NOT IN ({staying}, 'information_schema', {}) AND left(o.nspname, 3) <> 'pg_' AND {}",
        parts.len(),
        quote::literal(SCHEMA),
        made_by_itself("pg_namespace")
    ));
    for (catalogue, schema, condition) in IN_SCHEMAS {
        let outside = made_by_itself(catalogue);
        parts.push(format!(
            "SELECT {}, '{catalogue}'::regclass::oid, o.oid FROM {catalogue} o \
             JOIN pg_namespace n ON n.oid = o.{schema} WHERE n.nspname IN ({staying}) AND {condition} AND {outside}",
            parts.len()
        ));
    }
    let query = format!(
        "SELECT i.type, i.identity FROM ({}) o (rank, class, oid), \
         LATERAL pg_identify_object(o.class, o.oid, 0) i ORDER BY o.rank, i.identity",
        parts.join(" UNION ALL ")
    );
    let rows = session.rows("cannot list what is in the database", &query).await?;
    let mut objects: Vec<Object> = rows
        .iter()
        .map(|row| Object { kind: text(row, 0).replace('-', " "), identity: text(row, 1).to_owned() })
        .collect();
    if let Some(oid) = session
        .value(
            "cannot list the large objects",
            "SELECT oid FROM pg_largeobject_metadata ORDER BY oid LIMIT 1",
        )
        .await?
    {
        objects.push(Object { kind: "large object".to_owned(), identity: oid });
    }
    Ok(objects)
}
