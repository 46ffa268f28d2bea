//! How requests name databases.

use std::fmt;
use std::ops::Deref;

use secrecy::{ExposeSecret, SecretString};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::moments::at;
use crate::without_secrets::{holds_password, without_secrets};

/// A database as a request names it: a configured name, a URL or a path.
///
/// A URL may hold a password. The debug form does not show it, and serialising it fails: a request that is to be stored
/// has the name of a configured database.
#[derive(Clone)]
pub struct DatabaseRef(SecretString);

impl DatabaseRef {
    /// Whether it is a URL with a password, or what people type in place of one.
    pub fn holds_password(&self) -> bool {
        holds_password(at(self).map_or(self, |(database, _)| database))
    }

    /// What may be shown of it: of a URL no password and no settings.
    pub fn without_secrets(&self) -> String {
        match at(self) {
            Some((database, time)) => format!("{}@{time}", without_secrets(database)),
            None => without_secrets(self),
        }
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
        fmt::Debug::fmt(&self.without_secrets(), f)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let shown = format!("{:?}", DatabaseRef::from("postgres://u:s3cret@h/shop?sslmode=require"));
        assert_eq!(shown, "\"postgres://u@h/shop\"");
    }

    #[test]
    fn passwords_are_not_stored() {
        for url in ["postgres://u:s3cret@h/shop", "postgres://h/shop?password=s3cret"] {
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
