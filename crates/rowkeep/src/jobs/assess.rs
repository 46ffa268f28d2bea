//! Assess: in an emergency, what is there, what is lost, which snapshot is best, and how long it takes to be back.

mod decide;
mod findings;
mod next;
mod request;

use futures::stream::StreamExt;
use rowkeep_engine::{Contents, Engine, ErrorKind, Meant, ViewOptions, dialect_of};
use rowkeep_format::TableName;
use rowkeep_format::manifest::{Scope, Why};
use rowkeep_repository::{CheckOptions, ReadData, Repository};

use crate::config::Promise;
use crate::data_checks::judge::number_of;
use crate::data_checks::sql;
use crate::durations::seconds_between;
use crate::jobs::repository_check::check;
use crate::report::{Report, latest};
use crate::state::owner::Owner;
use crate::state::snapshots::{self, Snapshot};
use crate::state::times::doubt_of;
use crate::{Context, Error};

use decide::{Live, Past, Uncounted};
pub use decide::{Loss, TableHealth, TableState};
pub use findings::{Assessment, Candidate, Damaged, OfDevice, Reach, Recovery};
pub use next::Step;
pub use request::{AssessOutcome, AssessRequest, Assessed};

/// Tables that are counted at once.
const AT_ONCE: usize = 4;

/// What a restore is taken to manage when no drill measured it: plain bytes of rows in a second.
const BYTES_PER_SECOND: u64 = 20_000_000;

/// Looks at a database, by its name and what it is, and at what the repository has of it. Nothing is changed; a database that cannot be reached is
/// a finding.
///
/// The structure of every snapshot is checked, not every byte. `drills` are reports of drills of it, the oldest first, and `promise` is what
/// was promised of it.
pub async fn assess(
    context: &Context,
    repository: &Repository,
    owner: &Owner,
    engine: &dyn Engine,
    drills: &[Report],
    promise: Option<Promise>,
) -> Result<Assessment, Error> {
    context.until_cancelled(assess_now(context, repository, owner, engine, drills, promise)).await
}

async fn assess_now(
    context: &Context,
    repository: &Repository,
    owner: &Owner,
    engine: &dyn Engine,
    drills: &[Report],
    promise: Option<Promise>,
) -> Result<Assessment, Error> {
    let seen = if engine.arrives() { None } else { Some(look(engine).await) };
    let (kept, unreadable) = snapshots::readable(repository, Some(owner)).await?;
    let (reach, live) = seen.unwrap_or_else(|| (Reach::Arrives, decide::arrived(&kept)));
    let mut damaged: Vec<Damaged> = unreadable
        .iter()
        .map(|(id, _)| Damaged { id: id.to_string(), time: None, tables: Vec::new() })
        .collect();
    let checked = check(context, repository, CheckOptions { read_data: ReadData::Nothing }).await?;
    let catalog = repository.catalog().await?;
    let is_owned = |id| catalog.get(&id).is_none_or(|summary| owner.owns(summary));
    let losses = checked.losses.iter().filter(|loss| loss.database == owner.name && is_owned(loss.snapshot));
    damaged.extend(losses.map(|loss| Damaged {
        id: loss.snapshot.to_string(),
        time: Some(loss.time),
        tables: match loss.schema {
            true => Vec::new(),
            false => loss.tables.iter().map(ToString::to_string).collect(),
        },
    }));
    let pasts: Vec<Past<'_>> = kept
        .iter()
        .map(|snapshot| Past {
            snapshot,
            is_whole: !damaged.iter().any(|damaged| damaged.id == snapshot.id.to_string()),
        })
        .collect();
    let best = decide::best(&pasts);
    let of_each = decide::by_device(&pasts);
    let losses: Vec<Loss> = of_each.values().flat_map(|of| decide::losses(of)).collect();
    let tables = decide::compare(live.as_ref(), best);
    let is_newest = |snapshot: &&Snapshot| snapshot.manifest.scope != Scope::DataOnly;
    let newest = kept.iter().rfind(is_newest);
    let doubt = |snapshot: &Snapshot| doubt_of(snapshot.id, &catalog, context.now());
    let time_doubt = best.and_then(doubt);
    // A time that cannot be right says nothing about what is lost.
    let loss = |snapshot: &Snapshot| {
        let seconds = seconds_between(snapshot.manifest.time, context.now());
        doubt(snapshot).is_none().then(|| u64::try_from(seconds).unwrap_or(0))
    };
    let data_loss_seconds = best.and_then(loss);
    let of_device = |(device, of): (&Option<&str>, &Vec<Past<'_>>)| {
        let (best, mut all) = (decide::best(of), of.iter().map(|past| past.snapshot));
        let seconds = best.and_then(loss);
        let is_its = |report: &&Report| {
            report.snapshot.as_ref().is_some_and(|about| about.device.as_deref() == *device)
        };
        OfDevice {
            device: device.map(str::to_owned),
            is_newest: all.rfind(is_newest).map(|newest| newest.id) == best.map(|best| best.id),
            data_loss_seconds: seconds,
            is_older_than_promised: promise
                .zip(seconds)
                .is_some_and(|(promise, seconds)| seconds > promise.lose_seconds),
            last_drill: drills.iter().rfind(is_its).map(|report| report.time),
            best: best.map(Candidate::of),
        }
    };
    let devices: Vec<OfDevice> = match of_each.keys().any(Option::is_some) {
        true => of_each.iter().map(of_device).collect(),
        false => Vec::new(),
    };
    let lacking = !matches!(reach, Reach::There | Reach::Arrives)
        || best.is_none()
        || newest.map(|newest| newest.id) != best.map(|best| best.id)
        || !losses.is_empty()
        || devices.iter().any(|of| !of.is_newest)
        || tables.iter().any(|table| table.state.is_lacking());
    let best = best.map(Candidate::of);
    Ok(Assessment {
        database: owner.name.clone(),
        target: engine.describe(),
        reach,
        tables,
        snapshots: kept.len() as u64,
        newest: newest.map(Candidate::of),
        recovery: best.as_ref().map(|best| recovery(best, latest(drills))),
        best,
        devices,
        losses,
        damaged,
        data_loss_seconds,
        time_doubt,
        lacking,
    })
}

/// Looks whether the database answers, and counts the rows of its tables.
async fn look(engine: &dyn Engine) -> (Reach, Option<Live>) {
    let contents = match engine.contents().await {
        Ok(contents) => contents,
        Err(error) => return (Reach::Unreachable(words(&error)), None),
    };
    match contents {
        Contents::Missing => return (Reach::Missing, None),
        Contents::Empty => return (Reach::Empty, Some(Live::new())),
        Contents::Unfinished => return (Reach::Unfinished, None),
        Contents::Occupied(_) => {}
    }
    let view = match engine.open_of(&ViewOptions { with_ddl: false }, &Meant::nothing()).await {
        Ok(view) => view,
        Err(error) => return (Reach::Unreachable(words(&error)), None),
    };
    let tables: Vec<TableName> = view
        .schema()
        .tables
        .iter()
        .filter(|table| table.kind.is_user_table())
        .map(|table| table.name.clone())
        .collect();
    let denied = view.unread().iter().filter(|unread| unread.why == Why::Denied);
    let denied: Vec<TableName> = denied.map(|unread| unread.name.clone()).collect();
    drop(view);
    let counts = futures::stream::iter(tables).map(|table| async move {
        let rows = count(engine, &table).await.map_err(|error| match &error {
            Error::Engine(denied) if denied.kind() == ErrorKind::PermissionDenied => {
                Uncounted::Denied(words(&error))
            }
            _ => Uncounted::Failed(words(&error)),
        });
        (table, rows)
    });
    let mut live: Live = counts.buffer_unordered(AT_ONCE).collect().await;
    let why = || Uncounted::Denied("permission denied".to_owned());
    live.extend(denied.into_iter().map(|table| (table, Err(why()))));
    (Reach::There, Some(live))
}

async fn count(engine: &dyn Engine, table: &TableName) -> Result<u64, Error> {
    let answer = engine.query(&sql::rows(dialect_of(engine.name())?, table), 1).await?;
    number_of(&answer).ok_or_else(|| {
        let message = format!("the rows of {table} could not be counted");
        rowkeep_engine::EngineError::new(rowkeep_engine::ErrorKind::Other, message).into()
    })
}

/// How long the best takes: as a drill measured it, for as many bytes; or a guess.
fn recovery(best: &Candidate, drill: Option<&Report>) -> Recovery {
    let measured = drill.and_then(|report| Some((report, report.measures.as_ref()?)));
    match measured.filter(|(_, measures)| measures.recovery_ms > 0) {
        Some((report, measures)) => {
            let scaled = match measures.bytes {
                0 => u128::from(measures.recovery_ms),
                bytes => u128::from(measures.recovery_ms) * u128::from(best.bytes) / u128::from(bytes),
            };
            Recovery { ms: u64::try_from(scaled).unwrap_or(u64::MAX).max(1), drill: Some(report.time) }
        }
        None => Recovery { ms: 1000 + best.bytes.saturating_mul(1000) / BYTES_PER_SECOND, drill: None },
    }
}

fn words(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
