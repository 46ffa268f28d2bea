use anyhow::Result;
use rowkeep::jobs::holds::HoldRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::holds::held;

/// Hold a snapshot.
///
/// No rule lets it go, and it cannot be deleted, until it is released or the hold ends by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`
    snapshot: String,
    /// When the hold ends by itself: a time, or a length of time from now, such as 90d [default: never]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Why it is held
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Hold {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = HoldRequest { snapshot: self.snapshot, until: self.until, reason: self.reason };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| &outcome, || held(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
