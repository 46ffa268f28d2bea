//! PostgreSQL, on every server that `ROWKEEP_TEST_POSTGRES` names.

mod apply;
mod apply_conflicts;
mod awkward;
mod changes;
mod commits;
mod emptiness;
mod encodings;
mod faults;
mod find;
mod keys;
mod loads;
mod physical_order;
mod query;
mod references;
mod replaces;
mod restores;
mod roles;
mod scratch;
mod server;
mod stops;
mod tls;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_engine::Engine;
use rowkeep_engine::conformance::{Fixture, Sandbox};

use server::{Database, Server};

#[async_trait]
impl Fixture for Server {
    async fn empty(&self) -> Box<dyn Sandbox> {
        Box::new(self.database().await)
    }

    async fn missing(&self) -> Arc<dyn Engine> {
        // Never dropped, as nobody would know when; the server is thrown away.
        self.engine(&self.new_name())
    }

    fn blob_type(&self) -> &'static str {
        "bytea"
    }

    fn blob_literal(&self, bytes: &[u8]) -> String {
        format!("'\\x{}'::bytea", hex::encode(bytes))
    }

    fn logging_trigger(&self, table: &str, log: &str) -> String {
        format!(
            "CREATE FUNCTION {table}_log() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO {log} VALUES ('row'); RETURN NULL; END $$;
             CREATE TRIGGER {table}_log AFTER INSERT OR UPDATE OR DELETE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION {table}_log();"
        )
    }
}

#[async_trait]
impl Sandbox for Database {
    fn engine(&self) -> Arc<dyn Engine> {
        self.server.engine(&self.name)
    }

    async fn run(&self, sql: &str) {
        Database::run(self, sql).await;
    }

    async fn dump(&self) -> String {
        Database::dump(self).await
    }
}

mod conformance_15 {
    rowkeep_engine::conformance_tests!(super::Server::of(15));
    rowkeep_engine::conformance_tests!(@changes super::Server::of(15));
}

mod conformance_18 {
    rowkeep_engine::conformance_tests!(super::Server::of(18));
    rowkeep_engine::conformance_tests!(@changes super::Server::of(18));
}

/// Makes a test of a function for each server.
macro_rules! on_every_server {
    ($($case:ident),* $(,)?) => {
        mod on_15 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::postgres::server::Server::of(15)).await;
            })*
        }

        mod on_18 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::postgres::server::Server::of(18)).await;
            })*
        }
    };
}

use on_every_server;
