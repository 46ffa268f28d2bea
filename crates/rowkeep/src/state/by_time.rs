//! States by time: `DATABASE@TIME` is the newest snapshot of a database that is not after a time.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep_format::{SnapshotId, Summary};
use rowkeep_repository::Catalog;

use super::ids::short_id;
use super::owner::meant;
use super::times::doubt;
use crate::moments::{AtMoment, FORMS, NoMoment, at, moment, told};
use crate::without_secrets::without_secrets;
use crate::{Error, RequestError};

/// What times mean that are asked for.
pub struct Times<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// The time zone of a database by its name.
    pub zone: &'a (dyn Fn(&str) -> TimeZone + Send + Sync),
}

/// The snapshot that a time means.
#[derive(Debug, Clone)]
pub(crate) struct ByTime {
    /// The snapshot, and how far it is from the time.
    pub(crate) found: AtMoment,
    /// Later ones that may be meant instead, with why their times cannot be right.
    pub(crate) doubtful: Vec<(SnapshotId, String)>,
}

/// Finds the newest snapshot of a database that is not after a time; nothing where the reference names no database and no
/// time. Which snapshot is later says their chain. One whose time cannot be right is passed over, and so is one that cannot serve.
pub(crate) fn by_time(
    catalog: &Catalog,
    reference: &str,
    times: &Times<'_>,
    serves: &(dyn Fn(&Summary) -> bool + Send + Sync),
) -> Result<Option<ByTime>, Error> {
    let Some((database, text)) = reference.rsplit_once('@') else { return Ok(None) };
    let is_time = at(reference).is_some();
    let asked = format!("{}@{text}", without_secrets(database));
    let no_time = |problem: String| RequestError::NoTime { text: asked.clone(), problem };
    if database.is_empty() && is_time {
        return Err(no_time("name the database before it, such as shop@-2h".to_owned()).into());
    }
    let none =
        || Error::NoSuchSnapshot { reference: asked.clone(), database: Some(without_secrets(database)) };
    let owner = match meant(catalog, database) {
        Ok(Some(owner)) => owner,
        Ok(None) if is_time => return Err(none()),
        Err(error) if is_time => return Err(error),
        Ok(None) | Err(_) => return Ok(None),
    };
    let zone = (times.zone)(&owner.name);
    let moment = moment(text, &zone, times.now).map_err(|wrong| match wrong {
        NoMoment::Other => no_time(FORMS.to_owned()),
        NoMoment::Wrong(problem) => no_time(problem),
    })?;
    let mut doubtful: Vec<(SnapshotId, String)> = Vec::new();
    let mut first: Option<&Summary> = None;
    let is_its = |summary: &Summary| !summary.is_aside() && owner.owns(summary) && serves(summary);
    for summary in catalog.snapshots().rev().filter(|summary| is_its(summary)) {
        first = Some(summary);
        match doubt(summary, catalog, times.now) {
            Some(doubt) => doubtful.push((summary.id, doubt)),
            // What came before this one may be meant, what came after it is not.
            None if summary.time > moment => doubtful.clear(),
            None => {
                let found = AtMoment {
                    asked,
                    moment,
                    snapshot: summary.id,
                    time: summary.time,
                    seconds_before: moment.duration_since(summary.time).as_secs(),
                    told_time: told(summary.time, &zone),
                };
                return Ok(Some(ByTime { found, doubtful }));
            }
        }
    }
    let first = first.ok_or_else(none)?;
    let (database, moment) = (owner.name, told(moment, &zone));
    Err(match doubtful.into_iter().next() {
        Some((id, doubt)) => {
            RequestError::NoneSurely { database, moment, snapshot: short_id(id), doubt }.into()
        }
        None => {
            let first = format!("{}, taken at {}", short_id(first.id), told(first.time, &zone));
            RequestError::NoneThen { database, moment, first }.into()
        }
    })
}
