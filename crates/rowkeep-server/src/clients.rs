//! The modules that pages of other sites load from the service: `/clients/indexeddb.js`, and the files that it imports.
//!
//! They are the same for everybody and hold no secret, so nobody has to sign in. Pages of other sites get them if the configuration names
//! their site.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::web::service::Service;
use crate::web::sites::site_of;

/// What stands at `/clients/indexeddb.js`.
const ENTRY: &str = "export * from './indexeddb/index.js';\n";

/// Files of the module with their content, by where they are in its folder.
macro_rules! files {
    ($($file:literal,)*) => {
        &[$(($file, include_str!(concat!("../../../clients/indexeddb/", $file))),)*]
    };
}

/// The files of `clients/indexeddb` that browsers load.
const FILES: &[(&str, &str)] = files![
    "calls.js",
    "capture-to.js",
    "capture.js",
    "database/capture.js",
    "database/existing.js",
    "database/open.js",
    "database/read.js",
    "database/restore-store.js",
    "database/restore.js",
    "database/schema.js",
    "database/transaction.js",
    "errors.js",
    "file/bytes.js",
    "file/json-scan.js",
    "file/ndjson-read.js",
    "file/ndjson-write.js",
    "file/open.js",
    "file/output.js",
    "file/pieces.js",
    "file/prn-read.js",
    "file/prn-write.js",
    "file/program.js",
    "in-worker.js",
    "index.js",
    "keys.js",
    "last-known.js",
    "merge.js",
    "opfs.js",
    "parts.js",
    "protect.js",
    "restore.js",
    "server.js",
    "sha256.js",
    "spool.js",
    "values/base64.js",
    "values/buffers.js",
    "values/decode.js",
    "values/encode.js",
    "values/plain.js",
    "values/platform.js",
    "watch.js",
    "worker.js",
];

/// The modules, by their addresses.
pub(crate) fn routes() -> Router<Service> {
    Router::new().route("/clients/indexeddb.js", get(entry)).route("/clients/indexeddb/{*file}", get(file))
}

async fn entry(State(service): State<Service>, headers: HeaderMap) -> Response {
    module(&service, &headers, ENTRY)
}

async fn file(State(service): State<Service>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|(name, _)| *name == file) {
        Some((_, content)) => module(&service, &headers, content),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A module, which pages of configured sites may have.
fn module(service: &Service, asked: &HeaderMap, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "origin"),
        // A worker that begins with it loads the others.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; script-src 'self'"),
    ];
    let mut response = (headers, content).into_response();
    if let Some(site) = site_of(service, asked) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, site);
    }
    response
}
