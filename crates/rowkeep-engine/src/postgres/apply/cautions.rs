//! What has to be known before changes are made: values that types do not have any more, and rows that break a check which only holds
//! for rows that are written.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::TryStreamExt;
use rowkeep_format::changeset::Change;
use rowkeep_format::{TableChanges, TableKind, Value};

use super::current_tables;
use super::staging::{self, Stage, kind};
use crate::examination::counted;
use crate::postgres::connect::row::{json, number, text};
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::postgres::quote;
use crate::{ChangeSource, EngineError};

/// How many values are named.
const NAMED: usize = 3;

/// The columns of tables that take the labels of an enumeration, with these.
const LABELS: &str = "
    SELECT v.at, a.attname, concat(nullif(n.nspname, 'public') || '.', t.typname), json_agg(e.enumlabel)
    FROM tables v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type d ON d.oid = a.atttypid
    JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
    JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY 1, 2, 3 ORDER BY 1, 2";

/// The checks of tables that do not hold for all of their rows.
const UNVALIDATED: &str = "
    SELECT v.at, k.conname, pg_get_expr(k.conbin, k.conrelid)
    FROM tables v JOIN pg_constraint k ON k.conrelid = v.oid
    WHERE k.contype = 'c' AND NOT k.convalidated AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' ORDER BY 1, 2";

/// Looks for them; nothing is changed.
pub(crate) async fn cautions(
    session: &Session,
    changes: &dyn ChangeSource,
) -> Result<Vec<String>, EngineError> {
    let brings = |changes: &TableChanges| {
        changes.table.kind == TableKind::Table && changes.counts.inserted + changes.counts.updated > 0
    };
    let places: Vec<usize> =
        (0..changes.tables().len()).filter(|at| brings(&changes.tables()[*at])).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let tables = places.iter().map(|at| {
        let name = changes.tables()[*at].changed();
        let schema = name.schema.as_deref().unwrap_or("public");
        format!("({at}, {}, {})", quote::literal(schema), quote::literal(&name.name))
    });
    let tables = format!(
        "WITH tables (at, oid) AS (SELECT v.at, c.oid FROM (VALUES {}) v (at, schema, name) \
         JOIN pg_namespace n ON n.nspname = v.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name)",
        tables.collect::<Vec<_>>().join(", ")
    );
    let mut labels: BTreeMap<usize, Vec<Labels>> = BTreeMap::new();
    for row in session.rows("cannot list the labels of enumerations", &format!("{tables}{LABELS}")).await? {
        let of = Labels {
            column: text(&row, 1).to_owned(),
            type_name: text(&row, 2).to_owned(),
            known: json(&row, 3, "the labels of an enumeration")?,
        };
        labels.entry(number(&row, 0, "a table of the changes")?).or_default().push(of);
    }
    let mut checks: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    for row in session.rows("cannot list checks", &format!("{tables}{UNVALIDATED}")).await? {
        let check = (text(&row, 1).to_owned(), text(&row, 2).to_owned());
        checks.entry(number(&row, 0, "a table of the changes")?).or_default().push(check);
    }
    let mut cautions = Vec::new();
    for (at, labels) in labels {
        cautions.extend(unknown_labels(changes, at, &labels).await?);
    }
    for (at, checks) in checks {
        let opened = format!("BEGIN READ WRITE; {}", settings::local(&settings::changing(session.major)));
        // It only helps: what cannot be staged now, the restore itself tells.
        if session.end(&opened).await.is_ok() {
            cautions.extend(broken(session, changes, at, &checks).await.unwrap_or_default());
        }
        session.prepare("ROLLBACK").await?;
    }
    Ok(cautions)
}

/// A column of an enumeration.
struct Labels {
    column: String,
    type_name: String,
    known: HashSet<String>,
}

/// Values that are to come into columns of enumerations and are none of their labels.
async fn unknown_labels(
    changes: &dyn ChangeSource,
    at: usize,
    labels: &[Labels],
) -> Result<Vec<String>, EngineError> {
    let table = &changes.tables()[at];
    let place = |labels: &Labels| table.table.columns.iter().position(|column| column.name == labels.column);
    let columns: Vec<(usize, &Labels)> =
        labels.iter().filter_map(|labels| Some((place(labels)?, labels))).collect();
    let mut unknown: Vec<(u64, BTreeSet<String>)> = vec![(0, BTreeSet::new()); columns.len()];
    let mut runs = changes.read(at);
    while let Some(run) = runs.try_next().await? {
        let after = |change| match change {
            Change::Insert { after } | Change::Update { after, .. } => Some(after),
            Change::Delete { .. } => None,
        };
        for row in run.iter().filter_map(after) {
            for ((column, labels), (rows, named)) in columns.iter().zip(&mut unknown) {
                let Value::Text(label) = run.after().value(row, *column) else { continue };
                let label = String::from_utf8_lossy(label);
                if !labels.known.contains(label.as_ref()) {
                    *rows += 1;
                    if named.len() <= NAMED {
                        named.insert(label.into_owned());
                    }
                }
            }
        }
    }
    let told = columns.iter().zip(unknown).filter(|(_, (rows, _))| *rows > 0).map(|((_, labels), (rows, named))| {
        let more = if named.len() > NAMED { ", ..." } else { "" };
        let named = named.iter().take(NAMED).map(|label| format!("'{label}'")).collect::<Vec<_>>().join(", ");
        format!(
            "{} of table {} cannot come back as things are: type {} of column {} has no label {named}{more} now; rename or add it, or have \
             --with-schema bring the type back too",
            counted(rows as usize, "row"),
            table.changed(),
            labels.type_name,
            labels.column,
        )
    });
    Ok(told.collect())
}

/// Rows that are to come and break a check.
async fn broken(
    session: &Session,
    changes: &dyn ChangeSource,
    at: usize,
    checks: &[(String, String)],
) -> Result<Vec<String>, EngineError> {
    let table = &changes.tables()[at];
    let current = current_tables::read(session, &[table]).await?;
    let Some(current) = current.first() else { return Ok(Vec::new()) };
    let stage = Stage { at: 0, changes: table, current };
    stage.fill(session, changes.read(at)).await?;
    let columns = table.table.columns.iter().enumerate();
    let columns =
        columns.map(|(at, column)| format!("{} AS {}", stage.value("s", at), quote::ident(&column.name)));
    let rows = format!(
        "(SELECT {} FROM {} s WHERE s.kind <> {}) AS {}",
        columns.collect::<Vec<_>>().join(", "),
        staging::name(0),
        kind::DELETE,
        quote::ident(&table.changed().name)
    );
    let mut told = Vec::new();
    for (name, check) in checks {
        let count = format!("SELECT count(*) FROM {rows} WHERE ({check}) IS FALSE");
        let found = session.value("cannot check rows", &count).await?;
        let found: usize = found.and_then(|count| count.parse().ok()).unwrap_or(0);
        if found > 0 {
            told.push(format!(
                "{} of table {} cannot come back as things are: constraint {name} refuses them, though it is NOT VALID and so does not hold \
                 for rows that are there already; drop it, restore, and add it again as NOT VALID, or leave these rows out with --where",
                counted(found, "row"),
                table.changed(),
            ));
        }
    }
    Ok(told)
}
