use anyhow::Result;
use rowkeep::jobs::holds::ReleaseRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::holds::released;

/// Release a snapshot that is held or suspicious.
///
/// Ends all holds on it. A suspicious one counts as looked at from then on: neither it nor the snapshot before it is kept for
/// that any longer.
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`
    snapshot: String,
}

impl Release {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = ReleaseRequest { snapshot: self.snapshot };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| &outcome, || released(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
