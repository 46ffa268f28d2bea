use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// What Argon2id costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kdf {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Independent lanes.
    pub lanes: u32,
}

impl Kdf {
    /// 64 MiB, three passes, one lane: the memory of RFC 9106's second recommendation, about a sixth of a second.
    ///
    /// More would be what opening a repository needs most memory for.
    pub const DEFAULT: Kdf = Kdf { memory_kib: 64 << 10, passes: 3, lanes: 1 };

    /// The most that is accepted from a slot, so that a forged one cannot ask for all memory or for ever.
    const MOST: Kdf = Kdf { memory_kib: 4 << 20, passes: 64, lanes: 64 };

    /// Whether the cost may be paid for a slot that anybody may have put there.
    pub(super) fn is_sane(self) -> bool {
        let most = Self::MOST;
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }

    /// Derives a key from a passphrase and a salt, by Argon2id version 1.3.
    ///
    /// Refuses absurd costs, and costs that the machine has no memory for, with [`Error::Kdf`].
    pub(super) fn derive(self, passphrase: &str, salt: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>> {
        let Kdf { memory_kib, passes, lanes } = self;
        let refused = || Error::Kdf { memory_kib, passes, lanes };
        if !self.is_sane() {
            return Err(refused());
        }
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| refused())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut key[..])
            .map_err(|_| refused())?;
        Ok(key)
    }
}

impl Default for Kdf {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn absurd_costs_are_refused_before_any_memory_is_taken() {
        for (memory_kib, passes, lanes) in
            [(u32::MAX, 1, 1), (64, u32::MAX, 1), (1 << 20, 1, u32::MAX), (0, 0, 0), (64, 0, 1), (7, 1, 1)]
        {
            let error = Kdf { memory_kib, passes, lanes }.derive("secret", &[0; 32]).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Usage, "{memory_kib} {passes} {lanes}");
        }
    }
}
