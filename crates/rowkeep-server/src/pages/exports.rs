//! Exports: asked for on the page of a snapshot, and downloaded.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::units::plain;

use super::frame::{Frame, Section, page};
use super::overview::{Word, word_of_job};
use super::refused::Refused;
use super::units::{bytes, count, counted, minute, part, short};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::web::asking::ask;
use crate::web::exports::{self, Wanted};
use crate::web::exports_there;
use crate::web::extract::Named;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// One that is being made is looked at again after so many seconds.
const REFRESH: u32 = 2;

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    frame: Frame,
    database: String,
    part: String,
    id: String,
    state: Word,
    snapshot: String,
    snapshot_short: String,
    format: String,
    masked: bool,
    asked_by: String,
    files: Vec<FileRow>,
    expires: Option<String>,
    is_over: bool,
    expired: bool,
    notes: Vec<String>,
    error: Option<String>,
    may_download: bool,
}

struct FileRow {
    name: String,
    part: String,
    tables: String,
    rows: String,
    size: String,
    sha256: String,
}

/// Asks for an export.
pub(super) async fn create(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let tables = fields.all("table");
    if tables.is_empty() && fields.get("all").is_none() {
        return Err(Problem::unprocessable("tick the tables that are to be exported").into());
    }
    let wanted = Wanted {
        snapshot: fields.must("snapshot")?,
        tables,
        since: None,
        format: fields.must("format")?,
        compression: fields.get("compression").unwrap_or_default(),
        is_masked: fields.get("masked").is_some(),
    };
    let request = exports::request(&service, &visitor.caller, &database, wanted).await?;
    let of = Some(database.clone());
    let job = ask(&service, &visitor.caller, "export.create", request, of, None).await?;
    Ok(Redirect::to(&format!("/databases/{}/exports/{}", part(&database), part(&job.id))).into_response())
}

/// Shows an export.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, id)): Named<(String, String)>,
) -> Result<Response, Refused> {
    let export = exports::show(&service, &visitor.caller, &database, &id).await?;
    let zone = service.queue().workspace().config().zone(&database);
    let mut frame =
        Frame::of(&visitor.session, Section::Overview, format!("Export {} of {database}", short(&id)));
    frame.refresh = if export.state.is_over() { 0 } else { REFRESH };
    let file = |file: &exports::ExportFile| FileRow {
        name: plain(&file.name),
        part: part(&file.name),
        tables: plain(&file.tables.join(", ")),
        rows: count(file.rows),
        size: bytes(file.bytes),
        sha256: file.sha256.clone(),
    };
    let shown = ExportPage {
        frame,
        part: part(&database),
        state: word_of_job(export.state),
        snapshot_short: short(&export.snapshot),
        snapshot: export.snapshot,
        format: export.format.to_uppercase(),
        masked: export.masked,
        asked_by: plain(&export.asked_by),
        files: export.files.iter().map(file).collect(),
        expires: export.expires.map(|time| minute(time, &zone)),
        is_over: export.state.is_over(),
        expired: export.expired,
        notes: export.notes.iter().map(|note| plain(note)).collect(),
        error: export.error,
        may_download: visitor.caller.0.may(Role::Restorer, Some(&database)),
        id,
        database,
    };
    Ok(page(&shown))
}

#[derive(Template)]
#[template(path = "exports.html")]
struct ExportsPage {
    frame: Frame,
    exports: Vec<ExportRow>,
    taken: String,
    at_most: String,
    is_off: bool,
}

struct ExportRow {
    id: String,
    short: String,
    database: String,
    part: String,
    state: Word,
    what: String,
    tables: String,
    asked_by: String,
    size: String,
    expires: String,
    may_delete: bool,
}

/// Lists the exports that are there.
pub(super) async fn list(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    let found = exports_there::list(&service, &visitor.caller).await?;
    let workspace = service.queue().workspace();
    let size = |export: &exports::ExportView| export.files.iter().map(|file| file.bytes).sum::<u64>();
    let row = |export: &exports::ExportView| {
        let zone = workspace.config().zone(&export.database);
        let tables: usize = export.files.iter().map(|file| file.tables.len()).sum();
        ExportRow {
            part: part(&export.database),
            state: word_of_job(export.state),
            what: format!("{}{}", export.format.to_uppercase(), if export.masked { ", masked" } else { "" }),
            tables: if export.files.is_empty() { String::new() } else { counted(tables as u64, "table") },
            asked_by: plain(&export.asked_by),
            size: bytes(size(export)),
            expires: export.expires.map(|time| minute(time, &zone)).unwrap_or_default(),
            may_delete: export.state.is_over()
                && visitor.caller.0.may(Role::Restorer, Some(&export.database)),
            short: short(&export.id),
            id: export.id.clone(),
            database: export.database.clone(),
        }
    };
    let at_most = service.queue().export_files().at_most();
    let shown = ExportsPage {
        frame: Frame::of(&visitor.session, Section::Overview, "Exports"),
        exports: found.iter().map(row).collect(),
        taken: bytes(found.iter().map(size).sum()),
        at_most: bytes(at_most),
        is_off: at_most == 0,
    };
    Ok(page(&shown))
}

/// Deletes the files of an export.
pub(super) async fn delete(
    State(service): State<Service>,
    Named((database, id)): Named<(String, String)>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    exports_there::delete(&service, &visitor.caller, &database, &id).await?;
    Ok(Redirect::to("/exports").into_response())
}

/// Downloads a file.
pub(super) async fn file(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, id, name)): Named<(String, String, String)>,
) -> Result<Response, Refused> {
    Ok(exports::file(&service, &visitor.caller, &database, &id, &name).await?)
}
