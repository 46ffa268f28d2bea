//! Certificates as a file that libpq reads.

use std::io::{self, Write as _};

use rustls_pki_types::CertificateDer;
use tempfile::NamedTempFile;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes certificates to a temporary file, which is gone when the value is dropped.
pub(crate) fn write(certificates: &[CertificateDer<'_>]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    for certificate in certificates {
        file.write_all(b"-----BEGIN CERTIFICATE-----\n")?;
        for line in base64(certificate).as_bytes().chunks(64) {
            file.write_all(line)?;
            file.write_all(b"\n")?;
        }
        file.write_all(b"-----END CERTIFICATE-----\n")?;
    }
    file.flush()?;
    Ok(file)
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for letter in 0..4 {
            if letter <= group.len() {
                out.push(char::from(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in vectors.iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), *text);
        }
    }
}
