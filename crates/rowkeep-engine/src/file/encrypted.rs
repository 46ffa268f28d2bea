//! Files that somebody encrypted.

/// What a file is encrypted with, by its first bytes.
pub(super) fn encrypted_by(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"age-encryption.org/") || head.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        Some("age")
    } else if head.starts_with(b"-----BEGIN PGP MESSAGE-----") || is_openpgp(head) {
        Some("gpg")
    } else if head.starts_with(b"Salted__") || head.starts_with(b"U2FsdGVkX1") {
        Some("openssl")
    } else {
        None
    }
}

/// A packet with an encrypted session key, or encrypted data, of a form and length that such packets have (RFC 9580, section 4.2).
fn is_openpgp(head: &[u8]) -> bool {
    match head {
        // The old form: a public-key session key with one or two bytes of length, and its version.
        [0x84, _, 3, ..] | [0x85, _, _, 3, ..] => true,
        // One by a passphrase; version 4, a cipher, and how the passphrase becomes a key.
        [0x8c, length, 4, cipher, 0 | 1 | 3, ..] => *length >= 4 && (1..=13).contains(cipher),
        // The new form of both.
        [0xc1, _, 3 | 6, ..] | [0xc3, _, 4..=6, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_files_are_known_and_others_are_not() {
        for (head, by) in [
            (&b"age-encryption.org/v1\n"[..], Some("age")),
            (b"-----BEGIN PGP MESSAGE-----\n", Some("gpg")),
            (&[0x8c, 0x0d, 0x04, 0x09, 0x03, 0x02], Some("gpg")),
            (&[0x85, 0x02, 0x0c, 0x03], Some("gpg")),
            (b"Salted__12345678", Some("openssl")),
            (b"-- PostgreSQL database dump", None),
            (b"PGDMP\x01\x0e", None),
            (b"", None),
        ] {
            assert_eq!(encrypted_by(head), by, "{head:?}");
        }
    }
}
