//! Exports: tables of a snapshot as files, which wait for a day to be downloaded.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use jiff::Timestamp;
use rowkeep::export::{Compression, ExportFormat};
use rowkeep::jobs::export::{ExportOutcome, ExportRequest};
use rowkeep::jobs::request::{Outcome, Request};
use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::jobs::workspace::Masked;
use serde::Serialize;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::asking::visible;
use super::guard::Caller;
use super::names::{known, snapshot_named, table_meant};
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;
use crate::exports::expires;
use crate::state::jobs::{Job, JobState};

/// What a job of this kind is called.
const KIND: &str = "export";

/// What the audit calls it when a file leaves.
const DOWNLOAD: &str = "export.download";

/// So many bytes of a file are read at once.
const PART: usize = 64 << 10;

/// What is to be exported.
pub(crate) struct Wanted<'a> {
    /// The snapshot, as [`snapshot_named`] finds it.
    pub(crate) snapshot: &'a str,
    /// The tables; all where none is named.
    pub(crate) tables: Vec<String>,
    /// The snapshot before it, where what changed since is wanted.
    pub(crate) since: Option<&'a str>,
    /// `csv`, `ndjson`, `sql`, `own`, `prn`, `dino` or `num`.
    pub(crate) format: &'a str,
    /// `none`, `gzip` or `zstd`.
    pub(crate) compression: &'a str,
    /// Whether rows are masked by the rules of the database.
    pub(crate) is_masked: bool,
}

/// An export.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportView {
    /// The id of the export, and of the job that makes it.
    pub(crate) id: String,
    pub(crate) database: String,
    #[schema(value_type = String)]
    pub(crate) state: JobState,
    /// Who asked for it.
    pub(crate) asked_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created: Timestamp,
    /// The snapshot.
    pub(crate) snapshot: String,
    /// The snapshot before it, where what changed since was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    /// `csv`, `ndjson`, `sql`, `own`, `prn`, `dino` or `num`.
    pub(crate) format: String,
    /// Whether its rows are masked.
    pub(crate) masked: bool,
    /// The files that can be downloaded; none before it is done, and after a day.
    pub(crate) files: Vec<ExportFile>,
    /// When the files are removed, or were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires: Option<Timestamp>,
    /// Whether they are gone.
    pub(crate) expired: bool,
    /// What there is to know of it.
    pub(crate) notes: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A file of an export.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportFile {
    pub(crate) name: String,
    /// The tables in it.
    pub(crate) tables: Vec<String>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// The SHA-256 of it, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// The request for an export by somebody who may: whole rows leave the service.
pub(crate) async fn request(
    service: &Service,
    caller: &Caller,
    database: &str,
    wanted: Wanted<'_>,
) -> Result<Request, Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Restorer, Some(database), "export.create").await?;
    let workspace = service.queue().workspace();
    let config = workspace.config();
    if service.queue().export_files().at_most() == 0 {
        return Err(Problem::conflict("the service exports nothing: exports of [service] is off"));
    }
    let is_ruled = config.databases.get(database).is_some_and(|database| !database.mask.rules.is_empty());
    if wanted.is_masked && !is_ruled {
        return Err(Problem::unprocessable(format!("no rules say how rows of {database} are masked")));
    }
    let format = ExportFormat::of_name(wanted.format).ok_or_else(|| {
        let known: Vec<&str> = ExportFormat::ALL.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        Problem::unprocessable(format!("nothing is exported as {}; there are {known}", wanted.format))
    })?;
    let compression = match wanted.compression {
        "" | "none" => None,
        "gzip" => Some(Compression::Gzip),
        "zstd" => Some(Compression::Zstd),
        other => {
            return Err(Problem::unprocessable(format!(
                "nothing is compressed by {other}; there are none, gzip, zstd"
            )));
        }
    };
    let since = match wanted.since {
        None => None,
        Some(since) => Some(snapshot_named(service, database, since).await?.into()),
    };
    let tables = wanted.tables.iter().map(|table| table_meant(service, table)).collect();
    Ok(Request::Export(ExportRequest {
        state: snapshot_named(service, database, wanted.snapshot).await?.into(),
        since,
        to: None,
        format: Some(format),
        program: None,
        compression,
        names: BTreeMap::new(),
        base: None,
        // What a download is to be compared with is in the answer.
        alone: true,
        wanted: RowsWanted { tables, ..RowsWanted::default() },
        mask: wanted.is_masked.then_some(Masked::Configured),
        data_only: false,
        force: true,
        at_most: None,
    }))
}

/// The job of an export, what was asked for, and what came of it.
async fn found(
    service: &Service,
    caller: &Caller,
    database: &str,
    id: &str,
) -> Result<(Job, ExportRequest, Option<ExportOutcome>), Problem> {
    known(service, caller, database).await?;
    let job = visible(service, caller, id).await?;
    let missing = || Problem::not_found(format!("no export {id} of {database}"));
    let Ok(Request::Export(request)) = serde_json::from_str(&job.request) else { return Err(missing()) };
    if job.kind != KIND || job.database.as_deref() != Some(database) {
        return Err(missing());
    }
    let outcome = match job.outcome.as_deref().map(serde_json::from_str) {
        Some(Ok(Outcome::Export(outcome))) => Some(outcome),
        _ => None,
    };
    Ok((job, request, outcome))
}

/// An export that somebody asked for.
pub(crate) async fn show(
    service: &Service,
    caller: &Caller,
    database: &str,
    id: &str,
) -> Result<ExportView, Problem> {
    let (job, request, outcome) = found(service, caller, database, id).await?;
    let expires = expires(&job);
    let is_expired = expires.is_some_and(|expires| expires <= service.queue().now());
    let (mut files, mut notes, mut masked) = (Vec::new(), Vec::new(), request.mask.is_some());
    if let Some(outcome) = outcome {
        (notes, masked) = (outcome.notes, outcome.masked);
        for file in outcome.files {
            let name = file.path.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
            // The machine may be another since, to which the state was brought.
            let there = name.filter(|name| service.queue().export_files().file(&job.id, name).is_file());
            files.extend(there.filter(|_| !is_expired).map(|name| ExportFile {
                name,
                tables: file.tables,
                rows: file.rows,
                bytes: file.bytes,
                sha256: file.sha256,
            }));
        }
    }
    Ok(ExportView {
        expired: job.state == JobState::Done && files.is_empty(),
        id: job.id,
        database: database.to_owned(),
        state: job.state,
        asked_by: job.asked_by,
        created: job.created,
        snapshot: request.state.to_string(),
        since: request.since.as_ref().map(|since| (**since).to_owned()),
        format: request.format.unwrap_or(ExportFormat::Csv).name().to_owned(),
        masked,
        files,
        expires,
        notes,
        error: job.error,
    })
}

/// A file of an export, for somebody who may have it, which is noted.
pub(crate) async fn file(
    service: &Service,
    caller: &Caller,
    database: &str,
    id: &str,
    name: &str,
) -> Result<Response, Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Restorer, Some(database), DOWNLOAD).await?;
    let export = show(service, caller, database, id).await?;
    if export.expired {
        return Err(Problem::not_found(format!(
            "the files of export {id} are gone: they are kept for a day, unless somebody deletes them; export again"
        )));
    }
    // What is opened is a file that the export has made, and nothing that a request names.
    let file = export.files.into_iter().find(|file| file.name == name);
    let file = file.ok_or_else(|| Problem::not_found(format!("export {id} has no file {name}")))?;
    let path = service.queue().export_files().file(&export.id, &file.name);
    let opened = tokio::fs::File::open(path).await;
    let opened = opened.map_err(|_| Problem::not_found(format!("file {name} of export {id} is gone")))?;
    caller.note(service, DOWNLOAD, format!("{} of {database}: {id}", file.name), "done").await?;
    let kind = match file.name.rsplit('.').next() {
        Some("gz") => "application/gzip",
        Some("zst") => "application/zstd",
        Some("csv") => "text/csv; charset=utf-8",
        Some("ndjson") => "application/x-ndjson",
        Some("json") => "application/json",
        Some("parquet") => "application/vnd.apache.parquet",
        _ => "application/sql",
    };
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(opened, PART)));
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, kind);
    set(CONTENT_LENGTH, &file.bytes.to_string());
    set(CONTENT_DISPOSITION, &attachment(&file.name));
    Ok(response)
}

/// Has a browser keep a file under its name (RFC 6266), whatever letters are in that.
fn attachment(name: &str) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    let ascii: String = name.chars().map(plain).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_end_nothing() {
        assert_eq!(attachment("t.csv"), "attachment; filename=\"t.csv\"; filename*=UTF-8''t.csv");
        assert_eq!(
            attachment("é\"; x\r\n.csv"),
            "attachment; filename=\"____x__.csv\"; filename*=UTF-8''%C3%A9%22%3B%20x%0D%0A.csv"
        );
    }
}
