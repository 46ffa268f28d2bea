//! Hexadecimal digits of which one form alone is taken: the one that is written.

/// Reads as many bytes as there is room for; nothing for another number of digits, and for those in upper case.
pub fn decode(digits: &[u8], out: &mut [u8]) -> Option<()> {
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    hex::decode_to_slice(digits, out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_is_taken() {
        let mut bytes = [0; 3];
        assert_eq!(decode(b"009aff", &mut bytes), Some(()));
        assert_eq!(bytes, [0x00, 0x9a, 0xff]);
        for bad in ["", "009af", "009aff0", "009aff00", "009aFF", "009ag0", "\u{e9}09a", "+09aff"] {
            assert_eq!(decode(bad.as_bytes(), &mut bytes), None, "{bad}");
        }
    }
}
