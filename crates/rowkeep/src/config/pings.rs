//! Addresses that are pinged when a job begins, is done or fails, so that somebody else notices when none comes.

use secrecy::ExposeSecret;
use serde::Deserialize;

use super::channels::check_url;
use super::schedules::Work;
use crate::variables::Expanded;

/// The addresses that are pinged of a database.
#[derive(Debug, Clone, Default)]
pub struct Pings {
    /// That of its backups.
    pub backup: Option<Expanded>,
    /// That of its drills.
    pub drill: Option<Expanded>,
    /// Whether they may be in a private network.
    pub private_network: bool,
}

impl Pings {
    /// The address that is pinged of a kind of work.
    pub fn of(&self, work: Work) -> Option<&Expanded> {
        match work {
            Work::Backup => self.backup.as_ref(),
            Work::Drill => self.drill.as_ref(),
            Work::Refresh | Work::Check | Work::Prune | Work::Copy => None,
        }
    }
}

/// What a file says of pings: the address of backups, or one for each kind of work.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "ping is an address, or addresses as { backup = \"https://…\", drill = \"https://…\" }"
)]
pub(super) enum FilePings {
    Backup(String),
    Each(FileEach),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEach {
    backup: Option<String>,
    drill: Option<String>,
    #[serde(default)]
    private_network: bool,
}

impl FilePings {
    pub(super) fn read(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Pings, String> {
        let (backup, drill, private_network) = match self {
            FilePings::Backup(url) => (Some(url), None, false),
            FilePings::Each(each) => (each.backup, each.drill, each.private_network),
        };
        let address = |name: &str, text: Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let url = Expanded::of(&text, variable).map_err(|problem| format!("ping: {name}: {problem}"))?;
            if let Ok(known) = url.value() {
                check_url(known.expose_secret(), private_network)
                    .map_err(|problem| format!("ping: {name}: {problem}"))?;
            }
            Ok::<_, String>(Some(url))
        };
        Ok(Pings { backup: address("backup", backup)?, drill: address("drill", drill)?, private_network })
    }
}
