//! Requests that are sent again where that does no harm.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::failure::Failure;
use crate::{EngineError, ErrorKind};

/// How long a connection may take, and an answer; a statement has 30 seconds, and its rows have to come.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);

/// How often a request is sent at most, and how long it waits at first and at most.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often there may be no answer at all.
const SILENCES: u32 = 2;

/// The most bytes of an answer.
const LARGEST_BYTES: usize = 512 << 20;

/// Who asks.
pub(super) struct Http {
    client: Client,
    sent: AtomicU64,
    failed: AtomicU64,
}

/// Why a request that changes something has no answer.
pub(super) enum Lost {
    /// It has done nothing.
    Failed(EngineError),
    /// Nobody knows whether it was done.
    Unknown(EngineError),
}

/// An answer with all of its body.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Http {
    /// Redirects are not followed: they would take the secret elsewhere.
    pub(super) fn new() -> Result<Self, EngineError> {
        let builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("rowkeep/", env!("CARGO_PKG_VERSION")));
        let client = builder.build().map_err(|error| {
            EngineError::new(ErrorKind::Other, "requests cannot be made").with_source(error.without_url())
        })?;
        Ok(Self { client, sent: AtomicU64::new(0), failed: AtomicU64::new(0) })
    }

    /// How many requests were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    /// Sends a request, which only reads, until it succeeds, fails for good, or was sent often enough.
    pub(super) async fn send<T>(
        &self,
        request: &Request<'_>,
        read: impl Fn(Response) -> Result<T, Failure>,
    ) -> Result<T, EngineError> {
        let (mut pause, mut silences) = (FIRST_PAUSE, 0);
        for _ in 1..ATTEMPTS {
            let failure = match self.once(request).await.and_then(&read) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            self.failed.fetch_add(1, Ordering::SeqCst);
            let wait = match failure {
                Failure::NotBegun { after, .. } => after.unwrap_or(pause),
                Failure::Silent(_) if silences + 1 < SILENCES => {
                    silences += 1;
                    pause
                }
                Failure::Unknown(_) => pause,
                Failure::Final(error) | Failure::Silent(error) => return Err(error),
            };
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
            pause *= 2;
        }
        self.once(request).await.and_then(read).map_err(Failure::into_error)
    }

    /// Sends a request, which changes something, until it is taken; once nobody knows how far it came, it is not sent again.
    pub(super) async fn send_once<T>(
        &self,
        request: &Request<'_>,
        read: impl Fn(Response) -> Result<T, Failure>,
    ) -> Result<T, Lost> {
        let (mut pause, mut attempt) = (FIRST_PAUSE, 1);
        loop {
            let failure = match self.once(request).await.and_then(&read) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            self.failed.fetch_add(1, Ordering::SeqCst);
            let wait = match failure {
                Failure::NotBegun { after, .. } if attempt < ATTEMPTS => after.unwrap_or(pause),
                Failure::NotBegun { error, .. } | Failure::Final(error) => return Err(Lost::Failed(error)),
                Failure::Unknown(error) | Failure::Silent(error) => return Err(Lost::Unknown(error)),
            };
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
            (pause, attempt) = (pause * 2, attempt + 1);
        }
    }

    async fn once(&self, request: &Request<'_>) -> Result<Response, Failure> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let mut sent = self.client.request(request.method.clone(), request.url.clone());
        sent = sent.bearer_auth(request.secret.expose_secret());
        if let Some(body) = &request.body {
            sent = sent.header("Content-Type", "application/json").body(body.clone());
        }
        let mut response = sent.send().await.map_err(Failure::without_answer)?;
        let (status, after) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(Failure::without_answer)? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST_BYTES {
                let error =
                    EngineError::new(ErrorKind::Unstorable, "an answer is larger than anything that is read");
                return Err(Failure::Final(error));
            }
        }
        Ok(Response { status, after, body })
    }
}

/// A request.
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) secret: &'r SecretString,
    pub(super) body: Option<bytes::Bytes>,
}

/// The seconds that a server asks to wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
