//! Numbers as JavaScript prints them (ECMA-262, Number::toString).

/// The largest integer up to which a double holds every integer.
pub const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The shortest digits that are read back as the same finite number, as `JSON.stringify` prints it; the sign of zero is lost.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = digits.len() as i32;
    // The point stands before the digit of this place.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let zeros = |number: i32| "0".repeat(usize::try_from(number).unwrap_or(0));
    let printed = match point {
        _ if count <= point && point <= 21 => digits + &zeros(point - count),
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{first}{fraction}e{:+}", point - 1)
        }
    };
    if value < 0.0 { format!("-{printed}") } else { printed }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_printed_as_javascript_does() {
        for (value, printed) in [
            (0.0, "0"),
            (-0.0, "0"),
            (5.0, "5"),
            (-12.5, "-12.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-9, "1.5e-9"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_992.0, "9007199254740992"),
        ] {
            assert_eq!(number(value), printed);
        }
    }
}
