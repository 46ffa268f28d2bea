//! What comes back, of either way.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a statement returned: rows in their JSON, of which numbers are read as they stand there.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) rows: Box<RawValue>,
    /// The bytes of the database, where they are told.
    pub(crate) size: Option<u64>,
}

impl Answer {
    /// The rows, each a list of its values.
    pub(crate) fn rows(&self) -> Result<Vec<Vec<&RawValue>>, serde_json::Error> {
        serde_json::from_str(self.rows.get())
    }

    /// The rows of a statement that returns nothing but text and NULL.
    pub(crate) fn texts(&self) -> Result<Vec<Vec<Option<String>>>, serde_json::Error> {
        serde_json::from_str(self.rows.get())
    }
}

/// The version of the Worker that is understood.
pub(super) const WORKER_VERSION: u32 = 1;

/// What the Worker answers.
#[derive(Debug, Deserialize)]
pub(super) struct FromWorker {
    pub(super) version: u32,
    #[serde(default)]
    pub(super) results: Vec<Answer>,
    pub(super) error: Option<String>,
}

/// What the REST API answers.
#[derive(Debug, Deserialize)]
pub(super) struct FromApi<T> {
    pub(super) success: bool,
    #[serde(default = "Vec::new")]
    pub(super) errors: Vec<Said>,
    pub(super) result: Option<T>,
}

/// An error of the REST API.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
}

/// The result of one statement over the REST API.
#[derive(Debug, Deserialize)]
pub(super) struct ApiResult {
    pub(super) results: ApiRows,
    #[serde(default)]
    pub(super) meta: Meta,
}

#[derive(Debug, Deserialize)]
pub(super) struct ApiRows {
    pub(super) rows: Box<RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta {
    pub(super) size_after: Option<u64>,
}

impl From<ApiResult> for Answer {
    fn from(result: ApiResult) -> Self {
        Self { rows: result.results.rows, size: result.meta.size_after }
    }
}

/// A database as the REST API lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) uuid: String,
    pub(super) name: String,
}
