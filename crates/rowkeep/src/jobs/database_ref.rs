//! How requests name databases.

use std::fmt;
use std::ops::Deref;

use secrecy::{ExposeSecret, SecretString};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A database as a request names it: a configured name, a URL or a path.
///
/// A URL may hold a password. The debug form does not show it, and serialising it fails: a request that is to be stored
/// has the name of a configured database.
#[derive(Clone)]
pub struct DatabaseRef(SecretString);

impl DatabaseRef {
    /// Whether it is a URL with a password.
    pub fn holds_password(&self) -> bool {
        let Some((_, rest)) = self.split_once("://") else { return false };
        // A password may hold any character, so the last @ ends it; settings begin at the first ? after it.
        let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let settings = place.split_once('?').map_or("", |(_, settings)| settings);
        let is_secret = |setting: &str| {
            let name = setting.split('=').next().unwrap_or_default();
            // What is encoded may be anything.
            name.to_ascii_lowercase().contains("pass") || name.contains('%')
        };
        user.contains([':', '?']) || settings.split('&').any(is_secret)
    }
}

impl Deref for DatabaseRef {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.expose_secret()
    }
}

impl<T: Into<String>> From<T> for DatabaseRef {
    fn from(text: T) -> Self {
        let text: String = text.into();
        Self(text.into())
    }
}

impl fmt::Debug for DatabaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_secrets(self), f)
    }
}

impl PartialEq for DatabaseRef {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for DatabaseRef {}

impl Serialize for DatabaseRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.holds_password() {
            let problem = "a URL with a password is not stored: give the database a name in rowkeep.toml";
            return Err(S::Error::custom(problem));
        }
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for DatabaseRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

/// A URL without what may be secret: all of the user's part but the name, and the settings.
pub(crate) fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let bare = |place: &str| place.split('?').next().unwrap_or_default().to_owned();
    // A password may hold slashes, so the last @ ends it.
    match rest.rsplit_once('@') {
        // Either the password holds a question mark, or a setting an @.
        Some((user, _)) if user.contains('?') => format!("{scheme}://…"),
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{}", bare(place))
        }
        None => format!("{scheme}://{}", bare(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("shop", "shop"),
            ("/data/a@b.db", "/data/a@b.db"),
            ("postgres://u:s3/cr@t@h:5432/shop?password=s3cret", "postgres://u@h:5432/shop"),
            ("postgres://h/shop?password=s3cret", "postgres://h/shop"),
            ("postgres://u:s3?cr@et@h/shop", "postgres://…"),
            ("postgres://h/shop?password=s3@cret", "postgres://…"),
        ] {
            assert_eq!(format!("{:?}", DatabaseRef::from(url)), format!("{shown:?}"));
        }
    }

    #[test]
    fn passwords_are_not_stored() {
        for url in [
            "postgres://u:s3cret@h/shop",
            "postgres://u:s3/cr?t@h/shop",
            "postgres://h/shop?sslmode=require&password=s3cret",
            "postgres://h/shop?sslpassword=s3cret",
            "postgres://h/shop?password=s3@cret",
            "postgres://h/shop?pass%77ord=s3cret",
        ] {
            let error = serde_json::to_string(&DatabaseRef::from(url)).expect_err("it holds a password");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        for other in ["shop", "/data/a@b.db", "postgres://u@h:5432/shop?sslmode=require"] {
            let stored = serde_json::to_string(&DatabaseRef::from(other)).expect("it holds none");
            assert_eq!(stored, format!("{other:?}"));
            assert_eq!(serde_json::from_str::<DatabaseRef>(&stored).expect("it is text"), other.into());
        }
    }
}
