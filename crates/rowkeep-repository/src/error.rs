use std::error::Error as StdError;
use std::io;

use rowkeep_format::ids::{ChunkId, KeySlotId, RepositoryId};

use crate::store_answer::StoreAnswer;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a repository, and with which object of it.
///
/// [`Error::kind`] sorts these by what the caller does next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location is empty, or does not exist.
    #[error("there is no repository at this location")]
    NotARepository,
    /// The location holds a repository, so none can be made there.
    #[error("there is already a repository at this location")]
    AlreadyThere,
    /// The location holds something else, so no repository can be made there.
    #[error("the location is not empty: it holds {object}, which is not part of a repository")]
    Occupied {
        /// One of the objects found.
        object: String,
    },
    /// The location holds what is left of a repository whose config is gone, so no other can be made there.
    #[error("the location is not empty: it holds {object}, which is left of a repository without config")]
    LeftOver {
        /// One of the objects found.
        object: String,
    },
    /// The object was written by a newer rowkeep.
    #[error("{object} has format version {found}, this program reads up to {supported}")]
    NewerFormat {
        /// The object.
        object: String,
        /// The version it carries.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
    /// No key slot opens with the passphrase.
    #[error("the passphrase opens none of the repository's key slots")]
    WrongPassphrase,
    /// No key slot opens with the key file.
    #[error("the key file opens none of the repository's key slots")]
    WrongKeyFile,
    /// The repository is encrypted and no secret was given.
    #[error("the repository is encrypted: a passphrase or a key file is needed")]
    SecretNeeded,
    /// A secret was given, but the repository says that it is not encrypted.
    #[error("the repository is not encrypted, although a passphrase or key file was given for it")]
    NotEncrypted,
    /// The key file is not one.
    #[error("the key file is malformed")]
    MalformedKeyFile,
    /// A passphrase without any character.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A key derivation whose cost is absurd, or more than the machine has memory for.
    #[error(
        "the key derivation parameters are out of range: {memory_kib} KiB of memory, {passes} passes, {lanes} lanes"
    )]
    Kdf {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
        /// Independent lanes.
        lanes: u32,
    },
    /// The only key slot may not be removed.
    #[error("key slot {slot} is the last one: without it, nobody could open the repository")]
    LastKeySlot {
        /// The slot.
        slot: KeySlotId,
    },
    /// There is no such thing in the repository.
    #[error("the repository has no {object}")]
    NotFound {
        /// What was asked for.
        object: String,
    },
    /// An object is there, but is not what was written.
    #[error("{object} is damaged: {flaw}")]
    Damaged {
        /// The object.
        object: String,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// An object that has to be there is gone.
    #[error("{object} is missing from the repository")]
    Missing {
        /// The object.
        object: String,
    },
    /// No index object names the chunk.
    #[error("chunk {chunk} is missing from the repository")]
    MissingChunk {
        /// The chunk.
        chunk: ChunkId,
    },
    /// The config is another one than at the time of opening.
    #[error("the repository at this location is no longer {expected}: it was replaced by another one")]
    Replaced {
        /// The repository that was opened.
        expected: RepositoryId,
    },
    /// A chunk, manifest or index larger than the format allows.
    #[error("{object} has {bytes} bytes, more than the {limit} that the format allows")]
    TooLarge {
        /// What is too large.
        object: String,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// What was written relies on packs that a prune has deleted meanwhile, or is deleting.
    #[error("chunks that {object} needs were deleted by a prune while it was being written")]
    Pruned {
        /// What was written.
        object: String,
    },
    /// A store does not list what was just written, so nobody could tell what is needed.
    #[error("the store does not list {object}, which was just written")]
    Unlisted {
        /// The object.
        object: String,
    },
    /// A store lists late, as a probe found, so nobody could tell what is needed.
    #[error("the store does not list at once what was written to it, so what is still needed cannot be told")]
    ListsLate,
    /// Chunks were claimed from a writer, but never added to it.
    #[error("{chunks} chunks were claimed but not stored")]
    Unkept {
        /// How many.
        chunks: u64,
    },
    /// A write in the background failed, and its error was given to an earlier call.
    #[error("an earlier write to the repository failed")]
    WriterFailed,
    /// The text is neither a path nor the URL of a kind of store that is known.
    #[error("{location:?} is not a valid repository location: {reason}")]
    Location {
        /// The text.
        location: String,
        /// Why not.
        reason: &'static str,
    },
    /// The kind of store has no such option.
    #[error("{store} has no option {option:?}")]
    UnknownOption {
        /// The scheme of the store's URL.
        store: &'static str,
        /// The option's name.
        option: String,
    },
    /// The store has no room left.
    #[error("no space is left in the store: could not {action} {object}")]
    Full {
        /// What was tried.
        action: &'static str,
        /// On which object.
        object: String,
        /// What the store said.
        source: StoreAnswer,
    },
    /// The store does not let us.
    #[error("the store refused access: could not {action} {object}")]
    Denied {
        /// What was tried.
        action: &'static str,
        /// On which object.
        object: String,
        /// What the store said.
        source: StoreAnswer,
    },
    /// The store failed in some other way.
    #[error("could not {action} {object}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// On which object.
        object: String,
        /// What the store said.
        source: StoreAnswer,
    },
    /// A file or folder of this machine could not be used.
    #[error("could not {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system, or a library, refused what never fails.
    #[error("{0} failed")]
    System(&'static str),
}

/// What a caller does about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Make a repository first, or look elsewhere.
    NotARepository,
    /// Use what is there, or choose another place.
    AlreadyThere,
    /// Choose another place, or delete what is there.
    Occupied,
    /// Use a newer rowkeep.
    NewerFormat,
    /// Ask for the right secret.
    Locked,
    /// Say in so many words that no encryption is meant.
    Downgrade,
    /// Add another key slot first.
    LastKeySlot,
    /// Name something that is there.
    NotFound,
    /// Check the repository: something was altered.
    Damaged,
    /// Check the repository: something vanished.
    Missing,
    /// Make room.
    Full,
    /// Look at credentials and permissions.
    Denied,
    /// Make the bucket, or name another.
    NoBucket,
    /// Look at the folder and its disk.
    Folder,
    /// Do it again.
    Pruned,
    /// Use another store, or try it again when it was mended.
    Unfit,
    /// Try again, or look at the store.
    Store,
    /// Call otherwise.
    Usage,
}

impl Error {
    /// Sorts the error by what the caller does next.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::NotARepository => ErrorKind::NotARepository,
            Error::AlreadyThere => ErrorKind::AlreadyThere,
            Error::Occupied { .. } | Error::LeftOver { .. } => ErrorKind::Occupied,
            Error::NewerFormat { .. } => ErrorKind::NewerFormat,
            Error::WrongPassphrase | Error::WrongKeyFile | Error::SecretNeeded => ErrorKind::Locked,
            Error::NotEncrypted => ErrorKind::Downgrade,
            Error::LastKeySlot { .. } => ErrorKind::LastKeySlot,
            Error::NotFound { .. } => ErrorKind::NotFound,
            Error::Damaged { .. } | Error::Replaced { .. } => ErrorKind::Damaged,
            Error::Missing { .. } | Error::MissingChunk { .. } => ErrorKind::Missing,
            Error::Full { .. } => ErrorKind::Full,
            Error::Denied { .. } => ErrorKind::Denied,
            Error::Store { source, .. } if source.is_no_bucket() => ErrorKind::NoBucket,
            Error::Store { source, .. } if source.is_local() => ErrorKind::Folder,
            Error::Io { .. } => ErrorKind::Folder,
            Error::Pruned { .. } => ErrorKind::Pruned,
            Error::ListsLate => ErrorKind::Unfit,
            Error::Unlisted { .. } | Error::Store { .. } | Error::System(_) | Error::WriterFailed => {
                ErrorKind::Store
            }
            Error::MalformedKeyFile
            | Error::EmptyPassphrase
            | Error::Kdf { .. }
            | Error::TooLarge { .. }
            | Error::Unkept { .. }
            | Error::Location { .. }
            | Error::UnknownOption { .. } => ErrorKind::Usage,
        }
    }

    /// Whether it says something of an object, rather than of the store.
    pub(crate) fn is_finding(&self) -> bool {
        matches!(
            self,
            Error::Damaged { .. }
                | Error::Missing { .. }
                | Error::MissingChunk { .. }
                | Error::NewerFormat { .. }
                | Error::NotFound { .. }
                | Error::Replaced { .. }
        )
    }

    /// Says of an object what is wrong with its bytes.
    pub(crate) fn at(object: impl Into<String>, flaw: Flaw) -> Self {
        match flaw {
            Flaw::NewerVersion { found, supported } => {
                Error::NewerFormat { object: object.into(), found, supported }
            }
            flaw => Error::Damaged { object: object.into(), flaw },
        }
    }

    /// Says what was tried when the store failed, and tells a full store and a closed one from a failing one.
    pub(crate) fn store(
        action: &'static str,
        object: impl Into<String>,
        source: object_store::Error,
    ) -> Self {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

        let object = object.into();
        let denied = matches!(
            source,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
        );
        let kind = io_kind(&source);
        let source = StoreAnswer::from(source);
        match kind {
            Some(StorageFull | QuotaExceeded) => Error::Full { action, object, source },
            Some(PermissionDenied | ReadOnlyFilesystem) => Error::Denied { action, object, source },
            _ if denied || source.is_denial() => Error::Denied { action, object, source },
            _ => Error::Store { action, object, source },
        }
    }
}

/// The kind of the first error of the operating system among an error and its sources.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// What is wrong with the bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// The hash of the bytes is not the object's name.
    #[error("its content does not match its name")]
    Name,
    /// The object is longer or shorter than it was.
    #[error("it has {found} bytes instead of {expected}")]
    Size {
        /// Bytes it has.
        found: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// The object is longer than any such object.
    #[error("it has {found} bytes, more than the {limit} that the format allows")]
    TooLong {
        /// Bytes it has.
        found: u64,
        /// Bytes it may have.
        limit: u64,
    },
    /// The bytes end before what they announce.
    #[error("it ends in the middle of {0}")]
    Truncated(&'static str),
    /// The bytes cannot mean anything.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The seal does not open: the bytes were altered, or sealed with another key.
    #[error("{0} was altered, or was not written with the key of this repository")]
    Seal(&'static str),
    /// The content does not decompress to what was announced.
    #[error("{0} does not decompress")]
    Compression(&'static str),
    /// The content of a chunk does not hash to the chunk's name.
    #[error("the content is not that of chunk {0}")]
    Content(ChunkId),
    /// What was just written reads differently.
    #[error("it does not read back as written")]
    ReadBack,
    /// The bytes are of a newer format.
    #[error("it has format version {found}, this program reads up to {supported}")]
    NewerVersion {
        /// The version it carries.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_error(kind: io::ErrorKind) -> ErrorKind {
        let source = object_store::Error::Generic { store: "test", source: Box::new(io::Error::from(kind)) };
        Error::store("write", "packs/00/00", source).kind()
    }

    #[test]
    fn a_full_store_and_a_closed_one_are_told_from_a_failing_one() {
        assert_eq!(store_error(io::ErrorKind::StorageFull), ErrorKind::Full);
        assert_eq!(store_error(io::ErrorKind::QuotaExceeded), ErrorKind::Full);
        assert_eq!(store_error(io::ErrorKind::PermissionDenied), ErrorKind::Denied);
        assert_eq!(store_error(io::ErrorKind::ConnectionReset), ErrorKind::Store);
    }
}
