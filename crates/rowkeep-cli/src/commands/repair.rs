use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::repair::RepairRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::repaired;

/// Repair a damaged repository.
///
/// Stores again what can be read of damaged packs, and what is lost as far as the databases still have it: those in
/// rowkeep.toml, and those given here. Whatever is beyond help is kept below `aside/` in the repository, and the snapshots
/// that stay incomplete are listed. A lost `config` is made again from the key slots. Run it when no backup is running.
/// Exits with 3 if snapshots stay incomplete.
#[derive(Debug, clap::Args)]
pub(crate) struct Repair {
    /// Databases that may still have what is lost: names in rowkeep.toml, URLs or paths
    #[arg(value_name = "DATABASE|URL")]
    databases: Vec<DatabaseRef>,
    /// Print the plan without executing it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    /// Read every pack of a large repository first, not only those known to be damaged
    #[arg(long)]
    read_data: bool,
}

impl Repair {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request =
            RepairRequest { databases: self.databases, plan_only: self.dry_run, read_data: self.read_data };
        let person = Person { session, approves: self.yes };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(|| json!(outcome), || repaired::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
