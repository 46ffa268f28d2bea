use anyhow::Result;
use clap::Subcommand;
use rowkeep::format::in_one_line;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::check_config::check;
use rowkeep_server::tls_problem;

use crate::fail::{DONE, USAGE};
use crate::setup::Session;
use crate::ui::timetable;

/// Check the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check rowkeep.toml, and show when everything is done next
    ///
    /// Opens no database and no repository. Fails where a promise cannot be kept by the schedules, a variable is not set, or the
    /// service's certificate cannot be used.
    Check,
}

impl Config {
    pub(crate) fn run(self, session: &Session) -> Result<u8> {
        let Self::Check = self;
        let config = session.config()?;
        let mut outcome = check(config, session.context.now());
        outcome.tls_problem = tls_problem(&config.service).map(|problem| in_one_line(&problem));
        session.result(|| &outcome, || timetable::told(&outcome));
        Ok(if outcome.verdict() == Verdict::Done { DONE } else { USAGE })
    }
}
