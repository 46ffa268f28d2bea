//! Summaries: how the databases are, for those who want to read it at times.

use jiff::Timestamp;
use rowkeep::config::Work;
use rowkeep::config::channels::Channel;

use super::message::{Event, Message, Severity};
use super::parcel::{Parcel, post};
use crate::Error;
use crate::health::{DatabaseHealth, Standing, health_of_all};
use crate::queue::Queue;
use crate::state::failure;
use crate::state::transaction::Transaction;
use crate::state::{incidents, jobs, marks};

/// Under which a mark says until when a channel had its summary.
const MARK: &str = "summary";

/// Each summary has so many lines for databases; there may be more of them.
const LINES: usize = 20;

/// Notes the summaries for which it is time.
pub(super) async fn write(queue: &Queue) -> Result<(), Error> {
    let workspace = queue.workspace();
    let config = workspace.config();
    for channel in &config.channels {
        let Some(schedule) = &channel.summary else { continue };
        let (name, now) = (channel.name.clone(), queue.now());
        let mark = queue.state().transaction(move |state| marks::of(state, MARK, &name)).await?;
        let Some(since) = mark.filter(|mark| *mark <= now) else {
            let name = channel.name.clone();
            queue.state().transaction(move |state| marks::set(state, MARK, &name, now)).await?;
            continue;
        };
        let Some(time) = schedule.last_between(since, now, &channel.zone) else { continue };
        let databases = health_of_all(queue, |name| channel.is_for(Some(name))).await?;
        let channel = channel.clone();
        let write = move |state: &Transaction<'_>| {
            let text = text(state, &channel, &databases, since)?;
            let title = title(&databases);
            let message = Message::new(Event::Summary, Severity::Info, &title, &text, now);
            let thread = format!("summary {}", time.as_second());
            // Whoever chose the time wants it then, whatever else is quiet.
            post(state, &channel, &thread, &Parcel::Message(message), Severity::Critical, now)?;
            marks::set(state, MARK, &channel.name, time)
        };
        queue.state().transaction(write).await?;
    }
    Ok(())
}

fn title(databases: &[DatabaseHealth]) -> String {
    let kept = databases.iter().filter(|database| database.standing == Standing::Kept).count();
    let count = rowkeep::units::counted(databases.len() as u64, "database");
    format!("{kept} of {count} {} as they should be", if databases.len() == 1 { "is" } else { "are" })
        .replace("is as they should be", "is as it should be")
}

fn text(
    state: &Transaction<'_>,
    channel: &Channel,
    databases: &[DatabaseHealth],
    since: Timestamp,
) -> failure::Result<String> {
    let mut lines = vec![format!("Since {since:.0}:")];
    let mut sorted: Vec<&DatabaseHealth> = databases.iter().collect();
    sorted.sort_by_key(|database| database.standing == Standing::Kept);
    for database in sorted.iter().take(LINES) {
        let (done, failed) = jobs::ended_since(state, Work::Backup.name(), &database.name, since)?;
        let backups = rowkeep::units::counted(done, "backup");
        let newest = database.newest.as_ref().map_or_else(
            || "no snapshot".to_owned(),
            |newest| {
                let age = i64::try_from(newest.age_seconds).unwrap_or(i64::MAX);
                format!("the newest snapshot is {} old", rowkeep::age(age))
            },
        );
        let drill = match &database.last_drill {
            Some(drill) => format!("last drill: {}", drill.state.name()),
            None => "no drill".to_owned(),
        };
        let standing = database.standing.name().replace('_', " ");
        lines.push(format!(
            "{}: {standing}, {backups} done, {failed} failed, {newest}, {drill}",
            database.name
        ));
    }
    if databases.len() > LINES {
        lines.push(format!("and {} more", databases.len() - LINES));
    }
    let open = incidents::all_open(state)?;
    let open = open.iter().filter(|incident| channel.is_for(incident.database.as_deref()));
    let open: Vec<String> =
        open.map(|incident| format!("{}: {}", incident.kind.replace('_', " "), incident.object)).collect();
    match open.is_empty() {
        true => lines.push("No alert is open.".to_owned()),
        false => lines.push(format!("Open alerts: {}", open.join("; "))),
    }
    Ok(lines.join("\n"))
}
