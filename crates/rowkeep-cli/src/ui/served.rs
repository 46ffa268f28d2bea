//! A service that begins.

use std::net::SocketAddr;

use rowkeep_server::ServerOptions;
use serde_json::{Value, json};

/// As JSON.
pub(crate) fn json(options: &ServerOptions, address: SocketAddr, token: Option<&str>) -> Value {
    json!({ "address": format!("http://{address}"), "state": options.state, "token": token })
}

/// For people.
pub(crate) fn told(options: &ServerOptions, address: SocketAddr, token: Option<&str>) -> String {
    let mut text = format!("serving at http://{address}, with the state {}", options.state.display());
    if let Some(token) = token {
        text.push_str("\nThis token may do everything, and is not shown again:\n");
        text.push_str(token);
    }
    text
}
