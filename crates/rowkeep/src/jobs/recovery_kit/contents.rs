//! What a kit says, whatever it looks like.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// What opens the repository.
pub(super) enum Key {
    /// The line of a key file.
    Printed(SecretString),
    /// A passphrase, which is written by hand.
    Passphrase,
    /// Nothing.
    None,
}

/// What a kit says.
pub(super) struct Contents {
    pub(super) repository: String,
    pub(super) location: String,
    /// The machine that a folder is on.
    pub(super) machine: Option<String>,
    pub(super) made: Timestamp,
    pub(super) program: String,
    pub(super) databases: Vec<String>,
    pub(super) key: Key,
}

/// One way to the rows: words, and what is typed.
pub(super) struct Step {
    pub(super) words: String,
    pub(super) typed: Vec<String>,
}

/// The most databases that are named.
const NAMED: usize = 12;

/// How long a kit is to be trusted, in words.
pub(super) const AGAIN: &str =
    "Make a new one when a key or the place changes, and once a year: rowkeep recovery-kit -o FILE";

impl Contents {
    /// When it was made.
    pub(super) fn day(&self) -> String {
        self.made.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// Where the repository is, in words.
    pub(super) fn place(&self) -> String {
        match &self.machine {
            Some(machine) if !self.location.contains("://") => format!("{} on {machine}", self.location),
            _ => self.location.clone(),
        }
    }

    /// The databases in words.
    pub(super) fn told_databases(&self) -> String {
        match self.databases.len() {
            0 => "none yet".to_owned(),
            all if all <= NAMED => self.databases.join(", "),
            all => format!("{} and {} others", self.databases[..NAMED].join(", "), all - NAMED),
        }
    }

    /// What opens it, in words.
    pub(super) fn told_key(&self) -> &'static str {
        match self.key {
            Key::Printed(_) => "A key file opens the repository. It has this line:",
            Key::Passphrase => {
                "A passphrase opens the repository. Write it here by hand, and nowhere near the backups:"
            }
            Key::None => "The repository is not encrypted: whoever has it can read it.",
        }
    }

    /// The digits of a key in groups that are easy to type.
    pub(super) fn groups(key: &SecretString) -> Vec<SecretString> {
        let digits = key.expose_secret().trim_start_matches("key ");
        let group = |group: &[char]| SecretString::from(group.iter().collect::<String>());
        digits.chars().collect::<Vec<char>>().chunks(8).map(group).collect()
    }

    fn opening(&self, program: Program) -> String {
        match (&self.key, program) {
            (Key::Printed(_), _) => " --key-file rowkeep.key".to_owned(),
            (Key::Passphrase, Program::Rowkeep) => String::new(),
            (Key::Passphrase, Program::Reader) => " --passphrase-file passphrase.txt".to_owned(),
            (Key::None, Program::Rowkeep) => String::new(),
            (Key::None, Program::Reader) => " --unencrypted".to_owned(),
        }
    }

    fn key_step(&self) -> Option<Step> {
        let words = match self.key {
            Key::Printed(_) => {
                "Type the key into a file rowkeep.key: the word key, a space and the 64 digits without spaces. The QR code holds \
                 the same line."
            }
            Key::Passphrase => "Have the passphrase at hand. It is asked for.",
            Key::None => return None,
        };
        Some(Step { words: words.to_owned(), typed: Vec::new() })
    }

    /// How to read the backups with rowkeep.
    pub(super) fn with_rowkeep(&self) -> Vec<Step> {
        let opened =
            format!("rowkeep --repository {}{}", quoted(&self.location), self.opening(Program::Rowkeep));
        let database = self.databases.first().map_or("DATABASE", String::as_str);
        let mut steps = vec![Step {
            words: format!(
                "Install {} or later, and set the credentials of the place where it needs any (AWS_…); they are not on \
                            this page.",
                self.program
            ),
            typed: Vec::new(),
        }];
        steps.extend(self.key_step());
        steps.push(Step {
            words: "Look what is there, and restore into an empty database; it is proven equal.".to_owned(),
            typed: vec![
                format!("{opened} snapshots"),
                format!("{opened} restore {} --to URL", quoted(&format!("latest:{database}"))),
            ],
        });
        steps
    }

    /// How to read them without.
    pub(super) fn without_rowkeep(&self) -> Vec<Step> {
        let opening = self.opening(Program::Reader);
        let folder = match self.location.contains("://") {
            true => "FOLDER".to_owned(),
            false => quoted(&self.location),
        };
        vec![
            Step {
                words: "FORMAT.md specifies every byte; tools/read-rowkeep.py beside it reads a repository with Python alone. Both \
                        are in rowkeep's source. Fetch a bucket into a folder first."
                    .to_owned(),
                typed: vec![
                    "pip install zstandard cryptography blake3 argon2-cffi".to_owned(),
                    format!("python3 read-rowkeep.py list {folder}{opening}"),
                    format!("python3 read-rowkeep.py sql {folder}{opening} SNAPSHOT > all.sql"),
                ],
            },
        ]
    }
}

#[derive(Clone, Copy)]
enum Program {
    Rowkeep,
    Reader,
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@+=".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
