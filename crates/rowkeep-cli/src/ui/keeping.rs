//! Which snapshots are kept, and why.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::jobs::keep::{DatabaseKeeping, KeepOutcome, SnapshotKeeping};
use rowkeep::retention::By;
use rowkeep::state::devices::device;
use rowkeep::time_zone;

use super::snapshot::called;
use super::units::{counted, plain, short};

/// In short, for each database.
pub(crate) fn told(outcome: &KeepOutcome) -> String {
    all(outcome, |database| {
        let mut lines = vec![format!("  rules     {}", rules(database))];
        let counts = kept_by(database).into_iter().map(|(rule, count)| format!("{rule} {count}"));
        let counts: Vec<String> = counts.collect();
        if !counts.is_empty() {
            lines.push(format!("  kept by   {}", counts.join(", ")));
        }
        let gone: Vec<&SnapshotKeeping> =
            database.snapshots.iter().filter(|one| !one.decision.is_kept()).collect();
        if let (Some(first), Some(last)) = (gone.first(), gone.last()) {
            let ids = match gone.len() {
                1 => short(first.summary.id),
                _ => format!("{} to {}", short(first.summary.id), short(last.summary.id)),
            };
            lines.push(format!("  not kept  {}: {ids}; the next prune deletes them", gone.len()));
        }
        let next = database
            .snapshots
            .iter()
            .filter_map(|one| Some((one.decision.goes?, one)))
            .min_by_key(|(at, _)| *at);
        if let Some((at, one)) = next {
            let id = short(one.summary.id);
            lines.push(format!("  next      {id} goes {} if no more are taken", time(at, database)));
        }
        lines
    })
}

/// What keeps each snapshot, or since when nothing does.
pub(crate) fn explained(outcome: &KeepOutcome) -> String {
    all(outcome, |database| {
        let mut lines = vec![format!("  rules     {}", rules(database))];
        lines.extend(database.snapshots.iter().map(|one| explanation(one, database)));
        lines
    })
}

fn explanation(one: &SnapshotKeeping, database: &DatabaseKeeping) -> String {
    let decision = &one.decision;
    let called = called(&one.summary).map(|called| format!("  {called}")).unwrap_or_default();
    let head = format!("  {}  {}{called}", short(one.summary.id), time(one.summary.time, database));
    if let Some(since) = decision.unkept_since {
        return format!("{head}  NOT KEPT since {}", time(since, database));
    }
    let by: Vec<String> = decision.kept.iter().map(|kept| plain(&kept.by.told())).collect();
    let goes = decision.goes.map(|goes| format!("; goes {}", time(goes, database)));
    format!("{head}  {}{}", by.join(", "), goes.unwrap_or_default())
}

fn all(outcome: &KeepOutcome, of_one: impl Fn(&DatabaseKeeping) -> Vec<String>) -> String {
    if outcome.databases.is_empty() && outcome.unreadable.is_empty() {
        return "no snapshots yet; create one with `rowkeep backup DATABASE`".to_owned();
    }
    let names: Vec<&str> = outcome.databases.iter().map(|database| database.database.as_str()).collect();
    let blocks = outcome.databases.iter().map(|database| {
        let is_shared = names.iter().filter(|name| **name == database.database).count() > 1;
        let place = database.place.as_ref().filter(|_| is_shared);
        let kept = database.snapshots.iter().filter(|one| one.decision.is_kept()).count();
        let head = format!(
            "{}: {}, {kept} kept; times are {}",
            plain(place.unwrap_or(&database.database)),
            counted(database.snapshots.len() as u64, "snapshot"),
            database.timezone
        );
        std::iter::once(head).chain(of_one(database)).collect::<Vec<_>>().join("\n")
    });
    let mut blocks: Vec<String> = blocks.collect();
    let unreadable = outcome.unreadable.iter();
    blocks.extend(
        unreadable.map(|one| {
            format!("cannot read snapshot {}, so it is kept: {}", short(one.id), plain(&one.error))
        }),
    );
    blocks.join("\n\n")
}

fn rules(database: &DatabaseKeeping) -> String {
    let has_devices = database.snapshots.iter().any(|one| device(&one.summary.tags).is_some());
    match &database.rules {
        Some(rules) if has_devices => format!("{rules}; of each device by itself"),
        Some(rules) => rules.clone(),
        None => "none, so everything is kept".to_owned(),
    }
}

/// How many snapshots each rule keeps, in the order in which they are met.
fn kept_by(database: &DatabaseKeeping) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for kept in database.snapshots.iter().flat_map(|one| &one.decision.kept) {
        let rule = match &kept.by {
            By::NoRules => continue,
            By::Period { every, .. } => every.name().to_owned(),
            By::Last { .. } => "last".to_owned(),
            By::Within { .. } => "within".to_owned(),
            By::Safety { .. } => "safety".to_owned(),
            By::Held { .. } => "held".to_owned(),
            By::BeforeSuspicious { .. } => "before suspicious".to_owned(),
            By::UndoOf { .. } => "undo".to_owned(),
            by @ (By::Newest | By::Tag { .. } | By::Suspicious | By::WrongTime { .. }) => plain(&by.told()),
        };
        match counts.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, count)) => *count += 1,
            None => counts.push((rule, 1)),
        }
    }
    counts
}

/// A time in the time zone of the database's days.
fn time(time: Timestamp, database: &DatabaseKeeping) -> String {
    let zone = time_zone(&database.timezone).unwrap_or(TimeZone::UTC);
    time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
