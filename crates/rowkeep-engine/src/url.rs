use std::path::PathBuf;

use secrecy::SecretString;

use crate::{EngineError, ErrorKind};

/// Where a database is: what people type after `backup` or `--to`.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// `postgres://` or `postgresql://`, as libpq reads it. It may hold a password, so its debug form does not show it.
    Postgres(SecretString),
    /// `d1://` or `d1+worker://`: a database of Cloudflare D1. It holds no secret, unless somebody has put one there.
    D1(SecretString),
    /// `sqlite:` with a path, or a path alone.
    Sqlite(PathBuf),
}

/// Keywords of libpq's other form with secrets, wherever they stand in it, and those that it begins with.
const SECRET: [&str; 2] = ["password", "sslpassword"];
const FIRST: [&str; 7] = ["host", "hostaddr", "port", "dbname", "user", "service", "sslmode"];

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
        if text.starts_with("d1://") || text.starts_with("d1+worker://") {
            return Ok(Self::D1(text.into()));
        }
        // What is left would be a path, which errors show.
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Err(EngineError::new(
                ErrorKind::InvalidUrl,
                "the URL of a PostgreSQL database has // after its scheme",
            ));
        }
        let is_setting =
            |word: &str, name: &str| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        let begins = text.trim_start();
        if SECRET.iter().any(|name| text.split_whitespace().any(|word| is_setting(word, name)))
            || FIRST.iter().any(|name| is_setting(begins, name))
        {
            let problem = "connection strings of keywords and values are not understood: write \
                           postgres://user@host:port/dbname?setting=value, as psql takes it too";
            return Err(EngineError::new(ErrorKind::InvalidUrl, problem));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(EngineError::new(
                ErrorKind::InvalidUrl,
                format!("no engine for {scheme}:// (there are postgres://, sqlite:, d1:// and d1+worker://)"),
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

    #[test]
    fn what_holds_a_password_is_no_path() {
        for text in [
            "postgres:u:s3cret@h/shop",
            "postgresql:/u:s3cret@h/shop",
            "host=h dbname=shop password=s3cret",
            "dbname=shop",
        ] {
            let error = DatabaseUrl::parse(text).expect_err("it is no URL");
            assert_eq!(error.kind(), ErrorKind::InvalidUrl);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        assert!(matches!(DatabaseUrl::parse("data/postgres:5432.db"), Ok(DatabaseUrl::Sqlite(_))));
    }
}
