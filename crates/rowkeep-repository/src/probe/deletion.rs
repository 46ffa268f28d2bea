//! Deleting: whether it may be done, and whether it is.

use std::collections::BTreeSet;

use super::{Seen, Trials, told};
use crate::{Error, Lack};

impl Trials<'_> {
    /// Deletes what was written, and looks whether it is gone.
    pub(super) async fn delete(&mut self, keeps_versions: bool) {
        let tried = format!("deleting {} objects, then reading and listing them", self.written.len());
        let seen = match self.delete_all().await {
            Ok(()) => {
                self.report.left_versions = if keeps_versions { self.put } else { 0 };
                Seen::well("they are gone")
            }
            Err(Failure::Denied(answer)) => Seen::warning(
                format!("this role may create objects and not delete them ({answer})"),
                "backups work, and nobody who has this role can delete any; `rowkeep prune`, `delete` and `repair` have to run with another \
                 role. What a killed backup leaves stays until then",
                "nothing, where that is what you want",
            ),
            Err(Failure::Undeleted(count)) => {
                self.report.lacks.insert(Lack::Deletion);
                Seen::error(
                    format!("the store said that all were deleted, and {count} are still there"),
                    "snapshots that are deleted come back, and no space does",
                    "look at the bucket's rules and the role's rights, or use another store",
                )
            }
            Err(Failure::Other(answer)) => {
                Seen::error(answer, "no snapshot can be deleted and no space freed", "look at the store")
            }
        };
        self.report.left = self.left().await;
        self.found("delete", tried, seen);
    }

    async fn delete_all(&self) -> Result<(), Failure> {
        let mut names: Vec<String> = self.written.iter().cloned().collect();
        let last = names.pop().unwrap_or_default();
        // One by itself and the others together, as a repository does.
        self.objects.delete(&last).await?;
        let mut undeleted = u64::from(self.objects.exists(&last).await?);
        self.objects.delete_all(&names).await?;
        for name in &names {
            undeleted += u64::from(self.objects.exists(name).await?);
        }
        let listed = self.objects.list(&self.name).await?.len() as u64;
        match undeleted.max(listed) {
            0 => Ok(()),
            count => Err(Failure::Undeleted(count)),
        }
    }

    /// What is there by its list, and otherwise what was written and may be.
    async fn left(&self) -> Vec<String> {
        match self.objects.list(&self.name).await {
            Ok(listed) => {
                listed.into_iter().map(|object| object.name).collect::<BTreeSet<_>>().into_iter().collect()
            }
            Err(_) => self.written.iter().cloned().collect(),
        }
    }
}

enum Failure {
    Denied(String),
    Undeleted(u64),
    Other(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Denied { .. } => Self::Denied(told(&error)),
            _ => Self::Other(told(&error)),
        }
    }
}
