//! What can go wrong in the service itself.

use std::path::PathBuf;

/// What can go wrong in the service itself, rather than in one of its jobs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state cannot be opened, read or written.
    #[error("cannot use the state {place}")]
    State {
        /// Where it is.
        place: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The state has no room for anything more.
    #[error(
        "the disk of the state {place} is full, and nothing more can be noted; make room on it, and the service goes on by itself"
    )]
    StateFull {
        /// Where it is.
        place: String,
    },
    /// The server of the state cannot be reached for now. What was asked for is not done.
    #[error("the state {place} is away: {why}; it is tried again until it is back")]
    StateAway {
        /// Where it is.
        place: String,
        /// What is wrong with the connection.
        why: String,
    },
    /// The state is not this service's any more.
    #[error(
        "the state {place} is lost to this service: {why}; stop it, or start it again once no other serves with that state"
    )]
    StateLost {
        /// Where it is.
        place: String,
        /// Why it must not be gone on with.
        why: String,
    },
    /// The state was written by a newer version.
    #[error("the state {place} is of version {version}, and this is rowkeep for version {known}")]
    NewerState {
        /// Where it is.
        place: String,
        /// Its version.
        version: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// Secrets in the state were sealed with another key than the one that is beside it.
    #[error("{}", other_key(.place, .path, *.is_there))]
    OtherKey {
        /// Where the state is.
        place: String,
        /// Where its key should be.
        path: PathBuf,
        /// Whether there is a key.
        is_there: bool,
    },
    /// A schema of a server holds something else.
    #[error(
        "the schema {schema} of {place} holds something else than a state of the service; name an empty one with options=-csearch_path=NAME in its URL"
    )]
    OtherSchema {
        /// The database.
        place: String,
        /// Its schema.
        schema: String,
    },
    /// The file is something else.
    #[error("{} is no state of the service; name another file with --state", .path.display())]
    OtherFile {
        /// Where it is.
        path: PathBuf,
    },
    /// There is no state yet.
    #[error("there is no state of a service at {place}")]
    NoState {
        /// Where it would be.
        place: String,
    },
    /// Another process serves with the same state.
    #[error("another process serves with the state {place}")]
    InUse {
        /// Where it is.
        place: String,
    },
    /// A file beside the state cannot be made, or one that the configuration names cannot be read.
    #[error("cannot use {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Nobody can connect here.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be spoken with what a file holds.
    #[error("cannot serve over TLS with {}: {problem}", .path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Nobody can have this name.
    #[error("{name:?} is no name of a user: that is of 1 to 64 letters, digits and . - _ @")]
    UserName {
        /// The name.
        name: String,
    },
    /// A state is where another was to be recovered.
    #[error(
        "{place} is there already; start without --recover to go on with it, or move it away with its key"
    )]
    StateExists {
        /// What is there.
        place: String,
    },
    /// A repository has no state that could be recovered.
    #[error("the repository {location} has no state of a service")]
    NothingKept {
        /// Where it is.
        location: String,
    },
    /// Something that a job does failed.
    #[error(transparent)]
    Job(#[from] rowkeep::Error),
    /// A user has neither password nor second factor here.
    #[error("{name} signs in with the provider, which keeps the password and asks for a second factor")]
    UserOfProvider {
        /// The user.
        name: String,
    },
    /// Something stored in the state is not what this version writes.
    #[error("the state holds something that is not understood: {0}")]
    Content(String),
}

fn other_key(place: &str, path: &std::path::Path, is_there: bool) -> String {
    let path = path.display();
    match is_there {
        true => format!(
            "{path} is not the key that sealed the secrets in the state {place}; bring that one there, or name it with --state-key"
        ),
        false => format!(
            "the state {place} has secrets that were sealed with a key, and {path} is not there; bring it there, or name it with --state-key"
        ),
    }
}
