use anyhow::Result;
use clap::Subcommand;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::check_config::check;

use crate::fail::{DONE, USAGE};
use crate::setup::Session;
use crate::ui::timetable;

/// Check the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check rowkeep.toml, and show when everything is done next
    ///
    /// Opens no database and no repository. Fails where a promise cannot be kept by the schedules, or a variable is not set.
    Check,
}

impl Config {
    pub(crate) fn run(self, session: &Session) -> Result<u8> {
        let Self::Check = self;
        let outcome = check(session.config()?, session.context.now());
        session.result(|| &outcome, || timetable::told(&outcome));
        Ok(if outcome.verdict() == Verdict::Done { DONE } else { USAGE })
    }
}
