use std::collections::HashSet;

/// Names that are given out once each, within what an engine takes for a name.
pub(super) struct Names {
    given: HashSet<String>,
    longest_bytes: usize,
    folds_case: bool,
}

impl Names {
    /// Names of PostgreSQL: of 63 bytes at most (manual, "Identifiers and Key Words"), told apart by case.
    pub(super) fn postgres() -> Self {
        Self { given: HashSet::new(), longest_bytes: 63, folds_case: false }
    }

    /// Names of SQLite: of any length, not told apart by the case of ASCII letters.
    pub(super) fn sqlite() -> Self {
        Self { given: HashSet::new(), longest_bytes: usize::MAX, folds_case: true }
    }

    /// Takes a name that cannot be given out any more.
    pub(super) fn reserve(&mut self, name: &str) {
        self.given.insert(self.folded(name));
    }

    /// Whether a name is still to be had as it is.
    pub(super) fn is_free(&self, name: &str) -> bool {
        !name.is_empty() && name.len() <= self.longest_bytes && !self.given.contains(&self.folded(name))
    }

    /// Gives a name out, or the nearest that is still to be had.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "unnamed" } else { wanted };
        let mut name = cut(wanted, self.longest_bytes).to_owned();
        let mut number = 1;
        while !self.is_free(&name) {
            number += 1;
            let suffix = format!("_{number}");
            name = format!("{}{suffix}", cut(wanted, self.longest_bytes - suffix.len()));
        }
        self.reserve(&name);
        name
    }

    fn folded(&self, name: &str) -> String {
        if self.folds_case { name.to_ascii_lowercase() } else { name.to_owned() }
    }
}

/// The beginning of a text that has no more bytes than that.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes.min(text.len()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_out_once() {
        let mut names = Names::postgres();
        assert_eq!(names.give("a"), "a");
        assert_eq!(names.give("A"), "A");
        assert_eq!(names.give("a"), "a_2");
        assert_eq!(names.give(""), "unnamed");
        let long = "ä".repeat(40);
        assert_eq!(names.give(&long), "ä".repeat(31));
        assert_eq!(names.give(&long), format!("{}_2", "ä".repeat(30)));
        let mut names = Names::sqlite();
        names.reserve("Users");
        assert_eq!(names.give("users"), "users_2");
    }
}
