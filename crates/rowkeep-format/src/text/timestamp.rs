//! Timestamps as microseconds, with what their text has beside digits.

use super::date::{parse_date, print_date};
use super::number::parse_digits;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How the fraction of a second is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Up to six digits, without zeros at their end, and no point when there would be none.
    Trimmed,
    /// Always this many digits, 1 to 6.
    Fixed(u8),
}

/// How it is said that a time is in UTC, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    None,
    /// `+00`
    Hours,
    /// `Z`
    Zulu,
    /// `+00:00`
    Minutes,
}

impl Zone {
    pub(super) const ALL: [Zone; 4] = [Zone::None, Zone::Hours, Zone::Zulu, Zone::Minutes];

    fn suffix(self) -> &'static [u8] {
        match self {
            Zone::None => b"",
            Zone::Hours => b"+00",
            Zone::Zulu => b"Z",
            Zone::Minutes => b"+00:00",
        }
    }
}

/// The separators, fractions and zones that a column of timestamps may have whose first value is this, in the order in
/// which they are to be tried.
pub(super) fn timestamp_candidates(first: &[u8]) -> Vec<(u8, Fraction, Zone)> {
    let Some(rest) = first.get(19..) else { return Vec::new() };
    let separator = first[10];
    if !matches!(separator, b' ' | b'T') {
        return Vec::new();
    }
    let digits = match rest.split_first() {
        Some((b'.', fraction)) => fraction.iter().take_while(|c| c.is_ascii_digit()).count(),
        _ => 0,
    };
    let suffix = &rest[if digits > 0 { digits + 1 } else { 0 }..];
    let Some(zone) = Zone::ALL.into_iter().find(|zone| zone.suffix() == suffix) else { return Vec::new() };
    let mut candidates = vec![(separator, Fraction::Trimmed, zone)];
    if (1..=6).contains(&digits) {
        candidates.push((separator, Fraction::Fixed(digits as u8), zone));
    }
    candidates
}

/// Microseconds since 1 January 1970.
pub(super) fn parse_timestamp(text: &[u8], separator: u8, fraction: Fraction, zone: Zone) -> Option<i64> {
    let text = text.strip_suffix(zone.suffix())?;
    let (date, time) = text.split_at_checked(10)?;
    let (&[sep, h1, h2, b':', m1, m2, b':', s1, s2], rest) = time.split_first_chunk::<9>()? else {
        return None;
    };
    let (hour, minute, second) =
        (parse_digits(&[h1, h2])?, parse_digits(&[m1, m2])?, parse_digits(&[s1, s2])?);
    if sep != separator || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if !digits.is_empty() && digits.len() <= 6 => digits,
        _ => return None,
    };
    let fits = match fraction {
        Fraction::Trimmed => digits.last() != Some(&b'0'),
        Fraction::Fixed(len) => digits.len() == usize::from(len),
    };
    if !fits {
        return None;
    }
    let micros = parse_digits(digits)? * 10i64.pow(6 - digits.len() as u32);
    Some(parse_date(date)? * MICROS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

pub(super) fn print_timestamp(value: i64, separator: u8, fraction: Fraction, zone: Zone, out: &mut Vec<u8>) {
    print_date(value.div_euclid(MICROS_PER_DAY), out);
    let micros = value.rem_euclid(MICROS_PER_DAY);
    let seconds = micros / 1_000_000;
    out.push(separator);
    two_digits(seconds / 3600, out);
    out.push(b':');
    two_digits(seconds / 60 % 60, out);
    out.push(b':');
    two_digits(seconds % 60, out);
    let micros = micros % 1_000_000;
    let mut digits = [0; 7];
    digits[0] = b'.';
    let mut rest = micros;
    for digit in digits[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let len = match fraction {
        Fraction::Fixed(len) => usize::from(len) + 1,
        Fraction::Trimmed if micros == 0 => 0,
        Fraction::Trimmed => digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1),
    };
    out.extend_from_slice(&digits[..len]);
    out.extend_from_slice(zone.suffix());
}

fn two_digits(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}
