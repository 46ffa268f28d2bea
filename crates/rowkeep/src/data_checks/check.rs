//! What is demanded of data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::counted;

/// A statement about data that must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What people call it; what it demands, when nobody named it.
    pub name: Option<String>,
    /// What follows when it does not hold.
    pub level: Level,
    /// What must hold.
    pub demand: Demand,
}

/// What follows when a check does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The report fails.
    #[default]
    Error,
    /// The report says so, and does not fail.
    Warning,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// A table has at least so many rows.
    MinRows {
        /// The table.
        table: String,
        /// The fewest rows.
        rows: u64,
    },
    /// A table has as many rows as in the last snapshot, give or take.
    RowsWithin {
        /// The table.
        table: String,
        /// How far off it may be, in percent of the snapshot's rows.
        percent: f64,
    },
    /// Every declared foreign key finds its row: of one table or of all.
    NoOrphans {
        /// The table that refers; all when not given.
        table: Option<String>,
    },
    /// Every row of a table finds its row in another, declared or not.
    NoOrphansOf {
        /// The table that refers.
        table: String,
        /// Its columns.
        columns: Vec<String>,
        /// The table referred to.
        references: String,
        /// Its columns.
        referenced_columns: Vec<String>,
    },
    /// A column holds none but these values; NULL is no value.
    Values {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The values.
        values: Vec<Allowed>,
    },
    /// Columns hold no NULL.
    NotNull {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// No row fulfils a condition.
    NoRows {
        /// The table.
        table: String,
        /// The condition, as it was written.
        condition: String,
    },
    /// No two rows have the same values in these columns; rows with NULL in one of them do not count.
    Unique {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// The newest row is no older than this.
    Newest {
        /// The table.
        table: String,
        /// The column that says when a row came.
        column: String,
        /// The greatest age in seconds.
        max_age_seconds: u64,
    },
    /// A statement returns what it is expected to, and in time.
    Sql {
        /// The statement, which only reads.
        sql: String,
        /// What it returns.
        expect: Option<Expect>,
        /// The most milliseconds that it may take.
        max_ms: Option<u64>,
    },
}

/// A value that a column may hold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Allowed {
    /// True or false.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// Text, or anything by its text.
    Text(String),
}

/// What a statement is expected to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// No row: it looks for what must not be.
    Nothing,
    /// One row with one value, and that is true.
    True,
}

impl Check {
    /// What people call it.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.demand.to_string())
    }
}

impl Demand {
    /// Why rows alone do not tell whether it holds, so that only a database can be asked, and what to write instead; nothing where
    /// they do.
    pub fn beyond_rows(&self) -> Option<&'static str> {
        match self {
            Demand::Sql { .. } => {
                Some("no SQL runs where states only arrive; write what must not be with table and no_rows")
            }
            Demand::NoOrphans { .. } => {
                Some("stores declare no references; write columns, references and referenced_columns")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Demand::MinRows { table, rows } => {
                write!(f, "{table} has at least {}", counted(*rows, "row"))
            }
            Demand::RowsWithin { table, percent } => {
                write!(f, "{table} has as many rows as the last snapshot, within {percent} %")
            }
            Demand::NoOrphans { table: None } => f.write_str("no orphans by any foreign key"),
            Demand::NoOrphans { table: Some(table) } => {
                write!(f, "no orphans by the foreign keys of {table}")
            }
            Demand::NoOrphansOf { table, columns, references, .. } => {
                write!(f, "no orphans: {table} ({}) is in {references}", columns.join(", "))
            }
            Demand::Values { table, column, .. } => write!(f, "{table}.{column} has allowed values"),
            Demand::NotNull { table, columns } => write!(f, "{table} ({}) is not null", columns.join(", ")),
            Demand::NoRows { table, condition } => write!(f, "{table} has no rows where {condition}"),
            Demand::Unique { table, columns } => write!(f, "{table} ({}) is unique", columns.join(", ")),
            Demand::Newest { table, column, .. } => write!(f, "{table}.{column} is recent"),
            Demand::Sql { sql, .. } => f.write_str(sql.lines().next().unwrap_or_default().trim()),
        }
    }
}
