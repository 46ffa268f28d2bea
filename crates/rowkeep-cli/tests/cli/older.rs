//! Dumps of servers that are older than those of the other tests, which are started here for it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::dumps::{SHOP, dump_by, hashes};
use crate::postgres::{Server, servers};
use crate::sandbox::Sandbox;

/// A server of its own in a folder; it is stopped when this is dropped.
struct Older {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Older {
    fn start(bin: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
        // PostgreSQL refuses root, and has to get to its folder.
        if is_root() {
            let given = Command::new("chown").arg("nobody:").arg(folder.path()).status();
            assert!(given.is_ok_and(|status| status.success()));
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))
                .expect("it is ours");
        }
        let older = Self { bin: bin.to_owned(), folder, port: free.port() };
        let made =
            older.run("initdb", &["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
        assert!(made, "initdb of {}", bin.display());
        let log = older.data().join("log").display().to_string();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c timezone=Asia/Kolkata",
            older.port,
            older.data().display()
        );
        let started = older.run("pg_ctl", &["-w", "-t", "60", "-l", &log, "-o", &options, "start"]);
        assert!(started, "{:?}", std::fs::read_to_string(&log));
        older
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a program of the server on its folder; its output goes nowhere, for a server that holds our pipe would keep us waiting.
    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.bin.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "nobody", "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir("/").arg("-D").arg(self.data()).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Older {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "stop"]);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id can be run");
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// What the newest `pg_dump` is asked for.
const BY_NEWEST: &[&[&str]] = &[
    &[],
    &["--inserts"],
    &["-Z6"],
    &["-Fc"],
    &["-Fc", "-Z0"],
    &["-Fd", "-Z1"],
    &["-Ft"],
    &["-Fc", "--column-inserts"],
];

/// What the server's own is asked for, which packs in every way.
const BY_ITS_OWN: &[&[&str]] = &[
    &["-Z", "lz4"],
    &["-Z", "zstd"],
    &["-Fc", "-Z", "gzip"],
    &["-Fc", "-Z", "lz4"],
    &["-Fc", "-Z", "zstd"],
    &["-Fd", "-Z", "none"],
    &["-Fd", "-Z", "lz4"],
    &["-Fd", "-Z", "zstd"],
    &["-Ft"],
];

#[test]
fn dumps_of_older_servers_have_the_rows_of_their_databases_by_hash() {
    let bins = std::env::var_os("ROWKEEP_TEST_OLDER_PG_BIN").expect("tests are run by scripts/with-servers");
    let newest = servers().pop().expect("there are servers");
    // Version 13 has no bodies of the SQL standard.
    let shop: Vec<&str> = SHOP.lines().filter(|line| !line.contains("BEGIN ATOMIC")).collect();
    for bin in std::env::split_paths(&bins) {
        let older = Older::start(&bin);
        let server = Server::at(&format!("postgres://postgres@127.0.0.1:{}/postgres", older.port), &newest);
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_older");
        database.sql(&shop.join("\n"));
        sandbox.done(&["backup", &database.url(), "--name", "kept"]);
        let is_dumped_alike = |(name, _): &(String, _)| !name.contains("child");
        let kept = hashes(&sandbox, "kept");
        let own = bin.join("pg_dump");
        // In fewer ways where the server has a program of its own.
        let is_worth_it = |arguments: &&&[&str]| !own.exists() || arguments.len() < 2;
        let by_newest =
            BY_NEWEST.iter().filter(is_worth_it).map(|arguments| (newest.program("pg_dump"), *arguments));
        let by_its_own =
            BY_ITS_OWN.iter().filter(|_| own.exists()).map(|arguments| (Command::new(&own), *arguments));
        for (number, (pg_dump, arguments)) in by_newest.chain(by_its_own).enumerate() {
            let name = format!("n{number}");
            dump_by(pg_dump, &database, arguments, &sandbox.path(&name));
            sandbox.done(&["import", &name, "--as", "shop", "--name", &name]);
            let (mut found, mut kept) = (hashes(&sandbox, &name), kept.clone());
            if arguments == ["--inserts"] {
                // Values without the names of their columns go where a server that loads them puts them.
                found.retain(is_dumped_alike);
                kept.retain(is_dumped_alike);
            }
            assert_eq!(found, kept, "{}: {arguments:?}", bin.display());
        }
        sandbox.done(&["verify", "kept", "--against", "n0"]);
    }
}
