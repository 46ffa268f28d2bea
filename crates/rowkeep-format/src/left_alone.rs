//! What was left alone of the changes that were stored before they were made: rows that already were as they were to become, and
//! rows that were skipped.

use serde::{Deserialize, Serialize};

use crate::{FormatError, TableName};

/// The newest version of [`LeftAlone`] that this program reads.
pub const VERSION: u32 = 1;

/// Numbers of changes to one table, as runs: the first and the last of each, in ascending order.
///
/// Changes are counted from 0 in the order in which they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Numbers(Vec<(u64, u64)>);

impl Numbers {
    /// Adds a number that is greater than all before it.
    pub fn push(&mut self, number: u64) {
        self.push_run(number, number);
    }

    /// Adds a run of numbers that are greater than all before it.
    pub fn push_run(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ => self.0.push((first, last)),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a number is among them.
    pub fn has(&self, number: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|at| number <= self.0[at].1)
    }

    fn is_ascending(&self) -> bool {
        self.0.iter().all(|(first, last)| first <= last)
            && self.0.windows(2).all(|pair| pair[0].1 < pair[1].0)
    }
}

impl FromIterator<u64> for Numbers {
    fn from_iter<I: IntoIterator<Item = u64>>(ascending: I) -> Self {
        let mut numbers = Self::default();
        ascending.into_iter().for_each(|number| numbers.push(number));
        numbers
    }
}

/// Which changes of a [`Changeset`](crate::changeset::Changeset) were not made, as JSON beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    /// Version of this form.
    pub version: u32,
    /// The tables of which some were not.
    pub tables: Vec<LeftInTable>,
}

/// Which changes to one table were not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftInTable {
    /// The table.
    pub table: TableName,
    /// The changes.
    pub changes: Numbers,
}

impl LeftAlone {
    /// What was left alone of tables; those of which nothing was are passed over.
    pub fn new(tables: impl IntoIterator<Item = (TableName, Numbers)>) -> Self {
        let tables = tables.into_iter().filter(|(_, changes)| !changes.is_empty());
        let tables = tables.map(|(table, changes)| LeftInTable { table, changes }).collect();
        Self { version: VERSION, tables }
    }

    /// Nothing: all changes were made.
    pub fn nothing() -> Self {
        Self { version: VERSION, tables: Vec::new() }
    }

    /// Whether all changes were made.
    pub fn is_nothing(&self) -> bool {
        self.tables.is_empty()
    }

    /// Which changes to a table were not made, where any were not.
    pub fn of(&self, table: &TableName) -> Option<&Numbers> {
        self.tables.iter().find(|left| left.table == *table).map(|left| &left.changes)
    }

    /// The JSON that is stored.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has no map with keys that are not text")
    }

    /// Reads the stored JSON; a newer version is told apart from damage.
    pub fn from_json(json: &[u8]) -> Result<Self, FormatError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        const WHAT: &str = "what was left alone";
        let malformed = |_| FormatError::Malformed(WHAT);
        let Versioned { version: found } = serde_json::from_slice(json).map_err(malformed)?;
        if found > VERSION {
            return Err(FormatError::NewerVersion { what: WHAT, found, supported: VERSION });
        }
        let found: Self = serde_json::from_slice(json).map_err(malformed)?;
        let is_sound = found.tables.iter().all(|left| left.changes.is_ascending());
        if is_sound { Ok(found) } else { Err(FormatError::Malformed(WHAT)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName { schema: Some("public".to_owned()), name: name.to_owned() }
    }

    #[test]
    fn what_is_written_is_read_and_does_not_drift() {
        let some: Numbers = [0, 1, 2, 5, 7, 8].into_iter().collect();
        let left = LeftAlone::new([(table("t"), some.clone()), (table("u"), Numbers::default())]);
        let json = r#"{"version":1,"tables":[{"table":{"schema":"public","name":"t"},"changes":[[0,2],[5,5],[7,8]]}]}"#;
        assert_eq!(String::from_utf8(left.to_json()).expect("it is text"), json);
        assert_eq!(LeftAlone::from_json(json.as_bytes()).expect("it is read"), left);
        let has: Vec<u64> = (0..12).filter(|number| some.has(*number)).collect();
        assert_eq!(has, [0, 1, 2, 5, 7, 8]);
        assert!(!Numbers::default().has(0));
        assert_eq!((left.of(&table("t")), left.of(&table("u"))), (Some(&some), None));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for changes in ["[[2,1]]", "[[0,3],[3,4]]", "[[5,5],[1,1]]", "[[-1,1]]", "[1]", "{}"] {
            let json =
                format!(r#"{{"version":1,"tables":[{{"table":{{"name":"t"}},"changes":{changes}}}]}}"#);
            assert!(
                matches!(LeftAlone::from_json(json.as_bytes()), Err(FormatError::Malformed(_))),
                "{changes}"
            );
        }
        let newer = LeftAlone::from_json(br#"{"version":2,"rows":[]}"#);
        assert!(matches!(newer, Err(FormatError::NewerVersion { found: 2, .. })), "{newer:?}");
    }
}
