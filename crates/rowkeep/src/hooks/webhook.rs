//! Hooks that are requests.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::variables::Expanded;

/// How long to wait before each further try.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Sends a body by POST until it is taken with a status of 2xx.
///
/// Tries again when the other side cannot be reached or says that it is it who fails (5xx, 408, 429). Redirects are not
/// followed: they would lose the body, or take the headers elsewhere. No error shows URL or headers.
pub(super) async fn send(
    url: &Expanded,
    headers: &[(String, Expanded)],
    body: Value,
    limit: Duration,
) -> Result<(), String> {
    let cannot = |problem: &str| format!("cannot run: {problem}");
    let url =
        Url::parse(url.value().map_err(cannot)?.expose_secret()).map_err(|_| "has no URL".to_owned())?;
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let text = value.value().map_err(cannot)?;
        let wrong = || format!("cannot send what header {name} is to hold");
        let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    let client = Client::builder()
        .redirect(Policy::none())
        .user_agent(concat!("rowkeep/", env!("CARGO_PKG_VERSION")))
        .default_headers(map)
        .build()
        .map_err(told)?;
    let mut last = String::new();
    let tries = async {
        let mut pauses = PAUSES.iter();
        loop {
            match client.post(url.clone()).body(body.to_string()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    last = format!("was answered {}", answer.status());
                    if !may_pass(answer.status()) {
                        return Err(());
                    }
                }
                Err(error) => last = told(error),
            }
            tokio::time::sleep(*pauses.next().ok_or(())?).await;
        }
    };
    match tokio::time::timeout(limit, tries).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(())) => Err(last),
        Err(_) if last.is_empty() => Err(format!("was not answered within {} s", limit.as_secs())),
        Err(_) => Err(format!("{last}, until its {} s were over", limit.as_secs())),
    }
}

/// Whether another try may go better.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// An error with its causes, without the URL.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut told = format!("failed: {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}
