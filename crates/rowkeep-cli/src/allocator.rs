//! Memory that is freed goes back to where all threads can have it.

/// Arenas of the C library's allocator; by default there are eight for each core, and each keeps what it once had.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: i32 = 2;

/// Keeps the allocator from holding memory that it does not need; measured, it halves what a backup takes.
///
/// To be called before any other thread is started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no safe way to set the allocator's parameters")]
pub(crate) fn restrain() {
    // SAFETY: mallopt only stores the number; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Elsewhere the system's allocator is left as it is.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn restrain() {}

/// Gives memory that is not used back to the system: what was many small pieces stays with the process otherwise.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no safe way to ask the allocator for that")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Elsewhere the system's allocator is left as it is.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
