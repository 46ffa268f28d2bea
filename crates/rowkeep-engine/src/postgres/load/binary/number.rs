//! Numbers from the text that the server prints.

use std::str::FromStr;

/// Longer numbers are left to the server, which has limits of its own.
const DIGITS: usize = 1000;

/// The sign of a `numeric` that is less than zero, and of the one that is no number (`numeric.c`).
const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xc000;

/// An integer without leading zeros or a plus.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_usual = match digits {
        [b'0'] => digits.len() == text.len(),
        [first, rest @ ..] => matches!(first, b'1'..=b'9') && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if !is_usual || digits.len() > 19 {
        return None;
    }
    let size = digits.iter().try_fold(0i64, |size, digit| {
        // Downwards, for the least integer has no positive counterpart.
        size.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))
    })?;
    if digits.len() < text.len() { Some(size) } else { size.checked_neg() }
}

/// A floating-point number; the shortest text of one reads back as the same bits.
pub(super) fn float<T: FromStr + Into<f64> + Copy>(text: &[u8]) -> Option<T> {
    let number: T = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Rust reads other words for what is not finite than the server prints, and numbers that are too large.
    let is_usual = number.into().is_finite() || matches!(text, b"NaN" | b"Infinity" | b"-Infinity");
    is_usual.then_some(number)
}

/// A decimal number: how many digits to the base 10 000, the place of the first, the sign, the digits shown after the
/// point, and the digits (`numeric_recv`).
pub(super) fn numeric(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if text == b"NaN" {
        out.extend_from_slice(&head(0, 0, NOT_A_NUMBER, 0));
        return Some(());
    }
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let point = unsigned.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) if at + 1 < unsigned.len() => (&unsigned[..at], &unsigned[at + 1..]),
        Some(_) => return None,
        None => (unsigned, &[][..]),
    };
    if whole.is_empty() || unsigned.len() > DIGITS {
        return None;
    }
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    let mut weight = whole.len().div_ceil(4) as i16 - 1;
    let mut kept = out.len();
    let mut put = |digit: u16, out: &mut Vec<u8>| {
        if digit == 0 && out.len() == start + HEAD_BYTES {
            weight -= 1;
            return;
        }
        out.extend_from_slice(&digit.to_be_bytes());
        if digit != 0 {
            kept = out.len();
        }
    };
    let (first, rest) = whole.split_at(whole.len() % 4);
    if !first.is_empty() {
        put(group(first)?, out);
    }
    for four in rest.chunks(4).chain(fraction.chunks(4)) {
        // The last digits after the point may be fewer, and count as if zeros followed.
        put(group(four)? * 10u16.pow(4 - four.len() as u32), out);
    }
    // Zeros at the end are not kept, and zero has neither sign nor place.
    out.truncate(kept);
    let digits = ((kept - start - HEAD_BYTES) / 2) as u16;
    let sign = if unsigned.len() < text.len() && digits > 0 { NEGATIVE } else { 0 };
    let weight = if digits > 0 { weight } else { 0 };
    out[start..start + HEAD_BYTES].copy_from_slice(&head(digits, weight, sign, fraction.len() as u16));
    Some(())
}

const HEAD_BYTES: usize = 8;

fn head(digits: u16, weight: i16, sign: u16, shown: u16) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let parts = [digits.to_be_bytes(), weight.to_be_bytes(), sign.to_be_bytes(), shown.to_be_bytes()];
    head.copy_from_slice(parts.as_flattened());
    head
}

/// The number that up to four digits stand for.
fn group(digits: &[u8]) -> Option<u16> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))
}
