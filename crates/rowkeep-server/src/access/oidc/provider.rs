//! A provider: where it is asked what, and the keys that it signs with.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use rowkeep::config::Oidc;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::attempt::Attempt;
use super::requests::{ask, client};

/// So long what a provider says of itself is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// So long it is not asked again for a key that it did not have.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// What is known of the provider at present.
#[derive(Debug, Default)]
pub(in crate::access) struct KnownProvider(Mutex<Option<Arc<Provider>>>);

/// What a provider says of itself.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) issuer: String,
    authorization: Url,
    token: Url,
    /// Whether the secret is shown among the fields, because nothing else is understood.
    is_secret_a_field: bool,
    keys: JwkSet,
    asked: Timestamp,
}

/// OpenID Connect Discovery 1.0, section 3.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: SecretString,
}

impl KnownProvider {
    /// The provider; asked where it was not lately.
    pub(super) async fn get(&self, oidc: &Oidc, now: Timestamp) -> Result<Arc<Provider>, String> {
        self.no_older_than(oidc, now, KEPT).await
    }

    /// The provider and the key of this name, for which it is asked again where it did not have it.
    pub(super) async fn with_key(
        &self,
        oidc: &Oidc,
        now: Timestamp,
        id: Option<&str>,
    ) -> Result<(Arc<Provider>, Option<Jwk>), String> {
        let mut provider = self.get(oidc, now).await?;
        if provider.key(id).is_none() {
            provider = self.no_older_than(oidc, now, PAUSE).await?;
        }
        let key = provider.key(id).cloned();
        Ok((provider, key))
    }

    async fn no_older_than(
        &self,
        oidc: &Oidc,
        now: Timestamp,
        age: SignedDuration,
    ) -> Result<Arc<Provider>, String> {
        let mut known = self.0.lock().await;
        if let Some(provider) = known.as_ref()
            && now.duration_since(provider.asked).abs() < age
        {
            return Ok(Arc::clone(provider));
        }
        let provider = Arc::new(Provider::ask(oidc, now).await?);
        *known = Some(Arc::clone(&provider));
        Ok(provider)
    }
}

impl Provider {
    async fn ask(oidc: &Oidc, now: Timestamp) -> Result<Self, String> {
        let client = client()?;
        let issuer = oidc.issuer.trim_end_matches('/');
        let said: Discovery = ask(client.get(format!("{issuer}/.well-known/openid-configuration"))).await?;
        if said.issuer.trim_end_matches('/') != issuer {
            return Err(format!("it calls itself {:?}", said.issuer));
        }
        // Over TLS where the provider is; plain HTTP is for one on this machine.
        let is_over_tls = issuer.starts_with("https://");
        let endpoint = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| !is_over_tls || url.scheme() == "https");
            url.ok_or_else(|| format!("it names {text:?}, which is no address that is reached over TLS"))
        };
        let keys = endpoint(&said.jwks_uri)?;
        let methods = said.token_endpoint_auth_methods_supported;
        let has = |method: &str| methods.iter().any(|known| known == method);
        Ok(Self {
            issuer: said.issuer,
            authorization: endpoint(&said.authorization_endpoint)?,
            token: endpoint(&said.token_endpoint)?,
            is_secret_a_field: has("client_secret_post") && !has("client_secret_basic"),
            keys: ask(client.get(keys)).await?,
            asked: now,
        })
    }

    /// The key of a name; without a name the only one.
    fn key(&self, id: Option<&str>) -> Option<&Jwk> {
        match (id, &self.keys.keys[..]) {
            (Some(id), _) => self.keys.find(id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Where the browser is sent to sign in.
    pub(super) fn sign_in(&self, oidc: &Oidc, attempt: &Attempt, back: &str) -> Url {
        let mut url = self.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &oidc.client_id)
            .append_pair("redirect_uri", back)
            .append_pair("scope", "openid profile email")
            .append_pair("state", &attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Exchanges the code that the browser has brought for the token that says who somebody is.
    pub(super) async fn id_token(
        &self,
        oidc: &Oidc,
        attempt: &Attempt,
        back: &str,
        code: &str,
    ) -> Result<SecretString, String> {
        let secret = oidc.client_secret.read()?;
        let verifier = attempt.verifier();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", &verifier),
        ];
        let mut request = client()?.post(self.token.clone());
        if self.is_secret_a_field {
            fields.push(("client_id", &oidc.client_id));
            fields.push(("client_secret", secret.expose_secret()));
        } else {
            // RFC 6749, section 2.3.1: both are encoded as in a form first.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encoded(&oidc.client_id), Some(encoded(secret.expose_secret())));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        Ok(ask::<Tokens>(request).await?.id_token)
    }
}
