//! The REST API.

mod additions;
mod alerts;
mod arrivals;
mod audit;
mod channels;
mod compatible;
mod configuration;
mod databases;
mod differences;
mod drills;
mod exports;
mod health;
mod job_events;
mod jobs;
mod merges;
mod metrics;
mod refreshes;
mod replays;
mod reports;
mod repository;
mod restores;
mod schedules;
mod session;
mod snapshot_view;
mod snapshots;
mod tokens;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::COOKIE;
use crate::web::etags::TAGGED;
use crate::web::service::Service;

#[derive(OpenApi)]
#[openapi(
    info(title = "Rowkeep", description = "Backups of databases as rows: jobs, snapshots, schedules, and what became of them."),
    tags(
        (name = "databases", description = "Databases and their snapshots"),
        (name = "repository", description = "Where the snapshots are"),
        (name = "plans", description = "What is to be changed in databases, before it is"),
        (name = "jobs", description = "What was asked for, and what became of it"),
        (name = "schedules", description = "What is done by itself"),
        (name = "alerts", description = "What is wrong, and where that is told"),
        (name = "configuration", description = "What is configured beside rowkeep.toml, and what of it counts"),
        (name = "audit", description = "Who did what"),
        (name = "tokens", description = "Who may do what"),
        (name = "users", description = "People who sign in"),
        (name = "compatibility", description = "Backups at the addresses that applications had for them"),
        (name = "health", description = "How the service and its databases are"),
    ),
    security(("token" = []), ("session" = [])),
)]
struct Document;

/// The operations, and what describes them.
fn operations() -> OpenApiRouter<Service> {
    OpenApiRouter::with_openapi(document())
        .routes(routes!(databases::list, additions::create))
        .routes(routes!(databases::show, additions::change, additions::remove))
        .routes(routes!(databases::snapshots))
        .routes(routes!(databases::back_up))
        .routes(routes!(databases::announce))
        .routes(routes!(arrivals::missing))
        .routes(routes!(arrivals::send))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(arrivals::create))
                .layer(DefaultBodyLimit::max(arrivals::STATE_BYTES)),
        )
        .routes(routes!(databases::drill, drills::list))
        .routes(routes!(drills::report))
        .routes(routes!(snapshots::show))
        .routes(routes!(snapshots::rows))
        .routes(routes!(snapshots::history))
        .routes(routes!(exports::create))
        .routes(routes!(exports::show, exports::delete))
        .routes(routes!(exports::list))
        .routes(routes!(exports::file))
        .routes(routes!(databases::hold, databases::release))
        .routes(routes!(restores::compare))
        .routes(routes!(differences::show))
        .routes(routes!(merges::merge))
        .routes(routes!(replays::replay))
        .routes(routes!(restores::plan))
        .routes(routes!(restores::undo))
        .routes(routes!(restores::list))
        .routes(routes!(refreshes::create))
        .routes(routes!(restores::execute))
        .routes(routes!(additions::create_repository))
        .routes(routes!(configuration::show))
        .routes(routes!(configuration::reload))
        .routes(routes!(configuration::export))
        .routes(routes!(repository::check))
        .routes(routes!(repository::prune))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::stop))
        .routes(routes!(job_events::watch))
        .routes(routes!(schedules::list))
        .routes(routes!(alerts::list))
        .routes(routes!(channels::list))
        .routes(routes!(channels::test))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(session::begin, session::show, session::end))
        .routes(routes!(session::password))
        .routes(routes!(session::begin_factor, session::confirm_factor, session::remove_factor))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::set_role))
        .routes(routes!(users::reset))
        .routes(routes!(users::remove))
        .routes(routes!(health::health))
        .routes(routes!(reports::show))
        .routes(routes!(compatible::backup::show, compatible::backup::create, compatible::backup::delete))
        .routes(routes!(compatible::restore::restore))
        .routes(routes!(compatible::admin_backup::list, compatible::admin_backup::create))
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(scheme).into());
    let cookie = ApiKeyValue::with_description(
        COOKIE,
        "Set by signing in. What changes something needs the header X-CSRF-Token beside it; over TLS the name begins with __Host-.",
    );
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
    components.security_schemes.insert("session".to_owned(), cookie.into());
    document
}

/// What a body is that need not be there: the object, never `null`.
fn without_null(body: &mut RefOr<RequestBody>) {
    let RefOr::T(body) = body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        if let Some(RefOr::T(Schema::OneOf(choice))) = &content.schema
            && let Some(named @ RefOr::Ref(_)) =
                choice.items.iter().find(|item| matches!(item, RefOr::Ref(_)))
        {
            content.schema = Some(named.clone());
        }
    }
}

/// What an answer with a tag is, and how it is asked for again.
fn tagged(operation: &mut Operation) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let shown = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The ETag of the answer that the client has"))
        .schema(Some(text()));
    operation.parameters.get_or_insert_default().push(RefOr::T(shown.build()));
    if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
        let tag = HeaderBuilder::new().schema(Some(text())).description(Some("What If-None-Match takes"));
        answer.headers.insert("ETag".to_owned(), RefOr::T(tag.build()));
    }
    let unchanged = ResponseBuilder::new().description("It is what the client has");
    operation.responses.responses.insert("304".to_owned(), RefOr::T(unchanged.build()));
}

/// The operations with what each of them may answer: an address that sends too many tokens that are not valid has to wait.
fn described() -> (Router<Service>, utoipa::openapi::OpenApi) {
    let (router, mut document) = operations().split_for_parts();
    for (address, path) in &mut document.paths.paths {
        if let (true, Some(read)) = (TAGGED.contains(&address.as_str()), &mut path.get) {
            tagged(read);
        }
        let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            if let Some(body) = &mut operation.request_body {
                without_null(body);
            }
            // What has one form for all that can go wrong says so.
            if operation.responses.responses.contains_key("default") {
                continue;
            }
            let mut also = vec![("429", "Too many tokens that are not valid came from this address")];
            if operation.request_body.is_some() {
                also.push(("413", "The body is too large"));
            }
            for (status, description) in also {
                let problem = RefOr::Ref(Ref::from_schema_name("Problem"));
                let content = ContentBuilder::new().schema(Some(problem)).build();
                let response = ResponseBuilder::new().description(description);
                let response = response.content("application/problem+json", content).build();
                operation.responses.responses.insert(status.to_owned(), RefOr::T(response));
            }
        }
    }
    (router, document)
}

/// The document that describes the API: OpenAPI 3.1.
pub fn openapi() -> String {
    let (_, document) = described();
    document.to_pretty_json().expect("the document has a JSON form")
}

/// The API, by its addresses.
pub(crate) fn routes() -> Router<Service> {
    let (operations, document) = described();
    let document = Arc::new(document);
    let describe = move || {
        let document = Arc::clone(&document);
        async move { axum::Json((*document).clone()) }
    };
    operations
        .route("/api/v1/openapi.json", get(describe))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}
