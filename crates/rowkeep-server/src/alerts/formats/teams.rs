//! Teams: a workflow that posts when a webhook request is received takes Adaptive Cards.

use serde_json::{Value, json};

use super::super::message::{Event, Message, Severity};

/// A message for Teams. Runs of text have no markup.
pub(in super::super) fn teams(message: &Message) -> Value {
    let colour = match (message.event, message.severity) {
        (Event::Opened, Severity::Critical) => "attention",
        (Event::Opened, _) => "warning",
        (Event::Cleared | Event::Success, _) => "good",
        (Event::Summary | Event::Report | Event::Test, _) => "accent",
    };
    let lines = message.text.lines().filter(|line| !line.is_empty());
    let lines = lines
        .map(|line| json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": line }] }));
    let title = json!({ "type": "RichTextBlock", "inlines": [
        { "type": "TextRun", "text": message.title, "weight": "bolder", "size": "medium", "color": colour },
    ] });
    let body: Vec<Value> = std::iter::once(title).chain(lines).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
            },
        }],
    })
}
