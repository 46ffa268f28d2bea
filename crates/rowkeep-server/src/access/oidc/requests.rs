//! Requests to a provider.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer.
const LARGEST: usize = 1 << 20;

/// Who asks. Redirects are not followed: they would lead elsewhere.
pub(super) fn client() -> Result<Client, String> {
    let builder = Client::builder()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .user_agent(concat!("rowkeep/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(told)
}

/// Sends a request, and reads the JSON of the answer. What went wrong is for the log: it may quote the provider.
pub(super) async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, String> {
    let mut response = request.send().await.map_err(told)?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err("the answer is too large".to_owned());
        }
    }
    if !status.is_success() {
        // RFC 6749, section 5.2: the answer says why, in words that stay.
        let said: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
        let word = said.as_ref().and_then(|said| said["error"].as_str());
        let word = word.filter(|word| word.len() < 100 && word.bytes().all(|byte| byte.is_ascii_graphic()));
        return Err(format!(
            "it answered {status}{}",
            word.map(|word| format!(": {word}")).unwrap_or_default()
        ));
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("the answer is not understood: {error}"))
}

/// An error with its causes.
fn told(error: reqwest::Error) -> String {
    crate::queue::in_one_line(&error.without_url())
}
