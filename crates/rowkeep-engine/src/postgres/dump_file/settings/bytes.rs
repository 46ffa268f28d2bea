//! The older form of `bytea` (PostgreSQL manual, "bytea Escape Format").

/// Writes bytes that are printed as text with escapes as hexadecimal digits.
pub(super) fn in_hexadecimal(mut text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\x");
    while let Some((first, rest)) = text.split_first() {
        let (byte, rest) = match (first, rest) {
            (b'\\', [b'\\', rest @ ..]) => (b'\\', rest),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..]) => {
                ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), rest)
            }
            (b'\\', _) => return None,
            (plain, rest) => (*plain, rest),
        };
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        text = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_digits() {
        for (text, expected) in [("", "\\x"), ("\\000\\377a\\\\x", "\\x00ff615c78"), ("é", "\\xc3a9")] {
            let mut out = Vec::new();
            in_hexadecimal(text.as_bytes(), &mut out).expect("it is one");
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
        for wrong in ["\\", "\\9", "\\400", "\\x"] {
            assert!(in_hexadecimal(wrong.as_bytes(), &mut Vec::new()).is_none(), "{wrong}");
        }
    }
}
