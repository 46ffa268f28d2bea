//! What a person at a terminal sees: on the screen itself, at several widths.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::sandbox::{Sandbox, filled};

/// Lines of the terminal: so many that nothing scrolls away.
const LINES: u16 = 80;

/// Runs a command on a terminal of so many columns, answers its questions, and gives its status and the lines of the screen.
fn on_terminal(sandbox: &Sandbox, columns: u16, answer: &str, args: &[&str]) -> (i32, Vec<String>) {
    beside(sandbox, columns, answer, args, None)
}

/// The same where results go elsewhere, and the terminal shows what is said beside them.
fn beside(
    sandbox: &Sandbox,
    columns: u16,
    answer: &str,
    args: &[&str],
    results: Option<File>,
) -> (i32, Vec<String>) {
    let mine = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
    grantpt(&mine).expect("it can be used");
    unlockpt(&mine).expect("it can be used");
    let size = Winsize { ws_row: LINES, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&mine, size).expect("it has a size");
    let name = ptsname(&mine, Vec::new()).expect("it has a name").into_string().expect("it is text");
    let theirs = || OpenOptions::new().read(true).write(true).open(&name).expect("it opens");
    let mut command = sandbox.command(args);
    command.env("TERM", "xterm-256color").stdin(theirs()).stderr(theirs());
    command.stdout(results.unwrap_or_else(theirs));
    let mut child = command.spawn().expect("the command can be run");
    // The command holds the terminal's other end; when it ends, reading fails.
    drop(command);
    let mut mine = File::from(mine);
    let mut screen = vt100::Parser::new(LINES, columns, 0);
    let (mut buffer, mut answered) = ([0; 4096], false);
    while let Ok(read @ 1..) = mine.read(&mut buffer) {
        screen.process(&buffer[..read]);
        if !answered && screen.screen().contents().contains("[y/N]") {
            answered = true;
            writeln!(mine, "{answer}").expect("it is answered");
        }
    }
    let status = child.wait().expect("it ends").code().unwrap_or(-1);
    let lines = screen.screen().rows(0, columns).map(|line| line.trim_end().to_owned());
    (status, lines.filter(|line| !line.is_empty()).collect())
}

/// The lines of a text as a terminal of so many columns breaks them.
fn broken(text: &str, columns: u16) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let letters: Vec<char> = line.chars().collect();
        let parts = letters.chunks(usize::from(columns));
        lines.extend(parts.map(|part| part.iter().collect::<String>().trim_end().to_owned()));
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Nothing that shows progress is left on the screen, and nothing was wiped away by it.
#[test]
fn progress_leaves_results_plan_and_question_on_the_screen() {
    for columns in [60, 80, 120] {
        let sandbox = Sandbox::bare();
        sandbox.sql("shop.db", &filled(30_000));
        let (status, screen) = on_terminal(&sandbox, columns, "", &["init", "--key-file", "key"]);
        assert_eq!(status, 0, "{screen:#?}");
        let key = ["--key-file", "key"];
        let (status, screen) =
            on_terminal(&sandbox, columns, "", &[&["backup", "shop.db"], &key[..]].concat());
        assert_eq!(status, 0, "{screen:#?}");
        // Lines are broken between words.
        let told = screen.join(" ");
        assert!(told.starts_with("snapshot ") && told.ends_with(" new in the repository"), "{screen:#?}");

        sandbox.sql("shop.db", "DELETE FROM events WHERE id < 20000; UPDATE people SET balance = 1");
        let restore = [&["restore", "latest", "--to", "shop.db"], &key[..]].concat();
        let planned = sandbox.done(&[&restore[..], &["--dry-run"]].concat()).out;
        // The last line says what the dry run did, and with which plan.
        let plan = planned.lines().filter(|line| !line.contains("nothing was changed"));
        let plan = broken(&plan.collect::<Vec<_>>().join("\n"), columns);
        for (answer, ended) in [("n", 4), ("y", 0)] {
            let (status, screen) = on_terminal(&sandbox, columns, answer, &restore);
            assert_eq!(status, ended, "{screen:#?}");
            let shown = screen.join("\n");
            assert!(shown.contains(&plan.join("\n")), "{plan:#?} is not whole in {screen:#?}");
            let asked = screen.iter().filter(|line| line.ends_with(&format!("[y/N] {answer}"))).count();
            assert_eq!(asked, 1, "{screen:#?}");
            assert!(!shown.contains("[=") && !shown.contains("/s"), "{screen:#?}");
        }
    }
}

/// Nothing is drawn over what is said beside results, nor into a result that is written while it is made.
#[test]
fn progress_leaves_notes_and_exports_on_the_screen() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "shop.db",
        "CREATE TABLE people (id INTEGER PRIMARY KEY); CREATE TABLE events (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people);
         INSERT INTO people VALUES (1); INSERT INTO events SELECT value, 1 FROM json_each('[1,2,3,4,5,6,7,8,9]');",
    );
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql("shop.db", "PRAGMA foreign_keys = OFF; DELETE FROM people");
    sandbox.done(&["restore", "latest", "--to", "shop.db", "--yes"]);
    for columns in [60, 80, 120] {
        let (status, screen) = on_terminal(&sandbox, columns, "", &["undo", "shop.db", "--yes"]);
        assert_eq!(status, 0, "{screen:#?}");
        assert!(!screen.iter().any(|line| line.contains("changing rows")), "{screen:#?}");
        // An undo that leaves rows dangling says so, in a line that is broken between words.
        let is_whole = screen
            .join(" ")
            .contains("note: 9 rows of table events refer to rows of table people that are not there");
        assert_eq!(is_whole, screen.iter().any(|line| line.starts_with("note:")), "{screen:#?}");

        let export = ["export", "latest:shop", "--to", "-", "--format", "csv", "--tables", "events"];
        let (status, screen) = on_terminal(&sandbox, columns, "", &export);
        assert_eq!(status, 0, "{screen:#?}");
        let rows: Vec<String> = (1..10).map(|row| format!("{row},1")).collect();
        let (said, written) = screen.split_last().expect("something was said");
        assert_eq!(written, [vec!["id,person".to_owned()], rows].concat());
        assert!(said.starts_with("exported ") && said.contains("9 rows"), "{said}");

        let results = File::create(sandbox.path("results")).expect("it can be made");
        let diff = ["diff", "latest:shop", "shop.db"];
        let (_, screen) = beside(&sandbox, columns, "", &diff, Some(results));
        assert_eq!(screen, Vec::<String>::new());
    }
}

/// What is deleted is shown and asked about.
#[test]
fn deleting_asks_first() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", &filled(5));
    sandbox.done(&["backup", "shop.db", "--name", "first"]);
    let (status, screen) = on_terminal(&sandbox, 80, "n", &["delete", "latest"]);
    assert_eq!(status, 4, "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("first")), "{screen:#?}");
    assert!(screen.iter().any(|line| line == "delete 1 snapshot? [y/N] n"), "{screen:#?}");
    assert_eq!(screen.last().map(String::as_str), Some("nothing was deleted"));
    sandbox.done(&["show", "first"]);
    let (status, screen) = on_terminal(&sandbox, 80, "y", &["delete", "latest"]);
    assert_eq!(status, 0, "{screen:#?}");
    sandbox.run(&["show", "first"]).expect(2);
}
