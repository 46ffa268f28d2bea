//! Parts of requests; what is wrong with them is answered as every other problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};

use super::problem::Problem;
use super::service::Service;
use super::wording::of_part;

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

/// A body of JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequest<Service> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let body = body(request, service).await?;
        body.map(Self).ok_or_else(|| Problem::malformed("a body is needed, as application/json"))
    }
}

/// A body of JSON that need not be there.
pub(crate) struct Optional<T>(pub(crate) T);

impl<T: DeserializeOwned + Default + Send> FromRequest<Service> for Optional<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        Ok(Self(body(request, service).await?.unwrap_or_default()))
    }
}

/// The object that a body is; nothing where there is no body.
async fn body<T: DeserializeOwned>(request: Request, service: &Service) -> Result<Option<T>, Problem> {
    let is_json = is_json(request.headers());
    let bytes = Bytes::from_request(request, service)
        .await
        .map_err(|rejection| Problem::of_body(rejection.status()))?;
    match bytes.is_empty() {
        true => Ok(None),
        false if !is_json => Err(Problem::media_type()),
        false => parsed(&bytes).map(Some),
    }
}

/// Whether a body is stated to be JSON, once, in UTF-8: JSON knows nothing else.
fn is_json(headers: &HeaderMap) -> bool {
    let mut stated = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(stated)), None) = (stated.next().map(HeaderValue::to_str), stated.next()) else {
        return false;
    };
    let stated = stated.to_ascii_lowercase();
    let mut parts = stated.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let is_utf8 = |part: &str| match part.strip_prefix("charset=") {
        Some(charset) => charset.trim_matches('"') == "utf-8",
        None => true,
    };
    let is_named = name == "application/json" || name.starts_with("application/") && name.ends_with("+json");
    is_named && parts.all(is_utf8)
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::malformed(format!("the body is no JSON: it breaks at line {line}, column {column}"))
    })?;
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        return Err(Problem::unprocessable("the body is not an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (part, said) = (error.path().to_string(), error.inner().to_string());
        Problem::unprocessable(of_part("the body", &part, &said))
    })
}

/// Reads a part of a body that is an object, and no list of its fields.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(reader: D) -> Result<T, D::Error> {
    let fields = Map::deserialize(reader)?;
    T::deserialize(Value::Object(fields)).map_err(D::Error::custom)
}

/// The same of a part that need not be there, or may be nothing.
pub(crate) fn optional_object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let fields = Option::<Map<String, Value>>::deserialize(reader)?;
    fields.map(|fields| T::deserialize(Value::Object(fields)).map_err(D::Error::custom)).transpose()
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
