//! ntfy: publishing as JSON (`https://docs.ntfy.sh/publish/#publish-as-json`).

use serde_json::{Value, json};
use url::Url;

use super::super::message::{Event, Message, Severity};

/// A message for ntfy, and where it goes: to the root of the server, for the topic that the address names.
pub(in super::super) fn ntfy(message: &Message, topic: &Url) -> Result<(Url, Value), String> {
    let (priority, tag) = match (message.event, message.severity) {
        (Event::Opened, Severity::Critical) => (5, "rotating_light"),
        (Event::Opened, _) => (4, "warning"),
        (Event::Cleared | Event::Success, _) => (3, "white_check_mark"),
        (Event::Summary | Event::Report | Event::Test, _) => (3, "information_source"),
    };
    let mut root = topic.clone();
    let named = topic.path_segments().and_then(|segments| segments.rev().find(|part| !part.is_empty()));
    let named = named.ok_or("the address ends with no topic")?.to_owned();
    root.path_segments_mut().map_err(|()| "the address names no topic")?.pop_if_empty().pop().push("");
    let body = json!({
        "topic": named,
        "title": message.title,
        "message": message.text,
        "priority": priority,
        "tags": [tag],
    });
    Ok((root, body))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_topic_is_the_end_of_its_address() {
        let message = Message::new(Event::Opened, Severity::Critical, "t", "text", Timestamp::UNIX_EPOCH);
        for (address, root) in [
            ("https://ntfy.sh/backups", "https://ntfy.sh/"),
            ("https://ntfy.sh/backups/", "https://ntfy.sh/"),
            ("https://example.com/ntfy/backups", "https://example.com/ntfy/"),
        ] {
            let (to, body) =
                ntfy(&message, &Url::parse(address).expect("it is one")).expect("it has a topic");
            assert_eq!(
                (to.as_str(), &body["topic"], &body["priority"]),
                (root, &json!("backups"), &json!(5))
            );
        }
        assert!(ntfy(&message, &Url::parse("https://ntfy.sh/").expect("it is one")).is_err());
    }
}
