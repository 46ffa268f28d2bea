//! Text of databases whose encoding is UTF-16.
//!
//! Rows carry text as UTF-8. UTF-16 may hold halves of surrogate pairs, which UTF-8 cannot and which SQLite's own
//! conversion spoils; here they become three bytes each as in WTF-8, and halves again on the way back.

/// The order of the two bytes of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// Appends text that is UTF-16 as UTF-8, surrogates without their half as WTF-8. A last odd byte is dropped, as
/// SQLite drops it.
pub(crate) fn to_utf8(text: &[u8], endian: Endian, out: &mut Vec<u8>) {
    let units = text.as_chunks::<2>().0.iter().map(|unit| match endian {
        Endian::Little => u16::from_le_bytes(*unit),
        Endian::Big => u16::from_be_bytes(*unit),
    });
    let mut buffer = [0; 4];
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(character) => out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
            Err(alone) => {
                let unit = alone.unpaired_surrogate();
                out.extend_from_slice(&[0xed, 0x80 | (unit >> 6 & 0x3f) as u8, 0x80 | (unit & 0x3f) as u8]);
            }
        }
    }
}

/// The reverse of [`to_utf8`]; bytes that are not WTF-8 become U+FFFD, as UTF-16 has nothing for them.
pub(crate) fn from_utf8(text: &[u8], endian: Endian, out: &mut Vec<u8>) {
    let mut put = |unit: u16| match endian {
        Endian::Little => out.extend_from_slice(&unit.to_le_bytes()),
        Endian::Big => out.extend_from_slice(&unit.to_be_bytes()),
    };
    let mut rest = text;
    loop {
        let (valid, beyond) = match std::str::from_utf8(rest) {
            Ok(valid) => (valid, &[][..]),
            Err(error) => {
                let (valid, beyond) = rest.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), beyond)
            }
        };
        valid.encode_utf16().for_each(&mut put);
        rest = match beyond {
            [] => return,
            [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, after @ ..] => {
                put(0xd000 | u16::from(*second & 0x3f) << 6 | u16::from(*third & 0x3f));
                after
            }
            [_, after @ ..] => {
                put(0xfffd);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_of_pairs_become_three_bytes() {
        let mut out = Vec::new();
        to_utf8(&[0x00, 0xd8, b'a', 0, 0x3e, 0xd8, 0x80, 0xdd, 0xff, 0xdf], Endian::Little, &mut out);
        assert_eq!(out, b"\xed\xa0\x80a\xf0\x9f\xa6\x80\xed\xbf\xbf");
    }

    #[test]
    fn what_is_no_text_at_all_is_replaced() {
        let mut out = Vec::new();
        from_utf8(b"a\xffb\xe2\x82", Endian::Big, &mut out);
        assert_eq!(out, [0, b'a', 0xff, 0xfd, 0, b'b', 0xff, 0xfd, 0xff, 0xfd]);
    }

    proptest! {
        #[test]
        fn any_units_survive(units in prop::collection::vec(any::<u16>(), 0..50), big: bool) {
            let endian = if big { Endian::Big } else { Endian::Little };
            let bytes = |unit: &u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let text: Vec<u8> = units.iter().flat_map(bytes).collect();
            let (mut utf8, mut back) = (Vec::new(), Vec::new());
            to_utf8(&text, endian, &mut utf8);
            from_utf8(&utf8, endian, &mut back);
            prop_assert_eq!(back, text);
        }
    }
}
