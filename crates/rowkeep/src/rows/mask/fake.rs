//! Names, addresses and numbers that nobody has, from the lists of the `fake` library.
//!
//! Which of a list is taken depends on a keyed hash of the value alone, so that equal values are given equal fakes.

use fake::locales::{Data, EN};

/// Random numbers that a value always gives.
pub(super) struct Random(blake3::OutputReader);

impl Random {
    /// The numbers of a value for one purpose.
    pub(super) fn of(key: &[u8; 32], purpose: &[u8], value: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&(purpose.len() as u64).to_le_bytes()).update(purpose).update(value);
        Self(hasher.finalize_xof())
    }

    pub(super) fn next(&mut self) -> u128 {
        let mut bytes = [0; 16];
        self.0.fill(&mut bytes);
        u128::from_le_bytes(bytes)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u128) as usize
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        let at = self.below(list.len());
        list.get(at).copied().unwrap_or_default()
    }
}

pub(super) fn first_name(random: &mut Random) -> String {
    random.pick(EN::NAME_FIRST_NAME).to_owned()
}

pub(super) fn last_name(random: &mut Random) -> String {
    random.pick(EN::NAME_LAST_NAME).to_owned()
}

pub(super) fn name(random: &mut Random) -> String {
    format!("{} {}", first_name(random), last_name(random))
}

/// The longest address that [`email`] gives.
pub(super) const EMAIL_CHARACTERS: usize = 64;
/// What it gives where there is less room.
pub(super) const SHORT_EMAIL_CHARACTERS: usize = TAG + "@example.org".len();
/// Characters of five bits each that keep addresses of unequal values unequal.
const TAG: usize = 16;

/// An address at a domain that nobody can have. Its 80 random bits keep a billion of them apart.
pub(super) fn email(random: &mut Random, limit: Option<usize>) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = random.next();
    let tag: String = (0..TAG).map(|at| char::from(DIGITS[(bits >> (5 * at)) as usize & 31])).collect();
    if limit.is_some_and(|limit| limit < EMAIL_CHARACTERS) {
        return format!("{tag}@example.org");
    }
    let first: String =
        first_name(random).chars().filter(char::is_ascii_alphabetic).take(EMAIL_CHARACTERS / 2).collect();
    format!("{}.{tag}@example.org", first.to_ascii_lowercase())
}

/// The longest number that [`phone`] gives.
pub(super) const PHONE_CHARACTERS: usize = 12;

/// A number of the range that is kept free for fiction in North America.
pub(super) fn phone(random: &mut Random) -> String {
    let area = 200 + random.below(800);
    format!("{area}-555-01{:02}", random.below(100))
}

pub(super) fn address(random: &mut Random) -> String {
    let number = 1 + random.below(999);
    let (street, suffix) = (last_name(random), random.pick(EN::ADDRESS_STREET_SUFFIX));
    let (city, end) = (last_name(random), random.pick(EN::ADDRESS_CITY_SUFFIX));
    format!("{number} {street} {suffix}, {city}{end}")
}
