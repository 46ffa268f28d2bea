//! What is wrong with what somebody sent, in words of this service: libraries speak of the types of their language.

use rowkeep::units::plain;

/// Of a name that somebody sent, so many characters are repeated.
const REPEATED: usize = 64;

/// What is wrong with a part of a body or of a query: which part, and what the library that read it says.
pub(super) fn of_part(whole: &str, part: &str, said: &str) -> String {
    let part = if part.is_empty() || part == "." { whole.to_owned() } else { short(part) };
    let names = |said: &str| {
        let (name, rest) = said.split_once('`')?;
        let known = rest.split_once("expected ").map(|(_, known)| listed(known));
        Some((short(name), known.filter(|known| !known.is_empty())))
    };
    if let Some((name, known)) = said.strip_prefix("unknown field `").and_then(names) {
        return match known {
            Some(known) => format!("{whole} has {name}, which is not known; known is {known}"),
            None => format!("{whole} has {name}, which is not known; nothing belongs there"),
        };
    }
    if let Some((name, known)) = said.strip_prefix("unknown variant `").and_then(names) {
        let known = known.unwrap_or_default();
        return format!("{part} is {name}, and can be {known}");
    }
    if let Some((name, _)) = said.strip_prefix("missing field `").and_then(names) {
        return match part == *whole {
            true => format!("{whole} lacks {name}"),
            false => format!("{part} lacks {name}"),
        };
    }
    if let Some((name, _)) = said.strip_prefix("duplicate field `").and_then(names) {
        return format!("{whole} has {name} twice");
    }
    let wanted = said.starts_with("invalid type").then(|| said.rsplit_once("expected ")).flatten();
    match wanted.and_then(|(_, wanted)| form(wanted)) {
        Some(form) => format!("{part} is not {form}"),
        None => format!("{part} is not what it can be: GET /api/v1/openapi.json says what that is"),
    }
}

/// What a form is called.
fn form(wanted: &str) -> Option<&'static str> {
    let word = wanted.split([' ', ',']).next().unwrap_or_default();
    match wanted.split(" at line").next().unwrap_or_default() {
        "a string" | "string" | "a borrowed string" => Some("text"),
        "a boolean" => Some("true or false"),
        "a sequence" => Some("a list"),
        "a map" => Some("an object"),
        _ => match word {
            "struct" => Some("an object"),
            "u8" | "u16" | "u32" | "u64" | "usize" => Some("a whole number from 0 on"),
            "f64" => Some("a number"),
            _ => None,
        },
    }
}

/// Names between backticks, as people list them.
fn listed(known: &str) -> String {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    names.join(", ")
}

fn short(name: &str) -> String {
    let kept: String = name.chars().take(REPEATED).collect();
    let more = if kept.len() < name.len() { "…" } else { "" };
    format!("{}{more}", plain(&kept))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Form {
        name: String,
        count: u32,
        wanted: Option<Vec<bool>>,
        how: Option<How>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum How {
        Fast,
        Slow,
    }

    #[test]
    fn what_libraries_say_is_said_in_other_words() {
        let of = |json: &str| {
            let mut read = serde_json::Deserializer::from_str(json);
            let error = serde_path_to_error::deserialize::<_, Form>(&mut read).expect_err("it is wrong");
            of_part("the body", &error.path().to_string(), &error.inner().to_string())
        };
        for (json, words) in [
            (r#"{"nmae": "a"}"#, "the body has nmae, which is not known; known is name, count, wanted, how"),
            (r#"{"name": "a"}"#, "the body lacks count"),
            (r#"{"name": 1, "count": 1}"#, "name is not text"),
            (r#"{"name": "secret", "count": "secret"}"#, "count is not a whole number from 0 on"),
            (r#"{"name": "a", "count": 1, "wanted": "x"}"#, "wanted is not a list"),
            (r#"{"name": "a", "count": 1, "wanted": [1]}"#, "wanted[0] is not true or false"),
            (r#"{"name": "a", "count": 1, "how": "so"}"#, "how is so, and can be fast, slow"),
            (r#"{"name": "a", "name": "b"}"#, "the body has name twice"),
            (
                r#"{"name": "a", "count": -1}"#,
                "count is not what it can be: GET /api/v1/openapi.json says what that is",
            ),
        ] {
            assert_eq!(of(json), words, "{json}");
        }
        let long = of(&format!(r#"{{"{}": 1}}"#, "x".repeat(500)));
        assert!(long.len() < 200, "{long}");
        assert!(!of("{\"a\u{1b}[2J\": 1}").contains('\u{1b}'));
    }
}
