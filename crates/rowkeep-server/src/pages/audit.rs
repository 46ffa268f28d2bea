//! The audit.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{counted, second, short};
use super::visitor::Visitor;
use crate::access::Role;
use crate::audit::{AuditVerification, verify};
use crate::state::audit::{self, Entry};
use crate::web::extract::Words;
use crate::web::service::Service;

/// So many entries are shown at once.
const PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    entries: Vec<EntryRow>,
    next: Option<i64>,
    /// What a look through the whole chain found, where one was asked for.
    verified: Option<(bool, String)>,
}

struct EntryRow {
    time: String,
    entry: Entry,
    colour: &'static str,
}

fn row(entry: Entry) -> EntryRow {
    let colour = match entry.outcome.as_str() {
        "done" => "good",
        outcome if outcome.starts_with("refused") || outcome.starts_with("failed") => "bad",
        _ => "quiet",
    };
    EntryRow { time: second(entry.time), entry, colour }
}

/// What a look through the whole chain found, and whether that is good.
fn in_words(found: &AuditVerification) -> (bool, String) {
    if let (Some(number), Some(why)) = (found.broken_at, &found.reason) {
        return (false, format!("the chain is broken at entry {number}: {why}"));
    }
    if let Some(differing) = found.differing_snapshots.first() {
        let (count, snapshot) = (counted(found.differing, "snapshot"), short(&differing.snapshot));
        return (false, format!("{count} know entries that are not in the audit, the first is {snapshot}"));
    }
    let known = match found.unseen_repositories.first() {
        Some(unseen) => format!("snapshots of {} could not be compared: {}", unseen.repository, unseen.error),
        None => format!("{} agree", counted(found.snapshots, "snapshot")),
    };
    let (entries, head) = (found.entries, &found.head);
    let told =
        format!("all {entries} entries are as they were written; {known}; the hash of the last is {head}");
    (found.intact, told)
}

/// Shows who did what.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    words: Words,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "audit.read").await?;
    let before = words.get("before").and_then(|text| text.parse().ok());
    let is_verified = words.get("verify").is_some();
    let state = service.queue().state();
    let entries = state.transaction(move |state| audit::list(state, before, PAGE)).await?;
    let verified = match is_verified {
        false => None,
        true => Some(in_words(&verify(state, &service.queue().workspace()).await?)),
    };
    let next = entries
        .last()
        .map(|entry| entry.number)
        .filter(|number| *number > 1 && entries.len() == PAGE as usize);
    let frame = Frame::of(&visitor.session, Section::Audit, "Audit");
    Ok(page(&AuditPage { frame, entries: entries.into_iter().map(row).collect(), next, verified }))
}
