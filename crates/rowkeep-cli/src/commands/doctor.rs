use anyhow::Result;
use rowkeep::capture::readiness::examine;
use rowkeep::engine::{Examination, Level};
use serde_json::json;

use crate::fail::{DONE, FAILED};
use crate::setup::{Session, folder_of};
use crate::ui::units::plain;

/// Look at what would stand in the way of a backup: connection, permissions, tools, space, other operations.
///
/// Changes nothing. Without a database, looks at all that rowkeep.toml names.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let location = session.location()?;
        let mut healthy = true;
        let mut results = Vec::new();
        for source in session.sources(self.database.as_deref())? {
            let folder = folder_of(&location);
            let mut examination = examine(source.engine.as_ref(), folder).await?;
            let typed = self.database.as_deref().unwrap_or(&source.name);
            if let Some(activity) =
                session.configured_as(typed)?.and_then(|(_, database)| database.activity.as_ref())
            {
                examination.findings.push(activity.examine(source.engine.as_ref()).await?);
            }
            healthy &= examination.findings.iter().all(|finding| finding.level < Level::Error);
            session.say(told(&source.engine.describe(), &examination));
            results.push(json!({
                "database": source.name,
                "facts": examination.facts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
                "findings": examination.findings,
            }));
        }
        if session.global.json {
            println!("{}", json!({ "healthy": healthy, "databases": results }));
        }
        Ok(if healthy { DONE } else { FAILED })
    }
}

fn told(database: &str, examination: &Examination) -> String {
    let mut lines = vec![plain(database)];
    lines
        .extend(examination.facts.iter().map(|(name, value)| format!("  {}: {}", plain(name), plain(value))));
    for finding in &examination.findings {
        let mark = match finding.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "ERROR  ",
            Level::Damage => "DAMAGE ",
        };
        lines.push(format!("{mark}  {}: {}", plain(&finding.what), plain(&finding.detail)));
    }
    lines.join("\n")
}
