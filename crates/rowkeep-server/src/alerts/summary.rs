//! Summaries: how the databases are, for those who want to read it at times.

use jiff::Timestamp;
use rowkeep::config::Work;
use rowkeep::config::channels::Channel;

use super::due::due;
use super::message::Event;
use crate::Error;
use crate::health::{DatabaseHealth, Standing, health_of_all};
use crate::queue::Queue;
use crate::state::failure;
use crate::state::transaction::Transaction;
use crate::state::{incidents, jobs};

/// What it is called in the state.
const SUMMARY: &str = "summary";

/// Each summary has so many lines for databases; there may be more of them.
const LINES: usize = 20;

/// Notes the summaries for which it is time.
pub(super) async fn write(queue: &Queue) -> Result<(), Error> {
    for due in due(queue, SUMMARY, |channel| channel.summary.as_ref()).await? {
        let databases = health_of_all(queue, |name| due.channel.is_for(Some(name))).await?;
        let since = due.since;
        let compose = move |state: &Transaction<'_>, channel: &Channel| {
            Ok((title(&databases), text(state, channel, &databases, since)?))
        };
        due.post(queue, Event::Summary, compose).await?;
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
