//! The crates know each other in one direction only, and libraries keep their hands off the process.

use std::path::{Path, PathBuf};

/// In the order of the data's way: each may know those before it.
const CRATES: [&str; 5] =
    ["rowkeep-format", "rowkeep-repository", "rowkeep-engine", "rowkeep", "rowkeep-cli"];

/// What a crate may not know although it comes before it.
const APART: [(&str, &str); 1] = [("rowkeep-engine", "rowkeep-repository")];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder").to_owned()
}

#[test]
fn crates_know_only_those_before_them() {
    for (place, name) in CRATES.iter().enumerate() {
        let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).expect("it is there");
        let manifest: toml::Table = manifest.parse().expect("it is TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for known in dependencies.keys().filter(|known| CRATES.contains(&known.as_str())) {
                let before = CRATES[..place].contains(&known.as_str());
                assert!(before && !APART.contains(&(name, known.as_str())), "{name} must not know {known}");
            }
        }
    }
}

#[test]
fn every_crate_has_its_place() {
    let mut found: Vec<String> = std::fs::read_dir(crates())
        .expect("it can be read")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut known = CRATES.map(str::to_owned);
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn libraries_neither_print_nor_read_the_environment() {
    const FORBIDDEN: [&str; 7] =
        ["println!", "eprintln!", "print!(", "std::env::var", "env::vars", "std::process::exit", "io::stdin"];
    for name in &CRATES[..4] {
        for file in crate::sandbox::files_below(&crates().join(name).join("src")) {
            if file.extension().is_none_or(|extension| extension != "rs")
                || file.to_string_lossy().contains("test")
            {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("it can be read");
            for word in FORBIDDEN {
                assert!(!text.contains(word), "{} has {word}", file.display());
            }
        }
    }
}
