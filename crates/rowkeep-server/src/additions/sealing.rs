//! What people change on pages is sealed in the state, for passwords are in it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;
use crate::state::key::KEY_BYTES;

fn key_of(key: &[u8; KEY_BYTES]) -> Result<RandomizedNonceKey, Error> {
    let key = blake3::derive_key("rowkeep 2026-11-30 what is configured on pages", key);
    RandomizedNonceKey::new(&AES_256_GCM, &key)
        .map_err(|_| Error::Content("a key has another length".to_owned()))
}

/// Seals what is said of a subject, with the key beside the state.
pub(super) fn seal(key: &[u8; KEY_BYTES], subject: &str, text: &SecretString) -> Result<Vec<u8>, Error> {
    let mut sealed = text.expose_secret().as_bytes().to_vec();
    let failed = |_| Error::Content("what was changed on a page cannot be sealed".to_owned());
    let nonce = key_of(key)?.seal_in_place_append_tag(Aad::from(subject), &mut sealed).map_err(failed)?;
    Ok([&nonce.as_ref()[..], &sealed].concat())
}

/// Opens it; nothing where it was sealed with another key, or for another subject.
pub(super) fn open(key: &[u8; KEY_BYTES], subject: &str, sealed: &[u8]) -> Option<SecretString> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut opened = sealed.to_vec();
    let opened = key_of(key).ok()?.open_in_place(nonce, Aad::from(subject), &mut opened).ok()?;
    Some(std::str::from_utf8(opened).ok()?.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_what_was_sealed_for_a_subject() {
        let sealed = seal(&[7; KEY_BYTES], "repository", &"s3cret".into()).expect("it is sealed");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
        let opened = |key: u8, subject: &str, sealed: &[u8]| {
            open(&[key; KEY_BYTES], subject, sealed).map(|text| text.expose_secret().to_owned())
        };
        assert_eq!(opened(7, "repository", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(opened(8, "repository", &sealed), None);
        assert_eq!(opened(7, "databases.shop", &sealed), None);
        assert_eq!(opened(7, "repository", &sealed[1..]), None);
        assert_eq!(opened(7, "repository", b""), None);
    }
}
