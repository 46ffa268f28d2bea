//! What is asked of a database: statements that every engine with SQL understands, with names and literals as its dialect has them.

use rowkeep_engine::dialect::Dialect;
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

/// Asks for the number of rows.
pub(crate) fn rows(dialect: &dyn Dialect, of: &TableName) -> String {
    format!("SELECT count(*) FROM {}", dialect.table(of))
}

/// Asks for nothing but the names of the columns.
pub(super) fn columns(dialect: &dyn Dialect, of: &TableName) -> String {
    format!("SELECT * FROM {} WHERE 1 = 0", dialect.table(of))
}

/// Asks for the newest of a column.
pub(super) fn newest(dialect: &dyn Dialect, of: &TableName, column: &str) -> String {
    format!("SELECT max({}) FROM {}", dialect.identifier(column), dialect.table(of))
}

/// Asks for rows that refer to none.
pub(super) fn orphans(
    dialect: &dyn Dialect,
    child: &TableName,
    columns: &[String],
    parent: &TableName,
    referenced: &[String],
) -> Question {
    let joined = |parts: Vec<String>, by: &str| parts.join(by);
    let all_there = joined(
        columns.iter().map(|name| format!("c.{} IS NOT NULL", dialect.identifier(name))).collect(),
        " AND ",
    );
    let pairs = columns.iter().zip(referenced);
    let equal = joined(
        pairs
            .map(|(name, other)| format!("p.{} = c.{}", dialect.identifier(other), dialect.identifier(name)))
            .collect(),
        " AND ",
    );
    let from = format!(
        "FROM {} c WHERE {all_there} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {equal})",
        dialect.table(child),
        dialect.table(parent)
    );
    let values = joined(columns.iter().map(|name| format!("c.{}", dialect.identifier(name))).collect(), ", ");
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: Some(format!(
            "SELECT {values}, count(*) {from} GROUP BY {values} ORDER BY {values} LIMIT {SHOWN}"
        )),
    }
}

/// Asks for values that are not allowed.
pub(super) fn values(dialect: &dyn Dialect, of: &TableName, column: &str, allowed: &[Allowed]) -> Question {
    let column = dialect.identifier(column);
    // Texts are compared with what the database prints, so that an enum or an uuid is not read from a wrong text.
    let text = format!("CAST({column} AS text)");
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    for value in allowed {
        match value {
            Allowed::Text(value) => texts.push(dialect.text_literal(value)),
            Allowed::Boolean(value) => match dialect.truth_text(*value) {
                Some(text) => texts.push(dialect.text_literal(text)),
                None => others.push(i64::from(*value).to_string()),
            },
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
    let from =
        format!("FROM {} WHERE {column} IS NOT NULL AND NOT ({})", dialect.table(of), any.join(" OR "));
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: Some(format!(
            "SELECT {text}, count(*) {from} GROUP BY {text} ORDER BY count(*) DESC, {text} LIMIT {SHOWN}"
        )),
    }
}

/// Asks for rows without a value; they are shown by the columns of their key, where they have one.
pub(super) fn nulls(dialect: &dyn Dialect, of: &TableName, columns: &[String], key: &[String]) -> Question {
    let null: Vec<_> = columns.iter().map(|name| format!("{} IS NULL", dialect.identifier(name))).collect();
    rows_where(dialect, of, &null.join(" OR "), key)
}

/// Asks for rows that fulfil a condition, shown in the same way.
pub(super) fn rows_where(dialect: &dyn Dialect, of: &TableName, condition: &str, key: &[String]) -> Question {
    let from = format!("FROM {} WHERE {condition}", dialect.table(of));
    let key = key.iter().map(|name| dialect.identifier(name)).collect::<Vec<_>>().join(", ");
    Question {
        count: format!("SELECT count(*) {from}"),
        sample: (!key.is_empty()).then(|| format!("SELECT {key} {from} ORDER BY {key} LIMIT {SHOWN}")),
    }
}

/// Asks for values that several rows have.
pub(super) fn duplicates(dialect: &dyn Dialect, of: &TableName, columns: &[String]) -> Question {
    let there: Vec<_> =
        columns.iter().map(|name| format!("{} IS NOT NULL", dialect.identifier(name))).collect();
    let names = columns.iter().map(|name| dialect.identifier(name)).collect::<Vec<_>>().join(", ");
    let groups = format!(
        "FROM {} WHERE {} GROUP BY {names} HAVING count(*) > 1",
        dialect.table(of),
        there.join(" AND ")
    );
    Question {
        count: format!("SELECT count(*) FROM (SELECT 1 AS one {groups}) AS d"),
        sample: Some(format!(
            "SELECT {names}, count(*) {groups} ORDER BY count(*) DESC, {names} LIMIT {SHOWN}"
        )),
    }
}
