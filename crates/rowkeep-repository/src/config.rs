//! The object `config`: what repository this is.
//!
//! ```json
//! {"format":1,"id":"…32 digits…","encryption":"aes-256-gcm","checksum":"…32 digits…"}
//! ```
//!
//! There is one way to write it, so that any altered byte is noticed.

use rowkeep_format::ids::RepositoryId;
use serde::{Deserialize, Serialize};

use crate::hex::Hex;
use crate::seal::Encryption;
use crate::{Flaw, Result};

/// The newest version, and the one that is written.
pub(crate) const FORMAT: u32 = 2;

/// What the config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) format: u32,
    pub(crate) id: RepositoryId,
    pub(crate) encryption: Encryption,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u32,
    id: RepositoryId,
    encryption: Encryption,
    checksum: Hex<16>,
}

#[derive(Deserialize)]
struct AnyVersion {
    format: u32,
}

impl Config {
    /// The config of a repository in the newest format.
    pub(crate) fn new(id: RepositoryId, encryption: Encryption) -> Self {
        Self { format: FORMAT, id, encryption }
    }

    /// Whether it is of the same repository, whatever the format.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        (self.id, self.encryption) == (other.id, other.encryption)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { format, id, encryption } = *self;
        let wire = Wire { format, id, encryption, checksum: self.checksum() };
        let mut json = serde_json::to_vec(&wire).expect("a struct of text and numbers becomes JSON");
        json.push(b'\n');
        json
    }

    pub(crate) fn decode(json: &[u8]) -> Result<Self, Flaw> {
        let malformed = |_| Flaw::Malformed("the JSON");
        let AnyVersion { format } = serde_json::from_slice(json).map_err(malformed)?;
        if format > FORMAT {
            return Err(Flaw::NewerVersion { found: format, supported: FORMAT });
        }
        let wire: Wire = serde_json::from_slice(json).map_err(malformed)?;
        let config = Self { format: wire.format, id: wire.id, encryption: wire.encryption };
        if config.encode() == json { Ok(config) } else { Err(Flaw::Malformed("the JSON")) }
    }

    fn checksum(&self) -> Hex<16> {
        let text = format!("rowkeep config {} {} {}", self.format, self.id, self.encryption.name());
        let mut checksum = [0; 16];
        checksum.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Hex(checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: Config =
        Config { format: 2, id: RepositoryId([0xab; 16]), encryption: Encryption::Aes256Gcm };

    #[test]
    fn bytes_are_pinned() {
        let text = |config: Config| String::from_utf8(config.encode()).expect("text");
        assert_eq!(
            text(CONFIG),
            "{\"format\":2,\"id\":\"abababababababababababababababab\",\"encryption\":\"aes-256-gcm\",\
             \"checksum\":\"d129182b7fe109caf231f1d7ec326aae\"}\n"
        );
        assert_eq!(
            text(Config { format: 1, ..CONFIG }),
            "{\"format\":1,\"id\":\"abababababababababababababababab\",\"encryption\":\"aes-256-gcm\",\
             \"checksum\":\"98310f99de6dca31a194d3c345ed8202\"}\n"
        );
    }

    #[test]
    fn every_changed_bit_and_every_truncation_is_noticed() {
        let json = CONFIG.encode();
        assert_eq!(Config::decode(&json), Ok(CONFIG));
        for len in 0..json.len() {
            assert!(Config::decode(&json[..len]).is_err(), "{len} bytes");
        }
        for bit in 0..json.len() * 8 {
            let mut altered = json.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(Config::decode(&altered).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let newer = br#"{"format":3,"id":"what","novelty":true}"#;
        assert_eq!(Config::decode(newer), Err(Flaw::NewerVersion { found: 3, supported: 2 }));
        assert_eq!(Config::decode(br#"{"format":0}"#), Err(Flaw::Malformed("the JSON")));
    }
}
