//! Who looks at a page, and what its forms send.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::refused::Refused;
use super::units::part;
use crate::access::{Refusal, Session};
use crate::web::alerts::open_count;
use crate::web::guard::{Caller, is_of_another_site, visitor};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Where somebody chooses a password.
const PASSWORD: &str = "/account/password";

/// A user who has signed in. Whoever has not is sent to do so.
pub(super) struct Visitor {
    pub(super) session: Session,
    pub(super) caller: Caller,
}

impl Visitor {
    fn of(session: Session) -> Self {
        Self { caller: Caller(session.principal.clone()), session }
    }
}

impl FromRequestParts<Service> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Response> {
        match visitor(parts, service).await {
            Ok(session) if session.user.must_change && parts.uri.path() != PASSWORD => {
                Err(Redirect::to(PASSWORD).into_response())
            }
            Ok(session) => {
                let visitor = Self::of(session);
                let open = open_count(service, &visitor.caller).await;
                let open_alerts = open.map_err(|problem| Refused::from(problem).into_response())?;
                Ok(Self { session: Session { open_alerts, ..visitor.session }, ..visitor })
            }
            Err(Refusal::Unknown) => Err(Redirect::to(&sign_in_for(parts)).into_response()),
            Err(refusal) => Err(Refused::from(refusal).into_response()),
        }
    }
}

/// Where somebody signs in who wants to see something.
fn sign_in_for(parts: &Parts) -> String {
    match (&parts.method, parts.uri.path_and_query()) {
        (&Method::GET, Some(wanted)) if wanted.as_str() != "/" => {
            format!("/sign-in?next={}", part(wanted.as_str()))
        }
        _ => "/sign-in".to_owned(),
    }
}

/// The fields of a form.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads those of a request, which has to come from a page of this service as far as the browser says it.
    async fn read(request: Request, service: &Service) -> Result<Self, Problem> {
        if is_of_another_site(request.headers(), service.url()) {
            return Err(Problem::forbidden("the form was sent by a page of another site"));
        }
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if kind.and_then(|kind| kind.split(';').next()).map(str::trim)
            != Some("application/x-www-form-urlencoded")
        {
            return Err(Problem::media_type());
        }
        let bytes = Bytes::from_request(request, service)
            .await
            .map_err(|rejection| Problem::of_body(rejection.status()))?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }

    /// What was put into a field; nothing where it is not there, or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|field| field.0 == name);
        field.map(|field| field.1.as_str()).filter(|value| !value.is_empty())
    }

    /// What has to be in a field.
    pub(super) fn must(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| Problem::unprocessable(format!("fill in {name}")))
    }

    /// What was chosen of several.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|field| field.0 == name).map(|field| field.1.clone()).collect()
    }
}

/// A form of somebody who has not signed in.
pub(super) struct OpenForm(pub(super) Fields);

impl FromRequest<Service> for OpenForm {
    type Rejection = Refused;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Refused> {
        Ok(Self(Fields::read(request, service).await?))
    }
}

/// A form that somebody sent from a page that was made for his session, and from no other.
pub(super) struct Form {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Service> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, service).await?;
        let refused = |problem: Problem| Refused::from(problem).into_response();
        let fields = Fields::read(Request::from_parts(parts, body), service).await.map_err(refused)?;
        if fields.get("csrf") != Some(&visitor.session.csrf) {
            return Err(refused(Problem::forbidden(
                "the form is of another session; go back, load the page again, and send it",
            )));
        }
        Ok(Self { visitor, fields })
    }
}
