//! What was run and what it said, as a text for people.

use std::fmt::Write as _;
use std::path::Path;

use regex_lite::Regex;

use crate::sandbox::{Ran, Sandbox, copy_folder};

/// Everything that was run, in the order in which a person reads it.
#[derive(Default)]
pub(super) struct Book {
    pub(super) text: String,
    pub(super) replacements: Vec<(Regex, &'static str)>,
}

impl Book {
    /// Runs each command in the folder as it is, and writes down what they say; those that say the same stand together.
    pub(super) fn chapter(
        &mut self,
        sandbox: &Sandbox,
        title: &str,
        commands: &[&str],
        with: &[(&str, &str)],
    ) {
        self.chapter_after(sandbox, title, commands, with, || {});
    }

    /// The same where more than the folder is put back before each command.
    pub(super) fn chapter_after(
        &mut self,
        sandbox: &Sandbox,
        title: &str,
        commands: &[&str],
        with: &[(&str, &str)],
        put_back: impl Fn(),
    ) {
        self.chapter_by(sandbox, title, commands, with, |command| {
            put_back();
            sandbox.run(command)
        });
    }

    /// The same where commands are run otherwise than as they stand.
    pub(super) fn chapter_by(
        &mut self,
        sandbox: &Sandbox,
        title: &str,
        commands: &[&str],
        with: &[(&str, &str)],
        run: impl Fn(&[&str]) -> Ran,
    ) {
        let kept = tempfile::tempdir().expect("a temporary folder can be made");
        copy_folder(&sandbox.path(""), kept.path());
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for command in commands {
            empty(&sandbox.path(""));
            copy_folder(kept.path(), &sandbox.path(""));
            let typed: Vec<String> = command
                .split(' ')
                .map(|word| {
                    with.iter().fold(word.to_owned(), |word, (name, value)| word.replace(name, value))
                })
                .collect();
            let ran = run(&typed.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(!ran.err.contains("panicked"), "{command}: {ran:?}");
            let says = self.says(sandbox, &ran);
            match told.iter_mut().find(|(other, _)| *other == says) {
                Some((_, commands)) => commands.push((*command).to_owned()),
                None => told.push((says, vec![(*command).to_owned()])),
            }
        }
        let line = "=".repeat(title.chars().count());
        writeln!(self.text, "{title}\n{line}\n").expect("text can be written");
        for (says, commands) in told {
            for command in commands {
                writeln!(self.text, "$ rowkeep {command}").expect("text can be written");
            }
            writeln!(self.text, "{says}").expect("text can be written");
        }
    }

    /// What a run ended with and said to people, without what is of one run alone; of what was done, only that.
    fn says(&self, sandbox: &Sandbox, ran: &Ran) -> String {
        let folder = sandbox.path("");
        let folder = folder.to_string_lossy();
        let is_error = ran.err.contains("error: ");
        let told = match ran.status {
            0 => ran.err.lines().filter(|line| line.starts_with("warning: ")).collect(),
            _ if is_error => ran.err.lines().collect(),
            _ => [ran.out.lines().collect::<Vec<_>>(), ran.err.lines().collect()].concat(),
        };
        let told = told.into_iter().filter(|line: &&str| !is_progress(line)).collect::<Vec<_>>().join("\n");
        let mut told =
            told.replace(&*folder, "/home/ada/").replace(folder.trim_end_matches('/'), "/home/ada");
        for (pattern, name) in &self.replacements {
            told = pattern.replace_all(&told, *name).into_owned();
        }
        let mut text = format!("  exit status {}\n", ran.status);
        for line in told.lines() {
            writeln!(text, "{}", format!("  {line}").trim_end()).expect("text can be written");
        }
        text
    }
}

/// Whether a line says what goes on, what is well, a fact of the machine, or that a password was typed where others see it.
fn is_progress(line: &str) -> bool {
    let words = [
        "backing up",
        "restoring",
        "comparing",
        "verifying",
        "checking",
        "building",
        "changing",
        "exporting",
    ];
    let is_fact = line.starts_with("  ")
        && line
            .trim_start()
            .split_once(": ")
            .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    is_fact
        || line.starts_with("ok ")
        || words.iter().any(|word| line.starts_with(word))
        || line.starts_with("warning: the password in the URL is visible")
}

/// Removes all that is in a folder.
fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.expect("it is ours");
    }
}
