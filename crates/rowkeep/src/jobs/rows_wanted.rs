//! Which tables and rows a request means.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::workspace::Workspace;
use crate::diff::{RowFilter, WantedRows};
use crate::rows::condition::{Condition, KeyReference, parse_key};
use crate::state::selection::Selection;
use crate::{Error, RequestError};

/// A choice among tables and their rows; all of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RowsWanted {
    /// Only these tables, or groups of them.
    pub tables: Vec<String>,
    /// Not these tables.
    pub exclude: Vec<String>,
    /// Only rows for which this holds, before or after.
    pub condition: Option<String>,
    /// Only the rows of these keys, such as `customers:42`.
    pub keys: Vec<String>,
    /// Also the rows that are related to these, by foreign keys.
    pub with_related: bool,
}

impl RowsWanted {
    /// Whether rows are chosen, and not tables alone.
    pub fn is_some_rows(&self) -> bool {
        self.condition.is_some() || !self.keys.is_empty()
    }

    /// The tables that are meant: where none is named, those of the keys.
    pub(crate) fn selection(&self, workspace: &Workspace) -> Selection {
        let of_keys = || {
            let keys = self.references().unwrap_or_default();
            keys.iter().map(|key| key.table_pattern().to_owned()).collect()
        };
        Selection {
            include: if self.tables.is_empty() { of_keys() } else { self.tables.clone() },
            exclude: self.exclude.clone(),
            groups: workspace.config().groups(),
        }
    }

    /// The rows that are meant, where not all are.
    pub(crate) fn rows(&self) -> Result<Option<Arc<dyn RowFilter>>, Error> {
        let condition = self.condition.as_deref().map(Condition::parse).transpose()?;
        let wanted = WantedRows { condition, keys: self.references()? };
        if self.with_related && wanted.is_all() {
            return Err(RequestError::RelatedToAll.into());
        }
        Ok((!wanted.is_all()).then(|| Arc::new(wanted) as Arc<dyn RowFilter>))
    }

    fn references(&self) -> Result<Vec<KeyReference>, Error> {
        self.keys.iter().map(|text| Ok(parse_key(text)?)).collect()
    }
}
