//! The schema in the database's own words: `pg_dump --schema-only`, run at the view's snapshot.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use std::ffi::OsStr;

use rowkeep_format::TableName;
use tokio::process::Command;
use tokio_postgres::config::{Host, SslMode};

use super::passed_over::pattern;
use crate::postgres::connect::address::Trust;
use crate::postgres::connect::pem;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::settings;
use crate::postgres::copy_text::charset::Charset;
use crate::{EngineError, ErrorKind, Surroundings};

/// Where Debian and its kin put the programs of each major version.
const VERSIONED: &str = "/usr/lib/postgresql";

/// A `pg_dump` that can read a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PgDump {
    /// The program.
    pub(crate) path: PathBuf,
    /// What it says of its version, such as `15.18`.
    pub(crate) version: String,
    major: u32,
    /// Variables that it does not get.
    withheld: Vec<String>,
}

impl PgDump {
    /// Finds the `pg_dump` of the server's major version, or else of the next newer one that there is.
    pub(crate) async fn find(surroundings: &Surroundings, server_major: u32) -> Result<Self, EngineError> {
        let folders = folders(surroundings);
        let mut found: Vec<PgDump> = Vec::new();
        for folder in &folders {
            if let Some(program) = PgDump::at(&folder.join("pg_dump"), &surroundings.withheld).await {
                let fits = program.major == server_major;
                found.push(program);
                if fits {
                    break;
                }
            }
        }
        let versions: Vec<String> = found
            .iter()
            .map(|program| format!("{} in {}", program.version, program.path.display()))
            .collect();
        found
            .into_iter()
            .filter(|program| program.major >= server_major)
            .min_by_key(|program| program.major)
            .ok_or_else(|| missing(server_major, &folders, &versions))
    }

    async fn at(path: &Path, withheld: &[String]) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let mut command = without(path, withheld);
        let output = command.arg("--version").stdin(Stdio::null()).output().await.ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        let version = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?.to_owned();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        let withheld = withheld.to_vec();
        Some(Self { path: path.to_owned(), major: digits.parse().ok()?, version, withheld })
    }

    /// Writes one section (`pre-data`, `post-data`) of the schema as it is in a snapshot, without what is passed over.
    pub(crate) async fn section(
        &self,
        server: &Server,
        section: &str,
        snapshot: &str,
        encoding: &str,
        passed_over: &[TableName],
    ) -> Result<String, EngineError> {
        let charset = Charset::of(encoding);
        let written_in = match charset {
            Some(charset) => charset.name,
            None if encoding == "SQL_ASCII" => encoding,
            None => "UTF8",
        };
        let mut command = self.command(section, written_in, passed_over);
        command.arg(format!("--snapshot={snapshot}"));
        let mut roots = None;
        describe_connection(&mut command, server, &mut roots)?;
        let written = self.output(command, section, charset).await;
        drop(roots);
        written
    }

    /// Writes a section as it is told by whoever answers at a socket of a folder.
    pub(crate) async fn section_at(
        &self,
        folder: &Path,
        port: u16,
        section: &str,
        encoding: &str,
        passed_over: &[TableName],
    ) -> Result<String, EngineError> {
        let encoding = if encoding == "SQL_ASCII" { encoding } else { "UTF8" };
        let mut command = self.command(section, encoding, passed_over);
        command.env("PGHOST", folder).env("PGPORT", port.to_string()).env("PGSSLMODE", "disable");
        command.env("PGUSER", "rowkeep").env("PGDATABASE", "rowkeep");
        self.output(command, section, None).await
    }

    fn command(&self, section: &str, encoding: &str, passed_over: &[TableName]) -> Command {
        let mut command = without(&self.path, &self.withheld);
        command
            .args(["--schema-only", "--no-password", "--lock-wait-timeout=60s"])
            .arg(format!("--section={section}"))
            .args(passed_over.iter().map(|table| format!("--exclude-table={}", pattern(table))))
            .arg(format!("--encoding={encoding}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("PGAPPNAME", "rowkeep").env("PGGSSENCMODE", "disable");
        command
    }

    async fn output(
        &self,
        mut command: Command,
        section: &str,
        charset: Option<&Charset>,
    ) -> Result<String, EngineError> {
        let output = command.output().await.map_err(|error| {
            EngineError::new(ErrorKind::ToolMissing, format!("cannot run {}", self.path.display()))
                .with_source(error)
        })?;
        if !output.status.success() {
            return Err(self.failed(section, &String::from_utf8_lossy(&output.stderr)));
        }
        let written = match charset {
            Some(charset) => {
                let mut text = Vec::with_capacity(output.stdout.len());
                charset.decode(&output.stdout, &mut text);
                text
            }
            None => output.stdout,
        };
        let text = String::from_utf8(written).map_err(|_| {
            EngineError::new(
                ErrorKind::Unsupported,
                "the schema holds text that is not UTF-8, which a database of encoding SQL_ASCII allows",
            )
        })?;
        Ok(super::dump_text::normalise(&text))
    }

    fn failed(&self, section: &str, said: &str) -> EngineError {
        let kind = if said.contains("permission denied") {
            ErrorKind::PermissionDenied
        } else if said.contains("server version mismatch") {
            ErrorKind::ToolMissing
        } else if said.contains("lock timeout") {
            ErrorKind::Busy
        } else if said.contains("connection to server") || said.contains("server closed the connection") {
            ErrorKind::Unreachable
        } else {
            ErrorKind::Other
        };
        EngineError::new(kind, format!("{} could not write the {section} schema", self.path.display()))
            .with_source(said.trim().to_owned())
    }
}

/// A program that does not get these variables.
fn without(program: &Path, withheld: &[String]) -> Command {
    let mut command = Command::new(program);
    for name in withheld {
        command.env_remove(name);
    }
    command
}

fn folders(surroundings: &Surroundings) -> Vec<PathBuf> {
    let mut folders = surroundings.postgres_bin.clone();
    let mut versioned: Vec<PathBuf> = fs::read_dir(VERSIONED)
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versioned.sort();
    folders.extend(versioned);
    folders
}

fn missing(server_major: u32, folders: &[PathBuf], versions: &[String]) -> EngineError {
    let mut message = format!("no pg_dump of version {server_major} or newer was found");
    if versions.is_empty() {
        let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let looked = if folders.is_empty() { VERSIONED.to_owned() } else { folders.join(", ") };
        let _ = write!(message, " (looked in {looked})");
    } else {
        let _ = write!(message, " (there is {})", versions.join(", "));
    }
    EngineError::new(ErrorKind::ToolMissing, message)
}

/// What a user has told PostgreSQL's own programs, who are to go where we go.
const FOREIGN: [&str; 32] = [
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGPASSFILE",
    "PGHOST",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLROOTCERT",
    "PGREQUIREPEER",
    "PGTARGETSESSIONATTRS",
    "PGCLIENTENCODING",
    "PGDATESTYLE",
    "PGTZ",
    "PGGEQO",
    "PGKRBSRVNAME",
    "PGGSSLIB",
    "PGGSSDELEGATION",
    "PGSSLSNI",
    "PGSSLCRLDIR",
    "PGSSLCERTMODE",
    "PGSSLCOMPRESSION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGMINPROTOCOLVERSION",
    "PGMAXPROTOCOLVERSION",
    "PG_COLOR",
    "PGREQUIREAUTH",
    "PGSSLNEGOTIATION",
    "PGLOADBALANCEHOSTS",
    "PGCHANNELBINDING",
];

/// Says by environment variables, which other users of the machine cannot see, what the URL said.
fn describe_connection(
    command: &mut Command,
    server: &Server,
    roots: &mut Option<tempfile::NamedTempFile>,
) -> Result<(), EngineError> {
    let config = &server.config;
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => command.env("PGHOST", name),
        Some(Host::Unix(folder)) => command.env("PGHOST", folder),
        None => command,
    };
    if let Some(ip) = config.get_hostaddrs().first() {
        command.env("PGHOSTADDR", ip.to_string());
    }
    if let Some(port) = config.get_ports().first() {
        command.env("PGPORT", port.to_string());
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", OsStr::from_bytes(password));
    }
    let given = config.get_options().map(|options| format!("{options} ")).unwrap_or_default();
    command.env("PGOPTIONS", given + &settings::options());
    command.env("PGDATABASE", server.database());
    if let Some(wait) = config.get_connect_timeout() {
        // It has answered us a moment ago, so it is there, however busy.
        command.env("PGCONNECT_TIMEOUT", wait.as_secs().max(60).to_string());
    }
    let mode = match (config.get_ssl_mode(), server.address.trust) {
        (SslMode::Disable, _) => "disable",
        (SslMode::Require, Trust::Full) => "verify-full",
        (SslMode::Require, Trust::Authority) => "verify-ca",
        (SslMode::Require, Trust::Anybody) => "require",
        _ => "prefer",
    };
    command.env("PGSSLMODE", mode);
    if let Some((certificate, key)) = &server.address.identity {
        command.env("PGSSLCERT", certificate).env("PGSSLKEY", key);
    }
    match &server.address.root_certificates {
        _ if server.address.trust == Trust::Anybody => {}
        Some(file) => {
            command.env("PGSSLROOTCERT", file);
        }
        None => {
            let file = pem::write(&server.tls.roots).map_err(|error| {
                EngineError::new(
                    ErrorKind::DiskFull,
                    "cannot write the trusted certificates to a temporary file",
                )
                .with_source(error)
            })?;
            command.env("PGSSLROOTCERT", file.path());
            *roots = Some(file);
        }
    }
    Ok(())
}
