//! Channels: what each sends, where it may, and what becomes of one that fails.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::sinks::{MailServer, Web};
use super::support::{Service, folder};

/// A name that would be markup everywhere, if it were taken for it.
const HOSTILE: &str =
    "<!channel> *x* @everyone </b><a href=\"https://evil.example\">y</a> [z](https://evil.example) `q`";

fn clock() -> Arc<TestClock> {
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
    Arc::new(TestClock::new(now))
}

fn channel(name: &str, kind: &str, rest: &str) -> String {
    // The disk on which this test runs may be full.
    let alerts = if rest.contains("alerts = ") { "" } else { "alerts = ['backup_failed', 'channel_failed']" };
    format!("[[channels]]\nname = '{name}'\nkind = '{kind}'\nprivate_network = true\n{alerts}\n{rest}\n")
}

fn slack(name: &str, web: &Web, rest: &str) -> String {
    channel(name, "slack", &format!("url = '{}'\n{rest}", web.at(&format!("/{name}"))))
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn each_kind_gets_what_it_understands() {
    let web = Web::new().await;
    let url = |path: &str| format!("url = '{}'", web.at(path));
    let config = [
        channel("slack", "slack", &url("/slack")),
        channel("discord", "discord", &url("/discord")),
        channel("teams", "teams", &url("/teams")),
        channel("telegram", "telegram", &format!("{}\ntoken = '12:tele'\nchat = '-100'", url("/"))),
        channel("ntfy", "ntfy", &format!("{}\ntoken = 'tk_1'", url("/ntfy/backups"))),
        channel("pager", "pagerduty", &format!("{}\nkey = 'pager-key'", url("/pager"))),
        format!("[databases.'{HOSTILE}']\nurl = 'hostile.db'\n"),
    ]
    .concat();
    let service = Service::with(&config, clock()).await;
    let name: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let path = format!("/api/v1/databases/{}/backups?wait=60s", name.replace('+', "%20"));
    assert_eq!(service.post(&path, json!({})).await.expect(200)["state"], "failed");
    let one = async |path: &str| web.until(path, 1).await.remove(0);
    let slack = one("/slack").await;
    assert_eq!((slack.method.as_str(), slack.header("content-type")), ("POST", "application/json"));
    let text = slack.json()["text"].as_str().expect("it is text").to_owned();
    assert!(
        text.contains("&lt;!channel&gt;") && !text.contains(['<', '>']) && !text.contains("*x*"),
        "{text}"
    );
    assert_eq!(slack.json()["blocks"][1]["text"]["type"], "plain_text");
    let discord = one("/discord").await.json();
    assert_eq!(discord["allowed_mentions"], json!({ "parse": [] }));
    let title = discord["embeds"][0]["title"].as_str().expect("it is text").to_owned();
    assert!(
        title.contains("\\@everyone") && title.contains("\\*x\\*") && title.contains("\\<\\!channel\\>"),
        "{title}"
    );
    let teams = one("/teams").await.json();
    let card = &teams["attachments"][0];
    assert_eq!(
        (&teams["type"], &card["contentType"]),
        (&json!("message"), &json!("application/vnd.microsoft.card.adaptive"))
    );
    assert_eq!(
        (&card["content"]["type"], &card["content"]["version"]),
        (&json!("AdaptiveCard"), &json!("1.4"))
    );
    for block in card["content"]["body"].as_array().expect("a list") {
        assert_eq!(block["type"], "RichTextBlock", "only that has no markup");
    }
    let telegram = one("/bot12:tele/sendMessage").await.json();
    assert_eq!((&telegram["chat_id"], &telegram["parse_mode"]), (&json!("-100"), &json!("HTML")));
    let text = telegram["text"].as_str().expect("it is text");
    assert_eq!((text.matches('<').count(), text.contains("&lt;/b&gt;&lt;a href=")), (2, true), "{text}");
    let ntfy = one("/ntfy/").await;
    assert_eq!((ntfy.header("authorization"), &ntfy.json()["topic"]), ("Bearer tk_1", &json!("backups")));
    assert_eq!((&ntfy.json()["priority"], &ntfy.json()["tags"]), (&json!(4), &json!(["warning"])));
    let pager = one("/pager").await.json();
    assert_eq!((&pager["routing_key"], &pager["event_action"]), (&json!("pager-key"), &json!("trigger")));
    assert_eq!(
        (&pager["payload"]["severity"], &pager["payload"]["class"]),
        (&json!("warning"), &json!("backup_failed"))
    );
    for field in ["summary", "source", "timestamp"] {
        assert!(pager["payload"][field].is_string(), "{field} is needed: {pager}");
    }
    std::fs::copy(service.folder.path().join("shop.db"), service.folder.path().join("hostile.db"))
        .expect("it is copied");
    service.post(&path, json!({})).await.expect(200);
    let pager = web.until("/pager", 2).await.remove(1).json();
    assert_eq!(pager["event_action"], "resolve");
    let listed = service.get("/api/v1/alerts").await;
    let mut alerts = listed["alerts"].as_array().expect("a list").iter();
    let told = alerts.find(|alert| alert["kind"] == "backup_failed").expect("it is listed");
    assert_eq!(pager["dedup_key"], told["id"]);
    // Secrets come back nowhere.
    let shown = service.get("/api/v1/channels").await;
    assert_eq!(shown["channels"].as_array().map(Vec::len), Some(6));
    for secret in ["12:tele", "tk_1", "pager-key", &web.port.to_string()] {
        assert!(!shown.to_string().contains(secret), "{secret}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn mail_arrives() {
    let server = MailServer::new();
    let mail = |name: &str, password: &str, tls: &str| {
        let rest = format!(
            "server = '127.0.0.1'\nport = {}\ntls = '{tls}'\nuser = 'rowkeep'\npassword = '{password}'\n\
             from = 'Rowkeep <rowkeep@example.com>'\nto = ['a@example.com', 'B <b@example.com>']\nalerts = ['backup_failed']",
            server.port
        );
        channel(name, "email", &rest)
    };
    let config = [
        mail("good", "correct horse", "none"),
        mail("wrong", "open sesame", "none"),
        mail("plain", "correct horse", "starttls"),
        format!("[databases.'{HOSTILE}']\nurl = 'hostile.db'\n"),
    ]
    .concat();
    let service = Service::with(&config, clock()).await;
    let name: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let path = format!("/api/v1/databases/{}/backups?wait=60s", name.replace('+', "%20"));
    service.post(&path, json!({})).await.expect(200);
    let letter = server.until(1).await.remove(0);
    assert_eq!((&letter["from"], &letter["login"]), (&json!("rowkeep@example.com"), &json!("rowkeep")));
    assert_eq!(
        (&letter["to"], &letter["hello"]),
        (&json!(["a@example.com", "b@example.com"]), &json!("example.com"))
    );
    let content = letter["content"].as_str().expect("it is text");
    let (headers, body) = content.split_once("\r\n\r\n").expect("it has both");
    for header in [
        "Subject: [Rowkeep] backup of",
        "Auto-Submitted: auto-generated",
        "Date: Sun, 29 Nov 2026 12:00:00 +0000",
    ] {
        assert!(headers.contains(header), "{headers}");
    }
    assert!(headers.contains("Content-Type: text/plain; charset=utf-8"), "{headers}");
    assert!(body.contains("hostile.db") && body.contains("rowkeep doctor"), "{body}");
    let conversation = |content: &str| {
        let line = content.lines().find(|line| line.starts_with("References: ")).map(str::to_owned);
        line.expect("it belongs to an incident")
    };
    std::fs::copy(service.folder.path().join("shop.db"), service.folder.path().join("hostile.db"))
        .expect("it is copied");
    service.post(&path, json!({})).await.expect(200);
    let over = server.until(2).await.remove(1);
    let over = over["content"].as_str().expect("it is text");
    assert!(over.contains("Subject: [Rowkeep] over: backup of"), "{over}");
    assert_eq!(conversation(over), conversation(content));
    for (name, why) in [("wrong", "535"), ("plain", "STARTTLS")] {
        let test = service.post(&format!("/api/v1/channels/{name}/tests"), json!({})).await.expect(200);
        assert_eq!(test["delivered"], false, "{test}");
        let answer = test["answer"].as_str().expect("it is text");
        assert!(answer.contains(why) && !answer.contains("open sesame"), "{name}: {answer}");
    }
    let test = service.post("/api/v1/channels/good/tests", json!({})).await.expect(200);
    assert_eq!((&test["delivered"], &test["answer"]), (&json!(true), &json!("250 taken")));
    server.until(3).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn nothing_goes_where_it_may_not() {
    let web = Web::new().await;
    let private = |name: &str, url: String| {
        format!("[[channels]]\nname = '{name}'\nkind = 'slack'\nurl = '{url}'\nalerts = []\n")
    };
    let port = web.port;
    let mail = "kind = 'email'\nserver = 'localhost'\nport = 25\ntls = 'none'\nfrom = 'a@example.com'\nto = 'b@example.com'\n";
    let config = [
        private("loopback", format!("https://127.0.0.1:{port}/s3cret")),
        private("number", format!("https://2130706433:{port}/s3cret")),
        private("six", format!("https://[::ffff:127.0.0.1]:{port}/s3cret")),
        private("link", "https://169.254.169.254/s3cret".to_owned()),
        private("name", format!("https://localhost:{port}/s3cret")),
        format!("[[channels]]\nname = 'mail'\nalerts = []\n{mail}"),
        slack("redirect", &web, "alerts = []"),
        slack("refused", &web, "alerts = []"),
    ]
    .concat();
    let service = Service::with(&config, clock()).await;
    for name in ["loopback", "number", "six", "link", "name", "mail"] {
        let test = service.post(&format!("/api/v1/channels/{name}/tests"), json!({})).await.expect(200);
        let answer = test["answer"].as_str().expect("it is text");
        assert_eq!(test["delivered"], false, "{name}: {answer}");
        assert!(answer.contains("private_network = true") && !answer.contains("s3cret"), "{name}: {answer}");
    }
    assert!(web.received("/").is_empty(), "no connection was made");
    web.answer(&[302, 403]);
    let test = service.post("/api/v1/channels/redirect/tests", json!({})).await.expect(200);
    assert!(
        test["answer"].as_str().is_some_and(|answer| answer.contains("302") && answer.contains("redirects")),
        "{test}"
    );
    let test = service.post("/api/v1/channels/refused/tests", json!({})).await.expect(200);
    assert_eq!(
        (&test["delivered"], &test["answer"]),
        (&json!(false), &json!("it was answered 403 Forbidden: taken"))
    );
    let paths: Vec<String> = web.received("/").into_iter().map(|received| received.path).collect();
    assert_eq!(paths, ["/redirect", "/refused"], "what it leads to was not asked for");
    service.send(Method::POST, "/api/v1/channels/none/tests", Some(&service.token), None).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_channel_that_fails_is_told_over_the_others() {
    let (web, clock) = (Web::new().await, clock());
    let service =
        Service::with(&[slack("one", &web, ""), slack("two", &web, "")].concat(), clock.clone()).await;
    std::fs::rename(service.folder.path().join("orders.db"), service.folder.path().join("away.db"))
        .expect("it is moved");
    web.refuse("/one", Some(410));
    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    let is_failed = |is_open: bool| {
        move |listed: &Value| {
            let mut alerts = listed["alerts"].as_array().expect("a list").iter();
            alerts.any(|alert| alert["object"] == "channel one" && alert["cleared"].is_null() == is_open)
        }
    };
    service.until("/api/v1/alerts", is_failed(true)).await;
    let title = |received: &super::sinks::Received| received.json()["blocks"][0]["text"]["text"].clone();
    let two = web.until("/two", 2).await;
    assert!(title(&two[1]).as_str().is_some_and(|title| title.ends_with("channel one fails")), "{two:?}");
    let shown = service.get("/api/v1/channels").await;
    assert_eq!(shown["channels"][0]["name"], "one");
    assert!(
        shown["channels"][0]["last_error"].as_str().is_some_and(|error| error.contains("410")),
        "{shown}"
    );
    assert!(shown["channels"][1]["last_delivery"].is_string(), "{shown}");
    web.refuse("/one", None);
    clock.jump(SignedDuration::from_secs(10));
    service.until("/api/v1/alerts", is_failed(false)).await;
    let two = web.until("/two", 3).await;
    assert!(
        title(&two[2]).as_str().is_some_and(|title| title.contains("over: channel one fails")),
        "{two:?}"
    );
    let one = web.until("/one", 2).await;
    assert!(one.iter().all(|received| {
        title(received).as_str().is_some_and(|title| title.ends_with("backup of orders failed"))
    }));
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn successes_and_summaries_come_to_those_who_want_them() {
    let (web, clock) = (Web::new().await, clock());
    let config = [
        slack("each", &web, "success = true\nalerts = []\ndatabases = ['shop']"),
        slack("sums", &web, "summary = 'daily at 13:00'\nalerts = []"),
    ];
    let service = Service::with(&config.concat(), clock.clone()).await;
    for name in ["shop", "orders"] {
        service.post(&format!("/api/v1/databases/{name}/backups?wait=60s"), json!({})).await.expect(200);
    }
    let text = |received: &super::sinks::Received| {
        received.json()["blocks"][1]["text"]["text"].as_str().unwrap_or("-").to_owned()
    };
    let each = web.until("/each", 1).await;
    assert!(
        text(&each[0]).contains("backup of shop: done") && text(&each[0]).contains("500 rows"),
        "{each:?}"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    clock.set("2026-11-29T13:00:00Z".parse().expect("it is a time"));
    let sums = web.until("/sums", 1).await;
    let told = text(&sums[0]);
    for line in ["shop: kept, 1 backup done, 0 failed", "orders: kept, 1 backup done"] {
        assert!(told.contains(line), "{told}");
    }
    let (token, folder) = (service.token.clone(), service.stop().await);
    let service = Service::again(folder, Some(token), &config.concat(), clock.clone()).await;
    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((web.received("/each").len(), web.received("/sums").len()), (1, 1), "each comes once");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn pings_join_the_beginning_and_the_end() {
    let (web, clock) = (Web::new().await, clock());
    let folder = folder();
    std::fs::copy(folder.path().join("shop.db"), folder.path().join("third.db")).expect("it is copied");
    let config = format!(
        "[databases.third]\nurl = 'third.db'\nping = {{ backup = '{}', drill = '{}', private_network = true }}\n\
         [databases.fourth]\nurl = 'third.db'\nping = 'https://localhost:{}/public'\n",
        web.at("/hc/abc"),
        web.at("/api/push/xyz?status=up&msg=OK&ping="),
        web.port,
    );
    let service = Service::again(folder, None, &config, clock.clone()).await;
    let path = "/api/v1/databases/third/backups?wait=60s";
    let first = service.post(path, json!({})).await.expect(200);
    let query = |received: &super::sinks::Received| {
        let url = url::Url::parse(&format!("http://x{}", received.path)).expect("it is an address");
        let pairs: std::collections::BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        (url.path().to_owned(), pairs)
    };
    let pings = web.until("/hc", 2).await;
    let (begun, done) = (query(&pings[0]), query(&pings[1]));
    assert_eq!((begun.0.as_str(), done.0.as_str()), ("/hc/abc/start", "/hc/abc"));
    assert_eq!(begun.1["rid"], done.1["rid"]);
    assert_eq!(begun.1["rid"].len(), 36, "it is a UUID");
    assert!(
        pings[1].body.contains("backup of third: done") && pings[1].body.contains("500 rows"),
        "{pings:?}"
    );
    service.post("/api/v1/databases/third/drills?wait=60s", json!({})).await.expect(200);
    let push = web.until("/api/push", 1).await;
    assert_eq!((push[0].method.as_str(), query(&push[0]).1["status"].as_str()), ("GET", "up"));
    std::fs::remove_file(service.folder.path().join("third.db")).expect("it is removed");
    let second = service.post(path, json!({})).await.expect(200);
    assert_ne!(first["id"], second["id"]);
    let pings = web.until("/hc", 4).await;
    let (begun, failed) = (query(&pings[2]), query(&pings[3]));
    assert_eq!((begun.0.as_str(), failed.0.as_str()), ("/hc/abc/start", "/hc/abc/fail"));
    assert_eq!(begun.1["rid"], failed.1["rid"]);
    assert_ne!(begun.1["rid"], done.1["rid"]);
    assert!(pings[3].body.contains("third.db"), "{pings:?}");
    // One that may not go where it leads is shown.
    service.post("/api/v1/databases/fourth/backups?wait=60s", json!({})).await.expect(200);
    for _ in 0..3 {
        clock.jump(SignedDuration::from_mins(5));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let is_shown = |listed: &Value| {
        let mut alerts = listed["alerts"].as_array().expect("a list").iter();
        alerts.any(|alert| alert["object"] == "ping of the backup of fourth")
    };
    let listed = service.until("/api/v1/alerts", is_shown).await;
    assert!(!listed.to_string().contains("/public"), "{listed}");
    assert!(web.received("/public").is_empty());
}
