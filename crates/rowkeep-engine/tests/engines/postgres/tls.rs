//! TLS, checked as far as the URL asks; only the server of version 15 speaks it.

use std::process::Command;

use rowkeep_engine::conformance::read_all;
use rowkeep_engine::{EngineError, ErrorKind, ViewOptions};

use super::server::{Server, chain};

fn authority() -> String {
    std::env::var("ROWKEEP_TEST_PG_CA").expect("ROWKEEP_TEST_PG_CA is set, as scripts/with-servers does")
}

async fn open(url: &str) -> Result<(), EngineError> {
    Server::of(15).engine_at(url).open(&ViewOptions { with_ddl: true }).await.map(|_| ())
}

#[tokio::test]
async fn servers_of_a_known_authority_are_trusted() {
    let server = Server::of(15);
    let role = server.role("").await;
    for settings in [
        format!("sslmode=verify-full&sslrootcert={}", authority()),
        format!("sslmode=verify-ca&sslrootcert={}", authority()),
        format!("sslmode=require&sslrootcert={}", authority()),
        "sslmode=require".to_owned(),
        "sslmode=prefer".to_owned(),
    ] {
        let engine = server.engine_at(&format!("{}?{settings}", server.url_as(&role, "postgres")));
        let examination =
            engine.examine().await.unwrap_or_else(|error| panic!("{settings}: {}", chain(&error)));
        let tls = examination.facts.iter().find(|(name, _)| name == "tls").map(|(_, value)| value.as_str());
        assert!(tls.is_some_and(|tls| tls.starts_with("TLSv1.")), "{settings}: {tls:?}");
        let database = server.database().await;
        let superuser = format!("{}?{settings}", server.url(&database.name));
        read_all(&*server.engine_at(&superuser)).await;
    }
    let plain = server.engine_at(&format!("{}?sslmode=disable", server.url("postgres")));
    let facts = plain.examine().await.expect("the database is examined").facts;
    assert!(facts.contains(&("tls".to_owned(), "no".to_owned())), "{facts:?}");
}

#[tokio::test]
async fn servers_of_an_unknown_authority_are_refused() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (key, other) = (folder.path().join("key"), folder.path().join("ca.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=somebody else"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&other)
        .output();
    assert!(made.expect("openssl runs").status.success());
    let url = Server::of(15).url("postgres");
    for settings in [
        format!("sslmode=verify-full&sslrootcert={}", other.display()),
        format!("sslmode=verify-ca&sslrootcert={}", other.display()),
        "sslmode=verify-full".to_owned(),
    ] {
        let error = open(&format!("{url}?{settings}")).await.expect_err("nobody vouches for the server");
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
        assert!(chain(&error).to_lowercase().contains("certificate"), "{}", chain(&error));
    }
    let error =
        open(&format!("{url}?sslmode=verify-full&sslrootcert=/no/such/file")).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::InvalidUrl);
    assert!(error.to_string().contains("/no/such/file"), "{error}");
}

#[tokio::test]
async fn names_count_only_for_verify_full() {
    let server = Server::of(15);
    let port = server.address().rsplit(':').next().expect("a port");
    let url = |mode: &str| {
        format!(
            "postgres://postgres@db.invalid:{port}/postgres?hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={}",
            authority()
        )
    };
    let error = open(&url("verify-full")).await.expect_err("the certificate is of another name");
    assert!(chain(&error).contains("db.invalid"), "{}", chain(&error));
    open(&url("verify-ca")).await.expect("the authority is known");
}

#[tokio::test]
async fn servers_without_tls_are_refused_when_it_is_a_must() {
    let server = Server::of(18);
    let error =
        open(&format!("{}?sslmode=require", server.url("postgres"))).await.expect_err("there is no TLS");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(chain(&error).contains("TLS"), "{}", chain(&error));
    let plain = server.engine_at(&format!("{}?sslmode=prefer", server.url("postgres")));
    plain.contents().await.expect("plain will do");
}
