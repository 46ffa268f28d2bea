//! Asking a database what checks demand.

use jiff::Timestamp;
use rowkeep_engine::dialect::Dialect;
use rowkeep_engine::{Engine, EngineError, ErrorKind, QueryRows, ViewOptions, dialect_of};
use rowkeep_format::{Manifest, Schema, TableName};

use super::check::{Check, Demand, Expect, Level};
use super::judge::{self, Verdict, Wrong};
use super::resolve::{Relation, relation};
use super::sql::{self, Question, SHOWN};
use crate::report::{ReportEntry, Status};
use crate::{Context, Error};

/// What checks are compared with besides the data.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The time from which ages are counted: now, or the time of the snapshot that was restored.
    pub now: Timestamp,
    /// The snapshot whose row counts are compared with.
    pub before: Option<&'a Manifest>,
    /// Whether a check of a table or column that is not there is an error of the whole run, not of that check.
    pub strict: bool,
}

/// Runs checks one after the other; each foreign key is a finding of its own.
///
/// A check that cannot be asked fails, whatever its level. When the database cannot be reached the run fails.
pub async fn run_checks(
    context: &Context,
    engine: &dyn Engine,
    checks: &[Check],
    circumstances: Circumstances<'_>,
) -> Result<Vec<ReportEntry>, Error> {
    context.until_cancelled(run_now(context, engine, checks, circumstances)).await
}

async fn run_now(
    context: &Context,
    engine: &dyn Engine,
    checks: &[Check],
    circumstances: Circumstances<'_>,
) -> Result<Vec<ReportEntry>, Error> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let schema = engine.open(&ViewOptions { with_ddl: false }).await?.schema().clone();
    let dialect = dialect_of(engine.name())?;
    let asker = Asker { context, engine, dialect, schema: &schema, circumstances };
    // First what they speak of, so that a misspelt name is said before a large table is counted.
    let mut resolved = Vec::new();
    for check in checks {
        match asker.resolve(check).await {
            Err(error) if circumstances.strict || is_fatal(&error) => return Err(error),
            asks => resolved.push(asks),
        }
    }
    let mut found = Vec::new();
    for (check, asks) in checks.iter().zip(resolved) {
        match asks {
            Ok(asks) => {
                for ask in asks {
                    found.push(asker.run(check, ask).await?);
                }
            }
            Err(error) => found.push(entry(check.title(), check.level, Err(error.to_string()), 0)),
        }
    }
    Ok(found)
}

fn is_fatal(error: &Error) -> bool {
    match error {
        Error::Engine(error) => matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Authentication),
        Error::Unknown { .. } => false,
        _ => true,
    }
}

/// A demand whose names are those of the database.
struct Ask<'c> {
    title: String,
    what: What<'c>,
}

enum What<'c> {
    MinRows {
        of: Relation,
        rows: u64,
    },
    RowsWithin {
        of: Relation,
        percent: f64,
    },
    None {
        wrong: Wrong,
        question: Question,
        columns: Vec<String>,
    },
    Newest {
        of: Relation,
        column: String,
        max_age_seconds: u64,
    },
    Statement {
        sql: &'c str,
        expect: Option<Expect>,
        max_ms: Option<u64>,
    },
    /// Nothing is left to be asked.
    Settled(&'static str),
}

struct Asker<'a> {
    context: &'a Context,
    engine: &'a dyn Engine,
    dialect: &'static dyn Dialect,
    schema: &'a Schema,
    circumstances: Circumstances<'a>,
}

impl Asker<'_> {
    async fn relation(&self, name: &str) -> Result<Relation, Error> {
        relation(self.engine, self.dialect, self.schema, name).await
    }

    async fn resolve<'c>(&self, check: &'c Check) -> Result<Vec<Ask<'c>>, Error> {
        let what = match &check.demand {
            Demand::MinRows { table, rows } => What::MinRows { of: self.relation(table).await?, rows: *rows },
            Demand::RowsWithin { table, percent } => {
                What::RowsWithin { of: self.relation(table).await?, percent: *percent }
            }
            Demand::NoOrphans { table } => return self.foreign_keys(check, table.as_deref()).await,
            Demand::NoOrphansOf { table, columns, references, referenced_columns } => {
                let (child, parent) = (self.relation(table).await?, self.relation(references).await?);
                let columns = child.columns(columns)?;
                let referenced = parent.columns(referenced_columns)?;
                let question = sql::orphans(self.dialect, &child.name, &columns, &parent.name, &referenced);
                What::None { wrong: Wrong::Orphans, question, columns }
            }
            Demand::Values { table, column, values } => {
                let of = self.relation(table).await?;
                let column = of.column(column)?;
                let question = sql::values(self.dialect, &of.name, &column, values);
                What::None { wrong: Wrong::Values, question, columns: vec![column] }
            }
            Demand::NotNull { table, columns } => {
                let of = self.relation(table).await?;
                let question = sql::nulls(self.dialect, &of.name, &of.columns(columns)?, &of.key);
                What::None { wrong: Wrong::Nulls, question, columns: of.key }
            }
            Demand::NoRows { table, condition } => {
                let of = self.relation(table).await?;
                let question = sql::rows_where(self.dialect, &of.name, condition, &of.key);
                What::None { wrong: Wrong::Matching, question, columns: of.key }
            }
            Demand::Unique { table, columns } => {
                let of = self.relation(table).await?;
                let columns = of.columns(columns)?;
                let question = sql::duplicates(self.dialect, &of.name, &columns);
                What::None { wrong: Wrong::Duplicates, question, columns }
            }
            Demand::Newest { table, column, max_age_seconds } => {
                let of = self.relation(table).await?;
                What::Newest { column: of.column(column)?, of, max_age_seconds: *max_age_seconds }
            }
            Demand::Sql { sql, expect, max_ms } => What::Statement { sql, expect: *expect, max_ms: *max_ms },
        };
        Ok(vec![Ask { title: check.title(), what }])
    }

    async fn foreign_keys<'c>(&self, check: &'c Check, table: Option<&str>) -> Result<Vec<Ask<'c>>, Error> {
        let only = match table {
            Some(name) => Some(self.relation(name).await?.name),
            None => None,
        };
        let mut asks = Vec::new();
        for child in
            self.schema.tables.iter().filter(|table| only.as_ref().is_none_or(|only| &table.name == only))
        {
            for key in &child.foreign_keys {
                let columns: Vec<String> =
                    key.columns.iter().filter_map(|at| Some(child.columns.get(*at)?.name.clone())).collect();
                let title = match &check.name {
                    Some(name) => format!("{name}: {} ({})", child.name, columns.join(", ")),
                    None => format!(
                        "no orphans: {} ({}) is in {}",
                        child.name,
                        columns.join(", "),
                        key.references
                    ),
                };
                let question = sql::orphans(
                    self.dialect,
                    &child.name,
                    &columns,
                    &key.references,
                    &key.referenced_columns,
                );
                asks.push(Ask { title, what: What::None { wrong: Wrong::Orphans, question, columns } });
            }
        }
        if asks.is_empty() {
            asks.push(Ask { title: check.title(), what: What::Settled("no foreign key is declared") });
        }
        Ok(asks)
    }

    async fn run(&self, check: &Check, ask: Ask<'_>) -> Result<ReportEntry, Error> {
        let watch = self.context.stopwatch();
        let found = match self.verdict(&ask.what).await {
            Ok(verdict) => Ok(verdict),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => {
                let mut detail = format!("cannot be asked: {error}");
                if let Some(source) = std::error::Error::source(&error) {
                    detail += &format!(": {source}");
                }
                Err(detail)
            }
        };
        Ok(entry(ask.title, check.level, found, watch.elapsed_ms()))
    }

    async fn verdict(&self, what: &What<'_>) -> Result<Verdict, Error> {
        Ok(match what {
            What::MinRows { of, rows: at_least } => {
                judge::min_rows(self.number(&sql::rows(self.dialect, &of.name)).await?, *at_least)
            }
            What::RowsWithin { of, percent } => {
                let rows = self.number(&sql::rows(self.dialect, &of.name)).await?;
                rows_within(self.circumstances.before, &of.name, rows, *percent)
            }
            What::None { wrong, question, columns } => {
                let number = self.number(&question.count).await?;
                let samples = match &question.sample {
                    Some(sample) if number > 0 => judge::rows(&self.query(sample, SHOWN).await?),
                    _ => Vec::new(),
                };
                judge::none_of(*wrong, number, &samples, columns)
            }
            What::Newest { of, column, max_age_seconds } => {
                let answer = self.query(&sql::newest(self.dialect, &of.name, column), 1).await?;
                judge::newest(&judge::rows(&answer), self.circumstances.now, *max_age_seconds)
            }
            What::Statement { sql, expect, max_ms } => {
                let watch = self.context.stopwatch();
                let answer = self.query(sql, SHOWN).await?;
                let ms = watch.elapsed_ms();
                let rows = judge::rows(&answer);
                judge::statement(&answer.columns, &rows, answer.more, *expect, ms, *max_ms)
            }
            What::Settled(detail) => {
                Verdict { holds: true, detail: (*detail).to_owned(), samples: Vec::new() }
            }
        })
    }

    async fn number(&self, sql: &str) -> Result<u64, Error> {
        let answer = self.query(sql, 1).await?;
        let number = judge::number(&judge::rows(&answer));
        number.ok_or_else(|| {
            EngineError::new(ErrorKind::Other, "the database did not answer with a number").into()
        })
    }

    async fn query(&self, sql: &str, limit: usize) -> Result<QueryRows, Error> {
        Ok(self.engine.query(sql, limit).await?)
    }
}

/// What a check came to, or why it cannot be run: then it fails, whatever its level.
pub(super) fn entry(
    title: String,
    level: Level,
    found: Result<Verdict, String>,
    duration_ms: u64,
) -> ReportEntry {
    let (status, detail, samples) = match found {
        Err(why) => (Status::Failed, why, Vec::new()),
        Ok(Verdict { holds, detail, samples }) => {
            let status = match (holds, level) {
                (true, _) => Status::Passed,
                (false, Level::Warning) => Status::Warning,
                (false, Level::Error) => Status::Failed,
            };
            (status, detail, samples)
        }
    };
    ReportEntry { title, status, detail, samples, duration_ms }
}

/// What there is to say of checks of which none can be run.
pub(crate) fn not_run(checks: &[Check], why: &str) -> Vec<ReportEntry> {
    let each = checks.iter();
    each.map(|check| entry(check.title(), check.level, Err(format!("NOT RUN: {why}")), 0)).collect()
}

/// Holds a number of rows against that of the snapshot before.
pub(super) fn rows_within(before: Option<&Manifest>, of: &TableName, rows: u64, percent: f64) -> Verdict {
    match before.map(|before| before.table(of)) {
        Some(Some(entry)) => judge::rows_within(rows, entry.root.rows, percent),
        Some(None) => no_base(rows, "the snapshot does not hold the table"),
        None => no_base(rows, "there is no snapshot to compare with"),
    }
}

fn no_base(rows: u64, why: &str) -> Verdict {
    let detail = format!("{}, but {why}", crate::units::counted(rows, "row"));
    Verdict { holds: false, detail, samples: Vec::new() }
}
