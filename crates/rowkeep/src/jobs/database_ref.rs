//! How requests name databases.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A database as a request names it: a configured name, a URL or a path.
///
/// A URL may hold a password, which its debug form does not show. A request that is to be stored should have a name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseRef(String);

impl Deref for DatabaseRef {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for DatabaseRef {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for DatabaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_secrets(&self.0), f)
    }
}

/// A URL without what may be secret: all of the user's part but the name, and the settings.
fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    // A password may hold slashes, so the last @ ends it.
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
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
        ] {
            assert_eq!(format!("{:?}", DatabaseRef::from(url)), format!("{shown:?}"));
        }
    }
}
