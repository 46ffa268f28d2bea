//! People who sign in: passwords, sessions, second factors, and what other sites' pages send.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use rowkeep::clock::{Clock, SystemClock};
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::support::{Answer, Service};

pub(super) const PASSWORD: &str = "a long enough secret";

/// Operations of users who are signed in, which a token does not stand for: their ids, methods, paths, bodies, and the status for
/// whoever is; of the first nothing is needed.
pub(super) fn rows() -> Vec<(&'static str, Method, &'static str, Option<Value>, u16)> {
    let wrong = Some(json!({ "present": "it is another", "new": "this one is long enough" }));
    let password = Some(json!({ "password": "it is another" }));
    vec![
        ("signIn", Method::POST, "/api/v1/session", Some(json!({ "name": "nobody", "password": "x" })), 401),
        ("changePassword", Method::PUT, "/api/v1/session/password", wrong, 403),
        ("beginSecondFactor", Method::POST, "/api/v1/session/second-factor", password.clone(), 403),
        (
            "confirmSecondFactor",
            Method::PUT,
            "/api/v1/session/second-factor",
            Some(json!({ "code": "000" })),
            409,
        ),
        ("removeSecondFactor", Method::DELETE, "/api/v1/session/second-factor", password, 403),
        ("signOut", Method::DELETE, "/api/v1/session", None, 204),
    ]
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::new("2026-11-29T12:00:00Z".parse().expect("it is a time")))
}

/// What a device shows at this moment.
fn code(clock: &TestClock, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).expect("it is base32");
    let totp = Builder::new().with_secret(secret).build().expect("it is a second factor");
    totp.generate(u64::try_from(clock.now().as_second()).expect("it is after 1970")).to_string()
}

/// A user who is signed in, as a browser is.
struct Browser<'a> {
    service: &'a Service,
    cookie: String,
    csrf: String,
}

impl Browser<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send_with(method, path, body, &[("x-csrf-token", &self.csrf)]).await
    }

    async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.service.without_token(method, path).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.service.answer(request).await
    }
}

async fn try_to_sign_in(service: &Service, body: Value) -> Answer {
    service.answer(service.without_token(Method::POST, "/api/v1/session").json(&body)).await
}

async fn sign_in(service: &Service, body: Value) -> Browser<'_> {
    let answer = try_to_sign_in(service, body).await;
    let cookie = answer.cookie.clone().expect("a cookie is set");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    let view = answer.expect(200);
    let csrf = view["csrf"].as_str().expect("it is given").to_owned();
    Browser { service, cookie: cookie.split(';').next().unwrap_or_default().to_owned(), csrf }
}

/// The first user, who has chosen a password.
async fn administrator(service: &Service) -> Browser<'_> {
    let first = service.password.clone().expect("he was just made");
    let browser = sign_in(service, json!({ "name": "admin", "password": first })).await;
    let body = json!({ "present": first, "new": PASSWORD });
    browser.send(Method::PUT, "/api/v1/session/password", Some(body)).await.expect(204);
    sign_in(service, json!({ "name": "admin", "password": PASSWORD })).await
}

/// The cookie and the mark of forms of the first user.
pub(super) async fn signed_in(service: &Service) -> (String, String) {
    let Browser { cookie, csrf, .. } = administrator(service).await;
    (cookie, csrf)
}

/// The same of another user, who is made.
pub(super) async fn signed_in_as(
    service: &Service,
    name: &str,
    role: &str,
    databases: &[&str],
) -> (String, String) {
    let body = json!({ "name": name, "role": role, "databases": databases });
    let made = service.post("/api/v1/users", body).await.expect(201);
    let first = made["password"].as_str().expect("it is shown once");
    let browser = sign_in(service, json!({ "name": name, "password": first })).await;
    let body = json!({ "present": first, "new": PASSWORD });
    browser.send(Method::PUT, "/api/v1/session/password", Some(body)).await.expect(204);
    let Browser { cookie, csrf, .. } = sign_in(service, json!({ "name": name, "password": PASSWORD })).await;
    (cookie, csrf)
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn the_first_password_is_for_choosing_another() {
    let service = Service::new().await;
    let first = service.password.clone().expect("he was just made");
    let browser = sign_in(&service, json!({ "name": "Admin", "password": first })).await;
    browser.send(Method::GET, "/api/v1/users", None).await.expect(403);
    let change = async |present: &str, new: &str| {
        let body = json!({ "present": present, "new": new });
        browser.send(Method::PUT, "/api/v1/session/password", Some(body)).await.status.as_u16()
    };
    assert_eq!(change("it is another", PASSWORD).await, 403);
    assert_eq!(change(&first, "short").await, 422);
    assert_eq!(change(&first, &first).await, 422);
    assert_eq!(change(&first, PASSWORD).await, 204);
    browser.send(Method::GET, "/api/v1/session", None).await.expect(401);
    try_to_sign_in(&service, json!({ "name": "admin", "password": first })).await.expect(401);
    let browser = sign_in(&service, json!({ "name": "admin", "password": PASSWORD })).await;
    let users = browser.send(Method::GET, "/api/v1/users", None).await.expect(200);
    assert_eq!(users["users"][0]["name"], "admin");
    assert_eq!(users["users"][0]["must_change_password"], false);
    let state = super::support::whole_state(&service.folder).await;
    let holds = |text: &str| state.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds(PASSWORD) && !holds(&browser.cookie["rowkeep_session=".len()..]), "hashes alone are kept");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_a_session_does_is_its_users_alone() {
    let service = Service::new().await;
    let first = administrator(&service).await;
    let audit = service.get("/api/v1/audit").await["entries"].to_string();
    assert!(audit.contains("user admin") && audit.contains("session.create"), "{audit}");
    for (id, method, path, body, status) in rows() {
        let browser = sign_in(&service, json!({ "name": "admin", "password": PASSWORD })).await;
        assert_ne!(browser.cookie, first.cookie, "each sign-in has a secret of its own");
        if id != "signIn" {
            service.send(method.clone(), path, None, body.clone()).await.expect(401);
            service.send(method.clone(), path, Some(&service.token), body.clone()).await.expect(401);
            for headers in [
                &[][..],
                &[("x-csrf-token", "0123")],
                &[("x-csrf-token", &*first.csrf)],
                &[("x-csrf-token", &*browser.csrf), ("sec-fetch-site", "cross-site")],
                &[("x-csrf-token", &*browser.csrf), ("origin", "https://example.org")],
            ] {
                let answer = browser.send_with(method.clone(), path, body.clone(), headers).await;
                assert_eq!(answer.status, 403, "{id} with {headers:?}: {}", answer.json);
            }
        }
        let answer = browser.send(method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{id}: {}", answer.json);
        let is_signed_in = browser.send(Method::GET, "/api/v1/session", None).await.status == 200;
        assert_eq!(is_signed_in, id != "signOut", "{id}");
    }
    let forged =
        Browser { service: &service, cookie: "rowkeep_session=00".to_owned(), csrf: first.csrf.clone() };
    forged.send(Method::GET, "/api/v1/session", None).await.expect(401);
    // Everything else wants the same of whoever shows a cookie.
    let backups = "/api/v1/databases/shop/backups";
    first.send_with(Method::POST, backups, Some(json!({})), &[]).await.expect(403);
    first.send(Method::POST, backups, Some(json!({}))).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn roles_and_databases_are_those_of_the_user() {
    let service = Service::new().await;
    let admin = administrator(&service).await;
    let body = json!({ "name": "olga", "role": "operator", "databases": ["shop"] });
    let made = admin.send(Method::POST, "/api/v1/users", Some(body.clone())).await.expect(201);
    admin.send(Method::POST, "/api/v1/users", Some(body)).await.expect(409);
    for wrong in [
        json!({ "name": "", "role": "viewer" }),
        json!({ "name": "a b", "role": "viewer" }),
        json!({ "name": "a", "role": "king" }),
        json!({ "name": "a", "role": "viewer", "databases": ["no"] }),
    ] {
        admin.send(Method::POST, "/api/v1/users", Some(wrong)).await.expect(422);
    }
    let first = made["password"].as_str().expect("it is shown once");
    let olga = sign_in(&service, json!({ "name": "olga", "password": first })).await;
    let body = json!({ "present": first, "new": PASSWORD });
    olga.send(Method::PUT, "/api/v1/session/password", Some(body)).await.expect(204);
    let olga = sign_in(&service, json!({ "name": "OLGA", "password": PASSWORD })).await;
    olga.send(Method::POST, "/api/v1/databases/shop/backups?wait=60s", Some(json!({}))).await.expect(200);
    olga.send(Method::POST, "/api/v1/databases/orders/backups", Some(json!({}))).await.expect(404);
    olga.send(Method::GET, "/api/v1/users", None).await.expect(403);
    let jobs = service.get("/api/v1/jobs").await;
    assert_eq!(jobs["jobs"][0]["asked_by"], "user olga");
    let id = made["id"].as_str().expect("it has an id").to_owned();
    let role = format!("/api/v1/users/{id}/role");
    admin.send(Method::PUT, &role, Some(json!({ "role": "viewer" }))).await.expect(200);
    olga.send(Method::POST, "/api/v1/databases/shop/backups", Some(json!({}))).await.expect(403);
    admin.send(Method::POST, &format!("/api/v1/users/{id}/password-resets"), None).await.expect(200);
    olga.send(Method::GET, "/api/v1/session", None).await.expect(401);
    admin.send(Method::DELETE, &format!("/api/v1/users/{id}"), None).await.expect(204);
    admin.send(Method::DELETE, &format!("/api/v1/users/{id}"), None).await.expect(404);
    let own = admin.send(Method::GET, "/api/v1/users", None).await.expect(200)["users"][0]["id"].clone();
    let own = format!("/api/v1/users/{}", own.as_str().expect("it has an id"));
    admin.send(Method::DELETE, &own, None).await.expect(409);
    admin.send(Method::PUT, &format!("{own}/role"), Some(json!({ "role": "viewer" }))).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn codes_of_a_second_factor_count_once() {
    let clock = clock();
    let service = Service::with("", clock.clone()).await;
    let browser = administrator(&service).await;
    let factor = "/api/v1/session/second-factor";
    let own = Some(json!({ "password": PASSWORD }));
    let begun = browser.send(Method::POST, factor, own.clone()).await.expect(200);
    let secret = begun["secret"].as_str().expect("it is given");
    assert!(begun["url"].as_str().is_some_and(|url| url.starts_with("otpauth://totp/Rowkeep:admin?")));
    // It does not count before it is confirmed.
    sign_in(&service, json!({ "name": "admin", "password": PASSWORD })).await;
    let shown = code(&clock, secret);
    browser.send(Method::PUT, factor, Some(json!({ "code": shown }))).await.expect(204);
    browser.send(Method::PUT, factor, Some(json!({ "code": shown }))).await.expect(409);
    browser.send(Method::POST, factor, own).await.expect(409);
    let with = |code: Option<&str>| json!({ "name": "admin", "password": PASSWORD, "code": code });
    let refused = try_to_sign_in(&service, with(None)).await.expect(401);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("second factor")), "{refused}");
    try_to_sign_in(&service, with(Some(&shown))).await.expect(401);
    clock.jump(SignedDuration::from_secs(60));
    let shown = code(&clock, secret);
    sign_in(&service, with(Some(&shown))).await;
    try_to_sign_in(&service, with(Some(&shown))).await.expect(401);
    clock.jump(SignedDuration::from_mins(10));
    try_to_sign_in(&service, with(Some("000000"))).await.expect(401);
    let state = super::support::whole_state(&service.folder).await;
    let secret_bytes = Secret::try_from_base32(secret).expect("it is base32");
    let secret_bytes: &[u8] = secret_bytes.as_ref();
    assert!(!state.windows(secret_bytes.len()).any(|window| window == secret_bytes), "it is sealed");
    browser.send(Method::DELETE, factor, Some(json!({ "password": PASSWORD }))).await.expect(204);
    sign_in(&service, json!({ "name": "admin", "password": PASSWORD })).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn who_guesses_passwords_keeps_nobody_else_out() {
    let clock = clock();
    let proxies = "[service]\nurl = 'https://backups.example.org'\ntrusted_proxies = ['127.0.0.1']";
    let service = Service::with(proxies, clock.clone()).await;
    let from = async |address: &str, password: &str| {
        let body = json!({ "name": "admin", "password": password });
        let request = service.without_token(Method::POST, "/api/v1/session").json(&body);
        service.answer(request.header("x-forwarded-for", address)).await
    };
    for _ in 0..5 {
        // What stands before the address that the proxy adds is whatever somebody likes.
        from("192.0.2.99, 192.0.2.1", "a wrong one").await.expect(401);
    }
    let first = service.password.clone().expect("he was just made");
    let refused = from("192.0.2.1", &first).await;
    assert_eq!(refused.retry_after.as_deref(), Some("300"));
    assert_eq!(refused.expect(429)["code"], "too_many");
    let answer = from("192.0.2.2", &first).await;
    let cookie = answer.cookie.clone().expect("a cookie is set");
    assert!(cookie.starts_with("__Host-rowkeep_session=") && cookie.contains("; Secure"), "{cookie}");
    answer.expect(200);
    clock.jump(SignedDuration::from_mins(5));
    from("192.0.2.1", &first).await.expect(200);
    let audit = service.get("/api/v1/audit").await["entries"].to_string();
    assert!(audit.contains("\"192.0.2.1\"") && audit.contains("\"refused\""), "{audit}");
    assert!(!audit.contains("a wrong one") && !audit.contains(&first), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn sessions_end() {
    let clock = clock();
    let service = Service::with("", clock.clone()).await;
    let browser = administrator(&service).await;
    let is_signed_in =
        async |browser: &Browser<'_>| browser.send(Method::GET, "/api/v1/session", None).await.status == 200;
    for _ in 0..5 {
        clock.jump(SignedDuration::from_hours(11));
        assert!(is_signed_in(&browser).await, "it is used");
    }
    clock.jump(SignedDuration::from_hours(13));
    assert!(!is_signed_in(&browser).await, "it was not used for long");
    let browser = sign_in(&service, json!({ "name": "admin", "password": PASSWORD })).await;
    for _ in 0..15 {
        clock.jump(SignedDuration::from_hours(11));
        assert!(is_signed_in(&browser).await, "the week is not over");
    }
    clock.jump(SignedDuration::from_hours(11));
    assert!(!is_signed_in(&browser).await, "a week is the most");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn users_stay_when_the_service_is_started_again() {
    let service = Service::with("", SystemClock::shared()).await;
    let cookie = administrator(&service).await.cookie;
    let token = service.token.clone();
    let folder = service.stop().await;
    let service = Service::again(folder, Some(token), "", SystemClock::shared()).await;
    assert_eq!(service.password, None, "nobody gets another password");
    let browser = Browser { service: &service, cookie, csrf: String::new() };
    browser.send(Method::GET, "/api/v1/session", None).await.expect(200);
}
