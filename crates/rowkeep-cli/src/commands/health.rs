use anyhow::Result;
use rowkeep::jobs::health::{HealthOutcome, HealthRequest};
use rowkeep_server::{NotReady, ready};
use serde_json::json;

use crate::fail::{CommandError, DONE, status_of};
use crate::out;
use crate::setup::Session;
use crate::ui::health;

/// Show whether the databases keep what was promised.
///
/// For monitors: reads rowkeep.toml, the repository and the reports of drills, and needs no service. Of each database the newest snapshot and
/// its age against its promise or its schedule, and its last drill. Ends with status 3 if a database is not as it should be:
/// it has no snapshot, its newest is too old or overdue, or its last drill failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Health {
    /// Print figures for Prometheus instead, as the text file collector of node_exporter reads them
    #[arg(long)]
    prometheus: bool,
    /// Only ask whether the service at this address can work, such as http://127.0.0.1:8470
    #[arg(long, value_name = "URL", conflicts_with = "prometheus")]
    url: Option<String>,
}

impl Health {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        if let Some(url) = &self.url {
            return ask(session, url).await;
        }
        let workspace = session.workspace()?;
        let outcome = HealthRequest::default().run(&session.context, workspace).await;
        if self.prometheus {
            // What cannot be known is said too: a file that is not written any more would look as it was.
            let unknown = || HealthOutcome::unknown(workspace.config(), session.context.now());
            let figures = outcome
                .as_ref()
                .map_or_else(|_| unknown().metrics(VERSION), |outcome| outcome.metrics(VERSION));
            out::text(figures);
        }
        let outcome = outcome?;
        if !self.prometheus {
            session.result(|| &outcome, || health::told(&outcome));
        }
        Ok(status_of(outcome.verdict()))
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

async fn ask(session: &Session, url: &str) -> Result<u8> {
    ready(url).await.map_err(|error| match error {
        NotReady::Url => anyhow::Error::from(
            CommandError::usage(error.to_string()).with_hint("write it as http://127.0.0.1:8470"),
        ),
        error => error.into(),
    })?;
    session.result(|| json!({ "ready": true }), || "the service is ready".to_owned());
    Ok(DONE)
}
