//! Who sends a request, and whether he may.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use super::problem::Problem;
use super::service::Service;
use crate::access::{Principal, Refusal, Role, principal};
use crate::state::audit::{self, Deed};

/// Somebody who has shown who he is.
pub(crate) struct Caller(pub(crate) Principal);

impl FromRequestParts<Service> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |connected| connected.0.ip());
        let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.split_once(' '));
        let token =
            token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        match principal(service.queue(), service.guesses(), token, address).await {
            Ok(principal) => Ok(Self(principal)),
            Err(Refusal::Unknown) => Err(Problem::unauthenticated()),
            Err(Refusal::TooMany) => Err(Problem::too_many()),
            Err(Refusal::Failed(error)) => Err(error.into()),
        }
    }
}

impl OptionalFromRequestParts<Service> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Option<Self>, Infallible> {
        Ok(<Self as FromRequestParts<Service>>::from_request_parts(parts, service).await.ok())
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
