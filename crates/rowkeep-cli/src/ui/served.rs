//! A service that begins.

use rowkeep_server::{MadeAtStart, Recovered, ServerOptions};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// As JSON.
pub(crate) fn json(
    options: &ServerOptions,
    url: &str,
    made: &MadeAtStart,
    recovered: Option<&Recovered>,
) -> Value {
    let token = made.token.as_ref().map(|token| token.expose_secret());
    let (user, password) = match &made.user {
        Some((user, password)) => (Some(user), Some(password.expose_secret())),
        None => (None, None),
    };
    json!({
        "address": url,
        "state": options.state.to_string(),
        "token": token,
        "user": user,
        "password": password,
        "recovered": recovered.map(|recovered| json!({
            "snapshot": recovered.snapshot,
            "taken": recovered.taken.to_string(),
            "config": recovered.config,
            "has_key": recovered.has_key,
        })),
    })
}

/// For people.
pub(crate) fn told(
    options: &ServerOptions,
    url: &str,
    made: &MadeAtStart,
    recovered: Option<&Recovered>,
) -> String {
    let mut text = recovered.map(told_of_recovery).unwrap_or_default();
    text.push_str(&format!("serving at {url}, with the state {}", options.state));
    if let Some((user, password)) = &made.user {
        let password = password.expose_secret();
        text.push_str(&format!(
            "\nSign in as {user} with this password, which is not shown again and has to be changed then:\n{password}"
        ));
    }
    if let Some(token) = &made.token {
        text.push_str("\nThis token may do everything, and is not shown again:\n");
        text.push_str(token.expose_secret());
    }
    text
}

fn told_of_recovery(recovered: &Recovered) -> String {
    let mut text = format!("recovered the state of {} from snapshot {}", recovered.taken, recovered.snapshot);
    match &recovered.config {
        Some(path) => text.push_str(&format!(", and the configuration into {}", path.display())),
        None => text.push_str("; the configuration is the one that is here"),
    }
    text.push('\n');
    if !recovered.has_key {
        text.push_str(
            "The repository is not encrypted, so the key of the state was not in it: reset the passwords of users with a second factor.\n",
        );
    }
    text
}
