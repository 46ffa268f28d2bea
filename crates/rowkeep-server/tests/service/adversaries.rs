//! What adversaries send, with harmless content: each is refused in order, and changes nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::operations::{Things, rows};
use super::support::Service;

/// How long something is waited for that happens sooner.
const PATIENCE: Duration = Duration::from_secs(120);

/// One byte more than a body may have.
const TOO_MUCH: usize = (1 << 20) + 1;

async fn connect(service: &Service) -> TcpStream {
    let address = service.address();
    let address = address.strip_prefix("http://").expect("it speaks HTTP");
    TcpStream::connect(address).await.expect("it connects")
}

/// What comes until the other side closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut came = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut came)).await;
    read.expect("it is closed").expect("it is closed in order");
    String::from_utf8_lossy(&came).into_owned()
}

/// Sends these bytes as they are; gives the status and everything that came.
async fn raw(service: &Service, request: &str) -> (u16, String) {
    let mut stream = connect(service).await;
    stream.write_all(request.as_bytes()).await.expect("it is sent");
    let came = rest(stream).await;
    let status = came.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{came:?} is no answer")), came)
}

/// The first line and headers of a request with the token of the service.
fn head(service: &Service, method: &str, path: &str, more: &str) -> String {
    let token = &service.token;
    format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{more}\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_lead_nowhere_else() {
    let service = Service::new().await;
    let things = Things::new(&service).await;
    let jobs = service.get("/api/v1/jobs").await;
    let users = service.get("/api/v1/users").await;
    let wandering = [
        "..",
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fstate.db",
        "..%5c..%5cstate.db",
        "%252e%252e%252fstate.db",
        "....//state.db",
        "%c0%ae%c0%ae%c0%afstate.db",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "shop%00.db",
        "file:%2f%2f%2fetc%2fpasswd",
        "%0d%0aSet-Cookie:%20a=b",
    ];
    let named = ["shop", "latest", "JOB", "PLAN", "TOKEN", "USER", "none"];
    let mut tried = 0;
    for row in rows() {
        let path = row.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        for at in (0..parts.len()).filter(|at| named.contains(&parts[*at])) {
            for wanders in wandering {
                let mut parts = parts.clone();
                parts[at] = wanders;
                let path = parts.join("/");
                let body = row.body.map(|body| body().to_string()).unwrap_or_default();
                let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
                let request = head(&service, row.method.as_str(), &path, &more) + &body;
                let (status, came) = raw(&service, &request).await;
                // Where it is another address of the service, it is none that takes this.
                assert!([404, 405].contains(&status), "{} {path}: {came}", row.method);
                assert!(came.contains("application/problem+json"), "{came}");
                let told = came.to_ascii_lowercase();
                assert!(!told.contains("root:") && !told.contains("\nset-cookie:"), "{came}");
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "only {tried} were tried");
    for path in [
        "/assets/../state.db",
        "/assets/..%2fstate.db",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets//etc/passwd",
        "/assets/style.css%00",
        "/assets/style.css/../../rowkeep.toml",
        "//etc/passwd",
        "/../rowkeep.toml",
    ] {
        let (status, came) = raw(&service, &head(&service, "GET", path, "")).await;
        assert_eq!(status, 404, "{path}: {came}");
        assert!(!came.contains("SQLite format") && !came.contains("[databases"), "{came}");
    }
    assert_eq!(service.get("/api/v1/jobs").await, jobs, "none of them did anything");
    assert_eq!(service.get("/api/v1/users").await, users);
    drop(things);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_ambiguous_is_refused() {
    let service = Service::new().await;
    let json = "Content-Type: application/json\r\n";
    let backups = "/api/v1/databases/shop/backups";
    let body = "x".repeat(TOO_MUCH);
    let declared = format!("{json}Content-Length: {TOO_MUCH}\r\n");
    let chunked = format!("{json}Transfer-Encoding: chunked\r\n");
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let token = &service.token;
    let get = |more: &str| head(&service, "GET", "/api/v1/jobs", more);
    for (what, request, statuses) in [
        ("a declared body", head(&service, "POST", backups, &declared) + &body, &[413][..]),
        (
            "a body in chunks",
            head(&service, "POST", backups, &chunked) + &format!("{TOO_MUCH:x}\r\n{body}"),
            &[413],
        ),
        ("chunks of no length", head(&service, "POST", backups, &chunked) + "zz\r\n{}\r\n0\r\n\r\n", &[400]),
        (
            "a length that is none",
            head(&service, "POST", backups, &format!("{json}Content-Length: -1\r\n")),
            &[400],
        ),
        (
            "two lengths",
            head(&service, "POST", backups, &format!("{json}Content-Length: 2\r\nContent-Length: 3\r\n"))
                + "{}",
            &[400],
        ),
        ("many headers", get(&many), &[431]),
        ("a large header", get(&format!("X: {}\r\n", "a".repeat(1 << 20))), &[431]),
        ("a long address", head(&service, "GET", &format!("/{}", "a".repeat(100_000)), ""), &[414]),
        ("no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), &[400]),
        ("two hosts", get("Host: b\r\n"), &[400]),
        ("two tokens", get(&format!("Authorization: Bearer {token}\r\n")), &[401]),
        ("a method that is none", head(&service, "BREW", "/api/v1/jobs", ""), &[405]),
        ("TRACE", head(&service, "TRACE", "/api/v1/jobs", ""), &[405]),
        ("OPTIONS", head(&service, "OPTIONS", "/api/v1/tokens", "Origin: https://example.org\r\n"), &[405]),
        ("no HTTP", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), &[400]),
    ] {
        let (status, came) = raw(&service, &request).await;
        assert!(statuses.contains(&status), "{what}: {}", &came[..came.len().min(400)]);
        assert!(!came.to_ascii_lowercase().contains("access-control-"), "{what}: no other site is let in");
    }
    // Whoever is told of it is told in the words of this service.
    let answer = service.answer(service.request(Method::POST, backups).json(&json!({ "name": body }))).await;
    assert_eq!(
        (answer.content_type.as_str(), &answer.json["code"]),
        ("application/problem+json", &json!("too_large"))
    );
    assert_eq!(service.get("/api/v1/jobs").await["jobs"], json!([]), "none of them did anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_other_types_do_nothing() {
    let service = Service::new().await;
    let things = Things::new(&service).await;
    let jobs = service.get("/api/v1/jobs").await;
    for row in rows().into_iter().filter(|row| row.body.is_some()) {
        let path = things.path(&service, &row).await;
        let body = row.body.map(|body| body().to_string()).unwrap_or_default();
        for content_types in [
            &[][..],
            &["text/plain"],
            &["application/x-www-form-urlencoded"],
            &["multipart/form-data; boundary=a"],
            &["application/xml"],
            &["application/json; charset=utf-16"],
            &["application/jsonp"],
            &["application/json", "text/plain"],
        ] {
            let mut request = service.request(row.method.clone(), &path).body(body.clone());
            for content_type in content_types {
                request = request.header("content-type", *content_type);
            }
            let answer = service.answer(request).await;
            assert_eq!(answer.status, 415, "{} as {content_types:?}: {}", row.id, answer.json);
            assert_eq!(answer.json["code"], "media_type");
        }
    }
    assert_eq!(service.get("/api/v1/jobs").await, jobs, "none of them did anything");
    let fine = service.request(Method::POST, "/api/v1/databases/shop/backups?wait=60s").body("{}");
    service.answer(fine.header("content-type", "Application/JSON; charset=\"UTF-8\"")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_sent_away_and_holds_up_nobody() {
    let service = Service::new().await;
    let begun = [
        ("headers", "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ".to_owned()),
        ("nothing", String::new()),
        (
            "a body",
            head(
                &service,
                "POST",
                "/api/v1/databases/shop/backups",
                "Content-Type: application/json\r\nContent-Length: 100\r\n",
            ) + "{",
        ),
    ];
    let mut slow = Vec::new();
    for _ in 0..20 {
        for (what, begun) in &begun {
            let mut stream = connect(&service).await;
            stream.write_all(begun.as_bytes()).await.expect("it is sent");
            slow.push((what, stream));
        }
    }
    service.get("/api/v1/jobs").await;
    for (what, stream) in slow {
        let came = rest(stream).await;
        let is_refused = came.is_empty() || came.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{what}: {came}");
    }
    assert_eq!(service.get("/api/v1/jobs").await["jobs"], json!([]), "what never came whole is not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_tokens_cannot_be_made_up() {
    let service = Service::new().await;
    let (cookie, mark) = super::sessions::signed_in(&service).await;
    let shown = async |cookie: &str| {
        let request = service.without_token(Method::GET, "/api/v1/session").header("cookie", cookie);
        service.answer(request).await.status.as_u16()
    };
    assert_eq!(shown(&cookie).await, 200);
    let secret = cookie.strip_prefix("rowkeep_session=").expect("it has a name");
    for forged in [
        String::new(),
        "rowkeep_session=".to_owned(),
        format!("rowkeep_session={}", &secret[..secret.len() - 1]),
        format!("rowkeep_session={secret}0"),
        format!("rowkeep_session={}", "0".repeat(secret.len())),
        format!("rowkeep_session=\"{secret}"),
        format!("rowkeep_session={secret}%00"),
        "rowkeep_session=' OR 1=1 --".to_owned(),
        format!("rowkeep_session={}", "a".repeat(8_000)),
        format!("Rowkeep_Session={secret}"),
        format!("__Host-rowkeep_session={secret}"),
        format!("rowkeep_session=forged; {cookie}"),
        format!("rowkeep_session={mark}"),
    ] {
        assert_eq!(shown(&forged).await, 401, "{forged}");
    }

    // What somebody put into a browser before is not what its user is known by afterwards.
    let planted = "rowkeep_session=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let body = json!({ "name": "admin", "password": super::sessions::PASSWORD });
    let request =
        service.without_token(Method::POST, "/api/v1/session").header("cookie", planted).json(&body);
    let answer = service.answer(request).await;
    let given = answer.cookie.clone().expect("a cookie is set");
    answer.expect(200);
    let given = given.split(';').next().expect("it begins with name and value");
    assert!(given != planted && given != cookie, "each sign-in has a secret of its own");
    assert_eq!((shown(planted).await, shown(given).await), (401, 200));

    // Who has signed out is nobody any more.
    let end = service.without_token(Method::DELETE, "/api/v1/session").header("cookie", &cookie);
    service.answer(end.header("x-csrf-token", &mark)).await.expect(204);
    assert_eq!((shown(&cookie).await, shown(given).await), (401, 200));

    let token = &service.token;
    for forged in [
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer {}", &token[..token.len() - 1]),
        format!("Bearer {token}0"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer{token}"),
        "Bearer".to_owned(),
        "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.".to_owned(),
        format!("Bearer {token}, Bearer {token}"),
    ] {
        let request = service.without_token(Method::GET, "/api/v1/tokens").header("authorization", &forged);
        service.answer(request).await.expect(401);
    }
    let request = service.without_token(Method::GET, "/api/v1/tokens");
    service.answer(request.header("authorization", format!("bearer {token}"))).await.expect(200);
}

/// Who is refused before all is sent is told that nothing more goes over this connection, and others go on over theirs.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_read_ends_its_connection() {
    let service = Service::new().await;
    let head = "POST /api/v1/databases/shop/backups HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length:";
    let (status, came) = raw(&service, &format!("{head} 100000\r\n\r\n{{")).await;
    assert!(status == 401 && came.to_ascii_lowercase().contains("connection: close"), "{came}");
    let read = format!("{head} 2\r\nAuthorization: Bearer {}\r\n\r\n[]", service.token);
    let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (status, came) = raw(&service, &(read + last)).await;
    assert!(status == 422 && came.contains("HTTP/1.1 200"), "{came}");
}
