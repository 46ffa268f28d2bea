//! Decimal numbers as their digits.

/// The most bytes of one: some thousand digits, more than any program writes.
const MOST_BYTES: usize = 4_096;

/// The most digits behind the point.
const MOST_SCALE: i32 = 20_000;

/// The digits of a number whose bytes stand for it without its point, the highest first, the sign by complement.
pub(super) fn digits(bytes: &[u8], scale: i32) -> Result<String, String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("a decimal number has more than {MOST_BYTES} bytes"));
    }
    if !(0..=MOST_SCALE).contains(&scale) {
        return Err(format!("a decimal number has {scale} digits behind its point"));
    }
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut plain = magnitude(bytes, is_negative);
    let scale = scale as usize;
    if plain.len() <= scale {
        plain = format!("{plain:0>width$}", width = scale + 1);
    }
    if scale > 0 {
        plain.insert(plain.len() - scale, '.');
    }
    if is_negative {
        plain.insert(0, '-');
    }
    Ok(plain)
}

/// The digits without sign and point.
fn magnitude(bytes: &[u8], is_negative: bool) -> String {
    /// So many digits come of each division.
    const AT_ONCE: u64 = 1_000_000_000;
    // Four bytes each, the lowest first.
    let mut words: Vec<u32> = Vec::with_capacity(bytes.len() / 4 + 2);
    let mut carry = is_negative;
    for part in bytes.rchunks(4) {
        let fill = if is_negative { u32::MAX } else { 0 };
        let word = part.iter().fold(fill, |word, byte| word << 8 | u32::from(*byte));
        let (word, goes_on) = match is_negative {
            true => (!word).overflowing_add(u32::from(carry)),
            false => (word, false),
        };
        words.push(word);
        carry = goes_on;
    }
    if carry {
        words.push(1);
    }
    let mut groups: Vec<u32> = Vec::new();
    loop {
        while words.last() == Some(&0) {
            words.pop();
        }
        if words.is_empty() {
            break;
        }
        let mut rest = 0;
        for word in words.iter_mut().rev() {
            let whole = rest << 32 | u64::from(*word);
            *word = (whole / AT_ONCE) as u32;
            rest = whole % AT_ONCE;
        }
        groups.push(rest as u32);
    }
    let mut digits = groups.pop().map_or_else(|| "0".to_owned(), |first| first.to_string());
    for group in groups.into_iter().rev() {
        digits += &format!("{group:09}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_exact() {
        let of = |number: i128, scale| digits(&number.to_be_bytes(), scale);
        for (number, scale, expected) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-1, 0, "-1"),
            (-1, 10, "-0.0000000001"),
            (-1_250, 2, "-12.50"),
            (5, 1, "0.5"),
            (1_000_000_000, 0, "1000000000"),
            (18_446_744_073_709_551_616, 0, "18446744073709551616"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(of(number, scale).as_deref(), Ok(expected), "{number}");
        }
        for number in [-70_000_i128, -129, -128, -1, 127, 128, 255, 32_768] {
            let bytes = number.to_be_bytes();
            assert_eq!(digits(&bytes[13..], 0), Ok(number.to_string()), "{number}");
        }
        assert_eq!(digits(&[], 1).as_deref(), Ok("0.0"));
        assert_eq!(digits(&[0x80], 0).as_deref(), Ok("-128"));
        let mut wide = [0; 32];
        wide[0] = 1;
        let power = "452312848583266388373324160190187140051835877600158453279131187530910662656";
        assert_eq!(digits(&wide, 0).as_deref(), Ok(power));
        assert!(digits(&[1], -1).is_err() && digits(&[1], i32::MAX).is_err());
        assert!(digits(&[1; MOST_BYTES + 1], 0).is_err());
    }
}
