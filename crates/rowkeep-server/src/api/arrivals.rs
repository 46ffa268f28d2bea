//! States that pages send.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rowkeep::jobs::import::ImportRequest;
use rowkeep::jobs::request::Request;
use rowkeep::state::devices::DEVICE_TAG;
use rowkeep::units::bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::databases::{check_tags, plain};
use super::jobs::{self, JobView, WaitQuery};
use crate::access::Role;
use crate::arrivals::{Arrivals, NotKept};
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::names::known;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Pieces of a state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PiecesBody {
    /// The SHA-256 of each.
    #[schema(value_type = Vec<PieceName>)]
    pieces: Vec<String>,
}

/// What a piece is called: its SHA-256 in hexadecimal digits.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub(super) struct PieceName(#[allow(dead_code, reason = "it only describes a text")] String);

/// Pieces of a state, each packed by gzip, one behind the other.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct PackedPieces(#[allow(dead_code, reason = "it only describes a body")] Vec<u8>);

/// The most bytes of a list of all pieces of a state, which has a hundred gigabytes then.
pub(super) const STATE_BYTES: usize = 16 << 20;

/// As what packed pieces are sent.
const PACKED_TYPES: [&str; 2] = ["application/octet-stream", "application/gzip"];

/// Pieces that are to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MissingPieces {
    /// The SHA-256 of each.
    missing: Vec<String>,
}

/// A state that was sent piece by piece.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StateBody {
    /// The SHA-256 of each piece, in their order.
    #[schema(value_type = Vec<PieceName>, min_items = 1)]
    pieces: Vec<String>,
    /// The device that it is of.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    device: Option<String>,
    /// A name for the snapshot.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Labels for it.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Pieces that are there now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeptPieces {
    /// The SHA-256 of each, in the order in which they were sent.
    kept: Vec<String>,
}

/// Says which pieces of a state are not there yet.
#[utoipa::path(post, path = "/api/v1/databases/{database}/arrivals/missing", operation_id = "findMissingPieces", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml")), request_body = PiecesBody, responses(
    Problem,
    (status = 200, description = "The pieces that are to be sent", body = MissingPieces),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn missing(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    body: Result<Body<PiecesBody>, Problem>,
) -> Result<Json<MissingPieces>, Problem> {
    may_send(&service, &caller, &database).await?;
    let Body(PiecesBody { pieces }) = body?;
    pieces.iter().try_for_each(|piece| check_name(piece))?;
    let (arrivals, now) = (service.queue().arrivals().clone(), service.queue().now());
    let missing = blocking(move || arrivals.missing(&database, &pieces, now)).await?;
    Ok(Json(MissingPieces { missing }))
}

/// Takes pieces of a state: each packed by gzip, one behind the other. Each is kept under the SHA-256 of what it holds.
#[utoipa::path(post, path = "/api/v1/databases/{database}/arrivals/pieces", operation_id = "sendPieces", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml")),
    request_body(content = PackedPieces, content_type = "application/octet-stream"), responses(
    Problem,
    (status = 200, description = "What they are called", body = KeptPieces),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
    (status = 507, description = "Others take all the room", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn send(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<KeptPieces>, Problem> {
    may_send(&service, &caller, &database).await?;
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_packed = types.next().is_some_and(|named| PACKED_TYPES.iter().any(|known| named == known));
    if !is_packed || types.next().is_some() {
        return Err(Problem::media_type_of(&PACKED_TYPES));
    }
    let packed = body.map_err(|rejection| Problem::of_body(rejection.status()))?;
    let (arrivals, now) = (service.queue().arrivals().clone(), service.queue().now());
    let kept = blocking(move || arrivals.keep(&database, &packed, now)).await?;
    kept.map(|kept| Json(KeptPieces { kept })).map_err(|why| not_kept(&service, why))
}

/// Makes a snapshot of a state whose pieces are all there.
#[utoipa::path(post, path = "/api/v1/databases/{database}/arrivals", operation_id = "sendState", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = StateBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Pieces of it are not there", body = Problem, content_type = "application/problem+json"),
    (status = 507, description = "Others take all the room", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<StateBody>, Problem>,
) -> Result<Response, Problem> {
    may_send(&service, &caller, &database).await?;
    let Body(StateBody { pieces, device, name, mut tags }) = body?;
    pieces.iter().try_for_each(|piece| check_name(piece))?;
    if pieces.is_empty() || tags.contains_key(DEVICE_TAG) {
        return Err(Problem::unprocessable("a state has pieces, and its device is no tag but `device`"));
    }
    if let Some(name) = &name {
        service.queue().workspace().check_name(name)?;
        plain("name", name)?;
    }
    tags.extend(device.map(|device| (DEVICE_TAG.to_owned(), device)));
    check_tags(&tags)?;
    // Asked for again by the same key, it is the same request, also by the name of its file.
    let id = match headers.get("idempotency-key") {
        Some(key) => {
            let told = serde_json::to_vec(&(&database, &name, &tags, &pieces));
            let told = told.map_err(|error| crate::Error::Content(error.to_string()))?;
            id_of([caller.0.name.as_bytes(), key.as_bytes(), &told])
        }
        None => service.queue().random::<16>()?,
    };
    let (arrivals, now, of) = (service.queue().arrivals().clone(), service.queue().now(), database.clone());
    let assemble = move || {
        // For a job that was asked for before and is not over.
        let was_there = arrivals.file(&Arrivals::name_of(&id)).exists();
        arrivals.assemble(&of, &id, &pieces, now).map(|file| file.map(|file| (file, was_there)))
    };
    let file = blocking(assemble).await?;
    let (file, was_there) = file.map_err(|why| not_kept(&service, why))?;
    let request = ImportRequest { database: Some(database.clone()), name, tags, ..ImportRequest::of(&file) };
    let request = Request::Import(request);
    let asked = jobs::ask(&service, &caller, "state.create", request, Some(database), &headers, wait).await;
    // Nobody needs it any more: it may be there again for a job that was over before.
    if asked.as_ref().map_or(!was_there, |answer| answer.status() == StatusCode::OK) {
        let arrivals = service.queue().arrivals().clone();
        blocking(move || arrivals.remove(&file)).await?;
    }
    asked
}

/// The name of a state that somebody sends under a key of his own: that of another one is another.
fn id_of(parts: [&[u8]; 3]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hash.finalize().to_hex().to_string()
}

/// Why something of a state was not kept.
fn not_kept(service: &Service, why: NotKept) -> Problem {
    match (why, service.queue().arrivals().at_most()) {
        (NotKept::TooLong, _) => Problem::unprocessable("a piece has more than 1 MiB: send smaller ones"),
        (NotKept::Other, _) => {
            Problem::unprocessable("what was sent is no pieces, each packed by gzip: send them again")
        }
        (NotKept::Missing, _) => {
            Problem::conflict("pieces of the state are not there: ask which, and send them")
        }
        (NotKept::NoRoom, 0) => {
            Problem::no_room("the service takes no states: `arrivals` of [service] is off")
        }
        (NotKept::NoRoom, at_most) => Problem::no_room(format!(
            "states that are being sent take all of the {} that `arrivals` of [service] allows: try again in some hours, or give more",
            bytes(at_most)
        )),
    }
}

/// Whether somebody may send states of a database.
async fn may_send(service: &Service, caller: &Caller, database: &str) -> Result<(), Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Operator, Some(database), "state.create").await
}

fn check_name(piece: &str) -> Result<(), Problem> {
    match Arrivals::is_name(piece) {
        true => Ok(()),
        false => Err(Problem::unprocessable("a piece is named by its SHA-256: 64 digits of 0-9 and a-f")),
    }
}

/// Does what may wait for a disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Problem::unavailable(format!("the service cannot keep what is sent: {error}"))),
        Err(_) => Err(Problem::broken("what is sent could not be kept")),
    }
}
