//! What is wrong with a file of TOML, without what it holds.

/// Says where a text is wrong, and how.
///
/// Lines of the text are not shown, as the library's own words do, nor are values that stand where something else is
/// expected: either may be a URL with a password.
pub(crate) fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    let message = without_value(error.message());
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// What serde says of a value of another type, without the value.
fn without_value(message: &str) -> String {
    const VALUE: &str = "string \"";
    const END: &str = "\", expected";
    match (message.find(VALUE), message.rfind(END)) {
        (Some(start), Some(end)) if start + VALUE.len() <= end => {
            format!("{}text{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_mistake_is_named_without_what_may_be_secret() {
        let of = |text: &str| {
            toml_problem(text, &toml::from_str::<BTreeMap<String, u8>>(text).expect_err("it is wrong"))
        };
        let wrong_type = of("a = 1\nb = 'postgres://u:s3cret@h'");
        assert_eq!(wrong_type, "line 2: invalid type: text, expected u8");
        assert_eq!(of("a = 'say \"s3cret\", expected'"), "line 1: invalid type: text, expected u8");
        let no_quotes = of("a = postgres://u:s3cret@h");
        assert!(no_quotes.starts_with("line 1: ") && !no_quotes.contains("s3cret"), "{no_quotes}");
    }
}
