//! `[compatibility]`: addresses at which `rowkeep serve` answers as the backup interfaces of applications did.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Which databases are meant at the addresses that applications had for their backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compatibility {
    /// `/api/backup` and `/api/backup/restore`.
    pub backup: Option<BackupAddress>,
    /// `/api/admin/backup`.
    pub admin_backup: Option<AdminBackupAddress>,
}

/// What is meant at `/api/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAddress {
    /// The database, by its name.
    pub database: String,
    /// The tables, or groups of them, that `includeUserData` and `skipUserData` mean.
    #[serde(default)]
    pub user_data: Vec<String>,
    /// Those that `includeSessions` and `skipSessions` mean.
    #[serde(default)]
    pub sessions: Vec<String>,
}

/// What is meant at `/api/admin/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminBackupAddress {
    /// The database, by its name.
    pub database: String,
}

impl Compatibility {
    /// Fails for a database that is not configured.
    pub(super) fn check<T>(&self, databases: &BTreeMap<String, T>) -> Result<(), String> {
        let backup = self.backup.as_ref().map(|address| ("backup", &address.database));
        let admin = self.admin_backup.as_ref().map(|address| ("admin_backup", &address.database));
        match backup.into_iter().chain(admin).find(|(_, database)| !databases.contains_key(*database)) {
            Some((address, database)) => {
                Err(format!("compatibility: {address}: there is no [databases.{database}] in this file"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Config;

    #[test]
    fn addresses_mean_databases_that_are_configured() {
        let read = |text: &str| {
            let text = format!("{text}\n[databases.travel]\nurl = 'travel.db'");
            Config::parse(&text, Path::new("rowkeep.toml"), &|_| None).map_err(|error| error.to_string())
        };
        let config = read("[compatibility.backup]\ndatabase = 'travel'\nsessions = ['Session']");
        let backup = config.expect("it is well formed").compatibility.backup.expect("it is there");
        assert_eq!((backup.sessions, backup.user_data), (vec!["Session".to_owned()], Vec::new()));
        for (text, told) in [
            ("[compatibility.backup]\ndatabase = 'other'", "no [databases.other]"),
            ("[compatibility.admin_backup]\ndatabase = 'other'", "admin_backup"),
            ("[compatibility.backup]\nsessions = []", "database"),
            ("[compatibility.other]\ndatabase = 'travel'", "other"),
        ] {
            let error = read(text).expect_err("it is refused");
            assert!(error.contains(told), "{error}");
        }
    }
}
