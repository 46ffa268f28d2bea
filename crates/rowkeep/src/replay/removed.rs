//! What an update removes of a document.
//!
//! Nothing in a record says that a property is gone: it is left out, as one is that the update did not change.

use super::problems::Flaw;

/// The members of an object, in their order.
pub(super) type Members = Vec<(String, String)>;

/// What an entry says of a document that an update changed.
pub(super) struct Updated<'a> {
    /// The document that is there.
    pub(super) own: &'a Members,
    pub(super) after: &'a Members,
    pub(super) before: Option<&'a Members>,
    /// Whether `after` and `before` have only what the update changed; nothing where that is not said.
    pub(super) is_partial: [Option<bool>; 2],
    /// The properties that name the document, which are never removed.
    pub(super) key: &'a [String],
}

impl Updated<'_> {
    /// The properties that the update removes. `is_same` compares values.
    pub(super) fn removed(&self, is_same: impl Fn(&str, &str) -> bool) -> Result<Vec<String>, Flaw> {
        let Self { own, after, before, is_partial, key } = self;
        let value = |members: &Members, name: &str| -> Option<String> {
            members.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let is_in = |members: &Members, name: &str| members.iter().any(|(known, _)| known == name);
        let is_before = |name: &str| before.is_some_and(|before| is_in(before, name));
        let others: Vec<&str> = own
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !key.iter().any(|part| part == name))
            .collect();
        let left_out: Vec<&str> = others.iter().copied().filter(|name| !is_in(after, name)).collect();
        let was_before = || left_out.iter().filter(|name| is_before(name)).map(ToString::to_string).collect();
        match is_partial {
            [Some(false), _] => return Ok(left_out.iter().map(ToString::to_string).collect()),
            [Some(true), Some(false)] => return Ok(Vec::new()),
            [Some(true), _] => return Ok(was_before()),
            [None, _] => {}
        }
        let doubtful = |name: &str| {
            Err(Flaw::unreadable(format!(
                "nothing says whether {name} was removed or is left out because it did not change: `partial` of the log does"
            )))
        };
        // Where `before` has the whole document, `after` may have only what was changed.
        if others.iter().all(|name| is_before(name))
            && let Some(name) = left_out.first()
        {
            return doubtful(name);
        }
        // Where `after` has more than what was changed, it may have all, and `before` not.
        let is_unchanged = |name: &str| {
            let values = value(own, name).zip(value(after, name));
            values.is_some_and(|(own, after)| is_same(&own, &after))
        };
        if others.iter().any(|name| !is_before(name) && is_unchanged(name))
            && let Some(name) = left_out.iter().find(|name| !is_before(name))
        {
            return doubtful(name);
        }
        Ok(was_before())
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::members;
    use super::*;

    const OWN: &str = r#"{"id":1,"a":1,"b":2,"c":3}"#;

    /// What an update removes; nothing where that is not certain.
    fn removed(after: &str, before: Option<&str>, is_partial: [Option<bool>; 2]) -> Option<String> {
        let of = |json: &str| members(json).expect("it is an object");
        let (own, after, before) = (of(OWN), of(after), before.map(of));
        let before = before.as_ref();
        let updated = Updated { own: &own, after: &after, before, is_partial, key: &["id".to_owned()] };
        updated.removed(|one, other| one == other).ok().map(|names| names.join(","))
    }

    #[test]
    fn what_is_left_out_is_removed_where_that_is_certain() {
        let (whole, less) = (OWN, r#"{"id":1,"a":5,"b":2}"#);
        for (after, before, unsaid, as_much, of_whole, rows) in [
            // Both have what was changed.
            (r#"{"a":5}"#, Some(r#"{"a":1}"#), Some(""), "", "", "b,c"),
            (r#"{"a":5}"#, Some(r#"{"a":1,"c":3}"#), Some("c"), "c", "", "b,c"),
            (r#"{"id":1,"a":5}"#, Some(r#"{"id":1,"a":1,"c":3}"#), Some("c"), "c", "", "b,c"),
            // Nothing was removed.
            (r#"{"id":1,"a":5,"b":2,"c":3}"#, Some(whole), Some(""), "", "", ""),
            (r#"{"id":1,"a":5,"b":2,"c":3}"#, None, Some(""), "", "", ""),
            // The whole row before: b and c were removed, or did not change.
            (r#"{"a":5}"#, Some(whole), None, "b,c", "", "b,c"),
            (less, Some(whole), None, "c", "", "c"),
            (r#"{"a":5}"#, Some(r#"{"a":1,"b":2,"c":3}"#), None, "b,c", "", "b,c"),
            // The whole row after, or an unchanged b beside what was changed.
            (less, Some(r#"{"a":1}"#), None, "", "", "c"),
            (less, None, None, "", "", "c"),
            (less, Some(r#"{"a":1,"c":3}"#), Some("c"), "c", "", "c"),
            // No before.
            (r#"{"a":5}"#, None, Some(""), "", "", "b,c"),
            (r#"{"id":1,"a":5}"#, None, Some(""), "", "", "b,c"),
        ] {
            let found = |is_partial| removed(after, before, is_partial);
            assert_eq!(found([None, None]).as_deref(), unsaid, "{after} {before:?}");
            assert_eq!(found([Some(true), Some(true)]).as_deref(), Some(as_much), "{after} {before:?}");
            assert_eq!(found([Some(true), Some(false)]).as_deref(), Some(of_whole), "{after} {before:?}");
            for is_partial in [[Some(false), Some(false)], [Some(false), Some(true)]] {
                assert_eq!(found(is_partial).as_deref(), Some(rows), "{after} {before:?}");
            }
        }
    }
}
