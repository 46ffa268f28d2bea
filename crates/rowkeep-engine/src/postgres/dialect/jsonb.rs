//! JSON as the server prints values of `jsonb`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// How deep lists and objects may stand in each other.
const DEEPEST: usize = 100;

/// JSON in that form; nothing where it is not certain.
pub(super) fn printed(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    put(json, DEEPEST, &mut out)?;
    Some(out)
}

fn put(json: &str, depth: usize, out: &mut String) -> Option<()> {
    let below = depth.checked_sub(1)?;
    match json.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            let mut members: Vec<(String, &RawValue)> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                put_text(name, out)?;
                out.push_str(": ");
                put(value.get(), below, out)?;
            }
            out.push('}');
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            out.push('[');
            for (at, value) in elements.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                put(value.get(), below, out)?;
            }
            out.push(']');
        }
        b'"' => put_text(&serde_json::from_str::<String>(json).ok()?, out)?,
        b't' | b'f' | b'n' => out.push_str(json),
        // How many digits an exponent stands for is the server's to say.
        _ if json.contains(['e', 'E']) => return None,
        _ => {
            let is_zero = json.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
            out.push_str(if is_zero { json.trim_start_matches('-') } else { json });
        }
    }
    Some(())
}

/// A text with the escapes of the server, which are those of this library; it takes no NUL.
fn put_text(text: &str, out: &mut String) -> Option<()> {
    if text.contains('\0') {
        return None;
    }
    out.push_str(&serde_json::to_string(text).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_printed_as_the_server_prints_it() {
        for (json, expected) in [
            ("{}", Some("{}")),
            (
                r#"{"bb":1,"a":[1,2.50,-0,{"x":null}],"c":"\u00e9\n\u0001/","bb":true}"#,
                Some("{\"a\": [1, 2.50, 0, {\"x\": null}], \"c\": \"é\\n\\u0001/\", \"bb\": true}"),
            ),
            ("1e3", None),
            (r#""\u0000""#, None),
            (r#""\ud800""#, None),
        ] {
            assert_eq!(printed(json).as_deref(), expected, "{json}");
        }
        assert_eq!(printed(&("[".repeat(5000) + &"]".repeat(5000))), None);
    }
}
