//! The person at the terminal, on whose behalf jobs run.

use rowkeep::async_trait;
use rowkeep::jobs::caller::{Caller, News, Proposal};
use rowkeep::{Error, RequestError};

use super::confirm::confirmed;
use super::units::{bytes, counted, plain, short};
use super::{
    copied, deletion, effect, examined, made, repaired, replaced, restored, rows, snapshot, translated,
};
use crate::fail;
use crate::setup::Session;

/// The person at the terminal: shown what happens, and asked unless everything was approved of beforehand.
pub(crate) struct Person<'s> {
    pub(crate) session: &'s Session,
    pub(crate) approves: bool,
}

#[async_trait]
impl Caller for Person<'_> {
    async fn approve(&self, proposal: Proposal<'_>) -> Result<bool, Error> {
        if self.approves && !matches!(proposal, Proposal::Repository(_)) {
            return Ok(true);
        }
        let question = match proposal {
            Proposal::Repository(location) => format!("there is no repository at {location}; create one?"),
            Proposal::Rows(plan) => {
                format!("change {} of {}?", counted(plan.rows.total(), "row"), plan.database)
            }
            Proposal::Repair(_) => "repair the repository?".to_owned(),
            Proposal::Replacement(plan) => format!("replace all of {}, including its schema?", plan.database),
            Proposal::Translation(plan) => format!(
                "create {}, with {} that will not be exact?",
                plan.database,
                counted(plan.inexact.len() as u64, "thing")
            ),
            Proposal::Deletion(snapshots) => {
                format!("delete {}?", counted(snapshots.ids().count() as u64, "snapshot"))
            }
        };
        match confirmed(&question) {
            Ok(Some(answer)) => Ok(answer),
            // Without anyone to ask there is none, which whoever looked for it says.
            Ok(None) if matches!(proposal, Proposal::Repository(_)) => Ok(false),
            Ok(None) => Err(RequestError::NobodyToAsk.into()),
            Err(source) => Err(Error::File { problem: "cannot read the answer".to_owned(), source }),
        }
    }

    fn tell(&self, news: News<'_>) {
        let session = self.session;
        match news {
            News::Made(new) => session.say(made::told(new)),
            News::Plan(Proposal::Rows(plan)) => session.say(rows::plan_told(plan)),
            News::Plan(Proposal::Replacement(plan)) => session.say(replaced::plan_told(plan)),
            News::Plan(Proposal::Translation(plan)) => session.say(translated::plan_told(plan)),
            // There may be very many.
            News::Plan(Proposal::Deletion(_)) if session.global.quiet || session.global.json => {}
            News::Plan(Proposal::Deletion(plan)) => session.say(deletion::plan_told(plan)),
            News::Plan(Proposal::Repair(plan)) => session.say(repaired::plan_told(plan)),
            News::PlanAgain(why) => session.say(format!("{}; making a new plan", plain(why))),
            News::Snapshot(new) => session.say(snapshot::told(new)),
            News::Copied(copied) => session.say(copied::one(copied)),
            News::CaughtUp { repository, snapshots, new_bytes } => session.say(format!(
                "copied {} to repository {repository}: {} new there",
                counted(snapshots, "snapshot"),
                bytes(new_bytes)
            )),
            News::Behind { repository, error } => fail::say_of(&format!("repository {repository}"), error),
            News::NotCopied(failed) => fail::say(&format!(
                "error: cannot copy snapshot {}: {}",
                short(failed.id),
                plain(&failed.error)
            )),
            News::Restored(outcome) => restored::done(session, outcome),
            News::Undone(outcome) => restored::undone(session, outcome),
            News::Examined(database) => session.say(examined::told(database)),
            News::Deleted(snapshot) => {
                session.say(format!("deleted snapshot {} of {}", short(snapshot.id), snapshot.database))
            }
            News::DeletedUnreadable(id) => {
                session.say(format!("deleted snapshot {}, which could not be read", short(id)))
            }
            News::Changing { before, target } => effect::say_before(session, before, target),
            News::Failed { database, error } => fail::say_of(database, error),
            News::HookFailed(error) => fail::say(&format!("error: {}", plain(&error.to_string()))),
            _ => {}
        }
    }
}
