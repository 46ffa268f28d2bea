//! People who sign in with a provider: who is let in, as whom, and who is not.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use rowkeep::clock::Clock;
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::provider::{CLIENT, Provider};
use super::support::Service;

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::new("2026-11-29T12:00:00Z".parse().expect("it is a time")))
}

async fn service(provider: &Provider, clock: &Arc<TestClock>) -> Service {
    let config = format!(
        "[service]\nurl = 'http://rowkeep.test'\n[service.oidc]\nissuer = '{}'\nclient_id = '{}'\n\
         client_secret = '{}'\nname = 'Company login'\n\
         roles = {{ viewer = ['all'], operator = ['dev'], admin = ['dba'] }}\n\
         databases = {{ '*' = ['dba', 'all'], shop = ['dev'] }}\n",
        provider.issuer, CLIENT.0, CLIENT.1
    );
    Service::with(&config, Arc::clone(clock) as Arc<dyn Clock>).await
}

/// A browser that shows the cookies that it was given, and follows nothing by itself.
struct Browser<'a> {
    service: &'a Service,
    client: Client,
    cookie: Option<String>,
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The session that an answer begins.
fn session(response: &Response) -> Option<String> {
    let mut cookies = response.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.find(|cookie| cookie.starts_with("rowkeep_session="))?;
    session.split(';').next().map(str::to_owned)
}

impl<'a> Browser<'a> {
    fn new(service: &'a Service) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().expect("it is made");
        Self { service, client, cookie: None }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.service.address()));
        let cookie = self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie));
        cookie.send().await.expect("it is answered")
    }

    /// Begins to sign in, and comes back from the provider: the path to which it leads.
    async fn comes_back(&mut self) -> String {
        let begun = self.get("/sign-in/oidc").await;
        assert_eq!(begun.status(), 303);
        let cookie = header(&begun, "set-cookie").expect("it is set");
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Max-Age=600"), "{cookie}");
        self.cookie = cookie.split(';').next().map(str::to_owned);
        let there = header(&begun, "location").expect("it leads to the provider");
        let there = self.client.get(there).send().await.expect("it is answered");
        let back = header(&there, "location").unwrap_or_default();
        let back = Url::parse(&back).expect("it leads back");
        assert_eq!((back.host_str(), back.path()), (Some("rowkeep.test"), "/sign-in/oidc/return"));
        format!("{}?{}", back.path(), back.query().unwrap_or_default())
    }

    async fn signs_in(&mut self) -> Response {
        let back = self.comes_back().await;
        self.get(&back).await
    }

    /// Signs in: whoever one is then.
    async fn who(&mut self) -> Value {
        let answer = self.signs_in().await;
        assert_eq!(answer.status(), 200);
        self.cookie = Some(session(&answer).expect("it begins"));
        let page = answer.text().await.expect("it is text");
        assert!(page.contains("url=/"), "it leads on: {page}");
        serde_json::from_str(&self.get("/api/v1/session").await.text().await.expect("it comes"))
            .expect("JSON")
    }

    /// Is refused, in words.
    async fn is_refused(&mut self, status: u16, words: &str) {
        let back = self.comes_back().await;
        self.is_refused_at(&back, status, words).await;
    }

    async fn is_refused_at(&self, path: &str, status: u16, words: &str) {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), status, "{words}");
        assert_eq!(session(&answer), None, "{words}");
        let page = answer.text().await.expect("it is text");
        assert!(page.contains(words) && page.contains("Company login"), "{words}: {page}");
    }
}

#[tokio::test]
pub(super) async fn somebody_is_what_his_groups_make_him_at_each_sign_in() {
    let (provider, clock) = (Provider::start().await, clock());
    let service = service(&provider, &clock).await;
    let page = Browser::new(&service).get("/sign-in").await.text().await.expect("it is text");
    assert!(page.contains("href=\"/sign-in/oidc\"") && page.contains("Company login"), "{page}");
    provider.says(json!({ "groups": ["dev", "x"] }));
    let who = Browser::new(&service).who().await;
    assert_eq!((&who["name"], &who["role"]), (&json!("user alice"), &json!("operator")));
    assert_eq!(who["databases"], json!(["shop"]));
    // He is known by the provider's id, whatever he is called; and the key is another one meanwhile.
    clock.advance(Duration::from_secs(120));
    provider.rotate();
    provider.says(json!({ "groups": "dba", "preferred_username": "alice.b" }));
    let who = Browser::new(&service).who().await;
    assert_eq!((&who["name"], &who["role"]), (&json!("user alice.b"), &json!("admin")));
    assert!(who["databases"].is_null(), "{who}");
    let users = service.get("/api/v1/users").await;
    let users = users["users"].as_array().or(users.as_array()).expect("they are listed").clone();
    assert_eq!(users.len(), 2, "the first user and he: {users:?}");

    // No password is his, and none can be given to him.
    let body = json!({ "name": "alice.b", "password": "!" });
    service.send(Method::POST, "/api/v1/session", None, Some(body)).await.expect(401);
    let his = users.iter().find(|user| user["name"] == "alice.b").expect("he is there");
    let reset = format!("/api/v1/users/{}/password-resets", his["id"].as_str().expect("it has an id"));
    let refused = service.send(Method::POST, &reset, Some(&service.token), None).await.expect(409);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("provider")), "{refused}");
    let audit = service.get("/api/v1/audit").await.to_string();
    assert!(audit.contains("user.create") && audit.contains("user alice.b"), "{audit}");
}

#[tokio::test]
pub(super) async fn what_a_provider_did_not_say_of_this_attempt_is_not_believed() {
    let (provider, clock) = (Provider::start().await, clock());
    let service = service(&provider, &clock).await;
    let not_believed = "is not believed";
    let at = |seconds: i64| clock.now().as_second() + seconds;
    for (claims, words) in [
        (json!({ "nonce": "of another" }), not_believed),
        (json!({ "nonce": null }), not_believed),
        (json!({ "aud": "another" }), not_believed),
        (json!({ "aud": ["another"] }), not_believed),
        (json!({ "azp": "another" }), not_believed),
        (json!({ "iss": "https://login.example.org" }), not_believed),
        (json!({ "exp": at(-3_600) }), not_believed),
        (json!({ "exp": null }), not_believed),
        (json!({ "iat": at(3_600) }), not_believed),
        (json!({ "sub": null }), not_believed),
        (json!({ "preferred_username": null }), not_believed),
        (json!({ "groups": null }), "None of the groups of alice"),
        (json!({ "groups": ["DBA", "everybody"] }), "None of the groups of alice"),
        (json!({ "preferred_username": "a <b>" }), "is no name of a user"),
        (json!({ "preferred_username": "Admin" }), "There is another user Admin here"),
    ] {
        let mut said = json!({ "groups": ["dba"] });
        claims.as_object().into_iter().flatten().for_each(|(name, value)| said[name] = value.clone());
        provider.says(said);
        Browser::new(&service).is_refused(403, words).await;
    }
    provider.says(json!({ "groups": ["dba"] }));
    provider.forge(true);
    Browser::new(&service).is_refused(403, not_believed).await;
    provider.forge(false);
    let users = service.get("/api/v1/users").await.to_string();
    assert!(users.contains("admin") && !users.contains("alice"), "{users}");
    Browser::new(&service).who().await;
}

#[tokio::test]
pub(super) async fn an_attempt_belongs_to_one_browser_for_a_while_and_counts_once() {
    let (provider, clock) = (Provider::start().await, clock());
    let service = service(&provider, &clock).await;
    provider.says(json!({ "groups": ["all"] }));
    let other = "not begun in this browser";
    let (mut one, mut another) = (Browser::new(&service), Browser::new(&service));
    let (his, theirs) = (one.comes_back().await, another.comes_back().await);
    one.is_refused_at(&theirs, 403, other).await;
    Browser::new(&service).is_refused_at(&his, 403, other).await;
    one.is_refused_at("/sign-in/oidc/return", 403, other).await;
    assert_eq!(one.get(&his).await.status(), 200);
    one.is_refused_at(&his, 502, "could not be asked").await;
    clock.advance(Duration::from_secs(11 * 60));
    another.is_refused_at(&theirs, 403, other).await;
    let state = another.comes_back().await;
    let state = state.split('&').find(|field| field.starts_with("state=")).expect("it has one").to_owned();
    let declined = format!("/sign-in/oidc/return?error=access_denied&{state}");
    another.is_refused_at(&declined, 403, "has not let you in: access_denied").await;
}

#[tokio::test]
pub(super) async fn without_its_provider_the_service_says_so_and_goes_on() {
    let (provider, clock) = (Provider::start().await, clock());
    let service = service(&provider, &clock).await;
    provider.says(json!({ "groups": ["all"] }));
    let mut browser = Browser::new(&service);
    let back = browser.comes_back().await;
    provider.stop().await;
    browser.is_refused_at(&back, 502, "could not be asked").await;
    clock.advance(Duration::from_secs(7_200));
    browser.is_refused_at("/sign-in/oidc", 502, "could not be asked").await;
    service.get("/api/v1/databases").await;
    let none = Service::new().await;
    assert_eq!(Browser::new(&none).get("/sign-in/oidc").await.status(), 404);
}
