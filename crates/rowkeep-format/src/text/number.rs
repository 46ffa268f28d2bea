//! Integers and decimals as their digits.

#[inline]
pub(super) fn parse_digits(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

#[inline]
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => None,
        [b'0'] => (!negative).then_some(0),
        [b'0', ..] => None,
        _ if digits.len() > 18 => None,
        _ => parse_digits(digits).map(|value| if negative { -value } else { value }),
    }
}

#[inline]
pub(super) fn print_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[inline]
pub(super) fn parse_decimal(text: &[u8], scale: u8) -> Option<i64> {
    let scale = usize::from(scale);
    let point = text.len().checked_sub(scale + 1)?;
    if scale == 0 || scale > 17 || text[point] != b'.' {
        return None;
    }
    let (negative, whole) = match &text[..point] {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if whole.is_empty() || whole.len() + scale > 18 || (whole[0] == b'0' && whole.len() > 1) {
        return None;
    }
    let value = parse_digits(whole)? * 10i64.pow(scale as u32) + parse_digits(&text[point + 1..])?;
    match (negative, value) {
        (true, 0) => None,
        (true, _) => Some(-value),
        (false, _) => Some(value),
    }
}

#[inline]
pub(super) fn print_decimal(value: i64, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits[..whole] });
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(digits.len())));
    out.extend_from_slice(&digits[whole..]);
}
