//! Relative paths of a configuration: they begin at its folder.

use std::path::Path;

use rowkeep_engine::DatabaseUrl;

/// The path of a file.
pub(super) fn file(folder: &Path, path: String) -> String {
    match folder.join(&path).into_os_string().into_string() {
        Ok(joined) => joined,
        // The folder's name is no text: what cannot be said of it is left as it was written.
        Err(_) => path,
    }
}

/// The place of a repository: a folder, or a URL, which is never relative.
pub(super) fn repository(folder: &Path, location: String) -> String {
    match location.is_empty() || location.contains("://") {
        true => location,
        false => file(folder, location),
    }
}

/// The URL of a database, or the path of its file. What is neither is left as it is, for whoever uses it to say so.
pub(super) fn database(folder: &Path, url: String) -> String {
    let parsed = DatabaseUrl::parse(&url).ok();
    let path = parsed.as_ref().and_then(DatabaseUrl::path).filter(|path| path.is_relative());
    match path.and_then(Path::to_str) {
        Some(path) if !folder.as_os_str().is_empty() => file(folder, path.to_owned()),
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_at_the_folder_of_the_file() {
        let folder = Path::new("/etc/rowkeep");
        assert_eq!(file(folder, "key".to_owned()), "/etc/rowkeep/key");
        assert_eq!(file(folder, "/run/key".to_owned()), "/run/key");
        assert_eq!(repository(folder, "backups".to_owned()), "/etc/rowkeep/backups");
        assert_eq!(repository(folder, "s3://bucket/a".to_owned()), "s3://bucket/a");
        assert_eq!(database(folder, "app.db".to_owned()), "/etc/rowkeep/app.db");
        assert_eq!(database(folder, "sqlite:data/app.db".to_owned()), "/etc/rowkeep/data/app.db");
        for url in ["/srv/app.db", "sqlite:/srv/app.db", "postgres://u@h/app", "mysql://u@h/app", ""] {
            assert_eq!(database(folder, url.to_owned()), url);
        }
    }

    #[test]
    fn a_file_in_the_working_directory_changes_no_path() {
        for path in ["app.db", "sqlite:app.db", "../app.db"] {
            assert_eq!(database(Path::new(""), path.to_owned()), path);
        }
        assert_eq!(repository(Path::new(""), "./r".to_owned()), "./r");
    }
}
