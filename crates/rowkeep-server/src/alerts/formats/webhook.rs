//! Any address, signed by Standard Webhooks (`https://www.standardwebhooks.com`).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;

use super::super::http::Headers;
use super::super::message::Message;

/// A body, and the headers that say that it is ours.
pub(in super::super) fn webhook(
    message: &Message,
    secret: &str,
    id: &str,
    now: Timestamp,
) -> Result<(Headers, String), String> {
    let malformed = || "the secret is not whsec_ and 24 to 64 bytes in base64".to_owned();
    let key = secret.strip_prefix("whsec_").ok_or_else(malformed)?;
    let key = STANDARD.decode(key).map_err(|_| malformed())?;
    if !(24..=64).contains(&key.len()) {
        return Err(malformed());
    }
    let body = json!({
        "type": message.event.name(),
        "timestamp": message.time.to_string(),
        "data": {
            "incident": message.incident,
            "kind": message.kind,
            "severity": message.severity.name(),
            "object": message.object,
            "database": message.database,
            "title": message.title,
            "text": message.text,
        },
    })
    .to_string();
    let time = now.as_second().to_string();
    let signed = format!("{id}.{time}.{body}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", time),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(signature))),
    ];
    Ok((headers, body))
}

#[cfg(test)]
mod tests {
    use super::super::super::message::{Event, Severity};
    use super::*;

    #[test]
    fn a_signature_is_of_id_time_and_body() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let message = Message::new(Event::Test, Severity::Info, "t", "text", now);
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (headers, body) = webhook(&message, secret, "msg_1", now).expect("it is signed");
        let golden = "v1,VI5UGtxv2Zx/zANjKgsHNJQkq1Td7A+Yo/3SypUp8to=";
        assert_eq!(headers[3].1, golden, "{body}");
        for wrong in ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
            assert!(webhook(&message, wrong, "msg_1", now).is_err(), "{wrong}");
        }
    }
}
