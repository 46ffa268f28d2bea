//! Objects that stand in several places of a value: in all but the first, their numbers stand instead (FORMAT.md, References).

use super::scan::{elements, member, members, text};

/// What stands at a place of a value, be it an object that stands earlier in it; nothing where there is none of that number.
pub(super) fn resolved<'v>(found: &'v str, value: &'v str) -> Option<&'v str> {
    match reference(found) {
        Some(number) => object(value, number),
        None => Some(found),
    }
}

/// The number that stands in the place of an object.
fn reference(json: &str) -> Option<usize> {
    if !json.starts_with(r#"{"$":"ref","#) {
        return None;
    }
    member(&members(json)?, "to")?.parse().ok()
}

/// The object of a number. They are counted in the order in which their forms begin.
fn object(value: &str, wanted: usize) -> Option<&str> {
    let (mut left, mut seen) = (vec![value], 0);
    while let Some(next) = left.pop() {
        let Some(inner) = inner(next) else { continue };
        if seen == wanted {
            return Some(next);
        }
        seen += 1;
        left.extend(inner.into_iter().rev());
    }
    None
}

/// The values that an object holds, in their order; nothing where it is none.
fn inner(json: &str) -> Option<Vec<&str>> {
    if json.starts_with('[') {
        return elements(json);
    }
    let form = members(json)?;
    let Some(kind) = member(&form, "$").and_then(text) else {
        return Some(form.into_iter().map(|(_, value)| value).collect());
    };
    let list = |name| member(&form, name).and_then(elements).unwrap_or_default();
    let pairs = |name| list(name).into_iter().filter_map(elements);
    Some(match kind.as_str() {
        "undefined" | "number" | "bigint" | "ref" => return None,
        "object" | "array" => pairs("properties").filter_map(|pair| pair.get(1).copied()).collect(),
        "map" => pairs("entries").flatten().collect(),
        "set" | "files" => list("values"),
        "error" => member(&form, "cause").into_iter().collect(),
        "view" => member(&form, "buffer").into_iter().collect(),
        _ => Vec::new(),
    })
}

/// The names of the parts of contents that a value holds.
pub(super) fn parts(value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut left = if value.contains(r#""parts":["#) { vec![value] } else { Vec::new() };
    while let Some(next) = left.pop() {
        let Some(inner) = inner(next) else { continue };
        left.extend(inner);
        // An object of the application that has a property of that name is in another form.
        let form = members(next).filter(|form| member(form, "$").is_some());
        let own = form.as_ref().and_then(|form| member(form, "parts")).and_then(elements);
        names.extend(own.unwrap_or_default().into_iter().filter_map(text));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_as_their_forms_begin() {
        let date = r#"{"$":"date","value":"2026-11-30T02:00:00.000Z"}"#;
        let buffer = r#"{"$":"buffer","bytes":"AQID"}"#;
        let view = format!(r#"{{"$":"view","type":"Uint8Array","buffer":{buffer},"offset":1,"length":2}}"#);
        let value = format!(
            concat!(
                r#"{{"a":[1,"[",{{"$":"bigint","value":"7"}}],"m":{{"$":"map","entries":[[{date},{view}],[1,{{"$":"ref","to":3}}]]}},"#,
                r#""b":{{"$":"boxed","value":5}},"e":{{"$":"error","name":"Error","cause":{{}}}},"s":{{"$":"set","values":[[]]}},"#,
                r#""o":{{"$":"object","properties":[["$",{{"last":1}}]]}}}}"#
            ),
            date = date,
            view = view
        );
        let at = |number| object(&value, number);
        assert_eq!(at(0), Some(value.as_str()));
        assert_eq!(at(1), Some(r#"[1,"[",{"$":"bigint","value":"7"}]"#));
        assert_eq!((at(3), at(4), at(5)), (Some(date), Some(view.as_str()), Some(buffer)));
        assert_eq!((at(6), at(8)), (Some(r#"{"$":"boxed","value":5}"#), Some("{}")));
        assert_eq!((at(10), at(12), at(13)), (Some("[]"), Some(r#"{"last":1}"#), None));
        assert_eq!(resolved("5", &value), Some("5"));
    }

    #[test]
    fn parts_are_those_of_contents() {
        let blob = |name: &str| format!(r#"{{"$":"blob","type":"","size":1,"parts":["{name}","b"]}}"#);
        let buffer = r#"{"$":"view","type":"Uint8Array","buffer":{"$":"buffer","size":1,"parts":["c"]},"offset":0,"length":1}"#;
        let mut found = parts(&format!(r#"{{"parts":["door"],"photos":[{}],"raw":{buffer}}}"#, blob("a")));
        found.sort();
        assert_eq!(found, ["a", "b", "c"]);
        for value in [r#"{"car":{"parts":["door"]}}"#, r#""\"parts\":[\"a\"]""#, "5", r#"{"parts":["#] {
            assert!(parts(value).is_empty(), "{value}");
        }
    }
}
