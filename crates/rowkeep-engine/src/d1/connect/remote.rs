//! A database that is reached in one way or the other.

use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::OnceCell;

pub(crate) use super::answer::Answer;
use super::answer::{ApiResult, Listed};
use super::http::{Http, Lost, Request};
use super::reading::{from_api, from_worker};
use super::room::Room;
use crate::d1::address::{Address, Way, is_this_machine};
use crate::{EngineError, ErrorKind, Surroundings};

/// Cloudflare's REST API.
const API: &str = "https://api.cloudflare.com/client/v4";

/// A statement with its parameters, which are texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) params: Vec<String>,
}

impl Statement {
    /// A statement without parameters.
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), params: Vec::new() }
    }
}

/// What became of statements that change something.
#[derive(Debug)]
pub(crate) enum Written {
    /// All of them were done; what the last one returned.
    Done(Answer),
    /// Nobody knows whether they were.
    Unknown(EngineError),
}

/// A D1 database.
pub(crate) struct Remote {
    pub(super) way: Way,
    /// The URL without settings, which shows no secret.
    pub(super) shown: String,
    api: Url,
    secret: SecretString,
    pub(super) http: Http,
    /// The id of the database, where the URL has its name.
    pub(super) id: OnceCell<String>,
}

impl Remote {
    /// Takes the secret from its file or from what the environment has.
    pub(crate) fn new(address: Address, surroundings: &Surroundings) -> Result<Self, EngineError> {
        let shown = address.shown();
        let Address { way, secret_file, .. } = address;
        let cloudflare = &surroundings.cloudflare;
        let (known, variable) = match &way {
            Way::Api { .. } => (&cloudflare.token, "CLOUDFLARE_API_TOKEN"),
            Way::Worker { .. } => (&cloudflare.worker_secret, "ROWKEEP_D1_SECRET"),
        };
        let secret = match (&secret_file, known) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map(|text| SecretString::from(text.trim()))
                .map_err(|error| {
                    let message = format!("{shown}: the secret cannot be read from {}", file.display());
                    EngineError::new(ErrorKind::Authentication, message).with_source(error)
                })?,
            (None, Some(secret)) => secret.clone(),
            (None, None) => {
                let message =
                    format!("{shown}: no secret is known for it: set {variable}, or name a file in its URL");
                return Err(EngineError::new(ErrorKind::Authentication, message));
            }
        };
        if secret.expose_secret().is_empty() || secret.expose_secret().chars().any(|c| !c.is_ascii_graphic())
        {
            let message = format!("{shown}: the secret for it is empty, or has characters that none has");
            return Err(EngineError::new(ErrorKind::Authentication, message));
        }
        let api = api_address(cloudflare.api.as_deref())?;
        Ok(Self { way, shown, api, secret, http: Http::new()?, id: OnceCell::new() })
    }

    /// The database in words that show no secret.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// How it is reached, for people.
    pub(crate) fn way(&self) -> &'static str {
        match self.way {
            Way::Api { .. } => "REST API",
            Way::Worker { .. } => "Worker",
        }
    }

    /// Whether statements that are sent together are one transaction.
    pub(crate) fn reads_together(&self) -> bool {
        matches!(self.way, Way::Worker { .. })
    }

    /// How many requests were sent, again and again included.
    pub(crate) fn sent(&self) -> u64 {
        self.http.sent()
    }

    /// How many of them failed, so that nobody knows whether they arrived.
    pub(crate) fn failed(&self) -> u64 {
        self.http.failed()
    }

    /// Runs a statement that reads.
    pub(crate) async fn read_one(&self, statement: &Statement) -> Result<Answer, EngineError> {
        let mut answers = self.read(std::slice::from_ref(statement)).await?;
        answers.pop().ok_or_else(|| self.not_understood("it has no result"))
    }

    /// Runs statements that read, and gives what each returned.
    pub(crate) async fn read(&self, statements: &[Statement]) -> Result<Vec<Answer>, EngineError> {
        let answers = match &self.way {
            Way::Worker { address } => self.over_worker(address, statements).await,
            Way::Api { account, .. } => self.over_api(account, statements).await,
        };
        let answers = answers.map_err(|error| error.of(&self.shown))?;
        if answers.len() != statements.len() {
            return Err(self.not_understood("it has another number of results than there were statements"));
        }
        Ok(answers)
    }

    /// How much one transaction may have.
    pub(crate) fn room(&self) -> Room {
        match self.way {
            Way::Api { .. } => Room::of_api(),
            Way::Worker { .. } => Room::of_worker(),
        }
    }

    /// Runs statements as one transaction: either all of them are done or none. An error means none.
    pub(crate) async fn write(&self, statements: &[String]) -> Result<Written, EngineError> {
        let sent = match &self.way {
            Way::Worker { address } => {
                let statements: Vec<Statement> = statements.iter().map(Statement::new).collect();
                let body = json(&OfWorker { statements: &statements })?;
                let request = self.request(Method::POST, address.clone(), Some(body));
                self.http.send_once(&request, from_worker).await
            }
            Way::Api { account, .. } => {
                let id = self.id(account).await.map_err(|error| error.of(&self.shown))?;
                let url = self.api_url(account, &[id, "raw"])?;
                // A text of several statements is one transaction.
                let body = json(&Statement::new(as_text(statements)))?;
                let request = self.request(Method::POST, url, Some(body));
                let sent = self.http.send_once(&request, from_api::<Vec<ApiResult>>).await;
                sent.map(|results| results.into_iter().map(Answer::from).collect())
            }
        };
        match sent {
            Ok(answers) => match answers.into_iter().last() {
                Some(last) => Ok(Written::Done(last)),
                None => Ok(Written::Unknown(self.not_understood("it has no result"))),
            },
            Err(Lost::Failed(error)) => Err(error.of(&self.shown)),
            Err(Lost::Unknown(error)) => Ok(Written::Unknown(error.of(&self.shown))),
        }
    }

    /// An answer that is none of those that are known.
    pub(crate) fn not_understood(&self, problem: &str) -> EngineError {
        let message = format!("{}: the answer is not understood: {problem}", self.shown);
        EngineError::new(ErrorKind::Other, message)
    }

    async fn over_worker(&self, address: &Url, statements: &[Statement]) -> Result<Vec<Answer>, EngineError> {
        let body = json(&OfWorker { statements })?;
        let request = self.request(Method::POST, address.clone(), Some(body));
        self.http.send(&request, from_worker).await
    }

    /// One after the other: of several in one request only the last would have a result.
    async fn over_api(&self, account: &str, statements: &[Statement]) -> Result<Vec<Answer>, EngineError> {
        let id = self.id(account).await?;
        let url = self.api_url(account, &[id, "raw"])?;
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            let request = self.request(Method::POST, url.clone(), Some(json(statement)?));
            let results: Vec<ApiResult> = self.http.send(&request, from_api).await?;
            answers.extend(results.into_iter().last().map(Answer::from));
        }
        Ok(answers)
    }

    /// The id of the database, by which alone the API knows it.
    pub(super) async fn id(&self, account: &str) -> Result<&str, EngineError> {
        let Way::Api { database, .. } = &self.way else { return Ok("") };
        if is_id(database) {
            return Ok(database);
        }
        let find = || async {
            let mut url = self.api_url(account, &[])?;
            url.query_pairs_mut().append_pair("name", database).append_pair("per_page", "1000");
            let request = self.request(Method::GET, url, None);
            let listed: Vec<Listed> = self.http.send(&request, from_api).await?;
            listed.into_iter().find(|listed| listed.name == *database).map(|listed| listed.uuid).ok_or_else(
                || {
                    EngineError::new(
                        ErrorKind::NotFound,
                        format!("the account has no D1 database called {database}"),
                    )
                },
            )
        };
        Ok(self.id.get_or_try_init(find).await?)
    }

    /// A request with the secret.
    pub(super) fn request(&self, method: Method, url: Url, body: Option<Vec<u8>>) -> Request<'_> {
        Request { method, url, secret: &self.secret, body: body.map(Into::into) }
    }

    /// An address of the API.
    pub(super) fn api_url(&self, account: &str, rest: &[&str]) -> Result<Url, EngineError> {
        let mut url = self.api.clone();
        url.path_segments_mut()
            .map_err(|()| {
                EngineError::new(ErrorKind::InvalidUrl, "CLOUDFLARE_API_BASE_URL is no address of an API")
            })?
            .pop_if_empty()
            .extend(["accounts", account, "d1", "database"])
            .extend(rest);
        Ok(url)
    }
}

/// What the Worker is sent.
#[derive(Serialize)]
struct OfWorker<'s> {
    statements: &'s [Statement],
}

/// Statements as one text. SQLite keeps of the definition of an index what stands before the semicolon, spaces too; so there are none,
/// unless a comment has to be ended.
fn as_text(statements: &[String]) -> String {
    let mut text = String::new();
    for statement in statements {
        text += statement;
        let last = statement.lines().last().unwrap_or_default();
        text += if last.contains("--") { "\n;\n" } else { ";\n" };
    }
    text
}

/// Where the API is. A token goes there, so it has to be this machine or encrypted.
fn api_address(wanted: Option<&str>) -> Result<Url, EngineError> {
    let text = wanted.filter(|text| !text.is_empty()).unwrap_or(API);
    let wrong =
        || EngineError::new(ErrorKind::InvalidUrl, "CLOUDFLARE_API_BASE_URL has to be an https address");
    let url = Url::parse(text).map_err(|error| wrong().with_source(error))?;
    if url.scheme() == "https" || url.scheme() == "http" && is_this_machine(&url) {
        Ok(url)
    } else {
        Err(wrong())
    }
}

/// Whether a database is named by its id.
pub(super) fn is_id(database: &str) -> bool {
    database.len() == 36
        && database.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The body of a request.
pub(super) fn json(content: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(content)
        .map_err(|error| EngineError::new(ErrorKind::Other, "a request cannot be written").with_source(error))
}
