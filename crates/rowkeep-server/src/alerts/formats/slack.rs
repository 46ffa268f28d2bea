//! Slack: incoming webhooks (`https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks`).

use serde_json::{Value, json};

use super::super::message::{Event, Message, Severity};

/// A message for Slack. What is shown is plain text; what notifications show is escaped.
pub(in super::super) fn slack(message: &Message) -> Value {
    let sign = match (message.event, message.severity) {
        (Event::Opened, Severity::Critical) => "\u{1f6a8}",
        (Event::Opened, _) => "\u{26a0}\u{fe0f}",
        (Event::Cleared | Event::Success, _) => "\u{2705}",
        (Event::Summary | Event::Report | Event::Test, _) => "\u{2139}\u{fe0f}",
    };
    // A header takes 150 characters.
    let title: String = format!("{sign} {}", message.title).chars().take(150).collect();
    json!({
        "text": format!("{sign} {}", escape(&message.title)),
        "unfurl_links": false,
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": title, "emoji": false } },
            { "type": "section", "text": { "type": "plain_text", "text": message.text, "emoji": false } },
        ],
    })
}

/// Text that stands for itself in Slack's markup: no mention, link or formatting comes of it.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // There is no other way to write them; between a mark and a letter, what is not seen keeps it from being one.
    ['*', '_', '~', '`']
        .iter()
        .fold(text, |text, mark| text.replace(*mark, &format!("\u{200b}{mark}\u{200b}")))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn names_are_no_markup() {
        let hostile = "<!channel> *x* <https://evil.example|shop> & _y_";
        let message = Message::new(Event::Opened, Severity::Warning, hostile, hostile, Timestamp::UNIX_EPOCH);
        let sent = slack(&message);
        let text = sent["text"].as_str().expect("it is text");
        assert!(!text.contains('<') && !text.contains("*x*") && text.contains("&lt;!channel&gt;"), "{text}");
        let blocks = sent["blocks"].as_array().expect("a list");
        assert!(blocks.iter().all(|block| block["text"]["type"] == "plain_text"));
        assert_eq!(blocks[1]["text"]["text"], hostile, "plain text needs no escapes");
    }
}
