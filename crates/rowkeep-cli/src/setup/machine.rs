//! What is to be known of the machine and its user.

use std::path::PathBuf;
use std::sync::Arc;

use rowkeep::clock::Clock;
use rowkeep::engine::{CloudflareEnvironment, LibpqEnvironment, Surroundings};

use super::store;

/// The variable with the passphrase of the repository.
pub(super) const PASSPHRASE: &str = "ROWKEEP_PASSPHRASE";

/// The variable with the passphrase of the repository that snapshots are copied to.
pub(super) const OTHER_PASSPHRASE: &str = "ROWKEEP_TO_PASSPHRASE";

/// The variable with the place of the service's state, which may hold a password.
pub(super) const STATE: &str = "ROWKEEP_STATE";

/// What engines need to know.
pub(super) fn surroundings(clock: Arc<dyn Clock>, read_all: bool, allow_moving: bool) -> Surroundings {
    let list = |name: &str| -> Vec<PathBuf> {
        std::env::var_os(name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
    };
    let mut postgres_bin = list("ROWKEEP_PG_BIN");
    postgres_bin.extend(list("PATH"));
    let temporary = std::env::var_os("TMPDIR").map(PathBuf::from);
    Surroundings {
        postgres_bin,
        host: Some(host()),
        temporary,
        clock,
        read_all,
        libpq: libpq(),
        cloudflare: cloudflare(),
        allow_moving,
        withheld: withheld().map(str::to_owned).collect(),
    }
}

/// Variables that open the repository or its store, which nobody else is to get.
pub(crate) fn withheld() -> impl Iterator<Item = &'static str> {
    [PASSPHRASE, OTHER_PASSPHRASE, STATE].into_iter().chain(store::SECRETS)
}

/// What PostgreSQL's own programs would go by.
fn libpq() -> LibpqEnvironment {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        name.starts_with("PG").then_some((name, value))
    });
    LibpqEnvironment { variables: variables.collect(), home: std::env::var_os("HOME").map(PathBuf::from) }
}

/// What is known of Cloudflare D1, by the names that Cloudflare's own programs use where they have one.
fn cloudflare() -> CloudflareEnvironment {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    CloudflareEnvironment {
        token: variable("CLOUDFLARE_API_TOKEN").map(Into::into),
        api: variable("CLOUDFLARE_API_BASE_URL"),
        worker_secret: variable("ROWKEEP_D1_SECRET").map(Into::into),
    }
}

/// The folder where the user's programs keep what they remember, by the XDG Base Directory Specification; none where
/// nobody says where the user is at home.
pub(super) fn state() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state")).or_else(|| absolute("LOCALAPPDATA"));
    absolute("XDG_STATE_HOME").or_else(home).map(|state| state.join("rowkeep"))
}

/// The folder where reports are kept, where the environment names one.
pub(super) fn reports() -> Option<PathBuf> {
    std::env::var_os("ROWKEEP_REPORTS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The user who typed the command.
pub(super) fn user() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).or_else(|| variable("USERNAME"));
    user.unwrap_or_else(|| "unknown".to_owned())
}

/// The name of the machine.
#[cfg(unix)]
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of the machine.
#[cfg(not(unix))]
pub(super) fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}
