//! Facts of a database beside its tables: how it was made, what it runs on.

use std::collections::HashSet;

use rowkeep_format::TableName;
use serde::Deserialize;

use crate::EngineError;
use crate::postgres::connect::row::{Row, text};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// How a database was made, as `pg_database` has it; which fields there are depends on the version.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Database {
    #[serde(rename = "datname")]
    name: String,
    #[serde(default)]
    encoding_name: String,
    #[serde(rename = "datcollate")]
    collate: String,
    #[serde(rename = "datctype")]
    ctype: String,
    #[serde(default, rename = "datlocprovider")]
    provider: Option<String>,
    #[serde(default, rename = "daticulocale")]
    icu_locale: Option<String>,
    #[serde(default, rename = "datlocale")]
    locale: Option<String>,
    #[serde(default, rename = "daticurules")]
    icu_rules: Option<String>,
}

impl Database {
    /// Reads what the server says of the database of a session.
    pub(crate) async fn read(session: &Session) -> Result<Self, EngineError> {
        let json = session
            .value(
                "cannot read the properties of the database",
                "SELECT to_jsonb(d) || jsonb_build_object('encoding_name', pg_encoding_to_char(d.encoding)) \
                 FROM pg_database d WHERE d.datname = current_database()",
            )
            .await?;
        serde_json::from_str(json.as_deref().unwrap_or_default()).map_err(|error| {
            EngineError::new(crate::ErrorKind::Other, "cannot read the properties of the database")
                .with_source(error)
        })
    }

    /// The options of `CREATE DATABASE` that make one like it.
    pub(crate) fn options(&self) -> String {
        let mut options = format!("ENCODING = {}", quote::literal(&self.encoding_name));
        let mut add = |name: &str, value: &str| {
            options.push_str(&format!(" {name} = {}", quote::literal(value)));
        };
        let locale = self.locale.as_deref().or(self.icu_locale.as_deref());
        match (self.provider.as_deref(), locale) {
            (Some("i"), Some(locale)) => {
                add("LOCALE_PROVIDER", "icu");
                add("ICU_LOCALE", locale);
                if let Some(rules) = &self.icu_rules {
                    add("ICU_RULES", rules);
                }
            }
            (Some("b"), Some(locale)) => {
                add("LOCALE_PROVIDER", "builtin");
                add("BUILTIN_LOCALE", locale);
            }
            _ => {}
        }
        add("LC_COLLATE", &self.collate);
        add("LC_CTYPE", &self.ctype);
        options
    }
}

/// Facts worth keeping with a snapshot.
pub(crate) async fn environment(
    session: &Session,
    database: &Database,
) -> Result<Vec<(String, String)>, EngineError> {
    let mut facts = vec![
        ("server_version".to_owned(), session.version.clone()),
        ("database".to_owned(), database.name.clone()),
        ("encoding".to_owned(), database.encoding_name.clone()),
        ("collation".to_owned(), database.collate.clone()),
        ("character_type".to_owned(), database.ctype.clone()),
        ("create_options".to_owned(), database.options()),
    ];
    // Without what may not be read: the size wants a privilege that an ordinary role has by default.
    let queries = [
        (
            "database_size",
            "SELECT CASE WHEN has_database_privilege(current_database(), 'CONNECT') \
                           THEN pg_database_size(current_database()) END",
        ),
        (
            "database_owner",
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
        ),
        ("database_privileges", "SELECT datacl FROM pg_database WHERE datname = current_database()"),
        (
            "database_comment",
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database \
                              WHERE datname = current_database()",
        ),
        (
            "database_settings",
            "SELECT string_agg('SET ' || c, '; ' ORDER BY c) \
             FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c \
             WHERE d.datname = current_database() AND s.setrole = 0",
        ),
        (
            "extensions",
            "SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension",
        ),
        ("standby", "SELECT 'yes' WHERE pg_is_in_recovery()"),
        ("wal_level", "SHOW wal_level"),
    ];
    for (name, query) in queries {
        match session.value("cannot read the properties of the database", query).await? {
            Some(value) if !value.is_empty() => facts.push((name.to_owned(), value)),
            _ => {}
        }
    }
    Ok(facts)
}

/// The statements that bring the extensions that are not the server's own to the versions that they have.
pub(crate) async fn extension_versions(session: &Session) -> Result<String, EngineError> {
    let query = "SELECT extname, extversion FROM pg_catalog.pg_extension WHERE oid >= 16384 ORDER BY extname";
    let rows = session.rows("cannot list the extensions", query).await?;
    let statement = |row: &Row| {
        format!(
            "ALTER EXTENSION {} UPDATE TO {};\n",
            quote::ident(text(row, 0)),
            quote::literal(text(row, 1))
        )
    };
    Ok(rows.iter().map(statement).collect())
}

/// The statements that fill the materialised views that hold something, each after those that it reads.
///
/// Not of those that are passed over.
pub(crate) async fn refreshes(session: &Session, passed_over: &[TableName]) -> Result<String, EngineError> {
    let rows = session
        .rows(
            "cannot list the materialised views",
            "WITH RECURSIVE reads (reader, source) AS ( \
               SELECT DISTINCT r.ev_class, d.refobjid FROM pg_rewrite r JOIN pg_depend d \
               ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass \
               AND d.refobjid <> r.ev_class), \
             reach (reader, source) AS ( \
               SELECT reader, source FROM reads UNION \
               SELECT reach.reader, reads.source FROM reach JOIN reads ON reads.reader = reach.source) \
             SELECT n.nspname, c.relname, \
                    (SELECT count(*) FROM reach JOIN pg_class s ON s.oid = reach.source \
                     WHERE reach.reader = c.oid AND s.relkind = 'm') AS depth \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'm' AND c.relispopulated \
             AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                             AND d.objsubid = 0 AND d.deptype = 'e') \
             ORDER BY depth, n.nspname, c.relname",
        )
        .await?;
    let statement = |row: &Row| {
        format!("REFRESH MATERIALIZED VIEW {}.{};\n", quote::ident(text(row, 0)), quote::ident(text(row, 1)))
    };
    let is_there = |row: &&Row| !passed_over.contains(&TableName::qualified(text(row, 0), text(row, 1)));
    Ok(rows.iter().filter(is_there).map(statement).collect())
}

/// The roles that the server knows.
pub(crate) async fn roles(session: &Session) -> Result<HashSet<String>, EngineError> {
    let rows = session.rows("cannot list the roles", "SELECT rolname FROM pg_catalog.pg_roles").await?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// Where a server can put tables, and how it can store them: names as they stand in SQL.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    pub(crate) tablespaces: HashSet<String>,
    pub(crate) access_methods: HashSet<String>,
}

/// What a server has of that.
pub(crate) async fn storage(session: &Session) -> Result<Storage, EngineError> {
    const NAMES: &str = "SELECT 'tablespace', quote_ident(spcname) FROM pg_tablespace \
        UNION ALL SELECT 'method', quote_ident(amname) FROM pg_am WHERE amtype = 't'";
    let mut storage = Storage::default();
    for row in session.rows("cannot list the tablespaces", NAMES).await? {
        let name = text(&row, 1).to_owned();
        match text(&row, 0) {
            "tablespace" => storage.tablespaces.insert(name),
            _ => storage.access_methods.insert(name),
        };
    }
    Ok(storage)
}
