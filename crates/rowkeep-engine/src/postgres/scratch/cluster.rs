//! A PostgreSQL server for scratch databases alone: made, started, and gone with them.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown,
};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret, SecretString};

use crate::{EngineError, ErrorKind, Surroundings};

/// Where Debian and its kin put the programs of each major version.
const VERSIONED: &str = "/usr/lib/postgresql";

/// The user that a server runs as when this process is root's, as PostgreSQL refuses root.
const SERVANT: &str = "nobody";

/// The longest path of a socket that systems take, less the name of the socket itself.
const LONGEST_SOCKET_FOLDER: usize = 85;

/// The folder of a server, below a scratch folder, and its data below that.
const SERVER: &str = "server";
const DATA: &str = "data";

/// A running server; it is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: Programs,
    servant: Option<(u32, u32)>,
    folder: PathBuf,
    password: SecretString,
    withheld: Vec<String>,
}

/// The programs of one PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Cluster {
    /// Makes and starts a server of that major version, or the next newer one that there is; blocks.
    ///
    /// Nobody but this user and the server's can connect: it listens on a socket in its own folder, with a password.
    pub(crate) fn start(
        scratch: &Path,
        surroundings: &Surroundings,
        major: u32,
        password: &SecretString,
    ) -> Result<Self, EngineError> {
        let programs = find(&surroundings.postgres_bin, major)?;
        let owner = fs::metadata(scratch).map_err(cannot("look at the scratch folder"))?.uid();
        let servant = if owner == 0 { Some(servant()?) } else { None };
        let folder = scratch.join(SERVER);
        if folder.as_os_str().len() > LONGEST_SOCKET_FOLDER {
            return Err(EngineError::new(
                ErrorKind::Other,
                format!("{} is too long a path for a socket; set TMPDIR to a shorter one", folder.display()),
            ));
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(cannot("make the folder of the scratch server"))?;
        let password = password.clone();
        let withheld = surroundings.withheld.clone();
        let cluster = Self { programs, servant, folder, password, withheld };
        cluster.make(scratch)?;
        cluster.run("pg_ctl", &["-w", "-t", "120", "-l", "log", "start"])?;
        Ok(cluster)
    }

    fn make(&self, scratch: &Path) -> Result<(), EngineError> {
        let password = self.folder.join("password");
        let prepare = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&password)?;
            writeln!(file, "{}", self.password.expose_secret())?;
            if let Some((user, group)) = self.servant {
                // To be passed through, not to be looked into.
                fs::set_permissions(scratch, Permissions::from_mode(0o711))?;
                chown(&password, Some(user), Some(group))?;
                chown(&self.folder, Some(user), Some(group))?;
            }
            Ok(())
        };
        prepare().map_err(cannot("prepare the folder of the scratch server"))?;
        let pwfile = format!("--pwfile={}", password.display());
        let locale = ["--encoding=UTF8", "--locale=C", "--no-sync"];
        self.run(
            "initdb",
            &[&["--username=postgres", "--auth=scram-sha-256", &pwfile][..], &locale].concat(),
        )?;
        let socket = self.folder.display().to_string().replace('\'', "''");
        // Nobody needs this data after a crash.
        let settings = format!(
            "\nlisten_addresses = ''\nunix_socket_directories = '{socket}'\nunix_socket_permissions = 0700\n\
             port = 5432\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\nwal_level = minimal\nmax_wal_senders = 0\n"
        );
        OpenOptions::new()
            .append(true)
            .open(self.folder.join(DATA).join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .map_err(cannot("configure the scratch server"))
    }

    /// The URL of a database that the server has from the beginning.
    pub(crate) fn url(&self) -> SecretString {
        let encoded = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        let host: String = self.folder.display().to_string().bytes().map(encoded).collect();
        format!("postgres://postgres:{}@{host}:5432/postgres", self.password.expose_secret()).into()
    }

    /// Its version, for people.
    pub(crate) fn describe(&self) -> String {
        format!("a PostgreSQL {} of the drill's own", self.programs.major)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), EngineError> {
        let output = self.folder.join(format!("{program}.out"));
        let file = fs::File::create(&output).map_err(cannot("write to the scratch folder"))?;
        let again = file.try_clone().map_err(cannot("write to the scratch folder"))?;
        let path = self.programs.folder.join(program);
        let status = command(&path, self.servant, &self.folder, &self.withheld)
            .args(arguments)
            // A file, for a pipe would stay open as long as the server runs.
            .stdout(file)
            .stderr(again)
            .status()
            .map_err(|error| {
                EngineError::new(ErrorKind::ToolMissing, format!("cannot run {}", path.display()))
                    .with_source(error)
            })?;
        if status.success() {
            return Ok(());
        }
        let said = ["log".into(), output.clone()]
            .iter()
            .map(|file: &PathBuf| self.folder.join(file))
            .find_map(|file| {
                let text = fs::read_to_string(file).ok()?;
                text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
            });
        let message = format!("{} could not make a scratch server", path.display());
        Err(EngineError::new(ErrorKind::Other, message)
            .with_source(said.unwrap_or_else(|| status.to_string())))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        stop(&self.programs.folder.join("pg_ctl"), self.servant, &self.folder, &self.withheld);
    }
}

/// Stops the server that a killed drill left in a scratch folder, if there is one; blocks.
pub(crate) fn stop_left(scratch: &Path, surroundings: &Surroundings) {
    let folder = scratch.join(SERVER);
    let Ok(metadata) = fs::metadata(&folder) else { return };
    let servant = if metadata.uid() == 0 || fs::metadata(scratch).is_ok_and(|above| above.uid() != 0) {
        None
    } else {
        Some((metadata.uid(), metadata.gid()))
    };
    if let Ok(programs) = find(&surroundings.postgres_bin, 0) {
        stop(&programs.folder.join("pg_ctl"), servant, &folder, &surroundings.withheld);
    }
}

fn stop(pg_ctl: &Path, servant: Option<(u32, u32)>, folder: &Path, withheld: &[String]) {
    if folder.join(DATA).join("postmaster.pid").exists() {
        let stopped = command(pg_ctl, servant, folder, withheld)
            .args(["-w", "-t", "60", "-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if let Err(error) = stopped {
            tracing::warn!("cannot run {}: {error}", pg_ctl.display());
        }
    }
}

/// A program of the server, as the server's user, without the variables that are withheld.
fn command(program: &Path, servant: Option<(u32, u32)>, folder: &Path, withheld: &[String]) -> Command {
    let mut command = Command::new(program);
    for name in withheld {
        command.env_remove(name);
    }
    command.current_dir(folder).env("PGDATA", DATA).env("LC_ALL", "C").stdin(Stdio::null());
    // A server takes these for settings of its own.
    for variable in ["PGPORT", "PGDATESTYLE", "PGCLIENTENCODING"] {
        command.env_remove(variable);
    }
    if let Some((user, group)) = servant {
        command.uid(user).gid(group);
    }
    command
}

/// The user and group that the server runs as for root.
fn servant() -> Result<(u32, u32), EngineError> {
    let users = fs::read_to_string("/etc/passwd").map_err(cannot("read /etc/passwd"))?;
    let user = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, user, group, ..] = fields.as_slice() else { return None };
        Some((user.parse().ok()?, group.parse().ok()?)).filter(|_| *name == SERVANT)
    });
    user.ok_or_else(|| {
        EngineError::new(
            ErrorKind::Other,
            format!(
                "PostgreSQL does not run as root, and there is no user {SERVANT}: run the drill as another user, or \
                 give it a server"
            ),
        )
    })
}

/// Finds the server of a major version, or else of the next newer one that there is.
fn find(folders: &[PathBuf], major: u32) -> Result<Programs, EngineError> {
    let mut all: Vec<PathBuf> = folders.to_vec();
    if let Ok(versions) = fs::read_dir(VERSIONED) {
        all.extend(versions.flatten().map(|entry| entry.path().join("bin")));
    }
    let mut found: Vec<Programs> = all.iter().filter_map(|folder| programs(folder)).collect();
    found.sort_by_key(|programs| programs.major);
    let majors: Vec<String> = found.iter().map(|programs| programs.major.to_string()).collect();
    found.into_iter().find(|programs| programs.major >= major).ok_or_else(|| {
        let there = if majors.is_empty() { String::new() } else { format!(" (there is {})", majors.join(", ")) };
        let message = format!(
            "no PostgreSQL server of version {major} or newer is on this machine{there}: install one, or give the \
             drill a server with --to-server"
        );
        EngineError::new(ErrorKind::ToolMissing, message)
    })
}

fn programs(folder: &Path) -> Option<Programs> {
    // A link in /usr/local/bin leads to a folder where the other programs are too.
    let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
    let folder = initdb.parent()?.to_owned();
    if !folder.join("pg_ctl").is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(&initdb).arg("--version").stdin(Stdio::null()).output().ok()?;
    // initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some(Programs { folder, major: digits.parse().ok()? })
}

fn cannot(what: &'static str) -> impl Fn(std::io::Error) -> EngineError {
    move |error| EngineError::new(ErrorKind::Other, format!("cannot {what}")).with_source(error)
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
