//! What libraries tell about their doings, on request.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Sends what libraries tell to stderr: errors, and what the service does; more with each `-v`.
pub(crate) fn begin(verbose: u8) {
    let filter = match verbose {
        0 => "error,rowkeep_server=info",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("ROWKEEP_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_coloured = std::io::stderr().is_terminal() && !is_plain;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A journal or a file takes colours for text.
    log.with_ansi(is_coloured).without_time().init();
}
