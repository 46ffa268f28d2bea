//! What was found becomes incidents, each told once when it opens and once when it is over.

use jiff::Timestamp;
use rowkeep::config::channels::{AlertKind, Channel};

use super::condition::{Finding, advice, object_of, title};
use super::id::id_of;
use super::message::{Event, Message, Severity};
use super::parcel::{Parcel, post};
use crate::state::deliveries;
use crate::state::failure;
use crate::state::incidents::{self, Incident};
use crate::state::transaction::Transaction;

/// Opens what is wrong and was not, and clears what was wrong and is no longer; `id` gives something that nobody else has.
///
/// What is to be sent is noted in the same transaction: a kill leaves both or none.
pub(super) fn settle(
    state: &Transaction<'_>,
    channels: &[Channel],
    findings: &[Finding],
    seed: &str,
    now: Timestamp,
) -> failure::Result<()> {
    for finding in findings {
        let open = incidents::open_of(state, finding.kind.name(), &finding.object)?;
        match (&finding.wrong, open) {
            (Some((severity, words)), None) => {
                let incident = Incident {
                    number: 0,
                    id: id_of(&[seed, finding.kind.name(), &finding.object]),
                    kind: finding.kind.name().to_owned(),
                    object: finding.object.clone(),
                    database: finding.database.clone(),
                    severity: severity.name().to_owned(),
                    words: words.clone(),
                    opened: now,
                    seen: now,
                    cleared: None,
                };
                incidents::open(state, &incident)?;
                tell_opened(state, channels, finding, &incident, *severity, now)?;
            }
            (Some((_, words)), Some(open)) => incidents::see(state, open.number, words, now)?,
            (None, Some(open)) => clear(state, channels, &open, finding.kind, "", now)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Clears what is about databases, channels and addresses that there are no longer.
pub(super) fn clear_unknown(
    state: &Transaction<'_>,
    channels: &[Channel],
    is_known: impl Fn(AlertKind, &Incident) -> bool,
    now: Timestamp,
) -> failure::Result<()> {
    for open in incidents::all_open(state)? {
        let kind = AlertKind::named(&open.kind);
        if let Some(kind) = kind
            && !is_known(kind, &open)
        {
            clear(state, channels, &open, kind, "It is no longer configured. ", now)?;
        }
    }
    Ok(())
}

fn tell_opened(
    state: &Transaction<'_>,
    channels: &[Channel],
    finding: &Finding,
    incident: &Incident,
    severity: Severity,
    now: Timestamp,
) -> failure::Result<()> {
    let kind = finding.kind;
    let text = format!("{}\n{}", incident.words, advice(kind, &incident.object, finding.arrives));
    let title = title(kind, &incident.object);
    tracing::warn!("alert: {title}: {}", incident.words.replace('\n', "; "));
    let message = Message::new(Event::Opened, severity, &title, &text, now).about(incident);
    for channel in channels.iter().filter(|channel| channel.gets(kind, incident.database.as_deref())) {
        // A channel that fails cannot say so.
        if kind == AlertKind::ChannelFailed && incident.object == object_of(&channel.name) {
            continue;
        }
        post(state, channel, &incident.id, &Parcel::Message(message.clone()), severity, now)?;
    }
    Ok(())
}

fn clear(
    state: &Transaction<'_>,
    channels: &[Channel],
    incident: &Incident,
    kind: AlertKind,
    why: &str,
    now: Timestamp,
) -> failure::Result<()> {
    incidents::clear(state, incident.number, now)?;
    let title = title(kind, &incident.object);
    tracing::info!("alert is over: {title}");
    let lasted = rowkeep::age(now.duration_since(incident.opened).as_secs());
    let text = format!("{why}It lasted {lasted}. It was: {}", incident.words);
    let message =
        Message::new(Event::Cleared, Severity::Info, &format!("over: {title}"), &text, now).about(incident);
    let severity =
        if incident.severity == Severity::Critical.name() { Severity::Critical } else { Severity::Info };
    // Only who was told that it began is told that it is over.
    for (name, is_held) in deliveries::told_of(state, &incident.id, now)? {
        if is_held {
            deliveries::forget(state, &name, &incident.id)?;
        } else if let Some(channel) = channels.iter().find(|channel| channel.name == name) {
            post(state, channel, &incident.id, &Parcel::Message(message.clone()), severity, now)?;
        }
    }
    Ok(())
}
