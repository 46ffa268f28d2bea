use std::sync::atomic::{AtomicU64, Ordering};

use crate::Surroundings;
use crate::d1::connect::remote::Remote;

/// What tells one sending from others: of this process by a number, and of others by the time.
pub(crate) fn token(remote: &Remote, surroundings: &Surroundings) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = blake3::Hasher::new();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanoseconds = surroundings.clock.now().as_nanosecond();
    for part in
        [remote.shown(), &nanoseconds.to_string(), &number.to_string(), &std::process::id().to_string()]
    {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
