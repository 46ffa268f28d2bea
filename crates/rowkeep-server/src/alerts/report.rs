//! Reports of the month before, in short, for those who want to have them at times.

use rowkeep::config::channels::Channel;

use super::message::{Event, Message, Severity};
use super::parcel::{Parcel, post};
use crate::Error;
use crate::queue::Queue;
use crate::report::{Month, Report, Verdict, notes, recovery, report};
use crate::state::marks;
use crate::state::transaction::Transaction;

/// Under which a mark says until when a channel had its report.
const MARK: &str = "report";

/// Each has so many lines for databases; there may be more of them.
const LINES: usize = 12;

/// Notes the reports for which it is time.
pub(super) async fn write(queue: &Queue) -> Result<(), Error> {
    let workspace = queue.workspace();
    let config = workspace.config();
    for channel in &config.channels {
        let Some(schedule) = &channel.report else { continue };
        let (name, now) = (channel.name.clone(), queue.now());
        let mark = queue.state().transaction(move |state| marks::of(state, MARK, &name)).await?;
        let Some(since) = mark.filter(|mark| *mark <= now) else {
            let name = channel.name.clone();
            queue.state().transaction(move |state| marks::set(state, MARK, &name, now)).await?;
            continue;
        };
        let Some(time) = schedule.last_between(since, now, &channel.zone) else { continue };
        let month = Month::last(time, &channel.zone);
        let Some(period) = month.period(&channel.zone) else { continue };
        let about = |name: &str| channel.is_for(Some(name));
        let made = report(queue, &period, about, channel.is_for(None)).await?;
        let text = text(&made, config.service.url.as_deref(), month);
        let message = Message::new(Event::Report, Severity::Info, &made.summary, &text, now);
        let channel: Channel = channel.clone();
        let write = move |state: &Transaction<'_>| {
            let thread = format!("report {}", time.as_second());
            // Whoever chose the time wants it then, whatever else is quiet.
            post(state, &channel, &thread, &Parcel::Message(message), Severity::Critical, now)?;
            marks::set(state, MARK, &channel.name, time)
        };
        queue.state().transaction(write).await?;
    }
    Ok(())
}

/// What there is to say beside the first sentence: first of those that did not keep what was promised.
fn text(report: &Report, url: Option<&str>, month: Month) -> String {
    let mut lines = notes(report);
    let mut sorted: Vec<_> = report.databases.iter().collect();
    sorted.sort_by_key(|database| match database.verdict {
        Verdict::NotKept => 0,
        Verdict::Unknown => 1,
        Verdict::NotPromised => 2,
        Verdict::Kept => 3,
    });
    for database in sorted.iter().take(LINES) {
        let why = database.reasons.first().map(|why| format!(": {why}")).unwrap_or_default();
        lines.push(format!(
            "{}: {}, {} stored, {} failed, last recovery {}{why}",
            database.name,
            database.verdict.word(),
            rowkeep::units::counted(database.backups_stored, "backup"),
            database.backups_failed,
            recovery(database)
        ));
    }
    if sorted.len() > LINES {
        lines.push(format!("and {} more", sorted.len() - LINES));
    }
    let address = format!("/reports?month={}", month.name());
    lines.push(match url {
        Some(url) => format!("All of it: {url}{address}"),
        None => format!("All of it is at {address} of the service."),
    });
    lines.join("\n")
}
