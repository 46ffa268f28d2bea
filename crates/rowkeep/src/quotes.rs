//! Names and values in quotes, as SQL has them.

/// What stands between a quote and the next single one, and how long it is with both.
pub(crate) fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut rest = text.strip_prefix(quote)?;
    loop {
        let end = rest.find(quote)?;
        inner.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(quote) {
            Some(beyond) => {
                inner.push(quote);
                rest = beyond;
            }
            None => return Some((inner, text.len() - rest.len())),
        }
    }
}

/// Text in quotes, in which each that it holds stands twice: what [`quoted`] reads.
pub(crate) fn in_quotes(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        if character == quote {
            out.push(quote);
        }
        out.push(character);
    }
    out.push(quote);
    out
}
