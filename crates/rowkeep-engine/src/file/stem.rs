use std::path::Path;

/// What a file is called, without what says how it is written and packed.
pub fn stem(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut stem = name.as_str();
    for extension in [
        ".gz", ".zst", ".xz", ".lz4", ".zip", ".json", ".ndjson", ".jsonl", ".csv", ".sql", ".dump", ".tar",
        ".pgdump", ".backup", ".db", ".sqlite", ".sqlite3",
    ] {
        stem = stem.strip_suffix(extension).filter(|stem| !stem.is_empty()).unwrap_or(stem);
    }
    if stem.is_empty() { "database".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_called_what_their_files_are() {
        for (file, name) in
            [("/b/shop.sql.gz", "shop"), ("shop-2024.dump", "shop-2024"), ("a.b.db", "a.b"), (".sql", ".sql")]
        {
            assert_eq!(stem(Path::new(file)), name);
        }
    }
}
