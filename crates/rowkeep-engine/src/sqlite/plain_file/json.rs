//! JSON read from its beginning to its end, one value at a time (RFC 8259).

use std::io::{self, Read};

/// The deepest nesting that is read; databases keep JSON that is nested deeper than most libraries read it.
const DEEPEST: usize = 10_000;

/// The longest value that is read at once, in bytes: a row, or what a file says of itself.
pub(super) const LONGEST_BYTES: usize = 64 << 20;

/// How much is read at once; in tests so little that every place is once an end of the buffer.
const READ_BYTES: usize = if cfg!(test) { 7 } else { 256 * 1024 };

/// Why it cannot be read on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The file cannot be read.
    Io(io::Error),
    /// It ends within a value.
    Ended,
    /// It is no JSON, or none that is read.
    Wrong(String),
}

/// JSON on its way.
pub(super) struct Json<R> {
    bytes: R,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
}

impl<R: Read> Json<R> {
    pub(super) fn new(bytes: R) -> Self {
        Self { bytes, buffer: Vec::new(), at: 0, line: 1 }
    }

    /// The line that is being read, counted from one.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What is read from.
    pub(super) fn source(&self) -> &R {
        &self.bytes
    }

    /// The first byte of what comes next, behind white space; nothing at the end of the file.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Trouble> {
        while let Some(byte) = self.byte()? {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                // The mark of UTF-8, which some editors write.
                0xef if self.line == 1 && self.buffer[self.at..].starts_with(b"\xef\xbb\xbf") => self.at += 2,
                other => return Ok(Some(other)),
            }
            self.at += 1;
        }
        Ok(None)
    }

    /// The same where something has to come.
    pub(super) fn next(&mut self) -> Result<u8, Trouble> {
        self.peek()?.ok_or(Trouble::Ended)
    }

    /// Takes a byte that has to come next.
    pub(super) fn take(&mut self, expected: u8) -> Result<(), Trouble> {
        match self.next()? {
            found if found == expected => {
                self.at += 1;
                Ok(())
            }
            found => Err(wrong(expected, found)),
        }
    }

    /// After a value in an object or array: whether another comes; else its end is taken.
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, Trouble> {
        match self.next()? {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            found if found == end => {
                self.at += 1;
                Ok(false)
            }
            found => Err(wrong(end, found)),
        }
    }

    /// Whether an object or array that was begun ends at once; then its end is taken.
    pub(super) fn is_empty(&mut self, end: u8) -> Result<bool, Trouble> {
        let is_end = self.next()? == end;
        self.at += usize::from(is_end);
        Ok(is_end)
    }

    /// The name of a member, with the colon behind it.
    pub(super) fn name(&mut self) -> Result<String, Trouble> {
        let mut raw = Vec::new();
        self.string(&mut raw)?;
        self.take(b':')?;
        if is_half(&raw) {
            return Err(Trouble::Wrong(
                "a name has half of a surrogate pair, which is no character".to_owned(),
            ));
        }
        Ok(text(&raw))
    }

    /// Adds a whole value without its white space, as it stands.
    pub(super) fn value(&mut self, out: &mut Vec<u8>) -> Result<(), Trouble> {
        let start = out.len();
        let mut open = Vec::new();
        loop {
            if out.len() - start > LONGEST_BYTES {
                return Err(Trouble::Wrong(format!("a value is longer than {} MiB", LONGEST_BYTES >> 20)));
            }
            match self.next()? {
                b'"' => self.string(out)?,
                b'-' | b'0'..=b'9' => self.number(out)?,
                b't' => self.word(b"true", out)?,
                b'f' => self.word(b"false", out)?,
                b'n' => self.word(b"null", out)?,
                begin @ (b'{' | b'[') => {
                    if open.len() == DEEPEST {
                        return Err(Trouble::Wrong(format!("values are nested deeper than {DEEPEST}")));
                    }
                    self.at += 1;
                    out.push(begin);
                    // The end of each follows its beginning by two in ASCII.
                    let end = begin + 2;
                    if self.is_empty(end)? {
                        out.push(end);
                    } else {
                        open.push(end);
                        self.member(end, out)?;
                        continue;
                    }
                }
                found => {
                    return Err(Trouble::Wrong(format!("a value has to stand where {} is", shown(found))));
                }
            }
            loop {
                let Some(end) = open.last().copied() else { return Ok(()) };
                if self.goes_on(end)? {
                    out.push(b',');
                    self.member(end, out)?;
                    break;
                }
                out.push(end);
                open.pop();
            }
        }
    }

    /// In an object, the name of the next member.
    fn member(&mut self, end: u8, out: &mut Vec<u8>) -> Result<(), Trouble> {
        if end == b'}' {
            self.string(out)?;
            self.take(b':')?;
            out.push(b':');
        }
        Ok(())
    }

    /// Adds a string as it stands, with its quotes.
    fn string(&mut self, out: &mut Vec<u8>) -> Result<(), Trouble> {
        self.take(b'"')?;
        out.push(b'"');
        let start = out.len();
        loop {
            let rest = self.rest()?;
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let length = plain.unwrap_or(rest.len());
            out.extend_from_slice(&rest[..length]);
            self.at += length;
            if plain.is_none() {
                if out.len() - start > LONGEST_BYTES {
                    return Err(Trouble::Wrong(format!("a text is longer than {} MiB", LONGEST_BYTES >> 20)));
                }
                continue;
            }
            match self.any()? {
                b'"' => break,
                b'\\' => {
                    out.push(b'\\');
                    let escape = self.any()?;
                    out.push(escape);
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            for _ in 0..4 {
                                let digit = self.any()?;
                                if !digit.is_ascii_hexdigit() {
                                    return Err(Trouble::Wrong(
                                        "\\u is not followed by four digits".to_owned(),
                                    ));
                                }
                                out.push(digit);
                            }
                        }
                        other => return Err(Trouble::Wrong(format!("\\{} escapes nothing", shown(other)))),
                    }
                }
                b'\n' => return Err(Trouble::Wrong("a text does not end in its line".to_owned())),
                other => return Err(Trouble::Wrong(format!("{} stands unescaped in a text", shown(other)))),
            }
        }
        if std::str::from_utf8(&out[start..]).is_err() {
            return Err(Trouble::Wrong("a text is not UTF-8".to_owned()));
        }
        out.push(b'"');
        Ok(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<(), Trouble> {
        let start = out.len();
        while let Some(byte) = self.byte()? {
            if !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
                break;
            }
            out.push(byte);
            self.at += 1;
            if out.len() - start > LONGEST_BYTES {
                return Err(Trouble::Wrong("a number does not end".to_owned()));
            }
        }
        match is_number(&out[start..]) {
            true => Ok(()),
            false => {
                let shown = String::from_utf8_lossy(&out[start..out.len().min(start + 40)]).into_owned();
                Err(Trouble::Wrong(format!("{shown} is no number")))
            }
        }
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Result<(), Trouble> {
        for expected in word {
            let found = self.any()?;
            if found != *expected {
                return Err(wrong(*expected, found));
            }
        }
        out.extend_from_slice(word);
        Ok(())
    }

    /// What is read already, of which something has to be there.
    fn rest(&mut self) -> Result<&[u8], Trouble> {
        self.byte()?.ok_or(Trouble::Ended)?;
        Ok(&self.buffer[self.at..])
    }

    /// The next byte, whatever it is, taken.
    fn any(&mut self) -> Result<u8, Trouble> {
        let byte = self.byte()?.ok_or(Trouble::Ended)?;
        self.at += 1;
        Ok(byte)
    }

    fn byte(&mut self) -> Result<Option<u8>, Trouble> {
        if self.at + 3 > self.buffer.len() {
            self.buffer.drain(..self.at);
            self.at = 0;
            self.bytes.by_ref().take(READ_BYTES as u64).read_to_end(&mut self.buffer).map_err(Trouble::Io)?;
        }
        Ok(self.buffer.get(self.at).copied())
    }
}

fn wrong(expected: u8, found: u8) -> Trouble {
    Trouble::Wrong(format!("{} has to stand where {} is", shown(expected), shown(found)))
}

fn shown(byte: u8) -> String {
    match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        other => format!("byte {other:#04x}"),
    }
}

/// Whether it is a number of JSON.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    if whole == 0 || whole > 1 && text[0] == b'0' {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', unsigned @ ..] => unsigned,
            unsigned => unsigned,
        };
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// The text of a string with its quotes; half a pair of surrogates, which is no character, becomes U+FFFD.
pub(super) fn text(raw: &[u8]) -> String {
    units(raw).map_or_else(|text| text, |units| String::from_utf16_lossy(&units))
}

/// Whether a string has half a pair of surrogates, so that only its JSON tells what it is.
pub(super) fn is_half(raw: &[u8]) -> bool {
    raw.contains(&b'\\') && units(raw).is_ok_and(|units| String::from_utf16(&units).is_err())
}

/// The text of a string with its quotes, or what it is in UTF-16 where something in it is escaped.
fn units(raw: &[u8]) -> Result<Vec<u16>, String> {
    let inner = raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap_or(raw);
    let inner = String::from_utf8_lossy(inner);
    if !inner.contains('\\') {
        return Err(inner.into_owned());
    }
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    let mut encoded = [0; 2];
    while let Some(character) = characters.next() {
        let character = match character {
            '\\' => match characters.next().unwrap_or('\\') {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                other => other,
            },
            other => other,
        };
        units.extend_from_slice(character.encode_utf16(&mut encoded));
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Trouble> {
        let mut json = Json::new(text.as_bytes());
        let mut out = Vec::new();
        json.value(&mut out)?;
        match json.peek()? {
            None => Ok(String::from_utf8(out).expect("it was text")),
            Some(_) => Err(Trouble::Wrong("more".to_owned())),
        }
    }

    #[test]
    fn values_are_kept_as_they_stand() {
        for (value, compact) in [
            (
                "\u{feff} { \"a b\" : [ 1.10 , -0, 1E+5, true,null ] ,\n\"c\":{ } }",
                "{\"a b\":[1.10,-0,1E+5,true,null],\"c\":{}}",
            ),
            ("\"\\u00e9 \\\" \\\\ \\ud83d\\ude00\"", "\"\\u00e9 \\\" \\\\ \\ud83d\\ude00\""),
            ("[[],[[]]]", "[[],[[]]]"),
            ("12345678901234567890123", "12345678901234567890123"),
        ] {
            assert_eq!(read(value).expect(value), compact);
            let again = serde_json::from_str::<serde_json::Value>(compact).expect(compact);
            let whole = serde_json::from_str::<serde_json::Value>(value.trim_start_matches('\u{feff}'));
            assert_eq!(again, whole.expect(value));
        }
        assert_eq!(text(b"\"\\u00e9\\n\\ud83d\\ude00\\/\\ud800x\""), "é\n😀/\u{fffd}x");
        for (raw, half) in [
            ("\"\\ud83d\\ude00\"", false),
            ("\"\\ufffd\"", false),
            ("\"\\ud800\"", true),
            ("\"\\ude00\\ud83d\"", true),
        ] {
            assert_eq!(is_half(raw.as_bytes()), half, "{raw}");
        }
        assert!(matches!(Json::new(&b"\"\\ud800\":1"[..]).name(), Err(Trouble::Wrong(_))));
    }

    #[test]
    fn what_is_no_json_is_refused_as_by_others() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let deep = nested(DEEPEST + 1);
        assert_eq!(read(&nested(DEEPEST)).expect("it is read"), nested(DEEPEST));
        for wrong in [
            "{",
            "[1",
            "\"a",
            "{\"a\"}",
            "[1,]",
            "{,}",
            "01",
            "1.",
            "1e",
            "-",
            "nul",
            "'a'",
            "[1 2]",
            "{\"a\":1,}",
            "\"\\x\"",
            "\"a\nb\"",
            "\"\\u12\"",
            "+1",
            "",
            "]",
            "1 2",
            &deep,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
            assert!(serde_json::from_str::<serde_json::Value>(wrong).is_err(), "{wrong}");
        }
    }
}
