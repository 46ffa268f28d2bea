use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rowkeep_server::{Server, ServerOptions};

use crate::fail::DONE;
use crate::out;
use crate::setup::Session;
use crate::ui::served;

/// Run the service: schedules and the REST API.
///
/// Does what `[schedule]`, the schedules and the promises of rowkeep.toml want when it is time, and answers requests over HTTP. The first
/// start prints a token that may do everything; it is shown once. Ctrl-C stops it: jobs that are being done end first, and those
/// that only read a database are done again at the next start.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8470")]
    listen: String,
    /// The file that keeps jobs, tokens and the audit [default: rowkeep-state.db beside rowkeep.toml]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Make another token that may do everything, and print it
    #[arg(long)]
    new_token: bool,
}

impl Serve {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let state = session.state_file(self.state)?;
        let options = ServerOptions { listen: self.listen, state, new_token: self.new_token };
        let (clock, randomness) = (session.context.clock(), session.context.randomness());
        let workspace = Arc::new(session.shared_workspace()?);
        let server =
            Server::open(&options, Arc::clone(&workspace), Arc::clone(clock), Arc::clone(randomness)).await?;
        let (address, token) = (server.address(), server.first_token());
        // It is shown once, to whoever wants to read nothing else as well.
        if let (true, Some(token)) = (session.global.quiet && !session.global.json, token) {
            out::line(token);
        }
        session.result(|| served::json(&options, address, token), || served::told(&options, address, token));
        server.run(session.stop()).await;
        workspace.settle().await;
        Ok(DONE)
    }
}
