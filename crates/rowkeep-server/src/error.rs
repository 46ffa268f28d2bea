//! What can go wrong in the service itself.

use std::path::PathBuf;

/// What can go wrong in the service itself, rather than in one of its jobs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state cannot be opened, read or written.
    #[error("cannot use the state {}", .path.display())]
    State {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// The state was written by a newer version.
    #[error("the state {} is of version {version}, and this is rowkeep for version {known}", .path.display())]
    NewerState {
        /// Where it is.
        path: PathBuf,
        /// Its version.
        version: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The file is something else.
    #[error("{} is no state of the service; name another file with --state", .path.display())]
    OtherFile {
        /// Where it is.
        path: PathBuf,
    },
    /// There is no state yet.
    #[error("there is no state of a service at {}", .path.display())]
    NoState {
        /// Where it would be.
        path: PathBuf,
    },
    /// Another process serves with the same state.
    #[error("another process serves with the state {}", .path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
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
    #[error("{} is there already; start without --recover to go on with it, or move it away with its key", .path.display())]
    StateExists {
        /// What is there.
        path: PathBuf,
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
