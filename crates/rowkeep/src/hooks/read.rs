//! Hooks as they stand in a configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderName;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::definition::{Action, Hook, Moment, Operation};
use crate::durations::seconds;
use crate::variables::Expanded;

/// The longest that a hook may take when it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A hook as it stands in `rowkeep.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileHook {
    when: Moments,
    name: Option<String>,
    run: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    timeout: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Moments {
    One(String),
    Several(Vec<String>),
}

/// Reads the hooks of a configuration; `variable` looks up what `${NAME}` in a URL or a header stands for.
///
/// The error says which hook is wrong, and how. A variable that is not set is an error only when the hook is to run.
pub fn read_all(
    hooks: Vec<FileHook>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Hook>, String> {
    let numbered = hooks.into_iter().enumerate();
    numbered
        .map(|(at, hook)| read(hook, variable).map_err(|problem| format!("hook {}: {problem}", at + 1)))
        .collect()
}

fn read(hook: FileHook, variable: &dyn Fn(&str) -> Option<String>) -> Result<Hook, String> {
    let names = match hook.when {
        Moments::One(name) => vec![name],
        Moments::Several(names) => names,
    };
    let moment = |name: &String| {
        Moment::parse(name).ok_or_else(|| {
            let operations = Operation::ALL.map(Operation::name).join(", ");
            format!("when = {name:?}, but it is before- or after- one of {operations}")
        })
    };
    let when: Vec<Moment> = names.iter().map(moment).collect::<Result<_, _>>()?;
    if when.is_empty() {
        return Err("when is empty, so it would never run".to_owned());
    }
    let timeout = match hook.timeout.as_deref().map(seconds).transpose()? {
        None => TIMEOUT,
        Some(0) => return Err("timeout is 0".to_owned()),
        Some(seconds) => Duration::from_secs(seconds),
    };
    let (action, called) = match (hook.run, hook.url) {
        (Some(line), None) if line.trim().is_empty() => return Err("run is empty".to_owned()),
        (Some(_), None) if !hook.headers.is_empty() => return Err("headers belong to a url".to_owned()),
        (Some(line), None) => {
            let called = program(&line);
            (Action::Command(line.into()), called)
        }
        (None, Some(url)) => {
            let url = Expanded::of(&url, variable)?;
            let mut headers = Vec::new();
            for (name, value) in hook.headers {
                if HeaderName::from_bytes(name.as_bytes()).is_err() {
                    return Err(format!("{name:?} is no name of a header"));
                }
                headers.push((name, Expanded::of(&value, variable)?));
            }
            let called = match url.value() {
                Ok(url) => host(url.expose_secret())?,
                Err(_) => "webhook".to_owned(),
            };
            (Action::Webhook { url, headers }, called)
        }
        (Some(_), Some(_)) => return Err("run and url are two hooks; write each by itself".to_owned()),
        (None, None) => return Err("it needs run = \"a command\" or url = \"https://…\"".to_owned()),
    };
    Ok(Hook { name: hook.name.unwrap_or(called), when, timeout, action })
}

/// What a command is called: its first word, which is a program more likely than a secret, without its folder.
fn program(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    match word.rsplit('/').next() {
        Some(name) if !name.is_empty() && !word.contains(['=', '$', '`', '(', '"', '\'']) => name.to_owned(),
        _ => "command".to_owned(),
    }
}

/// What a webhook is called: its host. The rest of a URL often is as good as a password.
fn host(url: &str) -> Result<String, String> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match parsed.as_ref().and_then(Url::host_str) {
        Some(host) => Ok(host.to_owned()),
        None => Err("url is no URL that begins with https:// or http://".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(text: &str) -> Result<Vec<Hook>, String> {
        #[derive(Deserialize)]
        struct File {
            hooks: Vec<FileHook>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        read_all(file.hooks, &|name| (name == "TOKEN").then(|| "s3cret".to_owned()))
    }

    #[test]
    fn hooks_are_read() {
        let read = hooks(
            "[[hooks]]\nwhen = ['before-restore', 'before-undo']\nrun = './bin/maintenance on'\ntimeout = '30s'\n\
             [[hooks]]\nwhen = 'after-backup'\nname = 'chat'\nurl = 'https://u:${TOKEN}@example.org/x/${TOKEN}'\n\
             headers = { Authorization = 'Bearer ${TOKEN}' }",
        )
        .expect("both are well formed");
        assert_eq!(read[0].name, "maintenance");
        assert_eq!(read[0].when, [Moment::Before(Operation::Restore), Moment::Before(Operation::Undo)]);
        assert_eq!(read[0].timeout, Duration::from_secs(30));
        assert_eq!((read[1].name.as_str(), read[1].timeout), ("chat", TIMEOUT));
        assert!(!format!("{read:?}").contains("s3cret"), "{read:?}");
    }

    #[test]
    fn hooks_are_called_by_what_is_no_secret() {
        let name = |hook: &str| {
            hooks(&format!("[[hooks]]\nwhen = 'after-undo'\n{hook}")).map(|all| all[0].name.clone())
        };
        assert_eq!(
            name("url = 'https://u:p@example.org/services/T0/B0/secret'").as_deref(),
            Ok("example.org")
        );
        assert_eq!(name("url = '${NOT_SET}'").as_deref(), Ok("webhook"));
        assert_eq!(name("run = 'TOKEN=abc notify'").as_deref(), Ok("command"));
        assert_eq!(name("run = 'notify --token abc'").as_deref(), Ok("notify"));
    }

    #[test]
    fn mistakes_are_named() {
        for (hook, says) in [
            ("when = 'before-lunch'\nrun = 'x'", "before- or after-"),
            ("when = []\nrun = 'x'", "when is empty"),
            ("when = 'after-undo'", "needs run"),
            ("when = 'after-undo'\nrun = ' '", "run is empty"),
            ("when = 'after-undo'\nrun = 'x'\nurl = 'http://x'", "two hooks"),
            ("when = 'after-undo'\nrun = 'x'\nheaders = { A = 'b' }", "belong to a url"),
            ("when = 'after-undo'\nurl = 'ftp://x'", "https://"),
            ("when = 'after-undo'\nurl = 'http://x'\nheaders = { 'a b' = 'c' }", "no name of a header"),
            ("when = 'after-undo'\nrun = 'x'\ntimeout = 'long'", "no length of time"),
            ("when = 'after-undo'\nrun = 'x'\ntimeout = '0s'", "timeout is 0"),
            ("when = 'after-undo'\nruns = 'x'", "runs"),
        ] {
            let error = hooks(&format!("[[hooks]]\n{hook}")).expect_err(hook);
            assert!(error.contains(says), "{hook}: {error}");
        }
    }
}
