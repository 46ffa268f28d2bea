//! Parts of requests; what is wrong with them is answered as every other problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::service::Service;

/// What the address names.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Service> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, service).await {
            Ok(Path(named)) => Ok(Self(named)),
            // Bytes that are no text name nothing.
            Err(_) => Err(Problem::not_found("there is nothing at this address")),
        }
    }
}

/// A body of JSON that need not be there.
pub(crate) struct Optional<T>(pub(crate) T);

impl<T: DeserializeOwned + Default + Send> FromRequest<Service> for Optional<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(
                |stated| {
                    let stated = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                    stated == "application/json"
                        || stated.starts_with("application/") && stated.ends_with("+json")
                },
            );
        let bytes = Bytes::from_request(request, service)
            .await
            .map_err(|rejection| Problem::of_body(rejection.status(), rejection.body_text()))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(Problem::media_type());
        }
        let value: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::malformed(format!("the body is no JSON: {error}")))?;
        match value {
            serde_json::Value::Null => Ok(Self(T::default())),
            // A list would be taken for the fields in their order.
            serde_json::Value::Object(_) => serde_json::from_value(value)
                .map(Self)
                .map_err(|error| Problem::unprocessable(format!("the body says something else: {error}"))),
            _ => Err(Problem::unprocessable("the body is no object")),
        }
    }
}

/// What the address asks for behind its question mark; of names that come twice, the first.
pub(crate) struct Words(Vec<(String, String)>);

impl Words {
    /// What stands for a name, where something does.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let word = self.0.iter().find(|word| word.0 == name);
        word.map(|word| word.1.as_str()).filter(|value| !value.is_empty())
    }
}

impl FromRequestParts<Service> for Words {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}
