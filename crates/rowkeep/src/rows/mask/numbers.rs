//! Masking numbers in their decimal text, exactly.

use super::permute::{Symbol, permute_within};

/// Permutes numbers of as many digits among themselves: the sign, the point and zero stay, no zero is put before others.
///
/// Integers stay within the smallest of 16, 31, 32 and 63 bits that holds them, so that every column that takes the one
/// takes the other, and both sides of a reference agree whatever their types.
pub(super) fn hash(key: &[u8; 32], text: &str) -> Option<String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_number =
        !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number || unsigned.matches('.').count() > 1 {
        return None;
    }
    if unsigned.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        return Some(text.to_owned());
    }
    let start = text.len() - unsigned.len();
    let symbol = |(place, byte): (usize, u8)| match byte {
        b'0' if place == start => Symbol::fixed(u32::from(byte)),
        b'1'..=b'9' if place == start => Symbol::within(u32::from(byte), u32::from(b'1'), u32::from(b'9')),
        _ => Symbol::within(u32::from(byte), u32::from(b'0'), u32::from(b'9')),
    };
    let mut symbols: Vec<Symbol> = text.bytes().enumerate().map(symbol).collect();
    let size = size(text);
    permute_within(key, b"number", &mut symbols, |symbols| {
        let text = printed(symbols);
        self::size(&text) == size && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
    });
    Some(printed(&symbols))
}

fn printed(symbols: &[Symbol]) -> String {
    symbols.iter().filter_map(|symbol| char::from_u32(symbol.unit())).collect()
}

/// The smallest integers that a number is one of.
fn size(text: &str) -> u8 {
    match text.parse::<i64>() {
        Ok(number) if i16::try_from(number).is_ok() => 0,
        Ok(number) if i32::try_from(number).is_ok() => 1,
        Ok(number) if u32::try_from(number).is_ok() => 2,
        Ok(_) => 3,
        Err(_) => 4,
    }
}

/// The multiple of `bucket` next to a number on the way to zero, with as many digits after the point.
pub(super) fn bucket(text: &str, bucket: u64) -> Option<String> {
    let (number, scale) = scaled(text)?;
    let step = i128::from(bucket).checked_mul(10i128.checked_pow(scale)?)?;
    Some(unscaled(number / step * step, scale))
}

/// A number from low to high, with as many digits after the point as `text` has.
pub(super) fn between(text: &str, low: i64, high: i64, random: u128) -> Option<String> {
    let (_, scale) = scaled(text)?;
    let unit = 10i128.checked_pow(scale)?;
    let (low, high) = (i128::from(low).checked_mul(unit)?, i128::from(high).checked_mul(unit)?);
    let count = (high - low) as u128 + 1;
    Some(unscaled(low + (random % count) as i128, scale))
}

/// A number as an integer and how many of its digits stand after the point.
fn scaled(text: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    Some((format!("{whole}{fraction}").parse().ok()?, u32::try_from(fraction.len()).ok()?))
}

fn unscaled(number: i128, scale: u32) -> String {
    let scale = scale as usize;
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
