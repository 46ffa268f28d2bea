//! What is asked of a database: statements that every engine understands.

use rowkeep_format::TableName;

use super::check::Allowed;

/// Rows that are shown of what is wrong.
pub(super) const SHOWN: usize = 5;

/// A question: how much is wrong, and, where something is, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// Returns one number.
    pub(super) count: String,
    /// Returns the first of what is wrong; nothing to show when not given.
    pub(super) sample: Option<String>,
}

/// A name as an identifier, quoted whatever it is.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a table with its schema.
pub(crate) fn table(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(&name.name)),
        None => ident(&name.name),
    }
}

/// A text as a literal.
///
/// PostgreSQL reads a backslash as itself as long as `standard_conforming_strings` is on, as it is by default, and SQLite
/// always does.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Asks for the number of rows.
pub(crate) fn rows(of: &TableName) -> String {
    format!("SELECT count(*) FROM {}", table(of))
}

/// Asks for nothing but the names of the columns.
pub(super) fn columns(of: &TableName) -> String {
    format!("SELECT * FROM {} WHERE 1 = 0", table(of))
}

/// Asks for the newest of a column.
pub(super) fn newest(of: &TableName, column: &str) -> String {
    format!("SELECT max({}) FROM {}", ident(column), table(of))
}

/// Asks for rows that refer to none.
pub(super) fn orphans(
    child: &TableName,
    columns: &[String],
    parent: &TableName,
    referenced: &[String],
) -> Question {
    let joined = |parts: Vec<String>, by: &str| parts.join(by);
    let all_there =
        joined(columns.iter().map(|name| format!("c.{} IS NOT NULL", ident(name))).collect(), " AND ");
    let pairs = columns.iter().zip(referenced);
    let equal = joined(
        pairs.map(|(name, other)| format!("p.{} = c.{}", ident(other), ident(name))).collect(),
        " AND ",
    );
    let from = format!(
        "FROM {} c WHERE {all_there} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {equal})",
        table(child),
        table(parent)
    );
    let values = joined(columns.iter().map(|name| format!("c.{}", ident(name))).collect(), ", ");
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: Some(format!(
            "SELECT {values}, count(*) {from} GROUP BY {values} ORDER BY {values} LIMIT {SHOWN}"
        )),
    }
}

/// Asks for values that are not allowed.
pub(super) fn values(of: &TableName, column: &str, allowed: &[Allowed], is_postgres: bool) -> Question {
    let column = ident(column);
    // Texts are compared with what the database prints, so that an enum or an uuid is not read from a wrong text.
    let text = format!("CAST({column} AS text)");
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    for value in allowed {
        match value {
            Allowed::Text(value) => texts.push(literal(value)),
            Allowed::Boolean(value) if is_postgres => texts.push(literal(&value.to_string())),
            Allowed::Boolean(value) => others.push(i64::from(*value).to_string()),
            Allowed::Integer(value) => others.push(value.to_string()),
            Allowed::Number(value) => others.push(format!("{value:e}")),
        }
    }
    let mut any = Vec::new();
    if !texts.is_empty() {
        any.push(format!("{text} IN ({})", texts.join(", ")));
    }
    if !others.is_empty() {
        any.push(format!("{column} IN ({})", others.join(", ")));
    }
    let from = format!("FROM {} WHERE {column} IS NOT NULL AND NOT ({})", table(of), any.join(" OR "));
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: Some(format!(
            "SELECT {text}, count(*) {from} GROUP BY {text} ORDER BY count(*) DESC, {text} LIMIT {SHOWN}"
        )),
    }
}

/// Asks for rows without a value; they are shown by the columns of their key, where they have one.
pub(super) fn nulls(of: &TableName, columns: &[String], key: &[String]) -> Question {
    let null: Vec<_> = columns.iter().map(|name| format!("{} IS NULL", ident(name))).collect();
    let from = format!("FROM {} WHERE {}", table(of), null.join(" OR "));
    let key = key.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ");
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: (!key.is_empty()).then(|| format!("SELECT {key} {from} ORDER BY {key} LIMIT {SHOWN}")),
    }
}

/// Asks for values that several rows have.
pub(super) fn duplicates(of: &TableName, columns: &[String]) -> Question {
    let there: Vec<_> = columns.iter().map(|name| format!("{} IS NOT NULL", ident(name))).collect();
    let names = columns.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ");
    let groups =
        format!("FROM {} WHERE {} GROUP BY {names} HAVING count(*) > 1", table(of), there.join(" AND "));
    Question {
        count: format!("SELECT count(*) FROM (SELECT 1 AS one {groups}) AS d"),
        sample: Some(format!(
            "SELECT {names}, count(*) {groups} ORDER BY count(*) DESC, {names} LIMIT {SHOWN}"
        )),
    }
}
