//! Sizes, and rates, as people write them.

use std::num::NonZeroU64;

/// Reads a size: a number of bytes, or of `kB`, `MB`, `GB`, `TB` (thousands) or `KiB`, `MiB`, `GiB`, `TiB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 500MB, 2GiB or a number of bytes");
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = trimmed[..digits].parse().map_err(|_| wrong())?;
    let unit: u64 = match trimmed[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000_u64.pow(2),
        "g" | "gb" => 1000_u64.pow(3),
        "t" | "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

/// Reads a rate: a size with its unit, for a second, such as `10MB` or `10MB/s`.
///
/// A number alone is refused: other programs mean KiB by it.
pub fn rate(text: &str) -> Result<NonZeroU64, String> {
    let wrong = || format!("{text:?} is no rate; write it with its unit, such as 10MB/s or 512KiB/s");
    let size = text.trim();
    let size = size.strip_suffix("/s").unwrap_or(size).trim_end();
    if size.ends_with(|last: char| last.is_ascii_digit()) {
        return Err(wrong());
    }
    bytes(size).ok().and_then(NonZeroU64::new).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [("0", 0), ("17", 17), ("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1k", 1000)] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for wrong in ["", "MB", "-1", "1.5GB", "5 parsecs", "99999999999999999999", "99999999999TB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_have_a_unit() {
        for (text, size) in
            [("10MB", 10_000_000), ("10 MB/s", 10_000_000), ("512KiB/s", 512 << 10), ("1b/s", 1)]
        {
            assert_eq!(rate(text).map(NonZeroU64::get), Ok(size), "{text}");
        }
        for wrong in ["", "1000", "1000/s", "0MB/s", "10MB/h", "fast", "-1MB", "/s"] {
            let told = rate(wrong).expect_err(wrong);
            assert!(told.contains("10MB/s"), "{told}");
        }
    }
}
