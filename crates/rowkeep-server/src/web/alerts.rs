//! What is wrong, as somebody may see it, and whether the channels over which it is told work.

use std::sync::Arc;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;
use crate::alerts::{Event, Message, Severity, send};
use crate::state::channels;
use crate::state::incidents::{self, After, Incident};
use crate::state::transaction::Transaction;

/// So many are looked at together.
const AT_ONCE: u32 = 500;

fn after(cursor: &str) -> Option<After> {
    let (state, number) = cursor.split_once('-')?;
    let is_open = match state {
        "open" => true,
        "cleared" => false,
        _ => return None,
    };
    Some(After { is_open, number: number.parse().ok()? })
}

fn place(incident: &Incident) -> After {
    After { is_open: incident.cleared.is_none(), number: incident.number }
}

/// What is wrong and somebody may see, then what was, each the newest first; and the cursor of the next page.
pub(crate) async fn list(
    service: &Service,
    caller: &Caller,
    cursor: Option<&str>,
    limit: usize,
) -> Result<(Vec<Incident>, Option<String>), Problem> {
    let malformed = || Problem::malformed("the cursor is none that this list gave");
    let mut next = cursor.map(|cursor| after(cursor).ok_or_else(malformed)).transpose()?;
    // Some may be nobody's business who asks.
    let mut seen = Vec::new();
    let last = loop {
        let list = move |state: &Transaction<'_>| incidents::list(state, next, AT_ONCE);
        let page = service.queue().state().transaction(list).await?;
        let is_last = page.len() < AT_ONCE as usize;
        next = page.last().map(place);
        seen.extend(page.into_iter().filter(|incident| caller.0.sees(incident.database.as_deref())));
        if seen.len() > limit {
            seen.truncate(limit);
            break seen.last().map(place);
        }
        if is_last {
            break None;
        }
    };
    let next_cursor =
        last.map(|after| format!("{}-{}", if after.is_open { "open" } else { "cleared" }, after.number));
    Ok((seen, next_cursor))
}

/// How many alerts are open that somebody may see.
pub(crate) async fn open_count(service: &Service, caller: &Caller) -> Result<usize, Problem> {
    let (state, known) = (service.queue().state(), service.open_alerts());
    let changes = state.changes();
    let open = match known.get(changes, &()) {
        Some(open) => open,
        None => {
            let open = state.transaction(incidents::all_open).await?;
            let open: Arc<[_]> = open.into_iter().map(|incident| incident.database).collect();
            known.keep(changes, (), Arc::clone(&open));
            open
        }
    };
    Ok(open.iter().filter(|database| caller.0.sees(database.as_deref())).count())
}

/// Sends a test message over a channel: what the other side said, or why nothing could be sent.
pub(crate) async fn test(
    service: &Service,
    caller: &Caller,
    name: &str,
) -> Result<Result<String, String>, Problem> {
    caller.must(service, Role::Admin, None, "channel.test").await?;
    let queue = service.queue();
    let workspace = queue.workspace();
    let channel = workspace.config().channels.iter().find(|channel| channel.name == name);
    let channel = channel.ok_or_else(|| Problem::not_found(format!("no channel {name}")))?;
    let (id, now) = (queue.random::<16>()?, queue.now());
    let text = format!("{} tries the channel {name}. Nothing is wrong.", caller.0.name);
    let message = Message::new(Event::Test, Severity::Info, "this is a test", &text, now);
    let sent = send(channel, &message, &id, now).await.map_err(|failure| failure.told);
    let outcome = if sent.is_ok() { "done" } else { "failed" };
    caller.note(service, "channel.test", name.to_owned(), outcome).await?;
    let (failure, name) = (sent.as_ref().err().cloned(), name.to_owned());
    let noted = move |state: &Transaction<'_>| match failure {
        None => channels::delivered(state, &name, now),
        Some(told) => channels::failed(state, &name, &told, 1, now),
    };
    queue.state().transaction(noted).await?;
    Ok(sent)
}
