//! What is nobody else's business: files for their owner alone, and secrets that no other program gets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::postgres::servers;
use crate::sandbox::Sandbox;

/// What others may read, or look into, below a folder.
fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let mode = fs::symlink_metadata(&path).expect("it is there").permissions().mode();
        if mode & 0o077 == 0 {
            continue;
        }
        match path.is_dir() {
            // Where nobody else comes in, it does not matter what is open.
            true => open.extend(open_to_others(&path)),
            false => open.push(path.clone()),
        }
        open.push(path);
    }
    open.sort();
    open.dedup();
    open
}

const CHECKED: &str =
    "[databases.shop]\nurl = 'shop.db'\n[[databases.shop.checks]]\ntable = 'c'\nmin_rows = 1";

#[test]
fn what_commands_write_is_for_its_owner_alone() {
    let sandbox = Sandbox::bare();
    sandbox.sql(
        "shop.db",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO c VALUES (1, 'Ada')",
    );
    fs::write(sandbox.path("rowkeep.toml"), CHECKED).expect("it can be written");
    for name in ["shop.db", "rowkeep.toml"] {
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(0o644)).expect("a mode");
    }
    for args in [
        &["init"][..],
        &["backup", "shop"],
        &["backup", "shop", "--repository", "not/yet/there", "--key-file", "rowkeep-repository.key"],
        &["export", "latest", "--to", "new/folder"],
        &["export", "latest", "--format", "sql", "--to", "another/file.sql"],
        &["check-data", "shop", "--format", "html", "--output", "checks.html"],
        &["drill", "shop", "--report", "drill.md", "--reports", "reports/of/drills"],
        &["demo", "--keep", "demo"],
    ] {
        let ran = sandbox.run(args);
        assert!(ran.status == 0 || args.contains(&"not/yet/there"), "{args:?}: {ran:?}");
    }
    for made in ["new/folder", "another/file.sql", "checks.html", "drill.md", "reports/of/drills", "demo"] {
        assert!(sandbox.path(made).exists(), "{made}");
    }
    let open = open_to_others(&sandbox.path(""));
    assert_eq!(open, [sandbox.path("rowkeep.toml"), sandbox.path("shop.db")]);
}

/// Variables that open a repository or its store.
const SECRETS: [&str; 8] = [
    "ROWKEEP_PASSPHRASE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
];

const SECRET: &str = "correct-horse-s3cret";

/// Runs a command to its end with all secrets in its environment, and a variable that is none.
fn with_secrets(sandbox: &Sandbox, args: &[&str], folders: Option<&Path>) {
    let mut command = sandbox.command(args);
    command.envs(SECRETS.map(|name| (name, SECRET))).env("AWS_REGION", "eu-west-1");
    if let Some(folders) = folders {
        command.env("ROWKEEP_PG_BIN", folders);
    }
    crate::sandbox::Ran::of(&command.output().expect("it can be run")).expect(0);
}

/// What a program wrote of its environment; it must have been run, with what is no secret.
#[track_caller]
fn has_no_secret(sandbox: &Sandbox, file: &str) {
    let seen = fs::read_to_string(sandbox.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(seen.contains("AWS_REGION=eu-west-1"), "{seen}");
    assert!(!seen.contains("s3cret"), "{file}: {seen}");
}

#[test]
fn commands_of_others_do_not_get_what_opens_the_repository() {
    let sandbox = Sandbox::bare();
    sandbox.sql("shop.db", "CREATE TABLE c (id INTEGER PRIMARY KEY); INSERT INTO c VALUES (1)");
    let hooks = "[[hooks]]\nwhen = 'before-backup'\nrun = 'env > before'\n\
         [[databases.shop.hooks]]\nwhen = 'after-backup'\nrun = 'env > after'\n";
    let config = format!("[databases.shop]\nurl = 'shop.db'\n{hooks}");
    fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
    with_secrets(&sandbox, &["init"], None);
    with_secrets(&sandbox, &["backup", "shop"], None);
    with_secrets(&sandbox, &["migrate", "shop", "--", "sh", "-c", "env > migrated"], None);
    with_secrets(&sandbox, &["around", "shop", "--", "sh", "-c", "env > around"], None);
    for file in ["before", "after", "migrated", "around"] {
        has_no_secret(&sandbox, file);
    }
}

/// Every program of PostgreSQL that is run is one that tells what it got first.
#[test]
fn programs_of_a_server_do_not_get_what_opens_the_repository() {
    let server = &servers()[1];
    let database = server.database("rowkeep_cli_secrets");
    let sandbox = Sandbox::bare();
    let folder = sandbox.path("bin");
    fs::create_dir(&folder).expect("it can be made");
    for program in ["pg_dump", "initdb", "pg_ctl", "postgres"] {
        let (seen, real) = (sandbox.path(&format!("seen.{program}")), server.program(program));
        let real = real.get_program().display().to_string();
        let told = format!("[ \"$1\" = --version ] || env >> '{}' 2> /dev/null\n", seen.display());
        fs::write(folder.join(program), format!("#!/bin/sh\n{told}exec '{real}' \"$@\"\n")).expect("written");
        fs::set_permissions(folder.join(program), fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::write(&seen, "").expect("it can be written");
        fs::set_permissions(&seen, fs::Permissions::from_mode(0o666)).expect("a mode");
    }
    fs::set_permissions(sandbox.path(""), fs::Permissions::from_mode(0o755)).expect("a mode");
    with_secrets(&sandbox, &["init"], None);
    with_secrets(&sandbox, &["backup", &database.url()], Some(&folder));
    with_secrets(&sandbox, &["drill"], Some(&folder));
    for program in ["pg_dump", "initdb", "pg_ctl"] {
        has_no_secret(&sandbox, &format!("seen.{program}"));
    }
}
