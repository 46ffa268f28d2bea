//! PagerDuty: Events API v2 (`https://developer.pagerduty.com/docs/events-api-v2-overview`).

use serde_json::{Value, json};

use super::super::message::{Event, Message, Severity};

/// An event for PagerDuty: it opens an alert or resolves it. A test does both, one after the other.
pub(in super::super) fn pagerduty(message: &Message, key: &str, id: &str) -> Vec<Value> {
    let incident = message.incident.as_deref().unwrap_or(id);
    let resolve = || json!({ "routing_key": key, "event_action": "resolve", "dedup_key": incident });
    let severity = match message.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let trigger = || {
        json!({
            "routing_key": key,
            "event_action": "trigger",
            "dedup_key": incident,
            "client": "Rowkeep",
            "payload": {
                "summary": message.title,
                "source": message.object.as_deref().unwrap_or("rowkeep"),
                "severity": severity,
                "timestamp": message.time.to_string(),
                "component": "backup",
                "class": message.kind,
                "custom_details": { "text": message.text },
            },
        })
    };
    match message.event {
        Event::Opened => vec![trigger()],
        Event::Cleared => vec![resolve()],
        Event::Test => vec![trigger(), resolve()],
        // Nobody is called for these.
        Event::Success | Event::Summary | Event::Report => Vec::new(),
    }
}
