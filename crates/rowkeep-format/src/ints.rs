//! Runs of integers: counted from their smallest, as differences where that is shorter, byte by byte.
//!
//! ```text
//! ints  := head base [first] planes
//! head  := one byte: the width in bytes (0 to 8), plus 0x80 when the numbers are differences
//! base  := zigzag varint: the smallest of the numbers
//! first := zigzag varint: only with differences, the value before the first difference
//! planes:= width times as many bytes as there are numbers: all lowest bytes of (number - base), then the next
//! ```
//!
//! Differences are taken when their width is smaller than that of the numbers themselves. With differences there is
//! one number less than values. Arithmetic wraps at 64 bits.

use crate::FormatError;
use crate::varint::{Cursor, put, unzigzag, zigzag};

const DIFFERENCES: u8 = 0x80;

/// Appends the encoding of the values; how many there are is told elsewhere.
pub(crate) fn encode(values: &[i64], out: &mut Vec<u8>) {
    let (base, width) = frame(values.iter().copied());
    let pairs = || values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let (difference_base, difference_width) = frame(pairs());
    match values.first() {
        Some(first) if difference_width < width => {
            out.push(difference_width as u8 | DIFFERENCES);
            put(out, zigzag(difference_base));
            put(out, zigzag(*first));
            let offsets: Vec<u64> = pairs().map(|value| value.wrapping_sub(difference_base) as u64).collect();
            put_planes(&offsets, difference_width, out);
        }
        _ => {
            out.push(width as u8);
            put(out, zigzag(base));
            let offsets: Vec<u64> = values.iter().map(|value| value.wrapping_sub(base) as u64).collect();
            put_planes(&offsets, width, out);
        }
    }
}

/// The smallest of the values, and how many bytes hold their distances from it.
fn frame(values: impl Iterator<Item = i64>) -> (i64, usize) {
    let (low, high) =
        values.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0, 0);
    }
    let range = high.wrapping_sub(low) as u64;
    (low, (64 - range.leading_zeros() as usize).div_ceil(8))
}

fn put_planes(offsets: &[u64], width: usize, out: &mut Vec<u8>) {
    out.reserve(width * offsets.len());
    for plane in 0..width {
        out.extend(offsets.iter().map(|offset| (offset >> (8 * plane)) as u8));
    }
}

/// Reads `count` values.
pub(crate) fn decode(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<i64>, FormatError> {
    let head = cursor.byte()?;
    let width = usize::from(head & !DIFFERENCES);
    if width > 8 {
        return Err(cursor.malformed());
    }
    let base = unzigzag(cursor.varint()?);
    if head & DIFFERENCES == 0 {
        return take_planes(cursor, count, width, base);
    }
    let mut value = unzigzag(cursor.varint()?);
    let differences =
        take_planes(cursor, count.checked_sub(1).ok_or_else(|| cursor.malformed())?, width, base)?;
    let mut values = Vec::with_capacity(count);
    values.push(value);
    values.extend(differences.into_iter().map(|difference| {
        value = value.wrapping_add(difference);
        value
    }));
    Ok(values)
}

fn take_planes(
    cursor: &mut Cursor<'_>,
    count: usize,
    width: usize,
    base: i64,
) -> Result<Vec<i64>, FormatError> {
    let len = count.checked_mul(width).ok_or_else(|| cursor.malformed())?;
    let planes = cursor.take(len)?;
    let mut offsets = vec![0u64; count];
    if count > 0 {
        for (plane, bytes) in planes.chunks_exact(count).enumerate() {
            for (offset, byte) in offsets.iter_mut().zip(bytes) {
                *offset |= u64::from(*byte) << (8 * plane);
            }
        }
    }
    Ok(offsets.into_iter().map(|offset| base.wrapping_add(offset as i64)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(values: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(values, &mut bytes);
        let mut cursor = Cursor::new(&bytes, "a test");
        assert_eq!(decode(&mut cursor, values.len()).expect("decodes"), values);
        cursor.end().expect("nothing is left");
        for len in 0..bytes.len() {
            assert!(decode(&mut Cursor::new(&bytes[..len], "a test"), values.len()).is_err());
        }
        bytes
    }

    #[test]
    fn bytes_are_pinned() {
        assert_eq!(round_trip(&[]), [0, 0]);
        assert_eq!(round_trip(&[5, 5, 5]), [0, 10]);
        assert_eq!(round_trip(&[5, 7, 300]), [2, 10, 0, 2, 39, 0, 0, 1]);
        assert_eq!(round_trip(&[1000, 1100, 1200, 1300]), [0x80, 200, 1, 208, 15]);
        assert_eq!(round_trip(&[1000, 1100, 1205, 1300]), [0x81, 190, 1, 208, 15, 5, 10, 0]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(values: Vec<i64>) {
            round_trip(&values);
        }

        #[test]
        fn ascending_values_too(start: i64, steps: Vec<u16>) {
            let mut value = start;
            let values: Vec<i64> = steps.iter().map(|step| { value = value.wrapping_add(i64::from(*step)); value }).collect();
            round_trip(&values);
        }
    }
}
