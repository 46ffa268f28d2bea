//! Key paths: where in a record its key stands.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::references::resolved;
use super::scan::{elements, member, members, text, units};

/// The key path of a store or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum KeyPath {
    /// One value.
    One(String),
    /// A list of such.
    Several(Vec<String>),
}

impl KeyPath {
    fn paths(&self) -> &[String] {
        match self {
            KeyPath::One(path) => std::slice::from_ref(path),
            KeyPath::Several(paths) => paths,
        }
    }

    /// The properties of the record itself that its key is made of; nothing where it stands deeper.
    pub(super) fn properties(&self) -> Option<&[String]> {
        let is_own = |path: &String| !path.is_empty() && !path.contains('.');
        Some(self.paths()).filter(|paths| !paths.is_empty() && paths.iter().all(is_own))
    }

    /// The key of a record; nothing where it has none there.
    pub(super) fn key_of(&self, value: &str) -> Option<Key> {
        let at = |path: &String| follow(value, path).and_then(|found| Key::within(&found, value));
        match self {
            KeyPath::One(path) => at(path),
            KeyPath::Several(paths) => paths.iter().map(at).collect::<Option<_>>().map(Key::List),
        }
    }
}

/// Follows a path as IndexedDB does: own properties, the length of texts and lists, and what a Blob and a File say of themselves.
fn follow<'v>(value: &'v str, path: &str) -> Option<Cow<'v, str>> {
    if path.is_empty() {
        return Some(Cow::Borrowed(value));
    }
    let mut found = Cow::Borrowed(value);
    for name in path.split('.') {
        found = match found {
            Cow::Borrowed(found) => step(resolved(found, value)?, name)?,
            // A length has no properties.
            Cow::Owned(_) => return None,
        };
    }
    Some(found)
}

fn step<'v>(value: &'v str, name: &str) -> Option<Cow<'v, str>> {
    match value.as_bytes().first()? {
        b'"' if name == "length" => Some(Cow::Owned(units(value)?.len().to_string())),
        b'[' if name == "length" => Some(Cow::Owned(elements(value)?.len().to_string())),
        b'[' => {
            let index = name.parse::<usize>().ok().filter(|index| index.to_string() == name)?;
            elements(value)?.get(index).copied().map(Cow::Borrowed)
        }
        b'{' => property(value, name).map(Cow::Borrowed),
        _ => None,
    }
}

/// A property of an object, or of what has a form of its own.
fn property<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let found = members(value)?;
    let is_named = |quoted: &str| text(quoted).is_some_and(|own| own == name);
    let Some(form) = member(&found, "$").and_then(text) else {
        return found.iter().find(|(quoted, _)| is_named(quoted)).map(|(_, value)| *value);
    };
    match (form.as_str(), name) {
        ("array", "length") => member(&found, "length"),
        ("object" | "array", _) => {
            let properties = elements(member(&found, "properties")?)?;
            properties.into_iter().filter_map(elements).find_map(|pair| match pair.as_slice() {
                [quoted, value] if is_named(quoted) => Some(*value),
                _ => None,
            })
        }
        ("blob" | "file", "size" | "type") | ("file", "name") => member(&found, name),
        ("file", "lastModified") => member(&found, "modified"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_as_indexeddb_finds_them() {
        let one = |path: &str| KeyPath::One(path.to_owned());
        let several =
            |paths: &[&str]| KeyPath::Several(paths.iter().map(|path| (*path).to_owned()).collect());
        let record = concat!(
            r#"{"id":5,"a":{"b":"x","c":[1,2]},"s":"a😀","f":{"$":"file","name":"n","type":"t","modified":7,"size":3,"parts":[]},"#,
            r#""o":{"$":"object","properties":[["$",1],["k","v"]]},"flag":true,"same":{"$":"ref","to":1},"list":[7,{"$":"ref","to":2}]}"#
        );
        for (path, json) in [
            (one("id"), Some("5")),
            (one("a.b"), Some("\"x\"")),
            (one("a.c"), Some("[1,2]")),
            (one("a.c.1"), Some("2")),
            (one("a.c.length"), Some("2")),
            (one("s.length"), Some("3")),
            (one("f.name"), Some("\"n\"")),
            (one("f.lastModified"), Some("7")),
            (one("o.k"), Some("\"v\"")),
            (several(&["id", "a.b"]), Some("[5,\"x\"]")),
            (one("same.b"), Some("\"x\"")),
            (one("list"), Some("[7,[1,2]]")),
            (one("flag"), None),
            (one("gone"), None),
            (one("id.x"), None),
            (one("s.length.length"), None),
            (one("f.parts"), None),
            (several(&["id", "gone"]), None),
        ] {
            assert_eq!(path.key_of(record).map(|key| key.json()).as_deref(), json, "{path:?}");
        }
        assert_eq!(one("").key_of("\"x\"").map(|key| key.json()).as_deref(), Some("\"x\""));
        assert_eq!(one("a.b").properties(), None);
        assert_eq!(one("").properties(), None);
        assert_eq!(several(&["a", "b"]).properties().map(<[_]>::len), Some(2));
    }
}
