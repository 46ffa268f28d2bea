//! One database of each kind, for what has to be the same on all.

use std::path::PathBuf;

use crate::postgres::{Database, Server, servers};
use crate::sandbox::Sandbox;

/// A folder with a repository to be, and a database.
pub(crate) struct Subject<'a> {
    pub(crate) sandbox: Sandbox,
    database: Kind<'a>,
}

enum Kind<'a> {
    File,
    Server { server: &'a Server, database: Database<'a> },
}

const FILE: &str = "shop.db";

/// Does the same with a new database of every kind, in which some SQL was run.
pub(crate) fn on_each(name: &str, sql: &str, work: impl Fn(&Subject<'_>)) {
    let file = Subject { sandbox: Sandbox::new(), database: Kind::File };
    file.sql(sql);
    work(&file);
    for server in &servers() {
        let database = Kind::Server { server, database: server.database(name) };
        let subject = Subject { sandbox: Sandbox::new(), database };
        subject.sql(sql);
        work(&subject);
    }
}

impl Subject<'_> {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.database, Kind::File)
    }

    /// What the command is told.
    pub(crate) fn url(&self) -> String {
        match &self.database {
            Kind::File => FILE.to_owned(),
            Kind::Server { database, .. } => database.url(),
        }
    }

    pub(crate) fn sql(&self, sql: &str) {
        match &self.database {
            Kind::File => self.sandbox.sql(FILE, sql),
            Kind::Server { database, .. } => drop(database.sql(sql)),
        }
    }

    /// Rows of a query, a line each.
    pub(crate) fn query(&self, sql: &str) -> String {
        match &self.database {
            Kind::File => self.sandbox.query(FILE, sql),
            Kind::Server { database, .. } => database.sql(sql).trim_end().to_owned(),
        }
    }

    /// The schema as the database's own tool prints it.
    pub(crate) fn schema(&self) -> String {
        match &self.database {
            Kind::File => {
                self.sandbox.query(FILE, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2")
            }
            Kind::Server { database, .. } => database.schema(),
        }
    }

    /// The words of a command that runs a script statement by statement, each by itself, until one fails.
    pub(crate) fn script(&self, sql: &str) -> Vec<String> {
        let file: PathBuf = self.sandbox.path("script.sql");
        std::fs::write(&file, sql).expect("the script is written");
        let file = file.to_string_lossy().into_owned();
        match &self.database {
            Kind::File => ["sqlite3", "-bail", FILE, &format!(".read {file}")].map(str::to_owned).to_vec(),
            Kind::Server { server, database } => {
                let psql = server.program("psql").get_program().to_string_lossy().into_owned();
                [&psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.url(), "-f", &file]
                    .map(str::to_owned)
                    .to_vec()
            }
        }
    }
}
