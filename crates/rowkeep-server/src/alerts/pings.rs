//! Pings as those take them who notice when none comes: Healthchecks and what speaks as it does, and the push monitors of Uptime Kuma.

use reqwest::Method;
use url::Url;

use super::http::Outgoing;
use super::parcel::{Phase, Ping};

/// So much is sent of what happened, from its end.
const TEXT_BYTES: usize = 10_000;

/// So much of it fits into an address.
const LINE_CHARACTERS: usize = 200;

/// The request of a ping; nothing where the other side has no word for it.
pub(super) fn request(url: &Url, ping: &Ping) -> Option<Outgoing> {
    match url.path().contains("/api/push/") {
        true => kuma(url, ping),
        false => Some(healthchecks(url, ping)),
    }
}

/// `…/start`, `…` and `…/fail`, which a run joins, with the end of what happened (`https://healthchecks.io/docs/http_api/`).
fn healthchecks(url: &Url, ping: &Ping) -> Outgoing {
    let mut url = url.clone();
    let end = match ping.phase {
        Phase::Begun => Some("start"),
        Phase::Done => None,
        Phase::Failed => Some("fail"),
    };
    // An address with a host has a path.
    if let (Some(end), Ok(mut path)) = (end, url.path_segments_mut()) {
        path.pop_if_empty().push(end);
    }
    url.query_pairs_mut().append_pair("rid", &ping.run);
    let headers = vec![("content-type", "text/plain; charset=utf-8".to_owned())];
    Outgoing { method: Method::POST, url, headers, body: end_of(&ping.text).to_owned() }
}

/// A status, a line and the milliseconds that it took.
fn kuma(url: &Url, ping: &Ping) -> Option<Outgoing> {
    let status = match ping.phase {
        Phase::Begun => return None,
        Phase::Done => "up",
        Phase::Failed => "down",
    };
    let mut url = url.clone();
    // The address that Uptime Kuma shows has an example of them.
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !["status", "msg", "ping"].contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let line: String = ping.text.replace('\n', "; ").chars().take(LINE_CHARACTERS).collect();
    let took = ping.took_ms.map(|took| took.to_string()).unwrap_or_default();
    let mut pairs = url.query_pairs_mut();
    pairs.clear().extend_pairs(others);
    pairs.append_pair("status", status).append_pair("msg", &line).append_pair("ping", &took);
    drop(pairs);
    Some(Outgoing { method: Method::GET, url, headers: Vec::new(), body: String::new() })
}

/// The end of a text.
fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(TEXT_BYTES);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use rowkeep::config::Work;

    use super::*;

    fn sent(url: &str, phase: Phase) -> Option<(String, String)> {
        let ping = Ping {
            database: "shop".to_owned(),
            work: Work::Backup,
            phase,
            run: "r-1".to_owned(),
            text: "one & two\nthree".to_owned(),
            took_ms: Some(42),
        };
        let outgoing = request(&Url::parse(url).expect("it is one"), &ping)?;
        Some((outgoing.url.to_string(), outgoing.body))
    }

    #[test]
    fn each_phase_has_its_address() {
        let url = |phase| sent("https://hc-ping.com/abc?create=1", phase).expect("it is sent").0;
        assert_eq!(url(Phase::Begun), "https://hc-ping.com/abc/start?create=1&rid=r-1");
        assert_eq!(url(Phase::Done), "https://hc-ping.com/abc?create=1&rid=r-1");
        assert_eq!(url(Phase::Failed), "https://hc-ping.com/abc/fail?create=1&rid=r-1");
        let kuma = "https://kuma.example/api/push/abc?status=up&msg=OK&ping=";
        assert!(sent(kuma, Phase::Begun).is_none());
        let failed = sent(kuma, Phase::Failed).expect("it is sent").0;
        assert_eq!(failed, "https://kuma.example/api/push/abc?status=down&msg=one+%26+two%3B+three&ping=42");
    }

    #[test]
    fn the_end_of_a_long_text_is_sent() {
        let text = "é".repeat(6_000) + "end";
        let end = end_of(&text);
        assert!(end.len() <= TEXT_BYTES && end.ends_with("éend"));
    }
}
