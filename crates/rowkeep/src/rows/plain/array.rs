//! Arrays of PostgreSQL as arrays of JSON.

/// The deepest that PostgreSQL nests arrays.
const DEEPEST: usize = 6;

/// Adds an array, its elements by `element`, of which NULL is none. False where the text is no array, or one that numbers its
/// elements in its own way; then `out` is as it was.
pub(crate) fn array(
    text: &str,
    out: &mut Vec<u8>,
    element: &mut dyn FnMut(Option<&str>, &mut Vec<u8>),
) -> bool {
    let start = out.len();
    let mut rest = text;
    let is_array = level(&mut rest, out, element, 0).is_some() && rest.is_empty();
    if !is_array {
        out.truncate(start);
    }
    is_array
}

fn level(
    rest: &mut &str,
    out: &mut Vec<u8>,
    element: &mut dyn FnMut(Option<&str>, &mut Vec<u8>),
    depth: usize,
) -> Option<()> {
    *rest = rest.strip_prefix('{').filter(|_| depth < DEEPEST)?;
    out.push(b'[');
    if let Some(after) = rest.strip_prefix('}') {
        *rest = after;
        out.push(b']');
        return Some(());
    }
    loop {
        if rest.starts_with('{') {
            level(rest, out, element, depth + 1)?;
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = unquoted(quoted)?;
            element(Some(&text), out);
            *rest = after;
        } else {
            let end = rest.find([',', '}'])?;
            let text = &rest[..end];
            element((!text.eq_ignore_ascii_case("null")).then_some(text), out);
            *rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix(',') {
            *rest = after;
            out.push(b',');
        } else {
            *rest = rest.strip_prefix('}')?;
            out.push(b']');
            return Some(());
        }
    }
}

/// The text before the quote that ends it, and what follows that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((out, &text[place + 1..])),
            '\\' => out.push(characters.next()?.1),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::array;

    fn written(text: &str) -> Option<String> {
        let mut out = Vec::new();
        let mut element = |element: Option<&str>, out: &mut Vec<u8>| {
            out.extend_from_slice(element.map_or("null".to_owned(), |text| format!("<{text}>")).as_bytes());
        };
        array(text, &mut out, &mut element).then(|| String::from_utf8(out).expect("it was text"))
    }

    #[test]
    fn arrays_are_read_as_they_are_printed() {
        for (text, json) in [
            ("{}", "[]"),
            ("{1,NULL,3}", "[<1>,null,<3>]"),
            (r#"{"NULL","a,b","c\"d\\","",x}"#, r#"[<NULL>,<a,b>,<c"d\>,<>,<x>]"#),
            ("{{1,2},{3,4}}", "[[<1>,<2>],[<3>,<4>]]"),
        ] {
            assert_eq!(written(text).as_deref(), Some(json));
        }
        let deep = "{".repeat(10_000);
        for other in ["[2:3]={1,2}", "{1", "{\"a", "{1}x", "", "{{{{{{{1}}}}}}}", &*deep] {
            assert_eq!(written(other), None);
        }
    }
}
