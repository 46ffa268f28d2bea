//! Who somebody is, by the token that a provider has signed (OpenID Connect Core 1.0, section 3.1.3.7).

use std::collections::BTreeSet;

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode};
use rowkeep::config::Oidc;
use serde_json::{Map, Value};

/// How many seconds the clock of a provider may be wrong.
const SKEW: i64 = 60;

/// What a token may be signed with: nothing whose key the service would have to know too.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// By which the provider knows him, whatever he is called.
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) groups: BTreeSet<String>,
}

/// What a token is held against.
pub(super) struct Expected<'a> {
    pub(super) oidc: &'a Oidc,
    pub(super) issuer: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

impl Expected<'_> {
    /// Reads a token that a key has signed, or says what is wrong with it.
    pub(super) fn read(&self, token: &str, header: &Header, key: &Jwk) -> Result<Identity, String> {
        if !ALGORITHMS.contains(&header.alg) {
            return Err(format!("it is signed with {:?}, which is not taken", header.alg));
        }
        let key = DecodingKey::from_jwk(key).map_err(|error| format!("its key cannot be used: {error}"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[self.issuer]);
        validation.set_audience(&[&self.oidc.client_id]);
        // By the clock that was handed in, below.
        validation.validate_exp = false;
        let claims: Map<String, Value> =
            decode(token, &key, &validation).map_err(|error| error.to_string())?.claims;
        self.check(&claims)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = &self.oidc.user_claim;
        if name == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err("the address of the person was not verified".to_owned());
        }
        let groups = match claims.get(&self.oidc.claim) {
            Some(Value::String(group)) => BTreeSet::from([group.clone()]),
            Some(Value::Array(groups)) => {
                groups.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => BTreeSet::new(),
        };
        Ok(Identity {
            subject: text("sub").ok_or("it names nobody")?.to_owned(),
            name: text(name).ok_or_else(|| format!("it has no claim {name} with a name"))?.to_owned(),
            groups,
        })
    }

    fn check(&self, claims: &Map<String, Value>) -> Result<(), String> {
        let second = |name: &str| claims.get(name).and_then(Value::as_f64);
        let (now, skew) = (self.now.as_second() as f64, SKEW as f64);
        if second("exp").is_none_or(|expires| expires + skew <= now) {
            return Err("it has expired".to_owned());
        }
        if ["iat", "nbf"].iter().filter_map(|name| second(name)).any(|from| from - skew > now) {
            return Err("it is not valid yet".to_owned());
        }
        if claims.get("nonce").and_then(Value::as_str) != Some(self.nonce) {
            return Err("it belongs to another attempt".to_owned());
        }
        match claims.get("azp") {
            Some(party) if party.as_str() != Some(&self.oidc.client_id) => {
                Err("it was made for another service".to_owned())
            }
            _ => Ok(()),
        }
    }
}
