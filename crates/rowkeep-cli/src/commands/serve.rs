use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rowkeep_server::{Server, ServerOptions};
use secrecy::ExposeSecret;

use crate::fail::DONE;
use crate::out;
use crate::setup::Session;
use crate::ui::served;

/// Run the service: schedules and the REST API.
///
/// Does what `[schedule]`, the schedules and the promises of rowkeep.toml want when it is time, and answers requests over HTTP. The first
/// start prints a password for the user admin, who may do everything; it is shown once. Ctrl-C stops it: jobs that are being done end first, and those
/// that only read a database are done again at the next start.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8470")]
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
        let beside = session.config()?.folder.clone().unwrap_or_default();
        let state = self.state.unwrap_or_else(|| beside.join("rowkeep-state.db"));
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
        let (address, made) = (server.address(), server.made());
        // It is shown once, to whoever wants to read nothing else as well.
        let secrets = made.token.iter().chain(made.user.iter().map(|(_, password)| password));
        if session.global.quiet && !session.global.json {
            secrets.for_each(|secret| out::line(secret.expose_secret()));
        }
        session.result(|| served::json(&options, address, made), || served::told(&options, address, made));
        server.run(session.stop()).await;
        workspace.settle().await;
        Ok(DONE)
    }
}
