//! Where random bytes come from: a source that every operation is given.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// A source of random bytes, for names, salts and keys.
pub trait Randomness: fmt::Debug + Send + Sync {
    /// Fills `bytes`; fails where the system gives no random bytes.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

impl dyn Randomness + '_ {
    /// So many random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A random number.
    pub fn number(&self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }
}

/// The random bytes of this machine, which nobody can foresee.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl SystemRandomness {
    /// The source in the form that operations take.
    pub fn shared() -> Arc<dyn Randomness> {
        Arc::new(Self)
    }
}

impl Randomness for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is given")]
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| Error::System("the system's source of random numbers"))
    }
}

/// A source for tests: the same bytes for the same seed.
///
/// ```
/// use rowkeep_repository::{Randomness, SeededRandomness};
///
/// let (one, same): (&dyn Randomness, &dyn Randomness) = (&SeededRandomness::new(7), &SeededRandomness::new(7));
/// assert_eq!(one.bytes::<16>()?, same.bytes::<16>()?);
/// assert_ne!(one.number()?, one.number()?);
/// # Ok::<(), rowkeep_repository::Error>(())
/// ```
#[derive(Debug)]
pub struct SeededRandomness {
    seed: [u8; 32],
    fills: AtomicU64,
}

impl SeededRandomness {
    /// A source that begins with what follows from a seed.
    pub fn new(seed: u64) -> Self {
        let seed = blake3::derive_key("rowkeep randomness for tests", &seed.to_le_bytes());
        Self { seed, fills: AtomicU64::new(0) }
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let fill = self.fills.fetch_add(1, Ordering::Relaxed);
        blake3::Hasher::new_keyed(&self.seed).update(&fill.to_le_bytes()).finalize_xof().fill(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_does_not_repeat_itself_and_a_seed_does() {
        let system = SystemRandomness::shared();
        assert_ne!(system.bytes::<16>().expect("bytes"), system.bytes::<16>().expect("bytes"));
        let numbers = |seed: u64| {
            let source: &dyn Randomness = &SeededRandomness::new(seed);
            [source.number().expect("a number"), source.number().expect("a number")]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        assert_ne!(numbers(1)[0], numbers(1)[1]);
    }
}
