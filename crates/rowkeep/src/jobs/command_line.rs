//! Commands of others that requests name.

use std::ffi::OsString;
use std::fmt;
use std::ops::Deref;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::without_secrets::holds_password;

/// A command with its arguments.
///
/// Arguments may be secret. The debug form shows none, and serialising a URL with a password fails: the command finds the
/// URL of its database in `ROWKEEP_DATABASE_URL`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct CommandLine(Vec<OsString>);

impl Deref for CommandLine {
    type Target = [OsString];

    fn deref(&self) -> &[OsString] {
        &self.0
    }
}

impl<T: Into<OsString>> FromIterator<T> for CommandLine {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("[]"),
            [program] => write!(f, "[{program:?}]"),
            [program, ..] => write!(f, "[{program:?}, …]"),
        }
    }
}

impl Serialize for CommandLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.iter().any(|word| holds_password(&word.to_string_lossy())) {
            let problem =
                "a command with a password in a URL is not stored: let it read ROWKEEP_DATABASE_URL";
            return Err(S::Error::custom(problem));
        }
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_not_shown() {
        let command = CommandLine::from_iter(["psql", "--token", "s3cret"]);
        assert_eq!(format!("{command:?}"), r#"["psql", …]"#);
        assert_eq!(format!("{:?}", CommandLine::from_iter(["./migrate"])), r#"["./migrate"]"#);
    }

    #[test]
    fn passwords_are_not_stored() {
        let command = CommandLine::from_iter(["sh", "-c", "psql postgres://u:s3cret@h/shop"]);
        let error = serde_json::to_string(&command).expect_err("it holds a password");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        let command = CommandLine::from_iter(["sh", "-c", "psql $ROWKEEP_DATABASE_URL"]);
        let stored = serde_json::to_string(&command).expect("it holds none");
        assert_eq!(serde_json::from_str::<CommandLine>(&stored).expect("it is a command"), command);
    }
}
