//! A database is added: connect, where, what is promised; then its first backup runs.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::config::AddedDatabase;
use rowkeep::engine::Level;
use rowkeep::repository::{StoreFinding, StoreLevel};
use secrecy::SecretString;

use super::frame::{Frame, Section, page, page_with, to_job};
use super::promises::{Choices, chosen};
use super::refused::Refused;
use super::units::part;
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::web::additions::{add_database, examine, is_allowed};
use crate::web::drafts::Draft;
use crate::web::extract::Named;
use crate::web::new_repository::{Lacks, SHORTEST, lacks, make_repository};
use crate::web::problem::Problem;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "new_database.html")]
struct NewDatabasePage {
    frame: Frame,
    steps: u8,
    name: String,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "draft.html")]
struct DraftPage {
    frame: Frame,
    id: String,
    name: String,
    target: String,
    is_well: bool,
    problem: Option<String>,
    findings: Vec<FindingRow>,
    lacks_place: bool,
    lacks_passphrase: bool,
    shortest: usize,
    location: String,
    store: Vec<FindingRow>,
    choices: Choices,
}

/// Something that was found.
struct FindingRow {
    word: &'static str,
    colour: &'static str,
    what: String,
    detail: String,
}

impl FindingRow {
    fn of(level: Level, what: &str, detail: &str) -> Self {
        let (word, colour) = match level {
            Level::Ok => ("ok", "good"),
            Level::Warning => ("warning", "warn"),
            Level::Error => ("wrong", "bad"),
            Level::Damage => ("damage", "bad"),
        };
        Self { word, colour, what: what.to_owned(), detail: detail.to_owned() }
    }

    fn of_store(finding: &StoreFinding) -> Self {
        let level = match finding.level {
            StoreLevel::Ok => Level::Ok,
            StoreLevel::Warning => Level::Warning,
            StoreLevel::Error => Level::Error,
        };
        let parts = [Some(&finding.seen), finding.means.as_ref(), finding.remedy.as_ref()];
        let detail: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        Self::of(level, &finding.what, &detail.join("; "))
    }
}

/// Lets administrators through.
async fn must_be_admin(service: &Service, visitor: &Visitor) -> Result<(), Refused> {
    visitor.caller.must(service, Role::Admin, None, "database.create").await?;
    match is_allowed(service) {
        true => Ok(()),
        false => Err(Problem::forbidden("databases are added in rowkeep.toml alone").into()),
    }
}

async fn form(
    service: &Service,
    visitor: &Visitor,
    name: &str,
    problem: Option<String>,
) -> Result<Response, Refused> {
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = NewDatabasePage {
        frame: Frame::of(&visitor.session, Section::Overview, "Add a database"),
        steps: if lacks(service).await == Lacks::Nothing { 2 } else { 3 },
        name: name.to_owned(),
        problem,
    };
    Ok(page_with(status, &shown))
}

/// Shows the first step.
pub(super) async fn begin(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    must_be_admin(&service, &visitor).await?;
    form(&service, &visitor, "", None).await
}

/// Looks at a database, and goes on to what was found.
pub(super) async fn connect(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    must_be_admin(&service, &visitor).await?;
    let (name, url) = (fields.must("name")?.trim().to_owned(), fields.must("url")?.trim());
    let url = SecretString::from(url.to_owned());
    let added = AddedDatabase { url: url.clone(), ..AddedDatabase::default() };
    let examined = match examine(&service, &visitor.caller, &name, &added).await {
        Ok(examined) => examined,
        Err(problem) => return form(&service, &visitor, &name, Some(problem.detail().to_owned())).await,
    };
    let (id, user) = (service.queue().random::<16>()?, visitor.session.user.id.clone());
    service.drafts().keep(id.clone(), Draft { user, name, url, examined, store: Vec::new() });
    Ok(to_draft(&id))
}

fn to_draft(id: &str) -> Response {
    Redirect::to(&format!("/new-database/{}", part(id))).into_response()
}

/// The draft of an id.
fn draft(service: &Service, visitor: &Visitor, id: &str) -> Result<Draft, Refused> {
    let missing = || Problem::not_found("this database was added, or begun too long ago: begin again");
    Ok(service.drafts().get(id, &visitor.session.user.id).ok_or_else(missing)?)
}

/// Shows what was found, and the next step.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    must_be_admin(&service, &visitor).await?;
    let draft = draft(&service, &visitor, &id)?;
    Ok(page(&draft_page(&service, &visitor, id, &draft, None).await))
}

async fn draft_page(
    service: &Service,
    visitor: &Visitor,
    id: String,
    draft: &Draft,
    problem: Option<Problem>,
) -> DraftPage {
    let (target, findings, is_well) = match &draft.examined {
        Ok(examined) => (
            examined.target.clone(),
            examined.findings.iter().map(|one| FindingRow::of(one.level, &one.what, &one.detail)).collect(),
            examined.findings.iter().all(|finding| finding.level < Level::Error),
        ),
        Err(why) => (String::new(), vec![FindingRow::of(Level::Error, "it cannot be reached", why)], false),
    };
    let lacks = lacks(service).await;
    DraftPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Add {}", draft.name)),
        id: part(&id),
        name: draft.name.clone(),
        target,
        is_well,
        problem: problem.map(|problem| problem.detail().to_owned()),
        findings,
        lacks_place: lacks != Lacks::Nothing,
        lacks_passphrase: lacks == Lacks::PlaceAndPassphrase,
        shortest: SHORTEST,
        location: service.queue().workspace().location().to_owned(),
        store: draft.store.iter().map(FindingRow::of_store).collect(),
        choices: Choices::of(None, service.queue().now()),
    }
}

/// Says what is wrong with a step, where it can be done again.
async fn again(
    service: &Service,
    visitor: &Visitor,
    id: String,
    draft: &Draft,
    problem: Problem,
) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    page_with(status, &draft_page(service, visitor, id, draft, Some(problem)).await)
}

/// Looks at the database again.
pub(super) async fn look_again(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    let draft = draft(&service, &visitor, &id)?;
    let added = AddedDatabase { url: draft.url.clone(), ..AddedDatabase::default() };
    let examined = examine(&service, &visitor.caller, &draft.name, &added).await?;
    service.drafts().keep(id.clone(), Draft { examined, ..draft });
    Ok(to_draft(&id))
}

/// Makes the repository.
pub(super) async fn place(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let draft = draft(&service, &visitor, &id)?;
    if fields.get("passphrase") != fields.get("again") {
        let problem = Problem::unprocessable("the two passphrases differ");
        return Ok(again(&service, &visitor, id, &draft, problem).await);
    }
    let passphrase = fields.get("passphrase").map(|text| SecretString::from(text.to_owned()));
    match make_repository(&service, &visitor.caller, fields.must("location")?.trim(), passphrase).await {
        Ok(store) => {
            service.drafts().keep(id.clone(), Draft { store, ..draft });
            Ok(to_draft(&id))
        }
        Err(problem) => Ok(again(&service, &visitor, id, &draft, problem).await),
    }
}

/// Adds the database, and goes on to its first backup.
pub(super) async fn add(
    State(service): State<Service>,
    Named(id): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let draft = draft(&service, &visitor, &id)?;
    let added = match chosen(&fields, draft.url.clone(), None) {
        Ok(added) => add_database(&service, &visitor.caller, &draft.name, &added).await,
        Err(problem) => Err(problem),
    };
    match added {
        Ok((backup, _)) => {
            service.drafts().forget(&id);
            Ok(to_job(&backup.id))
        }
        Err(problem) => Ok(again(&service, &visitor, id, &draft, problem).await),
    }
}
