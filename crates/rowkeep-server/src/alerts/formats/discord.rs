//! Discord: webhooks (`https://discord.com/developers/docs/resources/webhook#execute-webhook`).

use serde_json::{Value, json};

use super::super::message::{Event, Message, Severity};

/// A message for Discord, in which nobody is mentioned.
pub(in super::super) fn discord(message: &Message) -> Value {
    let colour = match (message.event, message.severity) {
        (Event::Opened, Severity::Critical) => 0x00d3_2f2f,
        (Event::Opened, _) => 0x00f5_7c00,
        (Event::Cleared | Event::Success, _) => 0x0038_8e3c,
        (Event::Summary | Event::Report | Event::Test, _) => 0x0019_76d2,
    };
    // A title takes 256 characters, a description 4,096: escapes at most double them.
    let title: String = message.title.chars().take(120).collect();
    json!({
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": escape(&title),
            "description": escape(&message.text),
            "color": colour,
            "timestamp": message.time.to_string(),
        }],
    })
}

/// Text that stands for itself in Discord's Markdown.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation()
            && !matches!(letter, '.' | ',' | ';' | '"' | '\'' | '/' | '%' | '=' | '+' | '?')
        {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn names_are_no_markup() {
        let hostile = "@everyone **x** [shop](https://evil.example) `a` <@1> ||b|| # c\n> d";
        let message = Message::new(Event::Opened, Severity::Warning, hostile, hostile, Timestamp::UNIX_EPOCH);
        let sent = discord(&message);
        assert_eq!(sent["allowed_mentions"], json!({ "parse": [] }));
        assert_eq!(
            sent["embeds"][0]["description"],
            "\\@everyone \\*\\*x\\*\\* \\[shop\\]\\(https\\://evil.example\\) \\`a\\` \\<\\@1\\> \\|\\|b\\|\\| \\# c\n\\> d"
        );
        assert!(sent.get("content").is_none());
    }
}
