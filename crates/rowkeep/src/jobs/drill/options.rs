//! How a drill is to be done.

use std::path::PathBuf;

use rowkeep_engine::Surroundings;
use rowkeep_format::Manifest;
use secrecy::SecretString;

use crate::config::Objectives;
use crate::data_checks::Check;

/// How a drill is to be done.
#[derive(Debug, Clone, Default)]
pub struct DrillOptions {
    /// What must hold of the restored data.
    pub checks: Vec<Check>,
    /// What the recovery must keep to.
    pub objectives: Objectives,
    /// Where scratch databases of servers are made; a server of its own for the drill when not given.
    pub to_server: Option<SecretString>,
    /// The folder for scratch files; what killed drills left there is removed.
    pub temporary: PathBuf,
    /// Where the programs of servers are, and what else engines go by.
    pub surroundings: Surroundings,
    /// Whether the snapshot is the newest, so that its age is the data that would be lost.
    pub is_newest: bool,
    /// The snapshot before, whose row counts checks compare with.
    pub before: Option<Manifest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_shows_no_password() {
        let to_server = Some("postgres://u:s3cret@h/postgres".into());
        let shown = format!("{:?}", DrillOptions { to_server, ..DrillOptions::default() });
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
