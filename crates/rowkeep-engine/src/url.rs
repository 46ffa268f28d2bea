use std::path::PathBuf;

use secrecy::SecretString;

use crate::{EngineError, ErrorKind};

/// Where a database is: what people type after `backup` or `--to`.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// `postgres://` or `postgresql://`, as libpq reads it. It may hold a password, so its debug form does not show it.
    Postgres(SecretString),
    /// `sqlite:` with a path, or a path alone.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Reads a URL or a path.
    ///
    /// Everything without a scheme is a path of an SQLite file; an unknown scheme is an error.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        if text.is_empty() {
            return Err(EngineError::new(ErrorKind::InvalidUrl, "the database URL is empty"));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(EngineError::new(
                ErrorKind::InvalidUrl,
                format!("no engine for {scheme}:// (there are postgres:// and sqlite:)"),
            )),
            None => Ok(Self::Sqlite(PathBuf::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_shows_no_password() {
        let url = DatabaseUrl::parse("postgres://u:s3cret@h/shop").expect("it is a URL");
        assert!(!format!("{url:?}").contains("s3cret"), "{url:?}");
    }
}
