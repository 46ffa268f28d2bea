//! What S3 tells of a bucket and of its objects that no other kind of store has: versions, retention, pages of lists.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use object_store::HeaderMap;
use object_store::aws::AmazonS3;
use object_store::client::{HttpClient, HttpRequestBody};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use tokio::sync::OnceCell;

use crate::Result;
use crate::store_answer::{element, elements};

/// For how long a request that was signed may be sent.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// A bucket, and the folder in it that a location names. What asks it is made when it is first asked.
#[derive(Clone)]
pub struct Bucket {
    folder: Path,
    client: Arc<OnceCell<Client>>,
    make: Arc<dyn Fn() -> Result<Client> + Send + Sync>,
}

/// What signs questions, and what sends them.
pub(crate) struct Client {
    pub(crate) s3: AmazonS3,
    pub(crate) http: HttpClient,
}

/// Whether a bucket keeps what is deleted or written anew as older versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// It does not.
    Off,
    /// It does.
    On,
    /// It did, and keeps the versions from then.
    Suspended,
}

/// For how long a bucket keeps each version from being deleted, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectLock {
    /// `COMPLIANCE` or `GOVERNANCE`, and the time that it is by default: `30 days`.
    pub(crate) retention: Option<(String, String)>,
}

/// What came of a request: its status, headers and text; or why nobody knows.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// Why a question was not answered, in words.
pub(crate) type Unanswered = String;

impl Bucket {
    pub(crate) fn new(folder: Path, make: impl Fn() -> Result<Client> + Send + Sync + 'static) -> Self {
        Self { folder, client: Arc::default(), make: Arc::new(make) }
    }

    /// Whether the bucket keeps versions.
    pub(crate) async fn versioning(&self) -> Result<Versioning, Unanswered> {
        let answer = self.ask(Method::GET, &Path::default(), &[("versioning", "")]).await?.well()?;
        Ok(match element(&answer.text, "Status") {
            Some("Enabled") => Versioning::On,
            Some("Suspended") => Versioning::Suspended,
            _ => Versioning::Off,
        })
    }

    /// Whether and for how long the bucket keeps versions from being deleted.
    pub(crate) async fn object_lock(&self) -> Result<Option<ObjectLock>, Unanswered> {
        let answer = self.ask(Method::GET, &Path::default(), &[("object-lock", "")]).await?;
        // "There is no such configuration", and the answer of servers that know nothing of it.
        if matches!(answer.status, 404 | 501) {
            return Ok(None);
        }
        let answer = answer.well()?;
        if element(&answer.text, "ObjectLockEnabled") != Some("Enabled") {
            return Ok(None);
        }
        let unit = |name: &str, word: &str| Some(format!("{} {word}", element(&answer.text, name)?));
        let time = unit("Days", "days").or_else(|| unit("Years", "years"));
        let mode = element(&answer.text, "Mode").map(str::to_owned);
        Ok(Some(ObjectLock { retention: mode.zip(time) }))
    }

    /// After how many days the bucket's own rules delete versions that are not the newest; none where no rule does.
    pub(crate) async fn noncurrent_days(&self) -> Result<Option<u32>, Unanswered> {
        let answer = self.ask(Method::GET, &Path::default(), &[("lifecycle", "")]).await?;
        if matches!(answer.status, 404 | 501) {
            return Ok(None);
        }
        let answer = answer.well()?;
        let enabled = |rule: &&str| element(rule, "Status") == Some("Enabled");
        let applies = |rule: &&str| {
            let prefix = element(rule, "Prefix").unwrap_or_default();
            self.folder.as_ref().starts_with(prefix.trim_end_matches('/'))
        };
        let days = elements(&answer.text, "Rule").filter(enabled).filter(applies).filter_map(|rule| {
            element(element(rule, "NoncurrentVersionExpiration")?, "NoncurrentDays")?.parse().ok()
        });
        Ok(days.min())
    }

    /// Until when the newest version of an object cannot be deleted; nothing where it can.
    pub(crate) async fn retained_until(&self, object: &str) -> Result<Option<Timestamp>, Unanswered> {
        let answer = self.ask(Method::HEAD, &self.path(object), &[]).await?.well()?;
        let until = answer.headers.get("x-amz-object-lock-retain-until-date");
        Ok(until.and_then(|until| until.to_str().ok()?.parse().ok()))
    }

    /// What is listed of a folder, page by page of so many objects, by the names in it; gives up after `most_pages`.
    pub(crate) async fn pages(
        &self,
        folder: &str,
        page: usize,
        most_pages: usize,
    ) -> Result<Vec<Vec<String>>, Unanswered> {
        let prefix = format!("{}/", self.path(folder));
        let page = page.to_string();
        let mut token: Option<String> = None;
        let mut pages = Vec::new();
        while pages.len() < most_pages {
            let mut query =
                vec![("list-type", "2"), ("max-keys", page.as_str()), ("prefix", prefix.as_str())];
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let answer = self.ask(Method::GET, &Path::default(), &query).await?.well()?;
            let keys = elements(&answer.text, "Contents").filter_map(|object| element(object, "Key"));
            let names = keys.map(|key| key.strip_prefix(prefix.as_str()).unwrap_or(key).to_owned());
            pages.push(names.collect());
            token = element(&answer.text, "NextContinuationToken").map(plain_text);
            if token.is_none() {
                break;
            }
        }
        Ok(pages)
    }

    fn path(&self, object: &str) -> Path {
        self.folder.parts().chain(Path::from(object).parts()).collect()
    }

    async fn ask(&self, method: Method, path: &Path, query: &[(&str, &str)]) -> Result<Answer, Unanswered> {
        let signing = SignedUrlOptions::new().with_query(query.iter().copied());
        let client = self.client.get_or_try_init(async || (self.make)()).await;
        let client = client.map_err(|error| error.to_string())?;
        let url = client.s3.signed_url_opts(method.clone(), path, SIGNED_FOR, &signing).await;
        let url = url.map_err(|error| crate::StoreAnswer::from(error).to_string())?;
        let request = http::Request::builder().method(method).uri(url.as_str());
        let request = request.body(HttpRequestBody::empty()).map_err(|error| error.to_string())?;
        // The address is signed, so no error may show it.
        let failed = |error: object_store::client::HttpError| format!("no answer: {:?}", error.kind());
        let response = client.http.execute(request).await.map_err(failed)?;
        let (parts, body) = response.into_parts();
        let body = body.bytes().await.map_err(failed)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text })
    }
}

impl Answer {
    /// The answer, unless it is a refusal.
    fn well(self) -> Result<Self, Unanswered> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(match element(&self.text, "Code") {
            Some(code) => format!("{} {code}", self.status),
            None => format!("status {}", self.status),
        })
    }
}

/// A text without the escapes of XML.
fn plain_text(xml: &str) -> String {
    let plain = xml.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&apos;", "'").replace("&amp;", "&")
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("folder", &self.folder).finish_non_exhaustive()
    }
}
