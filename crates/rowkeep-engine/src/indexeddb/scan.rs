//! JSON taken apart without being changed: what is in it stands as it stood.
//!
//! There is one way to write each value (FORMAT.md), without white space; what is written in another way is taken for no JSON here.

/// A member of an object: its name in quotes, and its value.
pub(super) type Member<'t> = (&'t str, &'t str);

/// The members of an object in their order; nothing where the text is none.
pub(super) fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let mut at = Cursor { text, at: 0 };
    at.take(b'{')?;
    let mut found = Vec::new();
    if !at.is_next(b'}') {
        loop {
            let name = at.string()?;
            at.take(b':')?;
            found.push((name, at.value()?));
            if at.is_next(b'}') {
                break;
            }
            at.take(b',')?;
        }
    }
    at.take(b'}')?;
    at.is_end().then_some(found)
}

/// The elements of a list; nothing where the text is none.
pub(super) fn elements(text: &str) -> Option<Vec<&str>> {
    let mut at = Cursor { text, at: 0 };
    at.take(b'[')?;
    let mut found = Vec::new();
    if !at.is_next(b']') {
        loop {
            found.push(at.value()?);
            if at.is_next(b']') {
                break;
            }
            at.take(b',')?;
        }
    }
    at.take(b']')?;
    at.is_end().then_some(found)
}

/// The member of that name, without quotes, which has to need no escapes.
pub(super) fn member<'t>(members: &[Member<'t>], name: &str) -> Option<&'t str> {
    let is_it = |quoted: &str| quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(name);
    members.iter().find(|(quoted, _)| is_it(quoted)).map(|(_, value)| *value)
}

/// The text of a string; nothing where it has half a pair of surrogates, or is none.
pub(super) fn text(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    String::from_utf16(&units(quoted)?).ok()
}

/// The code units of a string.
pub(super) fn units(quoted: &str) -> Option<Vec<u16>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match rest.next()? {
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            '"' => 0x22,
            '\\' => 0x5c,
            '/' => 0x2f,
            'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    unit = unit << 4 | rest.next()?.to_digit(16)? as u16;
                }
                unit
            }
            _ => return None,
        });
    }
    Some(units)
}

/// A string of code units, as `JSON.stringify` prints it.
pub(super) fn quoted(units: impl IntoIterator<Item = u16>) -> String {
    let mut out = String::from("\"");
    for character in char::decode_utf16(units) {
        match character {
            Ok('"') => out.push_str("\\\""),
            Ok('\\') => out.push_str("\\\\"),
            Ok('\u{8}') => out.push_str("\\b"),
            Ok('\u{c}') => out.push_str("\\f"),
            Ok('\n') => out.push_str("\\n"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\t') => out.push_str("\\t"),
            Ok(control) if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            Ok(other) => out.push(other),
            Err(half) => out.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
        }
    }
    out.push('"');
    out
}

/// The same of a text.
pub(super) fn quoted_text(text: &str) -> String {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        return ["\"", text, "\""].concat();
    }
    quoted(text.encode_utf16())
}

/// Where JSON is being taken apart.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn is_next(&self, byte: u8) -> bool {
        self.byte() == Some(byte)
    }

    fn is_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_it = self.is_next(byte);
        self.at += usize::from(is_it);
        is_it.then_some(())
    }

    /// Takes a string with its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            self.at += memchr::memchr2(b'"', b'\\', rest)?;
            match self.byte()? {
                b'"' => break,
                _ => self.at += 2,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    /// Takes a value, however deep it is.
    fn value(&mut self) -> Option<&'t str> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(byte) if byte == b'-' || byte.is_ascii_alphanumeric() => {
                    self.at += 1;
                    // A number or a word goes on until something else comes.
                    while let Some(byte) = self.byte()
                        && byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'-' | b'.')
                    {
                        self.at += 1;
                    }
                }
                _ => return None,
            }
            if depth == 0 {
                return self.text.get(start..self.at).filter(|value| !value.is_empty());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_taken_apart_as_they_stand() {
        let text = r#"{"a":1.50,"b\"":{"x":["}",{}],"y":"\\"},"c":null,"d":[],"e":-1e+21}"#;
        let expected = [
            (r#""a""#, "1.50"),
            (r#""b\"""#, r#"{"x":["}",{}],"y":"\\"}"#),
            (r#""c""#, "null"),
            (r#""d""#, "[]"),
            (r#""e""#, "-1e+21"),
        ];
        let found = members(text).expect("it is an object");
        assert_eq!(found, expected);
        assert_eq!(member(&found, "c"), Some("null"));
        assert_eq!(member(&found, "f"), None);
        assert_eq!(members("{}"), Some(Vec::new()));
        assert_eq!(elements(r#"[1,"a,]",[2]]"#), Some(vec!["1", r#""a,]""#, "[2]"]));
        for wrong in [
            "",
            "{",
            "[1",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
            r#"{"a": 1}"#,
            r#"{"a":"\"#,
        ] {
            assert_eq!(members(wrong), None, "{wrong}");
            assert_eq!(elements(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn strings_come_back_as_browsers_print_them() {
        for quotes in [
            r#""""#,
            r#""a\"\\\b\f\n\r\t/""#,
            r#""\u0001\u001f""#,
            "\"\u{7f}\u{2028}\u{1f600}\"",
            r#""\ud800x\udfff""#,
        ] {
            let units = units(quotes).expect("it is a string");
            assert_eq!(quoted(units), quotes);
        }
        assert_eq!(text(r#""\ud83d\ude00""#).as_deref(), Some("\u{1f600}"));
        assert_eq!(text(r#""\ud800""#), None);
        for wrong in ["", "\"", "a", r#""\x""#, r#""\u12""#, r#""\u12g4""#] {
            assert_eq!(units(wrong), None, "{wrong}");
        }
    }
}
