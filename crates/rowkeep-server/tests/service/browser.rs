//! Chromium, driven by its WebDriver, as a person would use it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

/// The name under which WebDriver gives elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser; it and its driver are gone when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    base: String,
    session: String,
    client: Client,
    site: String,
    axe: String,
}

/// How wide a window is, and what is shown on it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Screen {
    Desktop,
    Telephone,
}

fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    PathBuf::from(path.unwrap_or_else(|| panic!("{variable} is not set: run the tests by scripts/test")))
}

impl Browser {
    /// A browser with nothing in it, for the pages of a site.
    pub(crate) async fn open(site: &str) -> Self {
        let mut driver = Command::new(tool("ROWKEEP_TEST_CHROMEDRIVER"));
        let driver = driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        // With a process group of its own, which the browser's processes are in as well.
        let mut driver = driver.process_group(0).spawn().expect("the driver of Chromium can be run");
        let mut printed = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let port = printed.by_ref().find_map(|line| {
            let line = line.expect("it prints text");
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Nobody reads the rest; a full pipe would stop it.
        std::thread::spawn(move || printed.for_each(drop));
        let base = format!("http://127.0.0.1:{}", port.expect("it says its port"));
        let client = Client::builder().timeout(Duration::from_secs(60)).build().expect("it is made");
        let axe = std::fs::read_to_string(tool("ROWKEEP_TEST_AXE")).expect("it is installed");
        let site = site.to_owned();
        let mut browser = Self { driver, base, session: String::new(), client, site, axe };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en"];
        let options = json!({ "args": arguments });
        let capabilities =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = browser.send("/session", wanted).await;
        browser.session = format!("/session/{}", session["sessionId"].as_str().expect("it has an id"));
        browser
    }

    async fn send(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(path, &body).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// What the driver answers, or its error.
    async fn ask(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        let answer = request.send().await.expect("the driver answers");
        let (status, mut value): (_, Value) = (answer.status(), answer.json().await.expect("it is JSON"));
        let value = value["value"].take();
        if status.is_success() { Ok(value) } else { Err(value) }
    }

    async fn command(&self, command: &str, body: Value) -> Value {
        self.send(&format!("{}/{command}", self.session), body).await
    }

    async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn run(&self, script: &str) -> Value {
        self.command("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What an expression of JavaScript gives in the page, once it has; it may wait for something.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let begin = format!(
            "window.evaluated = null; (async () => {expression})().then(value => {{ window.evaluated = {{ value }}; }}, error => {{ \
             window.evaluated = {{ error: `${{error}} ${{error?.stack}}` }}; }});"
        );
        self.run(&begin).await;
        loop {
            let found = self.run("return window.evaluated").await;
            assert!(found["error"].is_null(), "{expression}: {}", found["error"]);
            if !found.is_null() {
                return found["value"].clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Goes to a page of the site.
    pub(crate) async fn go(&self, path: &str) {
        self.command("url", json!({ "url": format!("{}{path}", self.site) })).await;
    }

    /// The path of the page that is shown.
    pub(crate) async fn path(&self) -> String {
        self.run("return location.pathname + location.search").await.as_str().expect("it is text").to_owned()
    }

    /// What a person reads on it.
    pub(crate) async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().expect("it is text").to_owned()
    }

    /// Goes back to the page before.
    pub(crate) async fn back(&self) {
        self.command("back", json!({})).await;
    }

    /// Passes over what stands on the console: of a page that was refused the browser says so there.
    pub(crate) async fn forget_console(&self) {
        self.command("se/log", json!({ "type": "browser" })).await;
    }

    /// Waits until a page that is there as a whole says something: jobs take as long as they take.
    pub(crate) async fn until(&self, said: &str) {
        let whole = "return document.readyState === 'complete' ? document.body.innerText : ''";
        for _ in 0..600 {
            if self.run(whole).await.as_str().is_some_and(|text| text.contains(said)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} never says {said:?}: {}", self.path().await, self.text().await);
    }

    /// Does things to an element, one after the other. Pages that show jobs come again by themselves, and an element is away for a
    /// moment then: it is looked for once more.
    async fn act(&self, xpath: &str, actions: &[(&str, Value)]) {
        let mut error = Value::Null;
        for _ in 0..100 {
            match self.try_to_act(xpath, actions).await {
                Ok(()) => return,
                Err(found)
                    if found["error"] == "no such element" || found["error"] == "stale element reference" =>
                {
                    error = found;
                }
                Err(found) => panic!("{xpath} {actions:?}: {found}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} has no {xpath}: {error}: {}", self.path().await, self.text().await);
    }

    async fn try_to_act(&self, xpath: &str, actions: &[(&str, Value)]) -> Result<(), Value> {
        let wanted = json!({ "using": "xpath", "value": xpath });
        let found = self.ask(&format!("{}/element", self.session), &wanted).await?;
        let element = found[ELEMENT].as_str().expect("it is an element");
        for (action, body) in actions {
            self.ask(&format!("{}/element/{element}/{action}", self.session), body).await?;
        }
        Ok(())
    }

    /// Presses the button, follows the link, or ticks the box that has this name.
    pub(crate) async fn press(&self, name: &str) {
        // Quotes of XPath cannot be escaped.
        let quoted = if name.contains('\'') { format!("\"{name}\"") } else { format!("'{name}'") };
        let named = format!("normalize-space(.)={quoted}");
        let boxed = format!(
            "//label[contains(normalize-space(.), {quoted})]/input[@type='checkbox' or @type='radio']"
        );
        let xpath = format!("//button[{named}] | //a[{named}] | //summary[{named}] | {boxed}");
        self.act(&xpath, &[("click", json!({}))]).await;
    }

    /// Types something into the field of a label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let xpath = format!("//label[starts-with(normalize-space(.), '{label}')]//input");
        self.act(&xpath, &[("clear", json!({})), ("value", json!({ "text": text }))]).await;
    }

    /// Holds the page against what holds for all: nothing on the console, nothing that keeps people out, nothing that sticks out.
    /// With `ROWKEEP_WRITE_SCREENSHOTS`, pictures are kept under this name.
    pub(crate) async fn look(&self, name: &str) {
        for (screen, scheme) in [
            (Screen::Telephone, "light"),
            (Screen::Telephone, "dark"),
            (Screen::Desktop, "dark"),
            (Screen::Desktop, "light"),
        ] {
            let (width, height, is_mobile) = match screen {
                Screen::Desktop => (1280, 800, false),
                Screen::Telephone => (390, 844, true),
            };
            let metrics =
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile });
            self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
            let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
            self.cdp("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
            let place = format!("{name} ({screen:?}, {scheme})");
            let sticks_out =
                self.run("return document.documentElement.scrollWidth - window.innerWidth").await;
            assert!(sticks_out.as_i64().is_some_and(|pixels| pixels <= 0), "{place}: by {sticks_out} pixels");
            self.run(&self.axe).await;
            let found = "const done = arguments[arguments.length - 1]; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', \
                'wcag21aa', 'wcag22aa'] }).then(found => done(found.violations.map(one => [one.id, one.impact, one.nodes.map(node => \
                node.html + ' ' + node.failureSummary)])))";
            let found = self.command("execute/async", json!({ "script": found, "args": [] })).await;
            assert_eq!(found, json!([]), "{place}");
            self.keep_picture(name, screen, scheme).await;
        }
        let log = self.command("se/log", json!({ "type": "browser" })).await;
        assert_eq!(log, json!([]), "{name}: the console");
    }

    async fn keep_picture(&self, name: &str, screen: Screen, scheme: &str) {
        let Some(folder) = std::env::var_os("ROWKEEP_WRITE_SCREENSHOTS") else { return };
        let picture = self
            .cdp("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "format": "png" }))
            .await;
        let name = format!("{name}-{screen:?}-{scheme}.png").to_lowercase();
        let bytes = decoded(picture["data"].as_str().expect("it is text"));
        std::fs::write(PathBuf::from(folder).join(name), bytes).expect("it is written");
    }
}

/// What base64 stands for.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("it is base64");
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium would outlive its driver.
        let group = i32::try_from(self.driver.id()).ok().and_then(rustix::process::Pid::from_raw);
        let _ = group.map(|group| rustix::process::kill_process_group(group, rustix::process::Signal::KILL));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
