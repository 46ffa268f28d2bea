use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use rowkeep::Config;
use rowkeep_server::{Error, Recovered, Recovery, Reloading, Server, ServerOptions};
use secrecy::ExposeSecret;

use crate::allocator;
use crate::fail::{self, CommandError, DONE};
use crate::out;
use crate::setup::{Session, StateOptions, combined};
use crate::supervisor::Supervisor;
use crate::ui::served;

/// How often memory that nobody uses goes back to the system, in pulses of the service: about a second each.
const GIVING_BACK: u64 = 5;

/// Run the service: schedules and the REST API.
///
/// Does what `[schedule]`, the schedules and the promises of rowkeep.toml want when it is time, and answers requests over HTTP, or over TLS where
/// `[service]` names a certificate. The first
/// start prints a password for the user admin, who may do everything; it is shown once. Ctrl-C stops it: jobs that are being done end first, and those
/// that only read a database are done again at the next start.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8470", value_parser = address)]
    listen: String,
    #[command(flatten)]
    state: StateOptions,
    /// Make a token that may do everything, and print it
    #[arg(long)]
    new_token: bool,
    /// Print a password with which USER signs in once: for whoever has lost theirs [default: admin]
    #[arg(long, value_name = "USER", num_args = 0..=1, default_missing_value = "admin")]
    new_password: Option<String>,
    /// Bring back the state that the service kept in this repository, and go on with it: on a machine that has none
    #[arg(long, value_name = "REPOSITORY")]
    recover: Option<String>,
}

impl Serve {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let recovered = match &self.recover {
            Some(location) => Some(recover(session, location, &self.state).await?),
            None => None,
        };
        let at_repository = recovered.as_ref().and_then(|(_, session)| session.as_ref());
        let session = at_repository.unwrap_or(session);
        let recovered = recovered.as_ref().map(|(recovered, _)| recovered);
        session.may_lack_config();
        let state = session.state_place(&self.state)?;
        let options = ServerOptions {
            listen: self.listen,
            state,
            new_token: self.new_token,
            new_password: self.new_password,
        };
        let (clock, randomness) = (session.context.clock(), session.context.randomness());
        let configuration = session.configuration();
        let server = Server::open(&options, configuration, Arc::clone(clock), Arc::clone(randomness)).await?;
        let (url, made) = (server.url(), server.made());
        // It is shown once, to whoever wants to read nothing else as well.
        let secrets = made.token.iter().chain(made.user.iter().map(|(_, password)| password));
        if session.global.quiet && !session.global.json {
            secrets.for_each(|secret| out::line(secret.expose_secret()));
        }
        session.result(
            || served::json(&options, &url, made, recovered),
            || served::told(&options, &url, made, recovered),
        );
        let supervisor = Arc::new(Supervisor::of_environment());
        supervisor.ready(&format!("serving at {url}"));
        let (stop, watching) = (session.stop(), Arc::clone(&supervisor));
        let pulses = AtomicU64::new(0);
        let server = server.relieved_by(allocator::give_back).watched_by(move || {
            watching.alive();
            // What a password or a long list took once would stay with the process else.
            if pulses.fetch_add(1, Ordering::Relaxed) % GIVING_BACK == GIVING_BACK - 1 {
                allocator::give_back();
            }
        });
        let stopping = async {
            stop.cancelled().await;
            supervisor.stopping();
        };
        let reloading = tokio::spawn(reload_on_signal(server.reloading()));
        tokio::join!(server.run(stop.clone()), stopping);
        reloading.abort();
        Ok(DONE)
    }
}

/// Has the service read its configuration again whenever somebody sends SIGHUP.
#[cfg(unix)]
async fn reload_on_signal(reloading: Reloading) {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::hangup()) {
        Ok(mut hangups) => {
            while hangups.recv().await.is_some() {
                reloading.reload().await;
            }
        }
        Err(error) => fail::say(&format!("warning: SIGHUP cannot be heard: {error}")),
    }
}

/// There is no such signal here: the settings page has a button for it.
#[cfg(not(unix))]
async fn reload_on_signal(_: Reloading) {}

/// Brings back the state and, where there is none, the configuration that are in a repository; and gives the session in which to go on
/// with them, if it is another.
async fn recover(
    session: &Session,
    location: &str,
    typed: &StateOptions,
) -> Result<(Recovered, Option<Session>)> {
    let file = session.config_file();
    let folder = file.parent().map(Path::to_owned);
    let bare = (!file.exists()).then(|| Config { folder, ..Config::default() });
    let is_bare = bare.is_some();
    let at_repository = session.at_repository(location, bare);
    let workspace = at_repository.shared_workspace()?;
    let state = at_repository.state_place(typed)?;
    let recovery = Recovery::begin(&session.context, &workspace, &state).await.map_err(told)?;
    // Before anything stays: what is wrong with it, whoever starts the service has to put right first.
    let text = at_repository.config_text()?;
    let (text, written) = match recovery.config().filter(|_| is_bare) {
        Some(text) => (text, Some(file.as_path())),
        None => (text.as_ref().map_or("", |text| text.expose_secret()), None),
    };
    let config = combined(text, &file, recovery.additions())?.config;
    // The configuration that was with it may say where it is to be.
    let recovery = recovery.to(at_repository.state_place_by(typed, &config)?).await.map_err(told)?;
    let recovered = recovery.finish(&config, written, session.context.now()).await.map_err(told)?;
    workspace.settle().await;
    if !config.repositories.is_empty() {
        return Ok((recovered, None));
    }
    let is_other = config.repository.as_deref().is_none_or(|named| !is_same(named, location));
    if is_other && file.exists() {
        let named = config.repository.as_deref().unwrap_or("rowkeep-repository");
        fail::say(&format!(
            "warning: {} has the repository at {named}; change that to {location} before the service is started the next time",
            file.display()
        ));
    }
    Ok((recovered, Some(session.at_repository(location, None))))
}

/// Whether two locations are the same place, as far as can be seen.
fn is_same(one: &str, other: &str) -> bool {
    let place = |location: &str| Path::new(location).canonicalize().ok();
    one == other || place(one).is_some_and(|one| Some(one) == place(other))
}

/// What a recovery that is refused says, and what to do next.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::StateExists { .. } => CommandError::refused(error.to_string()).into(),
        Error::NothingKept { .. } => CommandError::failed(error.to_string())
            .with_hint("`rowkeep snapshots -r REPOSITORY` shows what it has; a service that begins anew is started without --recover")
            .into(),
        Error::Job(error) => error.into(),
        error => error.into(),
    }
}

/// An address that somebody can connect to, as it was typed: names are looked up later.
fn address(typed: &str) -> Result<String, String> {
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = |host: &str| match host.strip_prefix('[') {
        Some(bracketed) => {
            bracketed.strip_suffix(']').is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => !host.is_empty() && !host.contains([':', '/', '[', ']', '@', ' ']),
    };
    match typed.rsplit_once(':') {
        Some((host, port)) if is_host(host) && is_port(port) => Ok(typed.to_owned()),
        _ => Err(
            "write an address and a port, such as 127.0.0.1:8470, localhost:8470, 0.0.0.0:8470 or [::1]:8470"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port() {
        for typed in ["127.0.0.1:8470", "localhost:0", "[::1]:8470", "0.0.0.0:65535", "backup.example:80"] {
            assert_eq!(address(typed).as_deref(), Ok(typed));
        }
        for typed in
            ["", "8470", ":8470", "localhost", "localhost:", "localhost:http", "127.0.0.1:65536", "::1:8470"]
        {
            assert!(address(typed).is_err(), "{typed}");
        }
        for typed in ["http://127.0.0.1:8470", "[::1:8470", "[x]:8470", "127.0.0.1:+80", "a b:80"] {
            assert!(address(typed).is_err(), "{typed}");
        }
    }
}
