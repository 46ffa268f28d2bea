//! The way in which changes are made, and how another is found when the database's demands stand in its way.

use std::collections::{BTreeMap, BTreeSet};

use rowkeep_format::Counts;
use tokio_postgres::error::DbError;

use super::current_tables::CurrentTable;
use super::foreign_keys::{self, Treatment};
use super::work::{Stopped, VIOLATED, Work};
use crate::postgres::connect::failure::{changing_failed, words};
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind, OnConflict};

/// How often rows that others insert meanwhile are looked at again.
const RACES: usize = 5;

/// How the changes have to be made this time.
#[derive(Debug, Default)]
pub(super) struct Strategy {
    pub(super) treatments: BTreeMap<u32, Treatment>,
    /// Tables whose updates of unique values are made by replacing the rows.
    pub(super) replaced: BTreeSet<usize>,
    races: usize,
}

impl Work<'_> {
    /// Decides how the next attempt avoids what stopped this one, or that nothing can.
    pub(super) async fn find_another_strategy(
        &self,
        session: &Session,
        strategy: &mut Strategy,
        stopped: Stopped,
    ) -> Result<(), EngineError> {
        let (at, doing, error) = match stopped {
            Stopped::For(error) => return Err(error),
            Stopped::Violated(error) => {
                let named = match error.as_db_error() {
                    Some(said) if said.code().code() == "23503" => foreign_keys::named(session, said).await?,
                    _ => None,
                };
                return match named {
                    Some(oid) if self.leaves_dangling(session, strategy, oid).await? => Ok(()),
                    _ => Err(changing_failed(VIOLATED, error)),
                };
            }
            Stopped::Refers(oid, error) => {
                return match self.leaves_dangling(session, strategy, oid).await? {
                    true => Ok(()),
                    false => Err(error),
                };
            }
            Stopped::Disturbs(oid) if self.leaves_dangling(session, strategy, oid).await? => return Ok(()),
            Stopped::Disturbs(oid) => {
                self.reference(oid).map_or(Ok(()), foreign_keys::check_droppable)?;
                strategy.treatments.insert(oid, Treatment::Drop);
                return Ok(());
            }
            Stopped::Refused { at, doing, error } => (at, doing, error),
        };
        let table = self.stages[at].changes.changed();
        let said = error.as_db_error();
        let helped = match said.map(|said| said.code().code()) {
            Some("23503" | "23001") => match said {
                Some(said) => self.put_aside(session, strategy, said).await?,
                None => false,
            },
            Some("23505" | "23P01") if doing == "update" => {
                self.staged[at].unique_updates > 0 && strategy.replaced.insert(at)
            }
            Some("23505") if self.on_conflict == OnConflict::Skip && self.is_key(at, said) => {
                strategy.races += 1;
                strategy.races <= RACES
            }
            _ => false,
        };
        if helped {
            return Ok(());
        }
        if said.is_some_and(|said| said.code().code() == "23505")
            && doing != "update"
            && self.is_key(at, said)
        {
            let message =
                format!("rows that are to be inserted into table {table} are there, with other values");
            let words = words(&error);
            return Err(EngineError::new(ErrorKind::Conflict, message).with_source(words));
        }
        Err(changing_failed(format!("cannot {doing} table {table}"), error))
    }

    /// Whether an error is of the unique key by which rows of a table are told apart.
    fn is_key(&self, at: usize, said: Option<&DbError>) -> bool {
        let table = &self.stages[at].changes.table;
        let names: Vec<&str> =
            table.key.columns.iter().map(|part| table.columns[part.column].name.as_str()).collect();
        // The detail is `Key (a, b)=(1, 2) already exists.`, with names quoted where they need it.
        let detail = said.and_then(DbError::detail).unwrap_or_default().replace('"', "");
        table.key.unique && detail.contains(&format!("({})=(", names.join(", ")))
    }

    /// Leaves a foreign key unchecked from now on, where rows may dangle by it and this role may have them do so.
    async fn leaves_dangling(
        &self,
        session: &Session,
        strategy: &mut Strategy,
        oid: u32,
    ) -> Result<bool, EngineError> {
        let Some(reference) = self.reference(oid) else { return Ok(false) };
        if strategy.treatments.get(&oid) == Some(&Treatment::Uncheck)
            || reference.may_dangle(session, self.may_dangle).await? == 0
        {
            return Ok(false);
        }
        let may = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
        let may = session.value("cannot ask what the role may", may).await?.as_deref() == Some("t");
        if may {
            strategy.treatments.insert(oid, Treatment::Uncheck);
        }
        Ok(may)
    }

    /// Puts off a foreign key, or drops it when that was not enough; not when that could not help.
    async fn put_aside(
        &self,
        session: &Session,
        strategy: &mut Strategy,
        said: &DbError,
    ) -> Result<bool, EngineError> {
        let Some(oid) = foreign_keys::named(session, said).await? else { return Ok(false) };
        let Some(reference) = self.reference(oid) else { return Ok(false) };
        if self.leaves_dangling(session, strategy, oid).await? {
            return Ok(true);
        }
        let counts = |chosen: &dyn Fn(&CurrentTable) -> bool| {
            let mut sum = Counts::default();
            for (staged, _) in self.staged.iter().zip(self.current).filter(|(_, current)| chosen(current)) {
                sum += staged.counts;
            }
            sum
        };
        let children = counts(&|current| reference.is_of(current));
        let parents = counts(&|current| reference.refers_to(current));
        if children.updated + children.deleted + parents.inserted + parents.updated == 0 {
            return Ok(false);
        }
        let next = match strategy.treatments.get(&oid) {
            None if !reference.deferrable => Treatment::Defer,
            None | Some(Treatment::Defer) => Treatment::Drop,
            Some(Treatment::Drop | Treatment::Uncheck) => return Ok(false),
        };
        if next == Treatment::Drop {
            foreign_keys::check_droppable(reference)?;
        }
        strategy.treatments.insert(oid, next);
        Ok(true)
    }
}
