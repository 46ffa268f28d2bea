//! Damage to any object of a repository is noticed, and never becomes wrong data.

use std::path::Path;

use crate::sandbox::{Numbers, Sandbox, copy_folder, files_below, filled};

#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip,
    Truncate,
    Remove,
}

fn inflict(damage: Damage, file: &Path, numbers: &mut Numbers) -> bool {
    let mut bytes = std::fs::read(file).expect("the file can be read");
    match damage {
        Damage::Remove => {
            std::fs::remove_file(file).expect("the file can be removed");
            return true;
        }
        // The entries of the ledger are empty: their names are all that they say.
        _ if bytes.is_empty() => return false,
        Damage::Flip => {
            let at = numbers.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << numbers.below(8);
        }
        Damage::Truncate => bytes.truncate(numbers.below(bytes.len() as u64) as usize),
    }
    std::fs::write(file, bytes).expect("the file can be written");
    true
}

fn damage_everywhere(sandbox: &Sandbox, repository: &str, rounds: u64) {
    let whole = sandbox.path(repository);
    let files = files_below(&whole);
    let mut numbers = Numbers(files.len() as u64);
    let copy = sandbox.path("damaged");
    for round in 0..rounds {
        let damage = [Damage::Flip, Damage::Truncate, Damage::Remove][round as usize % 3];
        // Every object in turn, and then at random.
        let chosen =
            if round < 3 * files.len() as u64 { round / 3 } else { numbers.below(files.len() as u64) };
        let name = files[chosen as usize].strip_prefix(&whole).expect("it is below").to_owned();
        let _ = std::fs::remove_dir_all(&copy);
        copy_folder(&whole, &copy);
        if !inflict(damage, &copy.join(&name), &mut numbers) {
            continue;
        }
        let on = ["--repository", "damaged", "--key-file", "rowkeep-repository.key"];
        let on = if repository == "plain" { &on[..2] } else { &on[..] };
        let what = format!("{damage:?} of {}", name.display());
        let checked = sandbox.run(&[&["check", "--read-data"], on].concat());
        let noted = checked.out.contains("note");
        // A summary is a cache: nothing is lost with it.
        let is_cache = name.starts_with("summaries");
        let is_unneeded = is_cache && matches!(damage, Damage::Remove);
        assert!(checked.status != 0 || noted || is_unneeded, "{what} was not noticed: {checked:#?}");
        if is_cache {
            assert_eq!(checked.status, 0, "{what}: {checked:#?}");
        } else if !name.starts_with("ledger") {
            assert!(matches!(checked.status, 1 | 3 | 4), "{what}: {checked:#?}");
        }
        let _ = std::fs::remove_file(sandbox.path("copy.db"));
        let restored = sandbox.run(&[&["restore", "latest", "--to", "copy.db"], on].concat());
        assert!(!restored.err.contains("panicked"), "{what}: {restored:#?}");
        if restored.status == 0 {
            let expected = ["latest:app", "--against", "copy.db", "--repository", repository];
            let equal = sandbox.run(&[&["verify"], &expected[..]].concat());
            let older = sandbox.run(&["verify", "older", "--against", "copy.db", "--repository", repository]);
            assert!(equal.status == 0 || older.status == 0, "{what}: {restored:#?} {equal:#?}");
        } else {
            assert!(!sandbox.path("copy.db").exists(), "{what}: {restored:#?}");
        }
    }
}

#[test]
fn damage_of_an_encrypted_repository_is_noticed() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(3000));
    sandbox.done(&["backup", "app.db", "--name", "older"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id % 5 = 0");
    sandbox.done(&["backup", "app.db"]);
    damage_everywhere(&sandbox, "rowkeep-repository", 60);
}

#[test]
fn damage_of_a_plain_repository_is_noticed() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(3000));
    sandbox.done(&["init", "--no-encryption", "--repository", "plain"]);
    sandbox.done(&["backup", "app.db", "--name", "older", "--repository", "plain"]);
    sandbox.sql("app.db", "DELETE FROM events WHERE id % 5 = 0");
    sandbox.done(&["backup", "app.db", "--repository", "plain"]);
    damage_everywhere(&sandbox, "plain", 60);
}
