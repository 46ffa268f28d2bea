//! Files that requests name: rules of masks, and checks.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::data_checks::Check;
use crate::data_checks::read::read_file;
use crate::rows::mask::MaskRules;
use crate::{Error, RequestError};

/// By which rules rows are to be masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Masked {
    /// Those that are configured for the database.
    Configured,
    /// Those of a file.
    File(PathBuf),
}

impl Workspace {
    /// The rules that rows of a database are to be masked by; none where that is not asked for.
    pub(crate) fn mask(&self, asked: Option<&Masked>, database: &str) -> Result<Option<MaskRules>, Error> {
        let rules = match asked {
            None => return Ok(None),
            Some(Masked::File(file)) => self.mask_in(file)?,
            Some(Masked::Configured) => {
                self.config.databases.get(database).map(|known| known.mask.clone()).unwrap_or_default()
            }
        };
        match rules.rules.is_empty() {
            true => Err(RequestError::NoMaskRules { database: database.to_owned() }.into()),
            false => Ok(Some(rules)),
        }
    }

    fn mask_in(&self, file: &Path) -> Result<MaskRules, Error> {
        let problem = format!("cannot read {}", file.display());
        let text = std::fs::read_to_string(file).map_err(|source| Error::File { problem, source })?;
        let variable = |name: &str| self.circumstances.variable.as_ref().and_then(|variable| variable(name));
        let fail = |message| Error::Config { path: file.to_owned(), message };
        MaskRules::parse(&text, &variable).map_err(fail)
    }

    /// The checks of a file, where one is named.
    pub(crate) fn checks_in(&self, file: Option<&Path>) -> Result<Vec<Check>, Error> {
        let Some(path) = file else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(path).map_err(|error| Error::Config {
            path: path.to_owned(),
            message: format!("cannot be read: {error}"),
        })?;
        read_file(&text, path)
    }
}
