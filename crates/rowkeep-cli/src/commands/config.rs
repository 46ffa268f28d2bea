use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use rowkeep::config::{Combined, Subject};
use rowkeep::format::in_one_line;
use rowkeep::jobs::Verdict;
use rowkeep::jobs::check_config::{AdditionStanding, check};
use rowkeep_server::{AdditionsFile, Error, tls_problem};
use secrecy::ExposeSecret;

use crate::fail::{self, CommandError, DONE, FAILED, USAGE};
use crate::out;
use crate::setup::{Session, StateOptions, combined};
use crate::ui::timetable;

/// Check the configuration, and write what was added on pages.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check rowkeep.toml, and show when everything is done next
    ///
    /// Opens no database and no repository. Fails where a promise cannot be kept by the schedules, a variable is not set, or the
    /// service's certificate cannot be used. What was added on pages of the service counts too, where its state is at hand and no
    /// service runs with it.
    Check(StateOptions),
    /// Print what was added on pages of the service, as TOML to be put into rowkeep.toml
    ///
    /// A variable of the environment stands for each address with a password, and for the passphrase of the repository. A service that is running
    /// keeps its state to itself: download it on its settings page, or with GET /api/v1/configuration/export.
    Export(Export),
}

/// Print what was added on pages.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Write passwords and passphrases in clear
    #[arg(long)]
    with_secrets: bool,
    #[command(flatten)]
    state: StateOptions,
}

/// What was added on pages, out of a state.
async fn open(state: &StateOptions, session: &Session) -> Result<AdditionsFile> {
    let opened = AdditionsFile::open(&session.state_place(state)?).await;
    opened.map_err(|error| match error {
        Error::NoState { .. } => CommandError::usage(error.to_string())
            .with_hint("name the service's state with --state: its file, or the URL of its database")
            .into(),
        Error::InUse { .. } => CommandError::failed(error.to_string())
            .with_hint("ask that service: its settings page, or GET /api/v1/configuration and /api/v1/configuration/export with a token")
            .into(),
        error => anyhow::Error::from(error),
    })
}

/// The same where a state is named, or its file is at hand.
async fn open_if_there(state: &StateOptions, session: &Session) -> Result<Option<AdditionsFile>> {
    let is_at_hand = || session.state_place(state).map(|place| place.as_file().is_some_and(Path::exists));
    if !state.is_named() && !is_at_hand()? {
        return Ok(None);
    }
    match open(state, session).await {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if state.is_named() => Err(error),
        Err(error) => {
            fail::say(&format!("warning: what was added on pages is not looked at: {error}"));
            Ok(None)
        }
    }
}

impl Config {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        match self {
            Self::Check(state) => run_check(&state, session).await,
            Self::Export(command) => command.run(session).await,
        }
    }
}

async fn run_check(state: &StateOptions, session: &Session) -> Result<u8> {
    let alone = session.config()?;
    let (config, additions) = match open_if_there(state, session).await? {
        None => (alone.clone(), Vec::new()),
        Some(file) => {
            let text = session.config_text()?;
            let text = text.as_ref().map_or("", |text| text.expose_secret());
            let Combined { config, left_out } = combined(text, &session.config_file(), file.additions())?;
            let standing = |subject: String, problem: Option<String>| AdditionStanding { subject, problem };
            let problem = |subject: &Subject| {
                let left = left_out.iter().find(|left| left.subject == *subject);
                left.map(|left| left.problem.clone())
            };
            let had = file
                .additions()
                .iter()
                .map(|addition| standing(addition.subject().to_string(), problem(addition.subject())));
            let lost =
                file.lost().iter().map(|(name, problem)| standing(name.clone(), Some(problem.clone())));
            (config, had.chain(lost).collect())
        }
    };
    let mut outcome = check(&config, session.context.now());
    outcome.additions = additions;
    outcome.tls_problem = tls_problem(&config.service).map(|problem| in_one_line(&problem));
    session.result(|| &outcome, || timetable::told(&outcome));
    Ok(if outcome.verdict() == Verdict::Done { DONE } else { USAGE })
}

impl Export {
    async fn run(self, session: &Session) -> Result<u8> {
        session.may_lack_config();
        let file = open(&self.state, session).await?;
        let exported = file.export(self.with_secrets)?;
        if exported.is_empty() {
            fail::say("nothing was added on pages");
        } else {
            out::line(exported.text.expose_secret().trim_end());
        }
        for (subject, problem) in file.lost() {
            fail::say(&format!("warning: {subject} is not in it: {problem}"));
        }
        Ok(if file.lost().is_empty() { DONE } else { FAILED })
    }
}
