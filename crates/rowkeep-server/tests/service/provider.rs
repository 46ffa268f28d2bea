//! A provider of OpenID Connect: whoever comes to it is the person that was set, and is let in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

/// The name and the secret of the service at the provider.
pub(crate) const CLIENT: (&str, &str) = ("row keep", "s3cret: and more");

type Fields = HashMap<String, String>;

/// A provider that answers until it is dropped.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    known: Arc<Known>,
    serving: JoinHandle<()>,
}

struct Known {
    issuer: String,
    kept: Mutex<Kept>,
}

struct Kept {
    key: Signer,
    /// What its tokens are signed with, though it names the key above.
    forged: Option<Signer>,
    /// What stands in tokens beside, and in place of, what has to.
    claims: Map<String, Value>,
    /// What was asked for each code.
    codes: HashMap<String, Fields>,
}

#[derive(Clone)]
struct Signer {
    id: String,
    key: EncodingKey,
}

impl Signer {
    fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate().expect("a key is made");
        Self { id: id.to_owned(), key: EncodingKey::from_ec_der(pair.serialized_der()) }
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let issuer = format!("http://{}", listener.local_addr().expect("it has an address"));
        let kept = Kept { key: Signer::new("one"), forged: None, claims: Map::new(), codes: HashMap::new() };
        let known = Arc::new(Known { issuer: issuer.clone(), kept: Mutex::new(kept) });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&known));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { issuer, known, serving }
    }

    /// Sets what stands in tokens from now on.
    pub(crate) fn says(&self, claims: Value) {
        let Value::Object(claims) = claims else { panic!("claims are an object: {claims}") };
        self.known.kept().claims = claims;
    }

    /// Takes another key.
    pub(crate) fn rotate(&self) {
        self.known.kept().key = Signer::new("two");
    }

    /// Signs with a key that is not the one it names.
    pub(crate) fn forge(&self, is_forged: bool) {
        self.known.kept().forged = is_forged.then(|| Signer::new("other"));
    }

    /// Is not there any more.
    pub(crate) async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Known {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics with it")
    }
}

async fn discovery(State(known): State<Arc<Known>>) -> Json<Value> {
    let issuer = &known.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
    }))
}

async fn keys(State(known): State<Arc<Known>>) -> Json<Value> {
    let signer = known.kept().key.clone();
    let mut key = Jwk::from_encoding_key(&signer.key, Algorithm::ES256).expect("it has a public half");
    key.common.key_id = Some(signer.id);
    Json(json!({ "keys": [key] }))
}

async fn authorize(State(known): State<Arc<Known>>, Query(asked): Query<Fields>) -> Response {
    let is = |name: &str, value: &str| asked.get(name).is_some_and(|given| given == value);
    let is_asked =
        is("response_type", "code") && is("client_id", CLIENT.0) && is("code_challenge_method", "S256");
    let scopes = asked.get("scope").is_some_and(|scopes| scopes.split(' ').any(|scope| scope == "openid"));
    let (true, true, Some(back), Some(state)) =
        (is_asked, scopes, asked.get("redirect_uri"), asked.get("state"))
    else {
        return (StatusCode::BAD_REQUEST, format!("{asked:?}")).into_response();
    };
    let mut kept = known.kept();
    let code = format!("code-{}", kept.codes.len());
    let url = format!("{back}?code={code}&state={state}");
    kept.codes.insert(code, asked.clone());
    Redirect::to(&url).into_response()
}

async fn token(State(known): State<Arc<Known>>, headers: HeaderMap, body: String) -> Response {
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response();
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let account = BASE64_STANDARD.encode(format!("{}:{}", encoded(CLIENT.0), encoded(CLIENT.1)));
    if headers.get("authorization").is_none_or(|shown| shown != &format!("Basic {account}")) {
        return refuse("invalid_client");
    }
    let given: Fields = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut kept = known.kept();
    // A code counts once.
    let Some(asked) = given.get("code").and_then(|code| kept.codes.get_mut(code)).map(std::mem::take) else {
        return refuse("invalid_grant");
    };
    let verifier = given.get("code_verifier").map(String::as_bytes).unwrap_or_default();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier));
    if asked.get("code_challenge") != Some(&challenge)
        || asked.get("redirect_uri") != given.get("redirect_uri")
    {
        return refuse("invalid_grant");
    }
    let mut claims = json!({
        "iss": known.issuer,
        "aud": CLIENT.0,
        "sub": "1",
        "exp": 4_000_000_000_u64,
        "iat": 1_700_000_000,
        "nonce": asked["nonce"],
        "preferred_username": "alice",
        "groups": [],
    });
    for (name, value) in &kept.claims {
        claims[name] = value.clone();
    }
    let header = Header { kid: Some(kept.key.id.clone()), ..Header::new(Algorithm::ES256) };
    let signer = kept.forged.as_ref().unwrap_or(&kept.key);
    let token = encode(&header, &claims, &signer.key).expect("it is signed");
    Json(json!({ "id_token": token, "access_token": "x", "token_type": "Bearer" })).into_response()
}
