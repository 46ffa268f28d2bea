//! Which tables and rows are meant.

use std::sync::Arc;

use anyhow::Result;
use rowkeep::diff::{RowFilter, WantedRows};
use rowkeep::rows::condition::{Condition, KeyReference, parse_key};
use rowkeep::state::selection::Selection;

use super::Session;
use crate::fail::CommandError;

/// A choice among tables and their rows, as it is typed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Chosen {
    /// Only these tables, or groups of them
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Not these tables
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    exclude: Vec<String>,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
}

impl Chosen {
    /// The tables that are meant.
    pub(crate) fn selection(&self, session: &Session) -> Result<Selection> {
        Ok(Selection {
            include: self.wanted.tables(self.tables.clone()),
            exclude: self.exclude.clone(),
            groups: session.config()?.groups(),
        })
    }
}

/// A choice among rows, as it is typed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Only rows for which this holds, before or after: SQL-like, such as "status = 'open' AND total > 100"
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// Only the row of this key, such as customers:42; may be given several times
    #[arg(long = "key", value_name = "TABLE:KEY")]
    pub(crate) keys: Vec<String>,
    /// With --key or --where: also the rows that refer to these, those that refer to them and so on, and the rows that all
    /// of these refer to
    #[arg(long)]
    pub(crate) with_related: bool,
}

impl Wanted {
    /// The rows that are meant, where not all are.
    pub(crate) fn rows(&self) -> Result<Option<Arc<dyn RowFilter>>> {
        let condition = self.condition.as_deref().map(Condition::parse).transpose();
        let condition = condition.map_err(|error| CommandError::usage(error.to_string()))?;
        let wanted = WantedRows { condition, keys: self.references()? };
        if self.with_related && wanted.is_all() {
            let message = "--with-related is for rows that are chosen by --key or --where";
            return Err(CommandError::usage(message).into());
        }
        Ok((!wanted.is_all()).then(|| Arc::new(wanted) as Arc<dyn RowFilter>))
    }

    /// The tables that are meant: where none is named, those of the keys.
    pub(crate) fn tables(&self, named: Vec<String>) -> Vec<String> {
        if !named.is_empty() {
            return named;
        }
        self.references().unwrap_or_default().iter().map(|key| key.table_name().to_owned()).collect()
    }

    fn references(&self) -> Result<Vec<KeyReference>> {
        let parse =
            |text: &String| parse_key(text).map_err(|error| CommandError::usage(error.to_string()).into());
        self.keys.iter().map(parse).collect()
    }
}
