//! Asking a service whether it can work.

use std::time::Duration;

use reqwest::{Client, Url};

/// How long it is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a service cannot work, as far as can be told from outside.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// That is no address of a service.
    #[error("that is no address of a service")]
    Url,
    /// Nobody answers.
    #[error("the service at {url} does not answer")]
    Unreachable {
        /// Where.
        url: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// It answers that it cannot work.
    #[error("the service at {url} is not ready: {told}")]
    Told {
        /// Where.
        url: String,
        /// What it says.
        told: String,
    },
}

/// Asks the service at an address (`http://127.0.0.1:8470`) whether it can use its state. No token is needed.
pub async fn ready(url: &str) -> Result<(), NotReady> {
    let base = Url::parse(url).ok().filter(|base| matches!(base.scheme(), "http" | "https"));
    let base = base.ok_or(NotReady::Url)?;
    let address = base.join("/readyz").map_err(|_| NotReady::Url)?;
    // What else is in a URL may be secret.
    let shown = base.origin().ascii_serialization();
    let unreachable =
        |source: reqwest::Error| NotReady::Unreachable { url: shown.clone(), source: source.without_url() };
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().map_err(unreachable)?;
    let response = client.get(address).send().await.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let told = response.text().await.unwrap_or_default();
    let first = told.lines().next().filter(|line| !line.is_empty() && status.as_u16() == 503);
    Err(NotReady::Told { url: shown, told: first.map_or_else(|| status.to_string(), str::to_owned) })
}
