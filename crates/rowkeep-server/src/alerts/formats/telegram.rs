//! Telegram: `sendMessage` of the Bot API (`https://core.telegram.org/bots/api#sendmessage`).

use serde_json::{Value, json};

use super::super::message::Message;

/// A message for Telegram, in the HTML that it knows.
pub(in super::super) fn telegram(message: &Message, chat: &str) -> Value {
    json!({
        "chat_id": chat,
        "text": format!("<b>{}</b>\n{}", escape(&message.title), escape(&message.text)),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    })
}

/// Text that stands for itself in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::super::message::{Event, Severity};
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let hostile = "</b><a href=\"https://evil.example\">shop</a> & &lt;";
        let message = Message::new(Event::Opened, Severity::Warning, "t<i>", hostile, Timestamp::UNIX_EPOCH);
        let sent = telegram(&message, "-100");
        assert_eq!(
            sent["text"],
            "<b>t&lt;i&gt;</b>\n&lt;/b&gt;&lt;a href=&quot;https://evil.example&quot;&gt;shop&lt;/a&gt; &amp; &amp;lt;"
        );
    }
}
