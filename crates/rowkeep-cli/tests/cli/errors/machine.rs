//! What is wrong with the machine: no space, no programs, other programs at work.

use std::collections::BTreeMap;

use super::book::Book;
use super::{OF_DATABASE, OF_REPOSITORY, furnish};
use crate::postgres::servers;
use crate::sandbox::{Ran, Sandbox};

/// A file system without space in place of the folder `disk`, with all that is in it; which files a command leaves there is said.
const FULL: &str = "cp -a disk away && mount -t tmpfs -o size=4m tmpfs disk && cp -a away/. disk && rm -r away && \
    ! cat /dev/zero 2>&- > disk/filler && find disk -type f > before && \"$0\" \"$@\"; status=$?; \
    find disk -type f | diff before - | sed -n 's/^> /LEFT BEHIND: /p' >&2; exit $status";

/// The same for temporary files.
const FULL_TEMPORARY: &str = "mkdir disk && mount -t tmpfs -o size=64k tmpfs disk && ! cat /dev/zero 2>&- > disk/filler && \
    TMPDIR=disk exec \"$0\" \"$@\"";

/// A machine without the programs of PostgreSQL.
const BARE: &str = "[ ! -d /usr/lib/postgresql ] || mount -t tmpfs tmpfs /usr/lib/postgresql; \
    unset ROWKEEP_PG_BIN; PATH=/usr/nowhere exec \"$0\" \"$@\"";

/// Commands that write to a disk, `DISK`, other than to the repository.
const WRITING: [&str; 10] = [
    "restore latest --to DISK/new.db",
    "restore latest --to DISK/shop.db --yes",
    "restore latest --to DISK/shop.db --with-schema --yes",
    "export latest --to DISK/out",
    "export latest --to DISK/out.sql",
    "drill --report DISK/drill.html",
    "check-data app.db --checks checks.toml --output DISK/checks.xml",
    "init -r DISK/other",
    "copy --to DISK/copies",
    "copy --to DISK/new --create",
];

pub(super) fn full_disks(book: &mut Book) {
    let sandbox = Sandbox::bare();
    std::fs::create_dir(sandbox.path("disk")).expect("it can be made");
    let at = ["--repository", "disk/repository"];
    sandbox.done(&[&["init", "--no-encryption"][..], &at].concat());
    furnish(&sandbox);
    sandbox.done(&[&["backup", "app.db"][..], &at].concat());
    sandbox.sql("app.db", "UPDATE t SET v = 'c' WHERE id = 2");
    let restoring = ["restore latest --to app.db --yes", "restore latest --to app.db --dry-run"];
    let commands = [OF_REPOSITORY, &restoring].concat();
    book.chapter_by(&sandbox, "A full disk below the repository", &commands, &[], |command| {
        sandbox.mounted(FULL, &[command, &at].concat())
    });
    let sandbox = super::sandbox();
    std::fs::create_dir(sandbox.path("disk")).expect("it can be made");
    sandbox.sql(
        "disk/shop.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO t SELECT value, hex(zeroblob(5000)) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]')",
    );
    sandbox.done(&["backup", "disk/shop.db"]);
    sandbox.done(&["init", "--no-encryption", "--repository", "disk/copies"]);
    sandbox.sql("disk/shop.db", "DELETE FROM t; VACUUM");
    book.chapter_by(&sandbox, "A full disk for what is written", &WRITING, &[("DISK", "disk")], |command| {
        sandbox.mounted(FULL, command)
    });
    std::fs::remove_dir_all(sandbox.path("disk")).expect("it is ours");
    book.chapter_by(
        &sandbox,
        "A full folder for temporary files",
        &[
            "backup app.db",
            "drill app",
            "verify latest:app --against app.db",
            "restore latest:app --to new.db",
        ],
        &[],
        |command| sandbox.mounted(FULL_TEMPORARY, command),
    );
}

pub(super) fn missing_programs(book: &mut Book) {
    let sandbox = super::sandbox();
    let servers = servers();
    let shop = servers[0].database("rowkeep_cli_programs");
    shop.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    sandbox.done(&["backup", &shop.url(), "--name", "shop"]);
    let url = shop.url();
    let with = [("SNAPSHOT", "shop"), ("DB", &*url)];
    let commands = [OF_DATABASE, &["drill --snapshot shop"]].concat();
    book.chapter_by(&sandbox, "A machine without PostgreSQL's programs", &commands, &with, |command| {
        sandbox.mounted(BARE, command)
    });
}

/// Every command waits for some seconds, so all wait at once, each in a folder of its own.
pub(super) fn busy_files(book: &mut Book) {
    let sandbox = super::sandbox();
    let kinds = [
        ("A file that another program has locked", "BEGIN EXCLUSIVE"),
        ("A file that another program is writing", "BEGIN IMMEDIATE; UPDATE t SET v = 'other'"),
    ];
    for (title, others) in kinds {
        let with = [("SNAPSHOT", "latest:app"), ("DB", "app.db")];
        let typed =
            |command: &str| with.iter().fold(command.to_owned(), |line, (name, to)| line.replace(name, to));
        let runs: BTreeMap<String, Ran> = std::thread::scope(|scope| {
            let run = |command: &&str| {
                let (line, sandbox) = (typed(command), &sandbox);
                scope.spawn(move || (line.clone(), beside(sandbox, others, &line)))
            };
            let runs: Vec<_> = OF_DATABASE.iter().map(run).collect();
            runs.into_iter().map(|run| run.join().expect("it is run")).collect()
        });
        book.chapter_by(&sandbox, title, OF_DATABASE, &with, |command| runs[&command.join(" ")].clone());
    }
}

/// Runs a command while another connection to `app.db` has begun a transaction, as if in that sandbox.
fn beside(sandbox: &Sandbox, others: &str, line: &str) -> Ran {
    let copy = super::sandbox();
    copy.sql("app.db", "DELETE FROM t WHERE id = 2");
    let other = rusqlite::Connection::open(copy.path("app.db")).expect("it opens");
    other.execute_batch(others).expect("the other program goes first");
    let ran = copy.run(&line.split(' ').collect::<Vec<_>>());
    let folder =
        |text: &str| text.replace(&*copy.path("").to_string_lossy(), &sandbox.path("").to_string_lossy());
    Ran { status: ran.status, out: folder(&ran.out), err: folder(&ran.err) }
}
