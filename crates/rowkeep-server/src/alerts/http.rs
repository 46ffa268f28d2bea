//! Requests that go out.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use url::Url;

use super::message::clean;
use super::network::addresses;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// So much is kept of what the other side says.
const ANSWER_BYTES: usize = 2_000;

/// Headers by their names.
pub(super) type Headers = Vec<(&'static str, String)>;

/// A request that is to go out.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Headers,
    pub(super) body: String,
}

impl Outgoing {
    /// One with JSON.
    pub(super) fn json(url: Url, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method: Method::POST, url, headers, body: body.to_string() }
    }
}

/// Why something could not be sent.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) told: String,
    /// Whether it does not pass by itself.
    pub(crate) is_lasting: bool,
    /// When the other side wants to be asked again.
    pub(crate) pause: Option<SignedDuration>,
}

impl Failure {
    pub(super) fn passing(told: impl Into<String>) -> Self {
        Self { told: told.into(), is_lasting: false, pause: None }
    }

    pub(super) fn lasting(told: impl Into<String>) -> Self {
        Self { told: told.into(), is_lasting: true, pause: None }
    }
}

/// Sends a request, and gives what the other side said when it took it.
///
/// The addresses are looked up once, judged and used. Neither redirects nor proxies are followed: they would lead elsewhere.
pub(super) async fn send(outgoing: Outgoing, is_private_allowed: bool) -> Result<String, Failure> {
    let sending = send_now(outgoing, is_private_allowed);
    let late = |_| Failure::passing(format!("it was not answered within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, sending).await.map_err(late)?
}

async fn send_now(outgoing: Outgoing, is_private_allowed: bool) -> Result<String, Failure> {
    let Outgoing { method, url, headers, body } = outgoing;
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(Failure::lasting("its address names no host"));
    };
    let found = addresses(host, port, is_private_allowed).await.map_err(Failure::passing)?;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = |_| Failure::lasting(format!("the header {name} cannot hold what it is to hold"));
        let mut value = HeaderValue::from_str(&value).map_err(wrong)?;
        value.set_sensitive(true);
        map.insert(HeaderName::from_static(name), value);
    }
    let mut client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("rowkeep/", env!("CARGO_PKG_VERSION")));
    if let Some(name) = url.domain() {
        client = client.resolve_to_addrs(name, &found);
    }
    let client = client.build().map_err(told)?;
    let mut response = client.request(method, url).headers(map).body(body).send().await.map_err(told)?;
    let (status, pause) = (response.status(), pause(response.headers()));
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= ANSWER_BYTES {
            break;
        }
    }
    bytes.truncate(ANSWER_BYTES);
    let said = clean(String::from_utf8_lossy(&bytes).trim(), 300);
    let said = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    match status {
        _ if status.is_success() => Ok(said),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => {
            Err(Failure { told: format!("it was answered {said}"), is_lasting: false, pause })
        }
        _ if status.is_redirection() => Err(Failure::lasting(format!(
            "it was answered {said}; redirects are not followed, so give the address that they lead to"
        ))),
        _ if status.is_client_error() => Err(Failure::lasting(format!("it was answered {said}"))),
        _ => Err(Failure { told: format!("it was answered {said}"), is_lasting: false, pause }),
    }
}

/// How long the other side wants to be left alone; no longer than an hour.
fn pause(headers: &HeaderMap) -> Option<SignedDuration> {
    let seconds: i64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(SignedDuration::from_secs(seconds.clamp(0, 3_600)))
}

/// An error with its causes, without the address, which may be a secret.
fn told(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    Failure::passing(told)
}
