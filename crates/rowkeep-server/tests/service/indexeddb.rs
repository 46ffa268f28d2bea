//! The module for IndexedDB, in the browser that it is for: its tests run in a page, and say what is wrong.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Path as RequestPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::TryStreamExt as _;
use jiff::tz::TimeZone;
use rowkeep::clock::SystemClock;
use rowkeep::engine::dialect::FileAbout;
use rowkeep::engine::{Engine as _, FileEngine, Surroundings, ViewOptions, dialect_of};
use rowkeep::format::{RowBatch, Table, TableName};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::Service;

fn module_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/indexeddb")
}

/// The files of a folder and those below it, by where they are in it.
fn files(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join(below)).expect("it is a folder").flatten() {
        let name = entry.file_name().into_string().expect("it is text");
        let place = if below.is_empty() { name } else { format!("{below}/{name}") };
        match entry.path().is_dir() {
            true => found.extend(files(folder, &place)),
            false => found.push(place),
        }
    }
    found
}

/// A site with the module and the pages that try it; gives its address.
async fn site() -> String {
    let app = Router::new().route("/{*path}", get(file)).with_state(module_folder());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn file(State(module): State<PathBuf>, RequestPath(path): RequestPath<String>) -> Response {
    let kind = match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript",
        _ => "text/html",
    };
    match std::fs::read(module.join(path)) {
        Ok(content) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Runs the tests of a file in a page; gives what they found.
async fn run(browser: &Browser, tests: &str, arguments: &str) -> Value {
    browser.go("/tests/page.html").await;
    let found = browser.evaluate(&format!("(await import('/tests/{tests}.js')).default({arguments})")).await;
    let wrong: Vec<&str> =
        found["wrong"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(wrong.is_empty(), "{tests}:\n{}", wrong.join("\n"));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_keeps_goes_into_files_and_back() {
    let browser = Browser::open(&site().await).await;
    for (tests, checks) in [("values", 200), ("modes", 90), ("busy", 15), ("killed", 5), ("protected", 12)] {
        let found = run(&browser, tests, "").await;
        assert!(found["held"].as_u64() >= Some(checks), "{tests} checks next to nothing: {found}");
        if tests == "values" {
            every_record_comes_back_as_it_was_captured(&browser).await;
        }
    }
}

/// What the page captured of values and keys of all kinds goes through tables of rows, and is written again with the same letters.
async fn every_record_comes_back_as_it_was_captured(browser: &Browser) {
    let captured = browser
        .evaluate(
            "(async () => {
                const { capture } = await import('/index.js');
                return (await capture('values', { compression: null })).file.text();
            })()",
        )
        .await;
    let captured = captured.as_str().expect("it is text");
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("values.ndjson");
    std::fs::write(&path, captured).expect("it is written");
    let file = FileEngine::find(&path, &Surroundings::default()).expect("it is read").expect("it is known");
    let view = file.open(&ViewOptions { with_ddl: true }).await.expect("it is whole");
    let schema = view.schema();
    let tables: Vec<&Table> = schema.tables.iter().collect();
    let about = FileAbout {
        time: file.time(&TimeZone::UTC).expect("it says so"),
        program: file.written_by().expect("it says so").to_owned(),
        part: None,
    };
    let dialect = dialect_of(&schema.engine).expect("it is known");
    let mut own = dialect.own_file(schema, &tables, &about).expect("it has such a file");
    for table in own.looks_at(&tables) {
        let mut rows = view.rows(table).await.expect("it opens");
        while let Some(batch) = rows.try_next().await.expect("they are read") {
            own.look(table, &batch);
        }
    }
    let mut written = own.head();
    for table in own.order(&tables) {
        let rows = view.rows(table).await.expect("it opens");
        let mut lines = own.lines(table, rows).expect("they are written");
        let mut count = 0;
        while let Some(batch) = lines.try_next().await.expect("they are read") {
            let bytes = batch.columns().last().expect("it has lines").data();
            own.see(bytes);
            written.push_str(std::str::from_utf8(bytes).expect("it is text"));
            count += batch.rows() as u64;
        }
        written.push_str(&own.end(table, count));
    }
    written.push_str(&own.tail().expect("all of it is there"));
    // Contents come where they are needed first, or before all records.
    let divided = |text: &str| -> (Vec<String>, Vec<String>) {
        let (mut parts, others): (Vec<_>, Vec<_>) =
            text.lines().map(str::to_owned).partition(|line| line.starts_with("{\"part\":"));
        parts.sort();
        (parts, others)
    };
    let ((parts, lines), (parts_again, lines_again)) = (divided(captured), divided(&written));
    assert!(parts == parts_again && parts.len() > 5, "{} contents of {}", parts_again.len(), parts.len());
    for (line, again) in lines.iter().zip(&lines_again) {
        assert_eq!(line, again);
    }
    assert_eq!((lines.len(), lines.len() > 100), (lines_again.len(), true));
}

/// A page of another site loads the module from the service, whose files are those of the module.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_sites_that_are_named_load_the_module_from_the_service() {
    let site = site().await;
    let service =
        Service::with(&format!("[service]\nkeep_state = 'off'\nsites = ['{site}']\n"), SystemClock::shared())
            .await;
    let mut served = 0;
    for file in files(&module_folder(), "") {
        let content = std::fs::read_to_string(module_folder().join(&file)).expect("it is text");
        let address = format!("{}/clients/indexeddb/{file}", service.address());
        let answer = reqwest::get(&address).await.expect("it answers");
        let is_module = file.ends_with(".js") && !file.starts_with("tests/");
        assert_eq!(answer.status().is_success(), is_module, "{file}");
        if is_module {
            assert_eq!(
                answer.headers().get("access-control-allow-origin"),
                None,
                "for a site that is not named"
            );
            assert_eq!(answer.text().await.expect("it is text"), content, "{file}");
            served += 1;
        }
    }
    assert!(served > 20, "{served}");
    let browser = Browser::open(&site).await;
    browser.go("/tests/page.html").await;
    let address = service.address();
    let captured = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture, restore }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase }} = await import('/tests/databases.js');
                const db = await newDatabase('elsewhere', (made) => made.createObjectStore('s'), (all) => all.objectStore('s').put(new Date(5), 1));
                const {{ file, stores }} = await capture(db);
                return [stores.s.records, (await restore('elsewhere', file, {{ dryRun: true }})).stores.s.same];
            }})()"
        ))
        .await;
    assert_eq!(captured, json!([1, 1]));
    // The form of an application is a state to rowkeep, which holds it against the checksums that the page wrote.
    let text = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase }} = await import('/tests/databases.js');
                const db = await newDatabase('numbers', (made) => made.createObjectStore('phone_numbers', {{ keyPath: 'id' }}), (all) => {{
                    for (let id = 1; id <= 9; id += 1) all.objectStore('phone_numbers').put({{ id, status: 'aging', note: 'a \"b\"\\n' }});
                }});
                return (await capture(db, {{ format: 'prn', compression: null }})).file.text();
            }})()"
        ))
        .await;
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("backup.json");
    std::fs::write(&path, text.as_str().expect("it is text")).expect("it is written");
    let file = FileEngine::find(&path, &Surroundings::default()).expect("it is read").expect("it is known");
    assert_eq!(file.what(), "a full backup of Phone Range Nexus");
    let view = file.open(&ViewOptions::default()).await.expect("it is whole");
    let table = view.schema().table(&TableName::plain("phone_numbers")).expect("it is there");
    let rows: Vec<RowBatch> =
        view.rows(table).await.expect("it opens").try_collect().await.expect("it is read");
    assert_eq!((rows.iter().map(RowBatch::rows).sum::<usize>(), view.notes()), (9, &[][..]));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: cargo test --test service -- --ignored pages_that_go"]
async fn pages_that_go_in_the_middle_of_a_restore_leave_one_of_two_states() {
    let browser = Browser::open(&site().await).await;
    let found = run(&browser, "killed", "50").await;
    assert_eq!(
        found["left"]["before"].as_u64().unwrap_or(0) + found["left"]["after"].as_u64().unwrap_or(0),
        50
    );
}

/// A page sends states to the service and has them back; of a second one, it sends little.
#[tokio::test(flavor = "multi_thread")]
async fn states_go_from_pages_to_the_service_and_back() {
    let site = site().await;
    let configuration = format!(
        "[service]\nkeep_state = 'off'\nsites = ['{site}']\n[databases.prn]\nurl = 'indexeddb:prn'\npromise = {{ lose = '25h' }}\n[databases.both]\nurl = 'indexeddb:both'\n"
    );
    let service = Service::with(&configuration, SystemClock::shared()).await;
    let browser = Browser::open(&site).await;
    browser.go("/tests/page.html").await;
    let (address, token) = (service.address(), &service.token);
    let found = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture, protect, restore }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase, ended, records }} = await import('/tests/databases.js');
                const {{ difference }} = await import('/tests/checker.js');
                const server = {{ url: '{address}', database: 'prn', token: '{token}', device: 'desk' }};
                const make = (made) => {{ made.createObjectStore('numbers', {{ keyPath: 'id' }}); made.createObjectStore('files'); }};
                const db = await newDatabase('prn', make, (all) => {{
                    for (let id = 0; id < 20000; id += 1) {{
                        all.objectStore('numbers').put({{ id, number: `+44 20 ${{(id * 7919) % 100000}}`, status: 'available', since: new Date(id) }});
                    }}
                    all.objectStore('files').put(new Blob(['a photo'], {{ type: 'image/png' }}), 'one');
                }});
                const first = await capture(db, {{ to: {{ server }} }});
                const changing = db.transaction('numbers', 'readwrite');
                changing.objectStore('numbers').put({{ id: 77, number: 'changed', status: 'aging', since: new Date(NaN) }});
                await ended(changing);
                const second = await capture(db, {{ to: {{ server }} }});
                const back = await restore('prn', {{ server, snapshot: first.snapshot }});
                const again = await restore('prn', {{ server }}, {{ dryRun: true }});
                const copy = await newDatabase('prn copy', make);
                const whole = await restore(copy, {{ server, snapshot: second.snapshot }});
                const [one, other] = [await records(db, 'files'), await records(copy, 'files')];
                const protection = protect('prn', {{ every: 'weekly', to: {{ server }}, persist: false }});
                await protection.backUp();
                protection.stop();
                const losing = db.transaction('numbers', 'readwrite');
                losing.objectStore('numbers').delete(IDBKeyRange.upperBound(8000));
                await ended(losing);
                const tablet = await capture(db, {{ to: {{ server: {{ ...server, device: 'tablet' }} }} }});
                const less = await capture(db, {{ to: {{ server }} }});
                const refused = await capture(db, {{ to: {{ server: {{ ...server, token: 'none' }} }} }}).catch(({{ code }}) => code);
                return {{
                    first: first.sent, second: second.sent, back: back.stores.numbers, again: again.stores.numbers, whole: whole.stores,
                    blob: await difference(one, other), refused, different: first.snapshot !== second.snapshot,
                    last: [tablet.snapshot, less.snapshot],
                }};
            }})()"
        ))
        .await;
    let counts = |inserted: u64, updated: u64, same: u64| json!({ "inserted": inserted, "updated": updated, "deleted": 0, "same": same, "kept": 0, "left": 0 });
    assert_eq!(found["back"], counts(0, 1, 19999), "{found}");
    assert_eq!(found["again"], counts(0, 1, 19999), "{found}");
    assert_eq!(
        found["whole"],
        json!({ "files": counts(1, 0, 0), "numbers": counts(20000, 0, 0) }),
        "{found}"
    );
    assert_eq!(
        (&found["blob"], &found["refused"], &found["different"]),
        (&Value::Null, &json!("server"), &json!(true)),
        "{found}"
    );
    let sent = |which: &str| found[which].as_u64().expect("it is counted");
    assert!(sent("second") * 4 < sent("first"), "{found}");
    let listed = service.get("/api/v1/databases/prn/snapshots").await;
    let snapshots = listed["snapshots"].as_array().expect("they are listed");
    assert!(snapshots.len() == 6 && !listed.to_string().contains("arrivals"), "{listed}");
    let suspicious: Vec<&Value> =
        snapshots.iter().filter(|one| !one["suspicious_after"].is_null()).map(|one| &one["id"]).collect();
    assert_eq!(suspicious, [&found["last"][1]], "a device is compared with itself: {listed}");
    let health = service.get("/api/v1/databases/prn").await;
    assert_eq!(
        (&health["standing"], &health["last_backup"]["state"]),
        (&json!("kept"), &json!("done")),
        "{health}"
    );
    two_devices_are_merged(&browser, &address, token).await;
}

/// Two devices that went on by themselves: what each changed is on both in the end, conflicts are told by record and property, and all can
/// be taken back.
async fn two_devices_are_merged(browser: &Browser, address: &str, token: &str) {
    let found = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture, merge, restore }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase, ended }} = await import('/tests/databases.js');
                const of = (device) => ({{ url: '{address}', database: 'both', token: '{token}', device }});
                const make = (made) => made.createObjectStore('numbers', {{ keyPath: 'id' }});
                const change = async (db, work) => {{
                    const changing = db.transaction('numbers', 'readwrite');
                    work(changing.objectStore('numbers'));
                    await ended(changing);
                }};
                const all = (db) => new Promise((done) => {{
                    const asked = db.transaction('numbers').objectStore('numbers').getAll();
                    const told = ([name, value]) => ['id', 'status', 'note'].includes(name) ? String(value) : `${{name}}=${{JSON.stringify(value)}}`;
                    asked.onsuccess = () => done(asked.result.map((record) => Object.entries(record).map(told).join(' ')));
                }});
                const desk = await newDatabase('desk', make, (tx) => {{
                    for (let id = 1; id <= 5; id += 1) tx.objectStore('numbers').put({{ id, status: 'available', note: '' }});
                }});
                const alone = await merge(desk, {{ server: of('desk') }});
                const laptop = await newDatabase('laptop', make);
                await restore(laptop, {{ server: of('laptop') }});
                await change(desk, (numbers) => {{
                    numbers.put({{ id: 1, status: 'assigned', note: '' }});
                    numbers.put({{ id: 2, status: 'aging', note: 'desk' }});
                    numbers.put({{ id: 3, status: 'available', note: '', room: 7 }});
                    numbers.delete(5);
                }});
                await capture(desk, {{ to: {{ server: of('desk') }}, name: 'desk by hand', tags: {{ why: 'trip' }} }});
                await change(laptop, (numbers) => {{
                    numbers.put({{ id: 1, status: 'available', note: 'laptop' }});
                    numbers.put({{ id: 2, status: 'blocked', note: '' }});
                    const twice = ['x'];
                    numbers.put({{ id: 6, status: 'reserved', note: 'new', vip: true, one: twice, other: twice }});
                }});
                const undecided = await merge(laptop, {{ server: of('laptop') }});
                const before = await all(laptop);
                const decided = await merge(laptop, {{ server: of('laptop'), prefer: 'there' }});
                const merged = await all(laptop);
                const back = await merge(desk, {{ server: of('desk') }});
                const both = await all(desk);
                const again = await merge(desk, {{ server: of('desk') }});
                await restore(laptop, {{ server: of('laptop'), snapshot: decided.before }});
                return {{ alone, undecided, before, decided, merged, back: back.conflicts.rows, both, again: again.snapshot, taken: await all(laptop) }};
            }})()"
        ))
        .await;
    assert_eq!((&found["alone"]["from"], &found["again"]), (&Value::Null, &Value::Null), "{found}");
    let conflicts = json!({ "rows": 1, "listed": [{
        "table": { "name": "numbers" }, "key": { "id": 2 }, "kind": "changed_in_both",
        "fields": [{ "column": "status", "base": "available", "database": "blocked", "snapshot": "aging" }],
    }] });
    assert_eq!(
        (&found["undecided"]["conflicts"], &found["undecided"]["snapshot"]),
        (&conflicts, &Value::Null),
        "{found}"
    );
    let six = r#"6 reserved new vip=true one=["x"] other=["x"]"#;
    let before =
        json!(["1 available laptop", "2 blocked ", "3 available ", "4 available ", "5 available ", six]);
    assert_eq!((&found["before"], &found["taken"]), (&before, &before), "{found}");
    let path = format!("{address}/api/v1/databases/both/snapshots/desk%20by%20hand");
    let asked = reqwest::Client::new().get(path).bearer_auth(token).send().await.expect("it answers");
    let named: Value = asked.json().await.expect("it is JSON");
    assert_eq!(
        (&named["snapshot"]["tags"]["why"], &named["snapshot"]["tags"]["device"]),
        (&json!("trip"), &json!("desk")),
        "{named}"
    );
    let both = json!(["1 assigned laptop", "2 aging desk", "3 available  room=7", "4 available ", six]);
    assert_eq!((&found["merged"], &found["both"], &found["back"]), (&both, &both, &json!(0)), "{found}");
}
