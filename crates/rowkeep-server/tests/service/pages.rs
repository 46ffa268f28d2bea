//! The pages in a browser: somebody starts, is in trouble, and gets out of it.

use reqwest::Method;
use rowkeep::clock::SystemClock;

use super::browser::Browser;
use super::support::Service;

const PASSWORD: &str = "a long enough secret";

/// What `shop` holds now.
fn shop(service: &Service, query: &str) -> String {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.query_row(query, (), |row| row.get(0)).expect("it is read")
}

/// Signs in for the first time, until the overview says something.
pub(super) async fn first_sign_in(service: &Service, said: &str) -> Browser {
    let browser = Browser::open(&service.address()).await;
    let first = service.password.clone().expect("he was just made");
    browser.go("/").await;
    assert_eq!(browser.path().await, "/sign-in");
    browser.look("sign-in").await;
    browser.fill("Name", "admin").await;
    browser.fill("Password", &first).await;
    browser.press("Sign in").await;
    browser.until("Choose a password").await;
    browser.look("password").await;
    browser.fill("Present password", &first).await;
    browser.fill("New password", PASSWORD).await;
    browser.fill("New password again", PASSWORD).await;
    browser.press("Change the password").await;
    browser.until("Sign in").await;
    browser.fill("Name", "admin").await;
    browser.fill("Password", "it is not this one").await;
    browser.press("Sign in").await;
    browser.until("The name, the password or the code is wrong.").await;
    // The browser says on its console that the answer was 401.
    browser.forget_console().await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.until(said).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_brings_lost_rows_back() {
    let schedules = "[schedule]\nbackup = 'daily at 02:00'\ndrill = 'weekly on Sunday at 04:00'
        [[channels]]\nname = 'nobody'\nkind = 'ntfy'\nurl = 'http://127.0.0.1:9/alerts'\nprivate_network = true
        [databases.staging]\nurl = 'staging.db'\nrefresh = { from = 'shop', mask = false }";
    let service = Service::with(schedules, SystemClock::shared()).await;
    let browser = first_sign_in(&service, "databases are protected").await;
    browser.look("overview-empty").await;
    browser.press("shop").await;
    browser.until("There are none yet.").await;
    browser.press("Back up now").await;
    browser.until("snapshot").await;
    browser.until("1 table and 500 rows").await;
    browser.look("job-backup").await;

    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    let trouble =
        "DELETE FROM customers WHERE id IN (7, 42, 99); UPDATE customers SET name = 'x' WHERE id = 11;
        INSERT INTO customers VALUES (1001, 'came since')";
    database.execute_batch(trouble).expect("it is done");
    browser.press("shop").await;
    browser.look("database").await;
    browser.press("Compare").await;
    browser.until("5 rows differ").await;
    browser.look("comparison").await;
    browser.press("Show the rows").await;
    browser.until("customers:42").await;
    browser.look("rows").await;
    browser.press("customers:42").await;
    browser.press("customers:99").await;
    browser.press("Make a plan").await;
    browser.until("2 rows of shop change").await;
    browser.look("plan").await;
    assert_eq!(
        shop(&service, "SELECT CAST(count(*) AS TEXT) FROM customers"),
        "498",
        "a plan changes nothing"
    );
    browser.fill("Type shop", "orders").await;
    browser.press("Change shop").await;
    browser.until("type the name of the database, shop").await;
    browser.forget_console().await;
    browser.back().await;
    browser.fill("Type shop", "shop").await;
    browser.press("Change shop").await;
    browser.until("2 inserted, 0 updated, 0 deleted").await;
    browser.look("restored").await;
    let ids = "SELECT group_concat(id) FROM (SELECT id FROM customers WHERE id IN (7, 11, 42, 99, 1001) ORDER BY id)";
    assert_eq!(shop(&service, ids), "11,42,99,1001");

    browser.press("Undo this…").await;
    browser.until("2 rows of shop change").await;
    browser.fill("Type shop", "shop").await;
    browser.press("Change shop").await;
    browser.until("0 inserted, 0 updated, 2 deleted").await;
    assert_eq!(shop(&service, ids), "11,1001");

    browser.go("/databases/shop").await;
    browser.press("Test a recovery").await;
    browser.until("proven: snapshot").await;
    browser.look("drill").await;
    browser.go("/").await;
    browser.until("proven").await;
    browser.look("overview").await;
    browser.press("Jobs").await;
    browser.until("drill").await;
    browser.look("jobs").await;
    browser.press("Alerts").await;
    browser.until("Nothing is wrong.").await;
    browser.press("Send a test to nobody").await;
    browser.until("nobody did not take the test message").await;
    browser.look("alerts").await;
    browser.press("Audit").await;
    browser.until("plan.execute").await;
    browser.press("Look through the whole chain").await;
    browser.until("entries are as they were written").await;
    browser.look("audit").await;
    browser.go("/databases/staging").await;
    browser.until("Refresh from shop").await;
    browser.press("Refresh now").await;
    browser.look("refresh").await;
    browser.go("/reports").await;
    browser.until("What was promised is").await;
    browser.look("report").await;
    browser.press("Settings").await;
    browser.until("daily at 02:00").await;
    browser.press("For all databases…").await;
    browser.fill("The last so many", "1").await;
    browser.press("Show what these rules keep").await;
    browser.until("Nothing was changed").await;
    browser.look("for-all").await;
    browser.press("Settings").await;
    browser.press("Add a user").await;
    browser.look("settings").await;
    browser.fill("Name", "olga").await;
    browser.press("shop").await;
    browser.press("Add").await;
    browser.until("olga signs in with this password once").await;
    browser.press("Make a token").await;
    browser.go("/account").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Set up a second factor").await;
    browser.until("then enter the code that it shows").await;
    browser.look("account").await;
    browser.go("/nowhere").await;
    browser.until("there is no page at this address").await;
    browser.forget_console().await;
    browser.look("nowhere").await;
    browser.go("/").await;
    browser.press("Sign out").await;
    browser.until("Sign in").await;
    browser.go("/audit?verify=yes").await;
    assert_eq!(browser.path().await, "/sign-in?next=%2Faudit%3Fverify%3Dyes");
    browser.fill("Name", "admin").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.until("entries are as they were written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_has_nothing_yet_gets_a_backup_that_is_proven() {
    let service = Service::start(super::support::folder(), None, false, SystemClock::shared()).await;
    let browser = first_sign_in(&service, "Add a database").await;
    browser.look("first-overview").await;
    browser.press("Add a database").await;
    browser.until("Step 1 of 3").await;
    browser.look("first-connect").await;
    let path = |name: &str| service.folder.path().join(name).to_str().expect("it is text").to_owned();
    browser.fill("Name", "shop").await;
    browser.fill("Address", &path("nowhere.db")).await;
    browser.press("Look at it").await;
    browser.until("cannot be backed up yet").await;
    browser.look("first-trouble").await;
    browser.press("Another address").await;
    browser.fill("Name", "shop").await;
    browser.fill("Address", &path("shop.db")).await;
    browser.press("Look at it").await;
    browser.until("can be backed up").await;
    browser.until("Where backups live").await;
    browser.look("first-place").await;
    browser.fill("Place", &path("backups")).await;
    browser.fill("Passphrase", "a phrase that passes").await;
    browser.fill("Passphrase again", "another that passes").await;
    browser.press("Make the repository").await;
    browser.until("the two passphrases differ").await;
    browser.forget_console().await;
    browser.fill("Place", &path("backups")).await;
    browser.fill("Passphrase", "a phrase that passes").await;
    browser.fill("Passphrase again", "a phrase that passes").await;
    browser.press("Make the repository").await;
    browser.until("What is promised").await;
    browser.until("The repository is made").await;
    browser.look("first-promise").await;
    browser.press("Add shop and back it up").await;
    browser.until("1 table and 500 rows").await;
    assert!(browser.path().await.starts_with("/jobs/"));
    service.until("/api/v1/databases/shop", |shop| shop["recovery_ms"].is_u64()).await;
    browser.go("/").await;
    browser.until("back in").await;
    browser.look("first-proven").await;

    browser.go("/databases/shop/settings").await;
    browser.until("It was added on a page").await;
    browser.look("added").await;
    browser.press("By a schedule").await;
    browser.press("Change").await;
    browser.until("Compare and restore").await;
    browser.go("/settings").await;
    browser.until("daily at 02:00").await;
    browser.until("databases.shop").await;
    browser.look("settings-added").await;
    browser.press("Read rowkeep.toml again").await;
    service.until("/api/v1/audit", |audit| audit.to_string().contains("configuration.reload")).await;
    browser.until("Added on pages").await;
    browser.go("/databases/shop/settings").await;
    browser.fill("Type shop", "orders").await;
    browser.press("Remove shop").await;
    browser.until("type the name of the database, shop").await;
    browser.forget_console().await;
    browser.fill("Type shop", "shop").await;
    browser.press("Remove shop").await;
    browser.until("Tell the service which database").await;
    browser.go("/audit").await;
    browser.until("database.remove").await;
    assert!(!browser.text().await.contains("passes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_that_are_ticked_come_back_whatever_their_keys_hold() {
    let service = Service::new().await;
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    let odd = "CREATE TABLE odd (id TEXT PRIMARY KEY, v TEXT);
        INSERT INTO odd VALUES ('a' || char(10) || 'b', 'lf'), ('a' || char(13, 10) || 'b', 'crlf'), ('a' || char(13) || 'b', 'cr'),
        ('<b>''\"&', 'html'), ('', 'empty'), ('x,y:z', 'signs')";
    database.execute_batch(odd).expect("rows are written");
    let browser = first_sign_in(&service, "databases are protected").await;
    service.post("/api/v1/databases/shop/backups?wait=60s", serde_json::json!({})).await.expect(200);
    database.execute("DELETE FROM odd", ()).expect("it is done");
    browser.go("/databases/shop/differences?before=latest&after=live&table=odd").await;
    browser.until("6 are gone").await;
    for key in [r"odd:'a\nb'", r"odd:'a\rb'", "<b>", "odd:''"] {
        browser.press(key).await;
    }
    browser.press("Make a plan").await;
    browser.until("4 rows of shop change").await;
    browser.fill("Type shop", "shop").await;
    browser.press("Change shop").await;
    browser.until("4 inserted, 0 updated, 0 deleted").await;
    let back = "SELECT group_concat(v) FROM (SELECT v FROM odd ORDER BY v)";
    assert_eq!(shop(&service, back), "cr,empty,html,lf");
}

/// A page as programs get it that show a cookie.
pub(super) async fn page(
    service: &Service,
    method: Method,
    path: &str,
    cookie: &str,
    body: &str,
) -> (u16, String, String) {
    let request = service.without_token(method, path).header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    let answer = request.send().await.expect("it is answered");
    let policy = answer.headers().get("content-security-policy").and_then(|value| value.to_str().ok());
    let (status, policy) = (answer.status().as_u16(), policy.unwrap_or_default().to_owned());
    (status, policy, answer.text().await.expect("it is text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_others_change_nothing() {
    let service = Service::new().await;
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let backups = "/databases/shop/backups";
    for body in ["", "csrf=", "csrf=0123", "csrf=%00"] {
        let (status, policy, text) = page(&service, Method::POST, backups, &cookie, body).await;
        assert_eq!(status, 403, "{body}: {text}");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let right = format!("csrf={csrf}");
    for (name, value) in [("origin", "https://example.org"), ("sec-fetch-site", "cross-site")] {
        let request =
            service.without_token(Method::POST, backups).header("cookie", &cookie).header(name, value);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(right.clone());
        assert_eq!(request.send().await.expect("it is answered").status(), 403, "{name}");
    }
    let json = service.without_token(Method::POST, backups).header("cookie", &cookie).json(&csrf);
    assert_eq!(json.send().await.expect("it is answered").status(), 415);
    let jobs = service.get("/api/v1/jobs").await["jobs"].clone();
    assert_eq!(jobs, serde_json::json!([]), "none of them did anything");
    let (status, _, _) = page(&service, Method::POST, backups, &cookie, &right).await;
    assert_eq!(status, 200, "the job is shown");
    assert_eq!(service.get("/api/v1/jobs").await["jobs"][0]["asked_by"], "user admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_again_makes_nothing_more() {
    let service = Service::new().await;
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let body = format!("csrf={csrf}&name=deploy&role=operator");
    let sent = service.without_token(Method::POST, "/settings/tokens").header("cookie", &cookie);
    let sent = sent.header("content-type", "application/x-www-form-urlencoded").body(body);
    let shown = sent.send().await.expect("it is answered");
    assert_eq!(shown.url().path(), "/settings", "the browser is sent elsewhere, and loads that again");
    let text = shown.text().await.expect("it is text");
    assert!(text.contains("The token deploy") && text.contains("rowkeep_"), "{text}");
    let (_, _, text) = page(&service, Method::GET, "/settings", &cookie, "").await;
    assert!(!text.contains("rowkeep_"), "a secret is shown once: {text}");
    let tokens = service.get("/api/v1/tokens").await["tokens"].as_array().map(Vec::len);
    assert_eq!(tokens, Some(2), "that of the start and this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_for_all_databases_is_said_on_a_page() {
    let service = Service::new().await;
    for _ in 0..3 {
        service.post("/api/v1/databases/shop/backups?wait=60s", serde_json::json!({})).await.expect(200);
    }
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let send = async |path: &str, fields: &str| {
        page(&service, Method::POST, path, &cookie, &format!("csrf={csrf}&{fields}")).await
    };
    let additions = async || service.get("/api/v1/configuration").await["additions"].clone();
    let (status, _, text) = send("/settings/keep", "last=1&preview=yes").await;
    assert!(status == 200 && text.contains("Nothing was changed"), "{text}");
    let row = text.split("data-label=\"Kept\"").nth(1).expect("there is a row");
    assert!(row.starts_with(" class=\"number\">1<") && row.contains("Going\" class=\"number\">2<"), "{row}");
    assert_eq!(additions().await, serde_json::json!([]));
    for (path, fields, told) in [
        ("/settings/keep", "last=0", "last"),
        ("/settings/keep", "", "there is no rule"),
        ("/settings/schedule", "backup=sometimes", "schedule: backup"),
        ("/settings/schedule", "copy=hourly", "several"),
        ("/settings/schedule", "", "say when something is done"),
    ] {
        let (status, _, text) = send(path, fields).await;
        assert!(status == 422 && text.contains(told), "{path} {fields}: {text}");
    }
    assert_eq!(send("/settings/keep", "last=2").await.0, 200);
    let (status, _, text) = send("/settings/schedule", "backup=daily+at+02:00&jitter=10min").await;
    assert!(status == 200 && text.contains("daily at 02:00"), "{text}");
    let listed = service.get("/api/v1/schedules").await.to_string();
    assert!(listed.contains("daily at 02:00"), "{listed}");
    let subjects: Vec<_> =
        additions().await.as_array().expect("a list").iter().map(|one| one["subject"].clone()).collect();
    assert_eq!(subjects, ["keep", "schedule"]);
    let (_, _, text) = page(&service, Method::GET, "/settings", &cookie, "").await;
    assert!(text.contains("last 2") || text.contains("the last 2"), "{text}");
    assert_eq!(send("/settings/removals", "subject=schedule").await.0, 200);
    assert_eq!(send("/settings/removals", "subject=keep").await.0, 200);
    assert_eq!(additions().await, serde_json::json!([]));
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("configuration.change"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_what_their_reader_may_see() {
    let service = Service::new().await;
    service.post("/api/v1/databases/orders/backups?wait=60s", serde_json::json!({})).await.expect(200);
    let job = service.get("/api/v1/jobs").await["jobs"][0]["id"].as_str().expect("it has an id").to_owned();
    let (cookie, csrf) = super::sessions::signed_in_as(&service, "vera", "viewer", &["shop"]).await;
    for (path, status) in [
        ("/", 200),
        ("/databases/shop", 200),
        ("/databases/orders", 404),
        ("/databases/nothing", 404),
        ("/jobs", 200),
        (&*format!("/jobs/{job}"), 404),
        ("/alerts", 200),
        ("/audit", 403),
        ("/settings", 200),
        ("/settings/all-databases", 403),
        ("/reports", 200),
        ("/exports", 200),
    ] {
        let (found, _, text) = page(&service, Method::GET, path, &cookie, "").await;
        assert_eq!(found, status, "{path}: {text}");
        let told = text.replace("no database orders", "");
        assert!(!told.contains("orders"), "{path} tells of another's database: {text}");
        assert!(!told.contains("Back up now"), "{path} offers what a viewer may not do");
    }
    let body = format!("csrf={csrf}&confirm=shop&before=latest&snapshot=latest&name=x&role=admin&all=yes");
    for path in [
        "/databases/shop/backups",
        "/databases/shop/drills",
        "/databases/shop/comparisons",
        "/databases/shop/restores",
        "/databases/shop/undos",
        "/settings/users",
        "/settings/tokens",
        "/settings/schedule",
        "/settings/keep",
        "/databases/shop/refreshes",
        "/alerts/channels/none/tests",
    ] {
        let (status, _, text) = page(&service, Method::POST, path, &cookie, &body).await;
        assert_eq!(status, 403, "{path}: {text}");
    }
}
