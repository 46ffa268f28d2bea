//! The engines that are known, and which of them a URL, a path or a name means.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::d1::D1Kind;
use crate::dialect::Dialect;
use crate::file::{FileEngine, recognise};
use crate::indexeddb::IndexedDbKind;
use crate::kind::Kind;
use crate::postgres::PostgresKind;
use crate::sqlite::SqliteKind;
use crate::{DatabaseUrl, Engine, EngineError, ErrorKind, Surroundings};

/// The engines that come with this program, in the order in which they are asked whose a URL is.
static KINDS: [&dyn Kind; 4] = [&PostgresKind, &SqliteKind, &D1Kind, &IndexedDbKind];

/// The engine of databases that are files.
static OF_FILES: &dyn Kind = &SqliteKind;

/// What was registered beside them.
static REGISTERED: RwLock<Vec<&'static dyn Kind>> = RwLock::new(Vec::new());

/// Makes one more engine known to this process, for a program that has databases of its own kind. Its URLs, snapshots and scratch
/// databases are from then on as those of the others.
///
/// Fails where another engine has the name or one of the schemes.
pub fn register(kind: &'static dyn Kind) -> Result<(), EngineError> {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let is_taken = |known: &&dyn Kind| {
        known.name() == kind.name() || known.schemes().iter().any(|scheme| kind.schemes().contains(scheme))
    };
    if let Some(other) = KINDS.iter().copied().chain(registered.iter().copied()).find(is_taken) {
        let message = format!("engine {} has the name or a scheme of engine {}", kind.name(), other.name());
        return Err(EngineError::new(ErrorKind::Other, message));
    }
    registered.push(kind);
    Ok(())
}

/// All engines that are known.
pub fn kinds() -> Vec<&'static dyn Kind> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    KINDS.iter().copied().chain(registered.iter().copied()).collect()
}

/// The engine of that name; refused where this program does not know it.
pub fn kind_of(engine: &str) -> Result<&'static dyn Kind, EngineError> {
    kinds().into_iter().find(|kind| kind.name() == engine).ok_or_else(|| {
        let message = format!(
            "this version of rowkeep knows no engine {engine:?}; use the version that made the backup, or a newer one"
        );
        EngineError::new(ErrorKind::Unsupported, message)
    })
}

/// What the values, names and statements of an engine mean; refused where this program does not know the engine.
pub fn dialect_of(engine: &str) -> Result<&'static dyn Dialect, EngineError> {
    kind_of(engine).map(|kind| kind.dialect())
}

impl DatabaseUrl {
    /// Reads a URL or a path.
    ///
    /// Everything without a scheme is the path of a file; an unknown scheme is an error.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        if text.is_empty() {
            return Err(EngineError::new(ErrorKind::InvalidUrl, "the database URL is empty"));
        }
        let kinds = kinds();
        for kind in &kinds {
            if let Some(url) = kind.parse(text)? {
                return Ok(url);
            }
        }
        match text.split_once("://") {
            Some((scheme, _)) => {
                let known: Vec<&str> =
                    kinds.iter().filter_map(|kind| kind.schemes().first().copied()).collect();
                let message = format!("no engine for {scheme}:// (there are {})", listed(&known));
                Err(EngineError::new(ErrorKind::InvalidUrl, message))
            }
            None => Ok(Self::of_file(text)),
        }
    }

    /// A database that is a file.
    pub fn of_file(path: impl AsRef<Path>) -> Self {
        Self::of_path(OF_FILES.name(), path.as_ref())
    }

    /// What the database calls itself, as far as that follows from where it is.
    pub fn name(&self) -> Option<String> {
        kind_of(self.engine()).ok()?.name_of(self)
    }

    /// A URL or path for a new database beside it, whose name is its own with a suffix.
    pub fn beside(&self, suffix: &str) -> Result<String, EngineError> {
        Ok(kind_of(self.engine())?.beside(self, suffix))
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.join(", "),
    }
}

/// Whether text can be nothing but the URL of a database, be it a known one or not.
pub fn is_url(text: &str) -> bool {
    let begins = |kind: &&dyn Kind| kind.schemes().iter().any(|scheme| text.starts_with(scheme));
    text.contains("://") || kinds().iter().any(begins)
}

/// Whether text is meant as the URL of a database that is on a server or another service.
pub fn is_url_of_server(text: &str) -> bool {
    let begins = |scheme: &&str| scheme.strip_suffix("//").is_some_and(|scheme| text.starts_with(scheme));
    kinds().iter().any(|kind| kind.schemes().iter().any(begins))
}

/// Whether states of a database arrive by themselves, so that none can be fetched.
pub fn arrives(url: &str) -> bool {
    let kind = DatabaseUrl::parse(url).and_then(|url| kind_of(url.engine()));
    kind.is_ok_and(|kind| kind.arrives())
}

/// Where a database is, as its identity has it.
pub fn place(url: &DatabaseUrl) -> Result<String, EngineError> {
    // Whatever file it is.
    Ok(kind_of(url.engine())?.connect(url, &Surroundings::default())?.place())
}

/// Whether a path names a file of a format that is read beside databases: a dump, or a folder that is one.
pub fn is_dump(path: &Path) -> bool {
    matches!(recognise(path), Ok(Some(_)))
}

/// What files are that are databases as they are, in words with an article.
pub fn database_files() -> &'static str {
    OF_FILES.file().unwrap_or("a database")
}

/// What a file is, where it is a database as it is; in words with an article.
pub fn database_file(path: &Path) -> Option<&'static str> {
    OF_FILES.recognise(path).then(database_files)
}

/// A URL with what it leaves to its surroundings, as the engine's own programs would have it.
pub fn completed(url: DatabaseUrl, surroundings: &Surroundings) -> Result<DatabaseUrl, EngineError> {
    kind_of(url.engine())?.completed(url, surroundings)
}

/// The variable of the environment whose secret would be sent to a database, because its URL has none: of databases that are not
/// named by whoever has that environment.
pub fn secret_of_environment(url: &DatabaseUrl, surroundings: &Surroundings) -> Option<&'static str> {
    kind_of(url.engine()).ok()?.secret_of_environment(url, surroundings)
}

/// What the values of rows mean that come from files without types.
pub fn dialect_of_files() -> &'static dyn Dialect {
    OF_FILES.dialect()
}

/// The engine for a database, or for a file of another format, whose content says what it is.
pub fn connect(url: &DatabaseUrl, surroundings: &Surroundings) -> Result<Arc<dyn Engine>, EngineError> {
    if let Some(path) = url.path()
        && let Some(found) = recognise(path)?
    {
        return Ok(Arc::new(FileEngine::new(found, surroundings)));
    }
    kind_of(url.engine())?.connect(url, surroundings)
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
        let path = DatabaseUrl::parse("data/postgres:5432.db").expect("it is a path");
        assert_eq!(path.path(), Some(Path::new("data/postgres:5432.db")));
    }

    #[test]
    fn secrets_of_the_environment_are_known_before_they_are_sent() {
        let mut surroundings = Surroundings::default();
        surroundings.libpq.variables.insert("PGPASSWORD".to_owned(), "s3cret".to_owned());
        surroundings.cloudflare.worker_secret = Some("s3cret".into());
        surroundings.cloudflare.token = Some("s3cret".into());
        for (text, variable) in [
            ("postgres://u@h/shop", Some("PGPASSWORD")),
            ("postgres://u:own@h/shop", None),
            ("postgres://u@h/shop?password=own", None),
            ("d1+worker://shop.example.workers.dev", Some("ROWKEEP_D1_SECRET")),
            ("d1+worker://shop.example.workers.dev?secret-file=/s", None),
            // It goes to Cloudflare alone.
            ("d1://account/shop", None),
            ("shop.db", None),
        ] {
            let url = DatabaseUrl::parse(text).expect("it is a URL");
            assert_eq!(secret_of_environment(&url, &surroundings), variable, "{text}");
            assert_eq!(secret_of_environment(&url, &Surroundings::default()), None, "{text}");
        }
    }

    #[test]
    fn whose_a_url_is_follows_from_its_scheme() {
        let error = DatabaseUrl::parse("mysql://u@h/app").expect_err("no engine has it").to_string();
        assert_eq!(error, "no engine for mysql:// (there are postgres://, sqlite:, d1:// and indexeddb:)");
        for (text, is_any, is_of_server) in [
            ("postgres://u@h/app", true, true),
            ("postgresql://u@h/app", true, true),
            ("postgres:app", false, true),
            ("mysql://u@h/app", true, false),
            ("sqlite:app.db", true, false),
            ("d1://account/app", true, true),
            ("indexeddb:app", true, false),
            ("app.db", false, false),
        ] {
            assert_eq!((is_url(text), is_url_of_server(text)), (is_any, is_of_server), "{text}");
        }
        assert!(kind_of("oracle").is_err());
        for (url, name) in [
            ("postgres://u:p@h:5432/shop?sslmode=require", Some("shop")),
            ("postgres://u:s3/cr?t@h/shop", Some("shop")),
            ("postgres://h", None),
            ("data/app.db", Some("app")),
            ("indexeddb:app", Some("app")),
            ("sqlite:/var/lib/app.sqlite3", Some("app")),
        ] {
            assert_eq!(DatabaseUrl::parse(url).expect("it is a URL").name().as_deref(), name);
        }
        for (url, beside) in [
            ("data/app.db", "data/app-before-12.db"),
            ("app", "app-before-12"),
            ("postgres://u@h:5433/app", "postgres://u@h:5433/app_before_12"),
        ] {
            let url = DatabaseUrl::parse(url).expect("it is a URL");
            assert_eq!(url.beside("before-12").ok().as_deref(), Some(beside));
        }
    }
}
