//! What the records of a store look like, all together.

use std::collections::{BTreeMap, BTreeSet};

use super::properties::properties;
use super::store::Store;

/// Beyond so many names of properties, records are no objects of known properties but collections under any names.
const MOST_NAMES: usize = 1000;

/// Where an object stands in a second place, its number stands instead, which says nothing by itself.
const REFERENCE: &str = r#""$":"ref""#;

/// What was seen of the records of a store.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The names of properties, each with those that came right behind it.
    names: BTreeMap<String, BTreeSet<String>>,
    /// The names of the last record, which are mostly those of the next.
    last: Vec<String>,
    /// Whether some records are no objects, or too many names were seen.
    has_others: bool,
    is_collection: bool,
    /// Whether some records do not have their key in properties of their own.
    lacks_key: bool,
}

impl Shape {
    /// Sees a record.
    pub(super) fn see(&mut self, store: &Store, value: &str) {
        let Some(found) = properties(value).filter(|_| !self.is_collection) else {
            self.has_others = true;
            self.lacks_key = true;
            return;
        };
        if let Some(key) = store.key_path.as_ref().and_then(|path| path.properties()) {
            let has =
                |part: &String| found.iter().any(|(name, json)| name == part && !json.contains(REFERENCE));
            self.lacks_key |= !key.iter().all(has);
        }
        if found.iter().map(|(name, _)| name).eq(&self.last) {
            return;
        }
        let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        for name in &names {
            if !self.names.contains_key(name) {
                self.names.insert(name.clone(), BTreeSet::new());
            }
        }
        for pair in names.windows(2) {
            if let [before, after] = pair
                && let Some(behind) = self.names.get_mut(before)
            {
                behind.insert(after.clone());
            }
        }
        self.last = names;
        if self.names.len() > MOST_NAMES {
            self.is_collection = true;
            self.has_others = true;
            self.lacks_key = true;
            self.names.clear();
            self.last.clear();
        }
    }

    /// Whether there are records that are not made of these properties.
    pub(super) fn has_others(&self) -> bool {
        self.has_others
    }

    /// The properties that name the records of a store, where all of them have these.
    pub(super) fn key_properties<'s>(&self, store: &'s Store) -> Option<&'s [String]> {
        let properties = store.key_path.as_ref().and_then(|path| path.properties())?;
        (!self.lacks_key).then_some(properties)
    }

    /// All names, those among them that are given anyhow; before each those that it came behind. Also says whether that is not so for
    /// all records.
    pub(super) fn names(&self, given: &[String]) -> (Vec<String>, bool) {
        let mut left: BTreeMap<&String, usize> = self.names.keys().map(|name| (name, 0)).collect();
        left.extend(given.iter().filter(|name| !self.names.contains_key(*name)).map(|name| (name, 0)));
        for name in self.names.values().flatten() {
            if let Some(before) = left.get_mut(name) {
                *before += 1;
            }
        }
        let (mut ordered, mut has_circle) = (Vec::with_capacity(left.len()), false);
        while let Some(first) = left.keys().next().copied() {
            // Where each of them comes behind another, there is no order for all.
            let ready = left.iter().find(|(_, before)| **before == 0).map(|(name, _)| *name);
            has_circle |= ready.is_none();
            let next = ready.unwrap_or(first);
            left.remove(next);
            for name in self.names.get(next).into_iter().flatten() {
                if let Some(before) = left.get_mut(name) {
                    *before = before.saturating_sub(1);
                }
            }
            ordered.push(next.clone());
        }
        (ordered, has_circle)
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_path::KeyPath;
    use super::*;

    fn shape(key: &str, records: &[&str]) -> (Shape, Store) {
        let store = Store {
            name: "s".to_owned(),
            key_path: Some(KeyPath::One(key.to_owned())),
            auto_increment: false,
            indexes: Vec::new(),
            next: None,
        };
        let mut shape = Shape::default();
        records.iter().for_each(|record| shape.see(&store, record));
        (shape, store)
    }

    #[test]
    fn properties_stand_in_the_order_that_records_have() {
        for (records, names, has_order) in [
            (
                &[r#"{"id":1,"name":"a"}"#, r#"{"id":2,"mail":"x"}"#, r#"{"id":3,"name":"a","mail":"x"}"#][..],
                "id name mail",
                false,
            ),
            (&[r#"{"id":1,"a":1}"#, r#"{"a":1,"id":1}"#], "a id", true),
            (&[r#"{"id":1,"a":1,"b":1,"c":1}"#, r#"{"id":1,"c":1,"b":1}"#], "id a b c", true),
            (&[], "id", false),
        ] {
            let (shape, store) = shape("id", records);
            let key = shape.key_properties(&store).expect("all have their keys");
            let (ordered, is_other) = shape.names(key);
            assert_eq!((ordered.join(" ").as_str(), is_other), (names, has_order), "{records:?}");
            assert!(!shape.has_others());
        }
    }

    #[test]
    fn what_is_no_object_of_properties_is_seen() {
        for (record, has_others, has_key) in [
            (r#"{"id":1}"#, false, true),
            (r#"{"a":1}"#, false, false),
            (r#"{"a":[],"id":{"$":"ref","to":1}}"#, false, false),
            (r#"{"$":"object","properties":[["$",1],["id",1]]}"#, true, false),
            (r#"{"id":1,"\ud800":1}"#, true, false),
            (r#"[1]"#, true, false),
        ] {
            let (shape, store) = shape("id", &[r#"{"id":0}"#, record]);
            assert_eq!(
                (shape.has_others(), shape.key_properties(&store).is_some()),
                (has_others, has_key),
                "{record}"
            );
        }
        let many: Vec<String> = (0..=MOST_NAMES).map(|at| format!(r#"{{"id":{at},"p{at}":1}}"#)).collect();
        let (shape, _) = shape("id", &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(shape.has_others());
        assert_eq!(shape.names(&[]), (Vec::new(), false));
    }
}
