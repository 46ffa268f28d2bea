//! Floating-point numbers as text, and back, bit by bit.

/// A finite number in digits, without an exponent: the fewest digits that read back as the same bits.
pub(crate) fn decimal(real: f64) -> String {
    real.to_string()
}

/// A number in the words in which PostgreSQL takes it.
pub(crate) fn floating(real: f64) -> String {
    if real.is_nan() {
        "NaN".to_owned()
    } else if real == f64::INFINITY {
        "Infinity".to_owned()
    } else if real == f64::NEG_INFINITY {
        "-Infinity".to_owned()
    } else {
        format!("{real:e}")
    }
}

/// The number that PostgreSQL prints so; nothing for NaN, which SQLite has no place for.
pub(crate) fn real(text: &[u8]) -> Option<f64> {
    match text {
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => {
            let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            number.is_finite().then_some(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_in_digits() {
        assert_eq!(decimal(1e21), "1000000000000000000000");
        assert_eq!(decimal(-2.5e-7), "-0.00000025");
        assert_eq!(floating(1e300), "1e300");
        assert_eq!(floating(-0.0), "-0e0");
        assert_eq!(real(b"NaN"), None);
        assert_eq!(real(b"inf"), None);
        assert_eq!(real(b"-Infinity"), Some(f64::NEG_INFINITY));
    }

    proptest! {
        #[test]
        fn bits_come_back(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(!number.is_nan());
            prop_assert_eq!(real(floating(number).as_bytes()).map(f64::to_bits), Some(bits));
            if number.is_finite() {
                prop_assert_eq!(real(decimal(number).as_bytes()).map(f64::to_bits), Some(bits));
            }
        }
    }
}
