//! Encodings of one byte a character in which some bytes stand for no character.
//!
//! A server takes any byte as text of a database of such an encoding, and gives it to nobody who wants UTF-8. So rows of these databases
//! cross the connection in their own encoding (`COPY`, option `ENCODING`), and become UTF-8 and bytes again here.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::{EngineError, ErrorKind};

/// What the bytes from 0x80 on stand for, as PostgreSQL converts them (`convert_from`); a full stop where it is nothing.
const CHARACTERS: [(&str, &str); 13] = [
    (
        "LATIN3",
        "................................\u{a0}Ħ˘£¤.Ĥ§¨İŞĞĴ\u{ad}.Ż°ħ²³´µĥ·¸ışğĵ½.żÀÁÂ.ÄĊĈÇÈÉÊËÌÍÎÏ.ÑÒÓÔĠÖ×ĜÙÚÛÜŬŜßàáâ.äċĉçèéêëìíîï.ñòóôġö÷ĝùúûüŭŝ˙",
    ),
    (
        "ISO_8859_6",
        "................................\u{a0}...¤.......،\u{ad}.............؛...؟.ءآأؤإئابةتثجحخدذرزسشصضطظعغ.....ـفقكلمنهوىي\u{64b}\u{64c}\u{64d}\u{64e}\u{64f}\u{650}\u{651}\u{652}.............",
    ),
    (
        "ISO_8859_7",
        "................................\u{a0}‘’£€₯¦§¨©ͺ«¬\u{ad}.―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ.ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ.",
    ),
    (
        "ISO_8859_8",
        "................................\u{a0}.¢£¤¥¦§¨©×«¬\u{ad}®¯°±²³´µ¶·¸¹÷»¼½¾................................‗אבגדהוזחטיךכלםמןנסעףפץצקרשת..\u{200e}\u{200f}.",
    ),
    (
        "WIN874",
        "€....…...........‘’“”•–—........\u{a0}กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯะัาำิีึื\u{e38}\u{e39}\u{e3a}....฿เแโใไๅๆ็\u{e48}\u{e49}\u{e4a}\u{e4b}์ํ๎๏๐๑๒๓๔๕๖๗๘๙๚๛....",
    ),
    (
        "WIN1250",
        "€.‚.„…†‡.‰Š‹ŚŤŽŹ.‘’“”•–—.™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
    ),
    (
        "WIN1251",
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—.™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    (
        "WIN1252",
        "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
    ),
    (
        "WIN1253",
        "€.‚ƒ„…†‡.‰.‹.....‘’“”•–—.™.›....\u{a0}΅Ά£¤¥¦§¨©.«¬\u{ad}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ.ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ.",
    ),
    (
        "WIN1254",
        "€.‚ƒ„…†‡ˆ‰Š‹Œ....‘’“”•–—˜™š›œ..Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ",
    ),
    (
        "WIN1255",
        "€.‚ƒ„…†‡ˆ‰.‹.....‘’“”•–—˜™.›....\u{a0}¡¢£₪¥¦§¨©×«¬\u{ad}®¯°±²³´µ¶·¸¹÷»¼½¾¿\u{5b0}\u{5b1}\u{5b2}\u{5b3}\u{5b4}\u{5b5}\u{5b6}\u{5b7}\u{5b8}\u{5b9}.\u{5bb}\u{5bc}\u{5bd}־\u{5bf}׀\u{5c1}\u{5c2}׃װױײ׳״.......אבגדהוזחטיךכלםמןנסעףפץצקרשת..\u{200e}\u{200f}.",
    ),
    (
        "WIN1257",
        "€.‚.„…†‡.‰.‹.¨ˇ¸.‘’“”•–—.™.›.¯˛.\u{a0}.¢£¤.¦§Ø©Ŗ«¬\u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙",
    ),
    (
        "WIN1258",
        "€.‚ƒ„…†‡ˆ‰.‹Œ....‘’“”•–—˜™.›œ..Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂĂÄÅÆÇÈÉÊË\u{300}ÍÎÏĐÑ\u{309}ÓÔƠÖ×ØÙÚÛÜƯ\u{303}ßàáâăäåæçèéêë\u{301}íîïđñ\u{323}óôơö÷øùúûüư₫ÿ",
    ),
];

/// Where the characters begin that stand for bytes beyond 0x9F that are none, in Unicode's area for private use.
const PRIVATE: u32 = 0xF700;

static CHARSETS: LazyLock<Vec<Charset>> =
    LazyLock::new(|| CHARACTERS.iter().map(|(name, characters)| Charset::new(name, characters)).collect());

/// Such an encoding.
#[derive(Debug)]
pub(crate) struct Charset {
    /// The server's name for it.
    pub(crate) name: &'static str,
    characters: Vec<char>,
    bytes: HashMap<char, u8>,
}

impl Charset {
    /// That of a database, where it is such an encoding.
    pub(crate) fn of(encoding: &str) -> Option<&'static Self> {
        CHARSETS.iter().find(|charset| charset.name == encoding)
    }

    fn new(name: &'static str, characters: &'static str) -> Self {
        let characters: Vec<char> = (0x80..=0xFF)
            .zip(characters.chars())
            .map(|(byte, of)| if of == '.' { stand_in(byte) } else { of })
            .collect();
        let bytes = characters.iter().copied().zip(0x80..=0xFF).collect();
        Self { name, characters, bytes }
    }

    /// Appends text of this encoding as UTF-8.
    pub(crate) fn decode(&self, text: &[u8], out: &mut Vec<u8>) {
        let mut encoded = [0; 4];
        for byte in text {
            match byte.checked_sub(0x80) {
                None => out.push(*byte),
                Some(at) => out
                    .extend_from_slice(self.characters[usize::from(at)].encode_utf8(&mut encoded).as_bytes()),
            }
        }
    }

    /// The byte for which a character stands in.
    pub(crate) fn stood_in_for(&self, character: char) -> Option<u8> {
        self.bytes.get(&character).copied().filter(|byte| stand_in(*byte) == character)
    }

    /// UTF-8 as text of this encoding; `what` says what it is of.
    pub(crate) fn encode(&self, text: Vec<u8>, what: &str) -> Result<Vec<u8>, EngineError> {
        if text.is_ascii() {
            return Ok(text);
        }
        let lacks = |lack: String| {
            let message = format!("{what} has {lack}, which encoding {} does not have", self.name);
            EngineError::new(ErrorKind::Unstorable, message)
        };
        let text = String::from_utf8(text).map_err(|_| lacks("text that is not UTF-8".to_owned()))?;
        text.chars()
            .map(|character| match u8::try_from(character).ok().filter(u8::is_ascii) {
                Some(byte) => Ok(byte),
                None => {
                    let byte = self.bytes.get(&character).copied();
                    byte.ok_or_else(|| lacks(format!("the character U+{:04X}", u32::from(character))))
                }
            })
            .collect()
    }
}

/// What a byte that is no character becomes: the control character of that number, as in browsers, or one for private use.
fn stand_in(byte: u8) -> char {
    let code = u32::from(byte);
    char::from_u32(if byte < 0xA0 { code } else { PRIVATE + code }).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for (name, characters) in CHARACTERS {
            let charset = Charset::of(name).expect("it is known");
            assert_eq!(characters.chars().count(), 128, "{name}");
            let all: Vec<u8> = (0..=0xFF).collect();
            let mut text = Vec::new();
            charset.decode(&all, &mut text);
            assert_eq!(charset.encode(text, "t").expect("all is in it"), all, "{name}");
        }
    }

    #[test]
    fn what_an_encoding_lacks_is_named() {
        let charset = Charset::of("WIN1252").expect("it is known");
        let mut text = Vec::new();
        charset.decode(b"a\x80\x81\xe9", &mut text);
        assert_eq!(text, "a€\u{81}é".as_bytes());
        let lacking =
            |text: &[u8]| charset.encode(text.to_vec(), "table t").expect_err("it lacks that").to_string();
        assert_eq!(
            lacking("ё".as_bytes()),
            "table t has the character U+0451, which encoding WIN1252 does not have"
        );
        assert_eq!(
            lacking(b"\xff"),
            "table t has text that is not UTF-8, which encoding WIN1252 does not have"
        );
        assert!(Charset::of("UTF8").is_none() && Charset::of("LATIN1").is_none());
    }
}
