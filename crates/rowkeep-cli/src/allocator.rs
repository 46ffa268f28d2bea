//! Memory that is freed goes back to where all threads can have it.

/// Arenas of the C library's allocator; by default there are eight for each core, and each keeps what it once had.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: usize = 2;

/// A service gives larger pieces back to the system as soon as they are freed. The library would begin so too, and keep larger ones
/// from the first that is freed on; measured, its memory at its highest is a fifth more then, and nothing is faster.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: i32 = 128 * 1024;

/// Keeps the allocator from holding memory that it does not need; measured, it halves what a backup takes.
///
/// A thread of a service that answers beside others has an arena of its own: where two share one by chance, half as much is answered.
/// To be called before any other thread is started.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no safe way to set the allocator's parameters")]
pub(crate) fn restrain(answers_many: bool) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // One is of the thread that started the others.
    let arenas = if answers_many { ARENAS.max(threads + 1) } else { ARENAS };
    // SAFETY: mallopt only stores numbers; no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, i32::try_from(arenas).unwrap_or(i32::MAX));
        if answers_many {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
        }
    }
}

/// Elsewhere the system's allocator is left as it is.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn restrain(_answers_many: bool) {}

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
