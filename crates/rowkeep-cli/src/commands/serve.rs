use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rowkeep_server::{Server, ServerOptions};
use secrecy::ExposeSecret;

use crate::fail::DONE;
use crate::out;
use crate::setup::Session;
use crate::supervisor::Supervisor;
use crate::ui::served;

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
    /// The file that keeps jobs, tokens and the audit [default: rowkeep-state.db beside rowkeep.toml]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make a token that may do everything, and print it
    #[arg(long)]
    new_token: bool,
    /// Print a password with which USER signs in once: for whoever has lost theirs [default: admin]
    #[arg(long, value_name = "USER", num_args = 0..=1, default_missing_value = "admin")]
    new_password: Option<String>,
}

impl Serve {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let state = session.state_file(self.state)?;
        let options = ServerOptions {
            listen: self.listen,
            state,
            new_token: self.new_token,
            new_password: self.new_password,
        };
        let (clock, randomness) = (session.context.clock(), session.context.randomness());
        let workspace = Arc::new(session.shared_workspace()?);
        let server =
            Server::open(&options, Arc::clone(&workspace), Arc::clone(clock), Arc::clone(randomness)).await?;
        let (url, made) = (server.url(), server.made());
        // It is shown once, to whoever wants to read nothing else as well.
        let secrets = made.token.iter().chain(made.user.iter().map(|(_, password)| password));
        if session.global.quiet && !session.global.json {
            secrets.for_each(|secret| out::line(secret.expose_secret()));
        }
        session.result(|| served::json(&options, &url, made), || served::told(&options, &url, made));
        let supervisor = Arc::new(Supervisor::of_environment());
        supervisor.ready(&format!("serving at {url}"));
        let (stop, watching) = (session.stop(), Arc::clone(&supervisor));
        let server = server.watched_by(move || watching.alive());
        let stopping = async {
            stop.cancelled().await;
            supervisor.stopping();
        };
        tokio::join!(server.run(stop.clone()), stopping);
        workspace.settle().await;
        Ok(DONE)
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
