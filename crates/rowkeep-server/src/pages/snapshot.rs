//! A snapshot: what it holds, what keeps it, and where to go on from it.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::format::manifest::Scope;
use rowkeep::jobs::holds::{HoldRequest, ReleaseRequest};
use rowkeep::jobs::request::Request;
use rowkeep::rows::condition::table_text;
use rowkeep::units::plain;

use super::frame::{Frame, Section, page, to_job};
use super::refused::Refused;
use super::units::{ago, bytes, count, counted, minute, part, short, took};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::state::jobs::JobState;
use crate::web::asking::ask;
use crate::web::extract::Named;
use crate::web::names::{known, snapshot_named};
use crate::web::service::Service;
use crate::web::snapshots::{Details, details};

/// How long it is waited for a hold before the job is shown.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "snapshot.html")]
struct SnapshotPage {
    frame: Frame,
    database: String,
    part: String,
    id: String,
    short: String,
    name: String,
    /// What is special about it.
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    /// Who asked for it, and the job that made it.
    made_by: Option<(String, String)>,
    tags: Vec<String>,
    /// What holds it, in words.
    holds: Vec<String>,
    /// What keeps it; nothing where nobody can tell.
    kept: Vec<String>,
    keeping: String,
    checked: Proven,
    proven: Proven,
    tables: Vec<TableRow>,
    before: Option<String>,
    may_operate: bool,
    may_export: bool,
    may_mask: bool,
    can_release: bool,
}

/// Whether it was checked, or proven.
struct Proven {
    word: &'static str,
    colour: &'static str,
    detail: String,
    /// The job that says so.
    job: Option<String>,
}

struct TableRow {
    name: String,
    /// By which forms and addresses name it.
    text: String,
    part: String,
    rows: String,
    size: String,
    is_internal: bool,
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Full => "schema and all rows",
        Scope::SomeTables => "schema, and the rows of some tables",
        Scope::SchemaOnly => "schema only",
        Scope::DataOnly => "rows only",
    }
}

fn facts(found: &Details, zone: &TimeZone, now: Timestamp) -> Vec<(&'static str, String)> {
    let (summary, manifest) = (&found.summary, &found.snapshot.manifest);
    let holds = match found.snapshot.is_changes_alone() {
        true => "the changes made after it, so that they can be undone",
        false => scope(manifest.scope),
    };
    let mut facts = vec![
        (
            "Time",
            format!(
                "{} ({}), {}",
                minute(summary.time, zone),
                zone.iana_name().unwrap_or("UTC"),
                ago(summary.time, now)
            ),
        ),
        ("Holds", holds.to_owned()),
        ("Rows", format!("{} in {}", count(summary.rows), counted(summary.tables, "table"))),
        ("Size", format!("{}, {} new in the repository", bytes(summary.bytes), bytes(summary.new_bytes))),
        ("Took", took(summary.duration_ms)),
        ("Written by", plain(&manifest.program)),
    ];
    facts.extend(summary.before.as_ref().map(|before| ("Taken before", plain(before))));
    facts.extend(
        manifest.is_masked().then(|| ("Masked", "values were masked before they were stored".to_owned())),
    );
    facts
}

fn warnings(found: &Details) -> Vec<String> {
    let summary = &found.summary;
    let mut warnings: Vec<String> = summary
        .time_doubt
        .iter()
        .map(|doubt| format!("its time cannot be right: {}", plain(doubt)))
        .collect();
    if !summary.looked_at {
        warnings.extend(summary.suspicion.iter().map(|gone| format!("suspicious: {}", plain(gone))));
    }
    warnings.extend(summary.unread.iter().map(|unread| format!("not in it: {}", plain(unread))));
    warnings
}

/// What keeps it, and when it goes.
fn keeping(found: &Details, zone: &TimeZone) -> (Vec<String>, String) {
    let decision = match &found.decision {
        Err(problem) => return (Vec::new(), format!("Nobody can tell what keeps it: {}", plain(problem))),
        Ok(decision) => decision,
    };
    let kept = decision.kept.iter().map(|kept| plain(&kept.by.told())).collect();
    let told = match (decision.is_kept(), decision.goes, decision.unkept_since) {
        (true, Some(goes), _) => format!("It goes at {} if no more snapshots come.", minute(goes, zone)),
        (true, None, _) => "It stays until newer snapshots or somebody end that.".to_owned(),
        (false, _, Some(since)) => {
            format!("Nothing has kept it since {}: it goes with the next prune.", minute(since, zone))
        }
        (false, _, None) => "Nothing keeps it: it goes with the next prune.".to_owned(),
    };
    (kept, told)
}

fn checked(found: &Details, zone: &TimeZone) -> Proven {
    match &found.check {
        None => Proven {
            word: "not run",
            colour: "",
            detail: "no check was begun since it was made".to_owned(),
            job: None,
        },
        Some(check) => {
            let (word, colour) = if check.is_clean { ("checked", "good") } else { ("damage", "bad") };
            let data = match check.read_percent {
                percent if percent >= 100.0 => "every byte of the repository".to_owned(),
                percent if percent > 0.0 => {
                    format!("the structure, and the bytes of {percent} % of the packs")
                }
                _ => "the structure of the repository".to_owned(),
            };
            let detail = format!("{data}, at {}", minute(check.time, zone));
            Proven { word, colour, detail, job: check.job.clone() }
        }
    }
}

fn proven(found: &Details, zone: &TimeZone) -> Proven {
    match &found.proof {
        None => {
            Proven { word: "not run", colour: "", detail: "no drill has restored it".to_owned(), job: None }
        }
        Some(proof) => {
            let detail = format!(
                "restored in {} and equal by hash, at {}",
                took(proof.recovery_ms),
                minute(proof.time, zone)
            );
            Proven { word: "proven", colour: "good", detail, job: Some(proof.job.clone()) }
        }
    }
}

/// Shows a snapshot.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named((database, named)): Named<(String, String)>,
) -> Result<Response, Refused> {
    let found = details(&service, &visitor.caller, &database, &named).await?;
    let (queue, id) = (service.queue(), found.snapshot.id.to_string());
    let (now, workspace) = (queue.now(), queue.workspace());
    let config = workspace.config();
    let zone = config.zone(&database);
    let may = |role| visitor.caller.0.may(role, Some(&database));
    let hold = |hold: &rowkeep::jobs::outcome::Hold| {
        let until = hold.until.map(|until| format!(" until {}", minute(until, &zone))).unwrap_or_default();
        let why = hold.reason.as_ref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
        format!("Held since {}{until}{why}", minute(hold.time, &zone))
    };
    let table = |entry: &rowkeep::format::TableEntry| {
        let text = table_text(&entry.name);
        TableRow {
            name: plain(&entry.name.to_string()),
            part: part(&text),
            text,
            rows: count(entry.root.rows),
            size: bytes(entry.root.bytes),
            is_internal: !entry.kind.is_user_table(),
        }
    };
    let own = found.summary.tags.iter().filter(|(name, _)| !name.starts_with("rowkeep-"));
    let (kept, keeping) = keeping(&found, &zone);
    let is_suspicious = found.summary.suspicious_after.is_some() && !found.summary.looked_at;
    let shown = SnapshotPage {
        frame: Frame::of(
            &visitor.session,
            Section::Overview,
            format!("Snapshot {} of {database}", short(&id)),
        ),
        part: part(&database),
        short: short(&id),
        name: found.summary.name.clone().unwrap_or_default(),
        warnings: warnings(&found),
        facts: facts(&found, &zone, now),
        made_by: found.made_by.as_ref().map(|job| (plain(&job.asked_by), job.id.clone())),
        tags: own.map(|(name, value)| plain(&format!("{name}: {value}"))).collect(),
        holds: found.summary.holds.iter().map(hold).collect(),
        kept,
        keeping: match &found.rules {
            Some(rules) => format!("{keeping} The rules: {}.", plain(rules)),
            None => keeping,
        },
        checked: checked(&found, &zone),
        proven: proven(&found, &zone),
        tables: found.snapshot.manifest.tables.iter().map(table).collect(),
        before: found.before.map(|id| id.to_string()),
        may_operate: may(Role::Operator),
        may_export: may(Role::Restorer) && queue.export_files().at_most() > 0,
        may_mask: config.databases.get(&database).is_some_and(|known| !known.mask.rules.is_empty()),
        can_release: may(Role::Admin) && (!found.summary.holds.is_empty() || is_suspicious),
        id,
        database,
    };
    Ok(page(&shown))
}

/// Holds a snapshot.
pub(super) async fn hold(
    State(service): State<Service>,
    Named((database, named)): Named<(String, String)>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Operator, Some(&database), "snapshot.hold").await?;
    let snapshot = snapshot_named(&service, &database, &named).await?;
    let field = |name: &str| fields.get(name).map(str::to_owned);
    let (until, reason) = (field("until"), field("reason"));
    let request = Request::Hold(HoldRequest { snapshot: snapshot.clone(), until, reason });
    done(&service, &visitor, "snapshot.hold", request, database, &snapshot).await
}

/// Releases a snapshot.
pub(super) async fn release(
    State(service): State<Service>,
    Named((database, named)): Named<(String, String)>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    visitor.caller.must(&service, Role::Admin, Some(&database), "snapshot.release").await?;
    let snapshot = snapshot_named(&service, &database, &named).await?;
    let request = Request::Release(ReleaseRequest { snapshot: snapshot.clone() });
    done(&service, &visitor, "snapshot.release", request, database, &snapshot).await
}

/// Has something done, and goes back to the snapshot; to the job where that is not over, or has failed.
async fn done(
    service: &Service,
    visitor: &Visitor,
    action: &'static str,
    request: Request,
    database: String,
    snapshot: &str,
) -> Result<Response, Refused> {
    let job = ask(service, &visitor.caller, action, request, Some(database.clone()), None).await?;
    let over = service.queue().job_when_over(&job.id, PATIENCE).await?.unwrap_or(job);
    Ok(match over.state {
        JobState::Done => {
            Redirect::to(&format!("/databases/{}/snapshots/{snapshot}", part(&database))).into_response()
        }
        _ => to_job(&over.id),
    })
}
