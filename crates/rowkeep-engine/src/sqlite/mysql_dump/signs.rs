//! What signs mean in every statement of MySQL.

use memchr::memchr_iter;

/// Comments for servers from this version on are for none: `/*M!999999\- enable the sandbox mode */`.
const NO_SERVER: u64 = 999_999;

/// How long the beginning of a comment is whose content is code for a server: `/*!40101 `, `/*M!100100 `; nothing for others.
pub(super) fn conditional(text: &[u8]) -> Option<usize> {
    let marker = [&b"/*!"[..], b"/*M!"].into_iter().find(|marker| text.starts_with(marker))?;
    let digits = text[marker.len()..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let version =
        text[marker.len()..][..digits].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    (version < NO_SERVER).then_some(marker.len() + digits)
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// How many line ends there are in bytes.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
