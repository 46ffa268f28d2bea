//! Checks as files have them: flat entries, each with the one field that says what it demands.

use std::path::Path;

use serde::Deserialize;

use super::check::{Allowed, Check, Demand, Expect, Level};
use crate::Error;
use crate::durations::seconds;
use crate::rows::condition::Condition;

/// A check as it stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileCheck {
    name: Option<String>,
    level: Option<Level>,
    table: Option<String>,
    column: Option<String>,
    columns: Option<Names>,
    min_rows: Option<u64>,
    rows_within_percent: Option<f64>,
    no_orphans: Option<bool>,
    references: Option<String>,
    referenced_columns: Option<Names>,
    values: Option<Vec<Allowed>>,
    not_null: Option<Names>,
    no_rows: Option<String>,
    unique: Option<Names>,
    newest: Option<String>,
    max_age: Option<String>,
    sql: Option<String>,
    expect: Option<Expect>,
    max_ms: Option<u64>,
}

/// One name, or a list of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn list(self) -> Vec<String> {
        match self {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    checks: Vec<FileCheck>,
}

/// Reads a file that holds nothing but checks: `[[checks]]` in TOML. `path` is named in errors.
pub fn read_file(text: &str, path: &Path) -> Result<Vec<Check>, Error> {
    let fail = |message: String| Error::Config { path: path.to_owned(), message };
    let file: File = toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
    read_all(file.checks).map_err(fail)
}

/// Reads the checks of a file; an error says which of them cannot be meant, and why.
pub(crate) fn read_all(checks: Vec<FileCheck>) -> Result<Vec<Check>, String> {
    let numbered = checks.into_iter().enumerate();
    numbered
        .map(|(index, check)| {
            let called = match &check.name {
                Some(name) => format!("check {name:?}"),
                None => format!("check {}", index + 1),
            };
            check.read().map_err(|message| format!("{called}: {message}"))
        })
        .collect()
}

/// The fields that each say what a check demands; every check has one of them.
const DEMANDS: [&str; 9] = [
    "min_rows",
    "rows_within_percent",
    "no_orphans",
    "values",
    "not_null",
    "no_rows",
    "unique",
    "newest",
    "sql",
];

impl FileCheck {
    fn read(mut self) -> Result<Check, String> {
        let (name, level) = (self.name.take(), self.level.take().unwrap_or_default());
        let given: Vec<&str> = self.given().into_iter().filter(|field| DEMANDS.contains(field)).collect();
        let demand = match given.as_slice() {
            [] => return Err(format!("says nothing that must hold; give one of {}", DEMANDS.join(", "))),
            [only] => self.demand(only)?,
            many => return Err(format!("has {}; make a check of each", many.join(" and "))),
        };
        // What the demand did not take has no meaning there.
        if let Some(field) = self.given().first() {
            return Err(format!("{field} has no meaning beside {}", given[0]));
        }
        Ok(Check { name, level, demand })
    }

    fn demand(&mut self, field: &str) -> Result<Demand, String> {
        Ok(match field {
            "min_rows" => {
                Demand::MinRows { rows: self.min_rows.take().unwrap_or_default(), table: self.table()? }
            }
            "rows_within_percent" => {
                let percent = self.rows_within_percent.take().unwrap_or_default();
                if !(percent.is_finite() && percent >= 0.0) {
                    return Err("rows_within_percent is no percentage".to_owned());
                }
                Demand::RowsWithin { percent, table: self.table()? }
            }
            "no_orphans" => self.no_orphans()?,
            "values" => Demand::Values {
                values: self
                    .values
                    .take()
                    .filter(|values| sound(values))
                    .ok_or("values is empty, or has an infinite number")?,
                table: self.table()?,
                column: self.column.take().ok_or("column is missing")?,
            },
            "not_null" => {
                Demand::NotNull { columns: some(self.not_null.take(), "not_null")?, table: self.table()? }
            }
            "no_rows" => {
                let condition = self.no_rows.take().unwrap_or_default();
                Condition::parse(&condition).map_err(|error| format!("no_rows: {error}"))?;
                Demand::NoRows { condition, table: self.table()? }
            }
            "unique" => Demand::Unique { columns: some(self.unique.take(), "unique")?, table: self.table()? },
            "newest" => Demand::Newest {
                column: self.newest.take().unwrap_or_default(),
                table: self.table()?,
                max_age_seconds: seconds(&self.max_age.take().ok_or("max_age is missing")?)?,
            },
            _ => self.sql()?,
        })
    }

    fn no_orphans(&mut self) -> Result<Demand, String> {
        if self.no_orphans.take() != Some(true) {
            return Err("no_orphans = false demands nothing".to_owned());
        }
        if self.references.is_none() && self.columns.is_none() && self.referenced_columns.is_none() {
            return Ok(Demand::NoOrphans { table: self.table.take() });
        }
        let columns = some(self.columns.take(), "columns")?;
        let referenced_columns = some(self.referenced_columns.take(), "referenced_columns")?;
        if columns.len() != referenced_columns.len() {
            return Err("columns and referenced_columns differ in number".to_owned());
        }
        let references = self.references.take().ok_or("references is missing")?;
        Ok(Demand::NoOrphansOf { table: self.table()?, columns, references, referenced_columns })
    }

    fn sql(&mut self) -> Result<Demand, String> {
        let sql = self.sql.take().filter(|sql| !sql.trim().is_empty()).ok_or("sql is empty")?;
        let (expect, max_ms) = (self.expect.take(), self.max_ms.take());
        if expect.is_none() && max_ms.is_none() {
            return Err("sql needs expect = \"nothing\", expect = \"true\" or max_ms".to_owned());
        }
        Ok(Demand::Sql { sql, expect, max_ms })
    }

    fn table(&mut self) -> Result<String, String> {
        self.table.take().ok_or_else(|| "table is missing".to_owned())
    }

    /// The names of the fields that are there, but for those that every check may have.
    fn given(&self) -> Vec<&'static str> {
        let fields = [
            ("min_rows", self.min_rows.is_some()),
            ("rows_within_percent", self.rows_within_percent.is_some()),
            ("no_orphans", self.no_orphans.is_some()),
            ("values", self.values.is_some()),
            ("not_null", self.not_null.is_some()),
            ("no_rows", self.no_rows.is_some()),
            ("unique", self.unique.is_some()),
            ("newest", self.newest.is_some()),
            ("sql", self.sql.is_some()),
            ("table", self.table.is_some()),
            ("column", self.column.is_some()),
            ("columns", self.columns.is_some()),
            ("references", self.references.is_some()),
            ("referenced_columns", self.referenced_columns.is_some()),
            ("max_age", self.max_age.is_some()),
            ("expect", self.expect.is_some()),
            ("max_ms", self.max_ms.is_some()),
        ];
        fields.into_iter().filter(|(_, given)| *given).map(|(field, _)| field).collect()
    }
}

fn sound(values: &[Allowed]) -> bool {
    let finite = |value: &Allowed| !matches!(value, Allowed::Number(number) if !number.is_finite());
    !values.is_empty() && values.iter().all(finite)
}

fn some(names: Option<Names>, field: &str) -> Result<Vec<String>, String> {
    match names.map(Names::list) {
        Some(names) if !names.is_empty() => Ok(names),
        _ => Err(format!("{field} is missing")),
    }
}
