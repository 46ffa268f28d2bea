//! What a database is, wherever it is reached and whatever it is called.

use serde::{Deserialize, Serialize};

/// What a database is. Names and paths are only how it is called.
///
/// Engines fill in what they know; what is missing is not known. See [`Identity::compare`] for what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Where it is: its URL without user and secrets, or the whole path of its file behind all links.
    pub place: String,
    /// The machine that the path is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The system identifier of a server, which its standbys share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The number of the database in its server; another when it is dropped and created again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// Which file it is: its number in the file system and the time of its birth, which no two share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A mark of what it holds, see [`Identity::mark`]: it survives that the file is put back from a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether its name is one of a configuration, so that the name says which database it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub configured: bool,
}

/// Whether two identities are those of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// They are.
    Same,
    /// Too little is known of them.
    Unknown,
    /// They are those of two.
    Other,
}

impl Identity {
    /// A database of which only the place is known.
    pub fn at(place: impl Into<String>) -> Self {
        Self { place: place.into(), ..Self::default() }
    }

    /// The mark of a database with tables of these names; none where it has no tables.
    ///
    /// The first 8 bytes of the BLAKE3 of the sorted names, each followed by a zero byte, as hexadecimal digits.
    pub fn mark<'n>(tables: impl IntoIterator<Item = &'n str>) -> Option<String> {
        let mut names: Vec<&str> = tables.into_iter().collect();
        if names.is_empty() {
            return None;
        }
        names.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        for name in names {
            hasher.update(name.as_bytes());
            hasher.update(&[0]);
        }
        Some(hasher.finalize().to_hex()[..16].to_owned())
    }

    /// Whether two identities are those of one database.
    ///
    /// Databases of servers are told apart by system identifier and number, and by place where the system identifier may
    /// not be read. Files are the same where they are one file, wherever it was moved; or where they are at the same
    /// place and hold the same tables, for a file is also replaced by a copy of itself.
    pub fn compare(&self, other: &Self) -> Sameness {
        match self.oid.is_some() || other.oid.is_some() {
            true => self.compare_in_servers(other),
            false => self.compare_files(other),
        }
    }

    fn compare_in_servers(&self, other: &Self) -> Sameness {
        let same_number = known_equal(self.oid.as_ref(), other.oid.as_ref());
        match (known_equal(self.system.as_ref(), other.system.as_ref()), same_number) {
            (Some(false), _) | (_, Some(false)) => Sameness::Other,
            (Some(true), Some(true)) => Sameness::Same,
            (None, Some(true)) if self.place == other.place => Sameness::Same,
            _ => Sameness::Unknown,
        }
    }

    fn compare_files(&self, other: &Self) -> Sameness {
        let is_same_place = self.is_at_place_of(other);
        match known_equal(self.file.as_ref(), other.file.as_ref()) {
            Some(true) => Sameness::Same,
            _ if !is_same_place => Sameness::Other,
            None => Sameness::Same,
            Some(false) => match known_equal(self.mark.as_ref(), other.mark.as_ref()) {
                Some(true) => Sameness::Same,
                Some(false) => Sameness::Other,
                None => Sameness::Unknown,
            },
        }
    }

    /// Whether both are at one place, whatever is there.
    pub fn is_at_place_of(&self, other: &Self) -> bool {
        self.place == other.place && known_equal(self.host.as_ref(), other.host.as_ref()) != Some(false)
    }

    /// Whether what is at the place is another file than it was.
    pub fn is_another_file_than(&self, other: &Self) -> bool {
        known_equal(self.file.as_ref(), other.file.as_ref()) == Some(false)
    }
}

/// Whether two are equal, where both are known.
fn known_equal(one: Option<&String>, other: Option<&String>) -> Option<bool> {
    Some(one? == other?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(place: &str, system: Option<&str>, oid: Option<&str>) -> Identity {
        Identity { system: system.map(Into::into), oid: oid.map(Into::into), ..Identity::at(place) }
    }

    fn file(place: &str, file: Option<&str>, mark: Option<&str>) -> Identity {
        Identity { file: file.map(Into::into), mark: mark.map(Into::into), ..Identity::at(place) }
    }

    /// Compares both ways.
    fn compared(one: &Identity, other: &Identity) -> Sameness {
        let found = one.compare(other);
        assert_eq!(other.compare(one), found, "{one:?} {other:?}");
        found
    }

    #[test]
    fn databases_of_servers_are_told_apart() {
        let app = server("postgres://h/app", Some("71"), Some("16384"));
        for (other, expected) in [
            (server("postgres://standby/app", Some("71"), Some("16384")), Sameness::Same),
            (server("postgres://h/renamed", Some("71"), Some("16384")), Sameness::Same),
            (server("postgres://h/app", Some("71"), Some("16385")), Sameness::Other),
            (server("postgres://h/app", Some("72"), Some("16384")), Sameness::Other),
            (server("postgres://h/app", None, Some("16384")), Sameness::Same),
            (server("postgres://other/app", None, Some("16384")), Sameness::Unknown),
            (server("postgres://other/app", None, Some("5")), Sameness::Other),
            (server("postgres://h/app", None, None), Sameness::Unknown),
        ] {
            assert_eq!(compared(&app, &other), expected, "{other:?}");
        }
    }

    #[test]
    fn files_are_told_apart() {
        let app = file("/a/app.db", Some("7/1.5"), Some("ab"));
        for (other, expected) in [
            (file("/moved/app.db", Some("7/1.5"), Some("cd")), Sameness::Same),
            (file("/b/app.db", Some("8/1.5"), Some("ab")), Sameness::Other),
            (file("/b/app.db", None, None), Sameness::Other),
            (file("/a/app.db", Some("8/1.5"), Some("ab")), Sameness::Same),
            (file("/a/app.db", Some("8/1.5"), Some("cd")), Sameness::Other),
            (file("/a/app.db", Some("8/1.5"), None), Sameness::Unknown),
            (file("/a/app.db", None, Some("cd")), Sameness::Same),
        ] {
            assert_eq!(compared(&app, &other), expected, "{other:?}");
        }
        assert!(app.is_another_file_than(&file("/a/app.db", Some("8/1.5"), None)));
        assert!(!app.is_another_file_than(&file("/a/app.db", None, None)));
    }

    #[test]
    fn one_path_on_two_machines_is_two_places() {
        let on = |host: &str, number: &str| Identity {
            host: Some(host.into()),
            ..file("/a/app.db", Some(number), Some("ab"))
        };
        assert_eq!(compared(&on("one", "7/1.5"), &on("two", "9/1.5")), Sameness::Other);
        assert_eq!(compared(&on("one", "7/1.5"), &on("two", "7/1.5")), Sameness::Same);
    }

    #[test]
    fn the_mark_is_pinned() {
        assert_eq!(Identity::mark([]), None);
        assert_eq!(Identity::mark(["b", "a"]).as_deref(), Some("55a01d7f389c7df5"));
        assert_ne!(Identity::mark(["a", "b"]), Identity::mark(["ab"]));
    }

    #[test]
    fn bytes_are_pinned() {
        let whole = Identity {
            host: Some("h".into()),
            configured: true,
            ..file("/a/app.db", Some("7/1.5"), Some("ab"))
        };
        let json = serde_json::to_string(&whole).expect("it is written");
        let expected = r#"{"place":"/a/app.db","host":"h","file":"7/1.5","mark":"ab","configured":true}"#;
        assert_eq!(json, expected);
        let server = server("postgres://h/app", Some("71"), Some("5"));
        let json = serde_json::to_string(&server).expect("it is written");
        assert_eq!(json, r#"{"place":"postgres://h/app","system":"71","oid":"5"}"#);
        assert_eq!(serde_json::from_str::<Identity>(&json).expect("it is read"), server);
    }
}
