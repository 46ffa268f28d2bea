//! Several repositories: what is worked with is the first of them that can be opened.

use std::sync::{MutexGuard, PoisonError};

use rowkeep_repository::Repository;

use super::{Place, Source, Workspace};
use crate::config::NamedRepository;
use crate::jobs::caller::Caller;
use crate::{Error, Event, RequestError};

impl Workspace {
    /// The first of several repositories that can be opened, or made if `or_new` says for which databases; whoever watches is told
    /// which ones were passed over.
    pub(super) async fn first_of_several(
        &self,
        or_new: Option<(&[Source], &dyn Caller)>,
    ) -> Result<&Repository, Error> {
        let first = self.repository.get_or_try_init(|| async {
            let mut failed: Vec<(String, Error)> = Vec::new();
            for (at, Place { name, workspace }) in self.places.iter().enumerate() {
                let opened = match or_new {
                    Some((sources, caller)) => Box::pin(workspace.repository_or_new(sources, caller)).await,
                    None => Box::pin(workspace.repository()).await,
                };
                match opened {
                    Ok(repository) => {
                        for (passed_over, error) in &failed {
                            self.warn(format!(
                                "repository {passed_over} cannot be used, {name} is used instead: {}",
                                error.in_one_line()
                            ));
                        }
                        *self.lock_passed_over() = failed;
                        let _ = self.answering.set(at);
                        return Ok(repository.clone());
                    }
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    Err(error) => failed.push((name.clone(), error)),
                }
            }
            let mut failed = failed.into_iter();
            let first = failed.next().map_or(RequestError::NoDatabase.into(), |(_, error)| error);
            for (name, error) in failed {
                self.warn(format!("repository {name} cannot be used either: {}", error.in_one_line()));
            }
            Err(first)
        });
        first.await
    }

    /// The name of the repository that is worked with, if it is one of several.
    pub(crate) fn answering(&self) -> Option<&str> {
        self.places.get(*self.answering.get()?).map(|place| &*place.name)
    }

    /// Why one of several repositories is not worked with, if it was passed over; the next who asks tries to open it again.
    pub(crate) fn passed_over(&self, name: &str) -> Option<Error> {
        let mut passed_over = self.lock_passed_over();
        let at = passed_over.iter().position(|(other, _)| other == name)?;
        Some(passed_over.swap_remove(at).1)
    }

    fn lock_passed_over(&self) -> MutexGuard<'_, Vec<(String, Error)>> {
        self.passed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The other ones of several repositories, each by its name.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&str, &Workspace)> {
        let answering = self.answering.get().copied();
        let others = self.places.iter().enumerate().filter(move |(at, _)| Some(*at) != answering);
        others.map(|(_, place)| (&*place.name, &place.workspace))
    }

    /// A workspace with the repository that a job is for: with one of several by its name, or with the only one.
    pub(crate) fn of_repository(&self, name: Option<&str>) -> Result<&Workspace, RequestError> {
        let Some(name) = name else {
            self.refuse_several()?;
            return Ok(self);
        };
        let place = self.places.iter().find(|place| place.name == name);
        place.map(|place| &place.workspace).ok_or_else(|| RequestError::NoSuchRepository {
            name: name.to_owned(),
            known: self.names_of_repositories(),
        })
    }

    /// Several repositories, as they are configured; none where there is one.
    pub fn repositories(&self) -> &[NamedRepository] {
        if self.places.is_empty() { &[] } else { &self.named.repositories }
    }

    fn names_of_repositories(&self) -> Vec<String> {
        self.places.iter().map(|place| place.name.clone()).collect()
    }

    /// Fails where there are several repositories: what changes or looks at one of them says at which.
    pub(crate) fn refuse_several(&self) -> Result<(), RequestError> {
        match self.places.is_empty() {
            true => Ok(()),
            false => Err(RequestError::SeveralRepositories { known: self.names_of_repositories() }),
        }
    }

    fn warn(&self, warning: String) {
        if let Some(observer) = &self.circumstances.observer {
            observer(Event::Warning(&warning));
        }
    }
}
