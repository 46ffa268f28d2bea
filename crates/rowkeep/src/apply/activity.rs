//! The application's own log: a row that says that rows were restored, in the transaction that restores them.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use rowkeep_engine::sql::{SqlValue, insert, probe};
use rowkeep_engine::{Engine, ErrorKind, Finding, Level};
use serde::Deserialize;

use crate::Error;
use crate::apply::plan::Plan;

/// What placeholders may stand in values, and what for.
pub const PLACEHOLDERS: [&str; 11] = [
    "operation",
    "database",
    "snapshot",
    "rows",
    "inserted",
    "updated",
    "deleted",
    "tables",
    "user",
    "host",
    "now",
];

/// A row for the application's own log.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The table.
    pub table: String,
    values: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(Vec<Part>),
    Integer(i64),
    Boolean(bool),
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// One of [`PLACEHOLDERS`].
    Placeholder(&'static str),
}

/// A row for the application's own log, as it stands in `rowkeep.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileActivity {
    table: String,
    values: toml::Table,
}

impl FileActivity {
    /// Takes the values apart; the error says which is wrong, and how.
    pub fn read(self) -> Result<Activity, String> {
        if self.values.is_empty() {
            return Err("activity: values is empty".to_owned());
        }
        let mut values = BTreeMap::new();
        for (column, value) in self.values {
            let of_column = |problem: String| format!("activity: the value for {column} {problem}");
            let value = match value {
                toml::Value::String(text) => Value::Text(parts(&text).map_err(of_column)?),
                toml::Value::Integer(integer) => Value::Integer(integer),
                toml::Value::Boolean(truth) => Value::Boolean(truth),
                toml::Value::Float(float) => Value::Text(vec![Part::Text(float.to_string())]),
                toml::Value::Datetime(time) => Value::Text(vec![Part::Text(time.to_string())]),
                toml::Value::Array(_) | toml::Value::Table(_) => {
                    return Err(of_column("is a list or a table; write it as text".to_owned()));
                }
            };
            values.insert(column, value);
        }
        Ok(Activity { table: self.table, values })
    }
}

/// Divides a text at its placeholders; `{{` and `}}` stand for single braces.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    if text.contains('\0') {
        return Err("holds a zero byte".to_owned());
    }
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if from.starts_with("{{") || from.starts_with("}}") {
            plain.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let name = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = name else {
            return Err("has a brace without its other half; write {{ or }} for a single one".to_owned());
        };
        let Some(known) = PLACEHOLDERS.into_iter().find(|known| *known == name) else {
            let all = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
            return Err(format!("has {{{name}}}; there are {all}, and {{{{ for a single brace"));
        };
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Placeholder(known));
        rest = after;
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    Ok(parts)
}

/// What a plan does not say itself.
#[derive(Debug, Clone)]
pub struct About {
    /// The name of the database in the repository.
    pub database: String,
    /// The snapshot that rows come from, as people know it.
    pub snapshot: String,
    /// Who does it.
    pub user: String,
    /// On which machine.
    pub host: String,
}

impl Activity {
    /// Fails where the table or a column of it is not there.
    ///
    /// A role that may insert there but not read is let through: whether it may, shows when the row is written.
    pub async fn check(&self, engine: &dyn Engine) -> Result<(), Error> {
        let columns: Vec<&str> = self.values.keys().map(String::as_str).collect();
        match engine.query(&probe(engine.name(), &self.table, &columns)?, 1).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ErrorKind::PermissionDenied => Ok(()),
                ErrorKind::Statement => {
                    let mut problem = error.to_string();
                    if let Some(cause) = std::error::Error::source(&error) {
                        problem = cause.to_string();
                    }
                    Err(Error::Activity { table: self.table.clone(), problem })
                }
                _ => Err(error.into()),
            },
        }
    }

    /// What a look at the table found, for a report on the whole database.
    pub async fn examine(&self, engine: &dyn Engine) -> Result<Finding, Error> {
        let what = "table for activity rows".to_owned();
        match self.check(engine).await {
            Ok(()) => Ok(Finding { what, level: Level::Ok, detail: self.table.clone() }),
            Err(error @ Error::Activity { .. }) => {
                Ok(Finding { what, level: Level::Warning, detail: error.to_string() })
            }
            Err(error) => Err(error),
        }
    }

    /// The statement that writes the row, for a plan that is to be executed now; numbers are those of the plan.
    pub fn statement(
        &self,
        engine: &dyn Engine,
        plan: &Plan,
        about: &About,
        now: Timestamp,
    ) -> Result<String, Error> {
        let counts = plan.counts();
        let tables: Vec<String> = plan.tables().iter().map(|planned| planned.table.to_string()).collect();
        let stands_for = |placeholder: &str| match placeholder {
            "operation" => plan.operation.to_owned(),
            "database" => about.database.clone(),
            "snapshot" => about.snapshot.clone(),
            "rows" => counts.total().to_string(),
            "inserted" => counts.inserted.to_string(),
            "updated" => counts.updated.to_string(),
            "deleted" => counts.deleted.to_string(),
            "tables" => tables.join(", "),
            "user" => about.user.clone(),
            "host" => about.host.clone(),
            _ => now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        };
        let values: Vec<(&str, SqlValue)> =
            self.values.iter().map(|(column, value)| (column.as_str(), written(value, stands_for))).collect();
        Ok(insert(engine.name(), &self.table, &values)?)
    }
}

fn written(value: &Value, stands_for: impl Fn(&str) -> String) -> SqlValue {
    match value {
        Value::Integer(integer) => SqlValue::Integer(*integer),
        Value::Boolean(truth) => SqlValue::Boolean(*truth),
        Value::Text(parts) => {
            let mut text = String::new();
            for part in parts {
                // Writing into a text cannot fail.
                let _ = match part {
                    Part::Text(plain) => text.write_str(plain),
                    Part::Placeholder(name) => text.write_str(&stands_for(name).replace('\0', " ")),
                };
            }
            SqlValue::Text(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Activity, String> {
        toml::from_str::<FileActivity>(text).map_err(|error| error.to_string())?.read()
    }

    #[test]
    fn placeholders_are_put_in_and_single_braces_stay() {
        let activity =
            read("table = 'log'\nvalues = { a = '{{\"n\":{rows}}} by {user}', b = 3, c = true, d = 1.5 }");
        let activity = activity.expect("it is well formed");
        let value = |column: &str| {
            written(
                &activity.values[column],
                |name| if name == "rows" { "7".into() } else { "O'Neil\0".into() },
            )
        };
        assert_eq!(value("a"), SqlValue::Text("{\"n\":7} by O'Neil ".to_owned()));
        assert_eq!(value("b"), SqlValue::Integer(3));
        assert_eq!(value("c"), SqlValue::Boolean(true));
        assert_eq!(value("d"), SqlValue::Text("1.5".to_owned()));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("table = 'log'\nvalues = {}", "values is empty"),
            ("table = 'log'\nvalues = { a = '{row}' }", "{row}; there are {operation}"),
            ("table = 'log'\nvalues = { a = '{rows' }", "without its other half"),
            ("table = 'log'\nvalues = { a = 'rows}' }", "without its other half"),
            ("table = 'log'\nvalues = { a = [1] }", "is a list"),
            ("table = 'log'\nvalues = { a = \"\\u0000\" }", "zero byte"),
            ("values = { a = 1 }", "table"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
