//! Command lines of rowkeep, to be typed.

use crate::args::Global;

/// A command line as a shell takes it, with what was typed everywhere.
pub(crate) fn command(words: &[String], global: &Global) -> String {
    let mut all: Vec<String> = vec!["rowkeep".to_owned()];
    all.extend(words.iter().map(|word| quoted(word)));
    let paths = [
        ("--config", &global.config),
        ("--key-file", &global.key_file),
        ("--passphrase-file", &global.passphrase_file),
    ];
    if let Some(repository) = &global.repository {
        all.extend(["--repository".to_owned(), quoted(repository)]);
    }
    for (option, path) in paths {
        if let Some(path) = path {
            all.extend([option.to_owned(), quoted(&path.to_string_lossy())]);
        }
    }
    all.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_means_what_it_says() {
        assert_eq!(quoted("postgres://u@h/app"), "postgres://u@h/app");
        assert_eq!(quoted("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
