//! Which mask is meant.

use std::path::Path;

use anyhow::{Context as _, Result};
use rowkeep::rows::mask::MaskRules;

use super::Session;
use crate::fail::CommandError;

impl Session {
    /// The rules for `--mask`: nothing without it, those of a file where one is named, else those that rowkeep.toml has
    /// for the database.
    pub(crate) fn mask(
        &self,
        asked: Option<&Option<std::path::PathBuf>>,
        database: &str,
    ) -> Result<Option<MaskRules>> {
        let rules = match asked {
            None => return Ok(None),
            Some(Some(file)) => self.mask_in(file)?,
            Some(None) => {
                self.config()?.databases.get(database).map(|known| known.mask.clone()).unwrap_or_default()
            }
        };
        if rules.rules.is_empty() {
            return Err(CommandError::usage(format!("there is no rule to mask {database} by"))
                .with_hint("write rules into rowkeep.toml or a file; `rowkeep mask suggest` proposes some")
                .into());
        }
        Ok(Some(rules))
    }

    fn mask_in(&self, file: &Path) -> Result<MaskRules> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let fail = |message| rowkeep::Error::Config { path: file.to_owned(), message };
        Ok(MaskRules::parse(&text, &|name| std::env::var(name).ok()).map_err(fail)?)
    }
}
