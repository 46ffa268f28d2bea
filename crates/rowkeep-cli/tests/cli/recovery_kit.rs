//! The page for the safe.

use crate::sandbox::Sandbox;

/// The key that a page or text has, from its groups.
fn key_in(text: &str) -> String {
    let plain = text.replace("<br>", " ").replace("</code>", " ");
    let places = ["key ", "key\n"].iter().filter_map(|key| plain.find(key));
    let start = places.min().expect("it has a key") + 4;
    plain[start..].chars().filter(|letter| !letter.is_whitespace()).take(64).collect()
}

/// A command for a repository that a passphrase opens.
fn by<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--repository", "other", "--passphrase-file", "pass"], arguments].concat()
}

#[test]
fn the_kit_opens_the_repository_and_is_remembered() {
    let sandbox = Sandbox::new();
    sandbox.sql("app & co.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    sandbox.done(&["backup", "app & co.db"]);
    let made = sandbox.json(&["recovery-kit", "-o", "kit.html"]);
    assert_eq!(made["key"], "printed", "{made}");
    let page = std::fs::read_to_string(sandbox.path("kit.html")).expect("it was written");
    assert!(
        page.contains("<svg") && page.contains("app &amp; co") && page.contains("read-rowkeep.py"),
        "{page}"
    );
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org").count()
    );
    sandbox.done(&["recovery-kit", "-o", "kit.txt"]);
    let text = std::fs::read_to_string(sandbox.path("kit.txt")).expect("it was written");
    let body = &page[page.find("class=\"key\"").expect("it has a key")..];
    let of_text = key_in(&text[text.find("    key\n").expect("it has a key")..]);
    assert_eq!(key_in(&body[body.find("<code>").expect("text")..]), of_text);
    std::fs::write(sandbox.path("typed.key"), format!("key {of_text}\n")).expect("it is written");
    let own = std::fs::read_to_string(sandbox.path("rowkeep-repository.key")).expect("it is there");
    assert!(own.contains(&of_text));
    sandbox.done(&["--key-file", "typed.key", "check"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let rights = std::fs::metadata(sandbox.path("kit.html")).expect("it is there").permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
    }
    sandbox.run(&["recovery-kit", "-o", "kit.html"]).expect(4).says(&["already exists", "--force"]);
    let ledger = std::fs::read_dir(sandbox.path("rowkeep-repository/ledger")).expect("it is there");
    let names = ledger.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| name.starts_with("kit-")).count(), 1, "only the last counts");
    // A check knows what the entry is.
    let check = sandbox.done(&["check"]);
    assert!(!check.out.contains("does not belong"), "{check:?}");

    // Behind a passphrase, only where a key is asked for.
    std::fs::write(sandbox.path("pass"), "a passphrase of our own\n").expect("it is written");
    sandbox.done(&by(&["init"]));
    let made = sandbox.json(&by(&["recovery-kit", "-o", "other.html"]));
    assert_eq!(made["key"], "to_be_written", "{made}");
    let page = std::fs::read_to_string(sandbox.path("other.html")).expect("it was written");
    assert!(
        page.contains("class=\"line\"") && !page.contains("<svg") && !page.contains("passphrase of our own")
    );
    let made = sandbox.json(&by(&["recovery-kit", "-o", "other.txt", "--with-key"]));
    assert!(made["added_slot"].is_string(), "{made}");
    let text = std::fs::read_to_string(sandbox.path("other.txt")).expect("it was written");
    let key = key_in(&text[text.find("    key\n").expect("it has a key")..]);
    std::fs::write(sandbox.path("kit.key"), format!("key {key}\n")).expect("it is written");
    let slots = sandbox.done(&["--repository", "other", "--key-file", "kit.key", "key", "list"]);
    assert!(slots.out.contains("recovery kit of"), "{slots:?}");
}
