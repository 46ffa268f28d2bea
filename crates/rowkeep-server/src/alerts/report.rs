//! Reports of the month before, in short, for those who want to have them at times.

use super::due::due;
use super::message::Event;
use crate::Error;
use crate::queue::Queue;
use crate::report::{Month, Report, Verdict, notes, recovery, report};

/// What it is called in the state.
const REPORT: &str = "report";

/// Each has so many lines for databases; there may be more of them.
const LINES: usize = 12;

/// Notes the reports for which it is time.
pub(super) async fn write(queue: &Queue) -> Result<(), Error> {
    for due in due(queue, REPORT, |channel| channel.report.as_ref()).await? {
        let channel = &due.channel;
        let month = Month::last(due.time, &channel.zone);
        let Some(period) = month.period(&channel.zone) else { continue };
        let about = |name: &str| channel.is_for(Some(name));
        let made = report(queue, &period, about, channel.is_for(None)).await?;
        let text = text(&made, queue.workspace().config().service.url.as_deref(), month);
        due.post(queue, Event::Report, move |_, _| Ok((made.summary, text))).await?;
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
