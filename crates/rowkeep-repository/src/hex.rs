use std::fmt;

use rowkeep_format::lower_hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that stand in JSON as lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Hex<N> {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        lower_hex::decode(text.as_bytes(), &mut bytes)?;
        Some(Self(bytes))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&::hex::encode(self.0))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal digits of the right number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_both_ways_and_refuses_the_rest() {
        let bytes = Hex([0x00, 0x9a, 0xff]);
        assert_eq!(bytes.to_string(), "009aff");
        assert!(Hex::<3>::parse("009aff") == Some(bytes));
        for bad in ["", "009af", "009aff0", "009aFF", "009ag0", "é09a"] {
            assert!(Hex::<3>::parse(bad).is_none(), "{bad}");
        }
    }
}
