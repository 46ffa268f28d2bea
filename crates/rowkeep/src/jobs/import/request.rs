//! Which files are to be imported, and as what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::jobs::workspace::Masked;

/// Which file is to become a snapshot, or which folder of files.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::import::ImportRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = ImportRequest { database: Some("shop".to_owned()), ..ImportRequest::of("shop.sql.gz") };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.imported[0].snapshot.database, "shop");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The file; a folder of files where all are meant.
    pub file: PathBuf,
    /// The database that the snapshot is to be of; what the file says, or else what it is called, when not given.
    #[serde(default)]
    pub database: Option<String>,
    /// Which of several databases in the file is meant.
    #[serde(default)]
    pub in_file: Option<String>,
    /// When the state was; what the file says, or else when it was last changed, when not given.
    #[serde(default)]
    pub time: Option<String>,
    /// Whether all files of a folder are meant, in the order of their times.
    #[serde(default)]
    pub all: bool,
    /// Whether the whole tables of a damaged file are wanted.
    #[serde(default)]
    pub salvage: bool,
    /// What stands for NULL in CSV, beside an empty field without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null: Option<String>,
    /// A name for the snapshot.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether and by which rules rows are masked.
    #[serde(default)]
    pub mask: Option<Masked>,
    /// Labels for the snapshot.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether the same request may have been carried out before, by a process that ended in the middle of it. A snapshot of the file with
    /// the same name and labels is the one that it made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumed: bool,
}

impl ImportRequest {
    /// A request to import a file as what it says that it is.
    pub fn of(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            database: None,
            in_file: None,
            time: None,
            all: false,
            salvage: false,
            null: None,
            name: None,
            mask: None,
            tags: BTreeMap::new(),
            resumed: false,
        }
    }
}
