//! Objects of JSON taken apart, their values as they stand.

use std::collections::HashSet;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their order; nothing where the text is none, or has two of one name.
pub(super) fn members(json: &str) -> Option<Vec<(String, String)>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let members = reader.deserialize_map(Members).ok()?;
    reader.end().ok()?;
    Some(members)
}

/// An object of JSON with these members.
pub(super) fn object(members: &[(String, String)]) -> String {
    let member = |(name, value): &(String, String)| {
        // A text has a form in JSON.
        format!("{}:{value}", serde_json::to_string(name).unwrap_or_default())
    };
    format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a name stands twice"));
            }
            found.push((name, value.get().to_owned()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_as_they_stood() {
        let found =
            members(" {\"b\": 1.50, \"a\\n\":[1, {\"x\":1e21}],\"c\":\"\\u0041\"} ").expect("an object");
        let expected = [("b", "1.50"), ("a\n", "[1, {\"x\":1e21}]"), ("c", "\"\\u0041\"")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(object(&found), "{\"b\":1.50,\"a\\n\":[1, {\"x\":1e21}],\"c\":\"\\u0041\"}");
        for wrong in ["", "[]", "5", "{\"a\":1", "{\"a\":1,\"a\":2}", "{} x", "{\"a\":}"] {
            assert_eq!(members(wrong), None, "{wrong}");
        }
    }
}
