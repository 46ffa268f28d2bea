//! JSON within JSON: what a column holds becomes a part of the object, without the white space between its parts.

use serde::de::IgnoredAny;

/// Adds a text that is JSON without its white space, every number and string as it stands; false where it is none.
pub(crate) fn nested(text: &str, out: &mut Vec<u8>) -> bool {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return false;
    }
    let (mut is_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' if !is_string => continue,
            b'"' if !is_escaped => is_string = !is_string,
            _ => {}
        }
        is_escaped = is_string && byte == b'\\' && !is_escaped;
        out.push(byte);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::nested;

    #[test]
    fn only_white_space_between_parts_goes() {
        let written = |text: &str| {
            let mut out = Vec::new();
            nested(text, &mut out).then(|| String::from_utf8(out).expect("it was text"))
        };
        assert_eq!(
            written("{\"a b\": [1.10, 12345678901234567890 ],\n \"c\": \"x \\\" y\\\\\" }").as_deref(),
            Some("{\"a b\":[1.10,12345678901234567890],\"c\":\"x \\\" y\\\\\"}")
        );
        assert_eq!(written("{a: 1}"), None);
        assert_eq!(written(""), None);
    }
}
