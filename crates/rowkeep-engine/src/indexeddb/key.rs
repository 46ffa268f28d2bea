//! Keys: as values in a file, and as bytes in IndexedDB's own order. FORMAT.md has both.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::date;
use super::references::resolved;
use super::scan::{elements, member, members, quoted, text, units};
use crate::javascript;

/// A key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    /// A number other than NaN; zero has no sign.
    Number(f64),
    /// Milliseconds since 1970.
    Date(f64),
    /// Code units of UTF-16.
    Text(Vec<u16>),
    /// Bytes.
    Binary(Vec<u8>),
    /// Keys.
    List(Vec<Key>),
}

const NUMBER: u8 = 0x10;
const DATE: u8 = 0x20;
const TEXT: u8 = 0x30;
const BINARY: u8 = 0x40;
const LIST: u8 = 0x50;

/// Code units from here on have two bytes, and three.
const TWO: u16 = 0x7f;
const THREE: u16 = TWO + 0x4000;

/// How deep lists may stand in lists.
const DEEPEST: usize = 200;

impl Key {
    /// The key that a value of a file is; nothing where it is none.
    pub(super) fn of_json(json: &str) -> Option<Self> {
        Self::within(json, json)
    }

    /// The key that stands in a record.
    pub(super) fn within(json: &str, record: &str) -> Option<Self> {
        Self::of_json_at(json, record, &mut HashSet::new(), DEEPEST)
    }

    /// The same of a value in the lists that were seen by their places: one that stands in a key twice makes none.
    fn of_json_at(json: &str, record: &str, seen: &mut HashSet<*const u8>, depth: usize) -> Option<Self> {
        let json = resolved(json, record)?;
        match json.as_bytes().first()? {
            b'"' => units(json).map(Key::Text),
            b'[' => {
                let below = depth.checked_sub(1)?;
                if !seen.insert(json.as_ptr()) {
                    return None;
                }
                let parts =
                    elements(json)?.into_iter().map(|part| Self::of_json_at(part, record, seen, below));
                parts.collect::<Option<_>>().map(Key::List)
            }
            b'{' => Self::of_form(json, record),
            b'-' | b'0'..=b'9' => Self::of_number(json.parse().ok()?),
            _ => None,
        }
    }

    /// A key of a kind that JSON lacks.
    fn of_form(json: &str, record: &str) -> Option<Self> {
        let form = members(json)?;
        let said = |name| member(&form, name).and_then(text);
        match said("$")?.as_str() {
            "number" => match said("value")?.as_str() {
                "Infinity" => Some(Key::Number(f64::INFINITY)),
                "-Infinity" => Some(Key::Number(f64::NEG_INFINITY)),
                "-0" => Some(Key::Number(0.0)),
                _ => None,
            },
            "date" => date::milliseconds(&said("value")?).map(|ms| Key::Date(ms as f64)),
            "buffer" => STANDARD.decode(said("bytes")?).ok().map(Key::Binary),
            "view" => {
                let buffer = members(resolved(member(&form, "buffer")?, record)?)?;
                let bytes = STANDARD.decode(member(&buffer, "bytes").and_then(text)?).ok()?;
                let kind = said("type")?;
                let number = |name| member(&form, name).and_then(|digits| digits.parse::<usize>().ok());
                let start = number("offset")?;
                let end = match number("length") {
                    Some(length) => start.checked_add(length.checked_mul(element_bytes(&kind)?)?)?,
                    None => bytes.len(),
                };
                bytes.get(start..end).map(|seen| Key::Binary(seen.to_vec()))
            }
            _ => None,
        }
    }

    /// A number as a key; nothing where it is none.
    pub(super) fn of_number(number: f64) -> Option<Self> {
        // Both zeros are one key.
        (!number.is_nan()).then_some(Key::Number(if number == 0.0 { 0.0 } else { number }))
    }

    /// The same as a value in a file.
    pub(super) fn json(&self) -> String {
        match self {
            Key::Number(number) if number.is_finite() => javascript::number(*number),
            Key::Number(number) if *number > 0.0 => r#"{"$":"number","value":"Infinity"}"#.to_owned(),
            Key::Number(_) => r#"{"$":"number","value":"-Infinity"}"#.to_owned(),
            Key::Date(ms) => format!(r#"{{"$":"date","value":"{}"}}"#, date::printed(*ms as i64)),
            Key::Text(units) => quoted(units.iter().copied()),
            Key::Binary(bytes) => format!(r#"{{"$":"buffer","bytes":"{}"}}"#, STANDARD.encode(bytes)),
            Key::List(parts) => {
                let parts: Vec<String> = parts.iter().map(Key::json).collect();
                format!("[{}]", parts.join(","))
            }
        }
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.add(&mut bytes);
        bytes
    }

    fn add(&self, out: &mut Vec<u8>) {
        match self {
            Key::Number(number) => {
                out.push(NUMBER);
                out.extend(turned(*number).to_be_bytes());
            }
            Key::Date(ms) => {
                out.push(DATE);
                out.extend(turned(*ms).to_be_bytes());
            }
            Key::Text(units) => {
                out.push(TEXT);
                for unit in units {
                    match *unit {
                        unit if unit < TWO => out.push(unit as u8 + 1),
                        unit if unit < THREE => {
                            let rest = unit - TWO;
                            out.extend([0x80 | (rest >> 8) as u8, rest as u8]);
                        }
                        unit => out.extend([0xc0, (unit >> 8) as u8, unit as u8]),
                    }
                }
                out.push(0);
            }
            Key::Binary(bytes) => {
                out.push(BINARY);
                for byte in bytes {
                    out.push(*byte);
                    if *byte == 0 {
                        out.push(0xff);
                    }
                }
                out.extend([0, 0]);
            }
            Key::List(parts) => {
                out.push(LIST);
                parts.iter().for_each(|part| part.add(out));
                out.push(0);
            }
        }
    }
}

/// The bits of a double, turned so that they are in the order of the numbers.
fn turned(number: f64) -> u64 {
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// How many bytes an element of a view has.
fn element_bytes(kind: &str) -> Option<usize> {
    Some(match kind {
        "Int8Array" | "Uint8Array" | "Uint8ClampedArray" | "DataView" => 1,
        "Int16Array" | "Uint16Array" | "Float16Array" => 2,
        "Int32Array" | "Uint32Array" | "Float32Array" => 4,
        "BigInt64Array" | "BigUint64Array" | "Float64Array" => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Key;

    /// In the order of IndexedDB.
    const IN_ORDER: [&str; 24] = [
        r#"{"$":"number","value":"-Infinity"}"#,
        "-1e+21",
        "-1.5",
        "0",
        "5e-324",
        "7",
        "10",
        r#"{"$":"number","value":"Infinity"}"#,
        r#"{"$":"date","value":"-000001-01-01T00:00:00.000Z"}"#,
        r#"{"$":"date","value":"2026-11-30T02:00:00.500Z"}"#,
        r#""""#,
        "\"\\u0000\"",
        r#""a""#,
        r#""ab""#,
        r#""b""#,
        "\"\u{7f}\"",
        "\"\u{4080}\"",
        r#""\ud800""#,
        "\"\u{ffff}\"",
        r#"{"$":"buffer","bytes":""}"#,
        r#"{"$":"buffer","bytes":"AAA="}"#,
        r#"{"$":"buffer","bytes":"AQ=="}"#,
        "[]",
        r#"[1,"a",[]]"#,
    ];

    #[test]
    fn keys_keep_their_order() {
        let keys: Vec<Key> = IN_ORDER.iter().map(|json| Key::of_json(json).expect("it is a key")).collect();
        let bytes: Vec<Vec<u8>> = keys.iter().map(Key::bytes).collect();
        assert!(bytes.is_sorted_by(|a, b| a < b), "{bytes:?}");
        for (json, key) in IN_ORDER.iter().zip(&keys) {
            assert_eq!(key.json(), *json);
        }
        // As `keyToBytes` of the module gives them.
        assert_eq!(hex::encode(Key::of_json("-2").expect("it is a key").bytes()), "103fffffffffffffff");
        assert_eq!(
            hex::encode(Key::of_json("[\"a\u{e9}\"]").expect("it is a key").bytes()),
            "503062806a0000"
        );
    }

    #[test]
    fn what_is_no_key_is_none() {
        let view = r#"{"$":"view","type":"Uint16Array","buffer":{"$":"buffer","bytes":"AAECAwQF"},"offset":2,"length":1}"#;
        assert_eq!(Key::of_json(view), Some(Key::Binary(vec![2, 3])));
        assert_eq!(Key::of_json(r#"{"$":"number","value":"-0"}"#), Some(Key::Number(0.0)));
        let longer = view.replace(":1}", ":3}");
        for json in [
            "",
            "true",
            "null",
            "{}",
            "[1",
            r#"{"$":"number","value":"NaN"}"#,
            r#"{"$":"date","value":"invalid"}"#,
            r#"{"$":"buffer","bytes":"A"}"#,
            longer.as_str(),
        ] {
            assert_eq!(Key::of_json(json), None, "{json}");
        }
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(Key::of_json(&deep), None);
        let within = |json: &str, record: &str| Key::within(json, record).map(|key| key.json());
        let record = r#"{"a":[1],"list":[7,{"$":"ref","to":1}],"twice":[{"$":"ref","to":1},{"$":"ref","to":1}],"own":[{"$":"ref","to":4}]}"#;
        for (json, key) in [
            (r#"[7,{"$":"ref","to":1}]"#, Some("[7,[1]]")),
            (r#"[{"$":"ref","to":1},{"$":"ref","to":1}]"#, None),
            (r#"[{"$":"ref","to":4}]"#, None),
            (r#"{"$":"ref","to":9}"#, None),
        ] {
            assert_eq!(within(json, record).as_deref(), key, "{json}");
        }
    }
}
