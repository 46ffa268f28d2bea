//! What is in a database that somebody made, and whether that is anything at all.

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
    /// Its name, for people.
    pub(crate) identity: String,
    /// What comes after its kind in a statement that drops it.
    pub(crate) dropped_by: String,
}

impl Object {
    /// One whose name is all that there is to say.
    fn plain(kind: &str, identity: String) -> Self {
        Self { kind: kind.to_owned(), dropped_by: identity.clone(), identity }
    }
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
        "typtype <> 'm' \
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

/// The condition for tables in schemas that the server has by itself, into which a superuser can put them.
const IN_SCHEMAS_OF_SERVER: &str =
    "n.nspname IN ('pg_catalog', 'information_schema') AND relkind IN ('r', 'p', 'm', 'f')";

/// Lists what is in a database besides what extensions brought, as it can be dropped one by one.
///
/// What a schema holds goes with the schema, but for `public`, those of extensions, and others that are to stay; large
/// objects are one entry.
pub(crate) async fn list(session: &Session, staying: &[String]) -> Result<Vec<Object>, EngineError> {
    let staying: Vec<String> =
        staying.iter().map(String::as_str).chain(["public"]).map(quote::literal).collect();
    let staying = staying.join(", ");
    let schemas = format!("nspname NOT IN ({staying}, {})", quote::literal(SCHEMA));
    identify(session, &parts(&schemas, &staying)).await
}

/// Lists everything in a database that somebody could miss: what was made, by name and of every kind, and the rows that
/// were put into tables of extensions. Where there is nothing of all that, the database is empty.
pub(crate) async fn belongings(session: &Session) -> Result<Vec<Object>, EngineError> {
    let mut parts = parts("nspname <> 'public'", "'public'");
    parts.push(format!(
        "SELECT {}, 'pg_class'::regclass::oid, o.oid FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace \
         WHERE {IN_SCHEMAS_OF_SERVER} AND {}",
        parts.len(),
        made_by_somebody("pg_class")
    ));
    let mut objects = identify(session, &parts).await?;
    objects.extend(filled(session).await?.into_iter().map(|table| Object::plain("rows of table", table)));
    Ok(objects)
}

/// The tables of extensions of which a backup keeps rows, as far as the role may read them, with the condition for these.
const CONFIGURED: &str = "SELECT c.oid::regclass, x.condition \
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) x (oid, condition) \
    JOIN pg_class c ON c.oid = x.oid \
    WHERE c.relkind = 'r' AND has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') \
    ORDER BY 1";

/// The names of those among them that hold any.
async fn filled(session: &Session) -> Result<Vec<String>, EngineError> {
    let what = "cannot look at the tables of extensions";
    let parts = session.rows(what, CONFIGURED).await?;
    let parts: Vec<String> = parts
        .iter()
        .map(|row| {
            let (table, condition) = (text(row, 0), text(row, 1));
            format!("(SELECT {} FROM ONLY {table} {condition} LIMIT 1)", quote::literal(table))
        })
        .collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.rows(what, &parts.join(" UNION ALL ")).await?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// The statements that drop a subscription, by its name as SQL, without the server connecting to the one that it follows to
/// drop what is there.
pub(crate) fn subscription_drops(name: &str) -> [String; 3] {
    [
        format!("ALTER SUBSCRIPTION {name} DISABLE"),
        format!("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)"),
        format!("DROP SUBSCRIPTION IF EXISTS {name}"),
    ]
}

/// The condition for what neither an extension brought nor the server made by itself, such as the functions of a range
/// type. That a column of a partitioned table belongs to it says nothing of the table.
fn made_by_somebody(catalogue: &str) -> String {
    format!(
        "o.oid >= {FIRST_USER_OID} AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d \
         WHERE d.classid = 'pg_catalog.{catalogue}'::regclass AND d.objid = o.oid AND d.objsubid = 0 \
         AND d.deptype IN ('e', 'i'))"
    )
}

/// The queries for what is outside schemas, for the schemas of a condition, and for what is in the schemas of a list and
/// in those of extensions.
fn parts(schemas: &str, opened: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (catalogue, condition) in OUTSIDE {
        let outside = made_by_somebody(catalogue);
        parts.push(format!(
            "SELECT {}, '{catalogue}'::regclass::oid, o.oid FROM {catalogue} o WHERE {condition} AND {outside}",
            parts.len()
        ));
    }
    parts.push(format!(
        "SELECT {}, 'pg_namespace'::regclass::oid, o.oid FROM pg_namespace o \
         WHERE {schemas} AND o.nspname <> 'information_schema' AND left(o.nspname, 3) <> 'pg_' AND {}",
        parts.len(),
        made_by_somebody("pg_namespace")
    ));
    for (catalogue, schema, condition) in IN_SCHEMAS {
        let outside = made_by_somebody(catalogue);
        parts.push(format!(
            "SELECT {}, '{catalogue}'::regclass::oid, o.oid FROM {catalogue} o \
             JOIN pg_namespace n ON n.oid = o.{schema} \
             WHERE (n.nspname IN ({opened}) OR EXISTS (SELECT FROM pg_depend e \
                      WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e')) \
             AND {condition} AND {outside}",
            parts.len()
        ));
    }
    parts
}

/// How an object `o` is called in a statement that drops it. What the server prints for people is not always that: aggregates
/// without arguments lack their star, and up to version 15 transforms have an `on`.
const DROPPED_BY: &str = "CASE o.class \
    WHEN 'pg_proc'::regclass THEN (SELECT format('%I.%I(%s)', n.nspname, p.proname, \
      CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END) \
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = o.oid) \
    WHEN 'pg_transform'::regclass THEN (SELECT format('FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname) \
      FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid = o.oid) \
    ELSE i.identity END";

/// The objects of some queries by kind and name, in their order; large objects are one entry.
async fn identify(session: &Session, parts: &[String]) -> Result<Vec<Object>, EngineError> {
    let query = format!(
        "SELECT i.type, i.identity, {DROPPED_BY} FROM ({}) o (rank, class, oid), \
         LATERAL pg_identify_object(o.class, o.oid, 0) i ORDER BY o.rank, i.identity",
        parts.join(" UNION ALL ")
    );
    let rows = session.rows("cannot list what is in the database", &query).await?;
    let mut objects: Vec<Object> = rows
        .iter()
        .map(|row| Object {
            kind: text(row, 0).replace('-', " "),
            identity: text(row, 1).to_owned(),
            dropped_by: text(row, 2).to_owned(),
        })
        .collect();
    if let Some(oid) = session
        .value(
            "cannot list the large objects",
            "SELECT oid FROM pg_largeobject_metadata ORDER BY oid LIMIT 1",
        )
        .await?
    {
        objects.push(Object::plain("large object", oid));
    }
    Ok(objects)
}
