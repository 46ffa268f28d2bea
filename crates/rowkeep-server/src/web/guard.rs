//! Who sends a request, and whether he may.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};

use super::cookies;
use super::problem::Problem;
use super::service::Service;
use crate::access::{Principal, Refusal, Role, Session, principal_of_token, session_of};
use crate::state::audit::{self, Deed};

/// The header in which programs of a page bring what shows that they are of a page of this service.
const CSRF: &str = "x-csrf-token";

/// Somebody who has shown who he is.
pub(crate) struct Caller(pub(crate) Principal);

/// From where a request comes.
pub(crate) fn address_of(parts: &Parts, service: &Service) -> IpAddr {
    let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let connected = connected.map_or((Ipv4Addr::LOCALHOST, 0).into(), |connected| connected.0);
    service.address(connected, &parts.headers)
}

/// From where a request comes.
pub(crate) struct ComesFrom(pub(crate) IpAddr);

impl FromRequestParts<Service> for ComesFrom {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Infallible> {
        Ok(Self(address_of(parts, service)))
    }
}

/// Whether a browser says that a request comes from a page of another site.
///
/// What a browser says of that no page can change. One that says nothing is old, or no browser.
///
/// `url` is where people reach the service: a proxy may ask it under another name.
pub(crate) fn is_of_another_site(headers: &HeaderMap, url: Option<&str>) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header("origin"), header("host")) {
        (Some(site), ..) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin), _) if Some(origin) == url => false,
        (None, Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        (None, Some(_), None) => true,
        (None, None, _) => false,
    }
}

/// The value of a header, where there is one alone: of two, a proxy may have looked at the other.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The user whose session a request shows.
pub(crate) async fn visitor(parts: &Parts, service: &Service) -> Result<Session, Refusal> {
    let secret = cookies::session_secret(&parts.headers, service.is_secure()).ok_or(Refusal::Unknown)?;
    session_of(service.queue(), service.doors(), secret, address_of(parts, service)).await
}

/// The same for a program of a page: what changes something has to be of a page of this service.
async fn program_of_page(parts: &Parts, service: &Service) -> Result<Session, Refusal> {
    let session = visitor(parts, service).await?;
    let is_change = !matches!(parts.method, Method::GET | Method::HEAD);
    let shown = only(&parts.headers, CSRF).map(HeaderValue::as_bytes);
    if is_change
        && (shown != Some(session.csrf.as_bytes()) || is_of_another_site(&parts.headers, service.url()))
    {
        return Err(Refusal::Forged);
    }
    Ok(session)
}

impl FromRequestParts<Service> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let found = match parts.headers.get(header::AUTHORIZATION) {
            None => {
                program_of_page(parts, service).await.and_then(|session| match session.user.must_change {
                    true => Err(Refusal::MustChoosePassword),
                    false => Ok(session.principal),
                })
            }
            Some(_) => {
                let value = only(&parts.headers, header::AUTHORIZATION.as_str());
                let token =
                    value.and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
                let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                let token = token.map(|(_, token)| token.trim());
                let address = address_of(parts, service);
                principal_of_token(service.queue(), service.doors(), token, address).await
            }
        };
        Ok(Self(found?))
    }
}

impl OptionalFromRequestParts<Service> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Option<Self>, Infallible> {
        Ok(<Self as FromRequestParts<Service>>::from_request_parts(parts, service).await.ok())
    }
}

/// Somebody who has signed in, whom a token does not stand for: his password and his second factor are his alone.
pub(crate) struct SignedInUser(pub(crate) Session);

impl FromRequestParts<Service> for SignedInUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        Ok(Self(program_of_page(parts, service).await?))
    }
}

impl Caller {
    /// Lets through who may do something with a database, or with everything; whoever may not is noted.
    pub(crate) async fn must(
        &self,
        service: &Service,
        role: Role,
        database: Option<&str>,
        action: &'static str,
    ) -> Result<(), Problem> {
        if self.0.may(role, database) {
            return Ok(());
        }
        let object = database.unwrap_or_default().to_owned();
        self.note(service, action, object, "refused").await?;
        let name = role.name();
        Err(match database {
            // Whether there is such a database is nobody's business who may not see it.
            Some(database) if !self.0.sees(Some(database)) => {
                Problem::not_found(format!("no database {database}"))
            }
            Some(database) => Problem::forbidden(format!("this needs the role {name} for {database}")),
            None => Problem::forbidden(format!("this needs the role {name} for all databases")),
        })
    }

    /// Notes what somebody did.
    pub(crate) async fn note(
        &self,
        service: &Service,
        action: &'static str,
        object: String,
        outcome: &str,
    ) -> Result<(), Problem> {
        let deed = self.deed(action, object, outcome);
        let now = service.queue().now();
        service.queue().state().transaction(move |state| audit::note(state, now, &deed)).await?;
        Ok(())
    }

    /// What the audit is told.
    pub(crate) fn deed(&self, action: &'static str, object: String, outcome: &str) -> Deed {
        let (who, address) = (self.0.name.clone(), self.0.address.clone());
        Deed { who, address, action, object, outcome: outcome.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_other_sites_send_is_known() {
        let of = |stated: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in stated {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_of_another_site(&headers, Some("https://backups.example.org"))
        };
        for own in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://127.0.0.1:8470"), ("host", "127.0.0.1:8470")],
            &[("origin", "https://backups.example.org"), ("host", "127.0.0.1:8470")],
            &[("host", "127.0.0.1:8470")],
            &[],
        ] {
            assert!(!of(own), "{own:?}");
        }
        for other in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")],
            &[("origin", "http://127.0.0.1:80"), ("host", "127.0.0.1:8470")],
            &[("origin", "http://backups.example.org"), ("host", "127.0.0.1:8470")],
            &[("origin", "null"), ("host", "a")],
            &[("origin", "http://a")],
        ] {
            assert!(of(other), "{other:?}");
        }
    }
}
