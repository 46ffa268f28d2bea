//! A repository that is made when it is first used.

use rowkeep_engine::{Meant, ViewOptions};
use rowkeep_repository::Repository;

use super::{Source, Workspace};
use crate::jobs::caller::{Caller, News, Proposal};
use crate::{Error, RequestError};

impl Workspace {
    /// The repository; where there is none, it is made if the configuration or the caller approves of it, and the caller is
    /// told.
    ///
    /// Before anything is made, the databases that are to be backed up into it have to be found: a mistyped name leaves
    /// nothing behind.
    pub(crate) async fn repository_or_new(
        &self,
        sources: &[Source],
        caller: &dyn Caller,
    ) -> Result<&Repository, Error> {
        // Of several jobs that find none, one makes it.
        let _alone = self.making.lock().await;
        if !self.places.is_empty() {
            return self.first_of_several(Some((sources, caller))).await;
        }
        let missing = match self.repository().await {
            Err(error @ Error::Request(RequestError::NoRepository { .. })) => error,
            outcome => return outcome,
        };
        let (mut found, mut lost) = (false, None);
        for source in sources {
            match source.engine.open_of(&ViewOptions { with_ddl: false }, &Meant::nothing()).await {
                Ok(_) => found = true,
                Err(error) => lost = lost.or(Some(error)),
            }
        }
        if let (false, Some(error)) = (found, lost) {
            return Err(error.into());
        }
        let location = self.shown_location();
        if !self.config().create && !caller.approve(Proposal::Repository(&location)).await? {
            return Err(missing);
        }
        match self.init(false, None).await {
            Ok(made) => caller.tell(News::Made(&made)),
            // Somebody else has made it meanwhile.
            Err(error) if is_there(&error) => {}
            Err(error) => return Err(error),
        }
        self.repository().await
    }
}

/// Whether a repository was not made because there is one.
fn is_there(error: &Error) -> bool {
    match error {
        Error::Step { source, .. } => is_there(source),
        Error::Repository(cause) => matches!(cause, rowkeep_repository::Error::AlreadyThere),
        _ => false,
    }
}
