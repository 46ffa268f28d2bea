//! A service that begins.

use rowkeep_server::{MadeAtStart, ServerOptions};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// As JSON.
pub(crate) fn json(options: &ServerOptions, url: &str, made: &MadeAtStart) -> Value {
    let token = made.token.as_ref().map(|token| token.expose_secret());
    let (user, password) = match &made.user {
        Some((user, password)) => (Some(user), Some(password.expose_secret())),
        None => (None, None),
    };
    json!({
        "address": url,
        "state": options.state,
        "token": token,
        "user": user,
        "password": password,
    })
}

/// For people.
pub(crate) fn told(options: &ServerOptions, url: &str, made: &MadeAtStart) -> String {
    let mut text = format!("serving at {url}, with the state {}", options.state.display());
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
