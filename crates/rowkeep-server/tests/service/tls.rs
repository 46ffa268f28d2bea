//! The service speaks TLS: with whoever trusts its certificate, with the renewed one, and with nobody else.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::tls::Version;
use reqwest::{Certificate, Client};
use rowkeep::clock::SystemClock;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::{Service, folder};

const CONFIG: &str = "[service]\ncertificate = 'fullchain.pem'\nkey = 'key.pem'\n";

/// How long something is waited for that happens sooner.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a certificate for this machine and its key; gives the root that vouches for it, as PEM.
fn issue(folder: &TempDir) -> String {
    let root_key = KeyPair::generate().expect("a key is made");
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).expect("it is signed");
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().expect("a key is made");
    let own = CertificateParams::new(["127.0.0.1".to_owned()]).expect("it is an address");
    let own = own.signed_by(&key, &issuer).expect("it is signed");
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).expect("it is written");
    std::fs::write(folder.path().join("fullchain.pem"), own.pem()).expect("it is written");
    root_certificate.pem()
}

async fn service(folder: &Arc<TempDir>) -> Service {
    let service = Service::again(Arc::clone(folder), None, CONFIG, SystemClock::shared()).await;
    assert!(service.address().starts_with("https://127.0.0.1:"), "{}", service.address());
    service
}

fn certificate(pem: &str) -> Certificate {
    Certificate::from_pem(pem.as_bytes()).expect("it is a certificate")
}

fn client(root: &str) -> Client {
    let builder = Client::builder().tls_certs_only([certificate(root)]).timeout(PATIENCE);
    builder.build().expect("it is made")
}

async fn connect(service: &Service) -> TcpStream {
    let address = service.address();
    let address = address.strip_prefix("https://").expect("it speaks TLS");
    TcpStream::connect(address).await.expect("it connects")
}

/// A connection that is kept: a client of a library would quietly open another.
struct Kept(TlsStream<TcpStream>);

impl Kept {
    async fn open(service: &Service, root: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).expect("it is PEM")).expect("it is a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("they are known").with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("it is an address");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, connect(service).await).await;
        Self(stream.expect("the certificate is trusted"))
    }

    /// Asks for the health, and reads the answer to its end.
    async fn ask(&mut self) {
        let request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        self.0.write_all(request).await.expect("the connection is kept");
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).await.expect("the connection is kept");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("it is text").to_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.expect("the length is said").trim().parse().expect("a number");
        self.0.read_exact(&mut vec![0; length]).await.expect("the connection is kept");
    }
}

/// What comes until the other side closes.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut came)).await;
    read.expect("it is closed").expect("it is closed in order");
    came
}

#[tokio::test]
async fn whoever_trusts_the_certificate_is_served_over_tls_alone() {
    let folder = folder();
    let root = issue(&folder);
    let service = service(&folder).await;
    let url = format!("{}/healthz", service.address());
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let builder = Client::builder().tls_certs_only([certificate(&root)]);
        let client = builder.tls_version_min(version).tls_version_max(version).build().expect("it is made");
        let answer = client.get(&url).send().await.expect("it is answered");
        assert_eq!(answer.status(), 200, "{version:?}");
        let strictly = answer.headers().get("strict-transport-security").expect("it is sent");
        assert_eq!(strictly, "max-age=31536000");
    }
    let sign_in = client(&root).post(format!("{}/api/v1/session", service.address()));
    let body = json!({ "name": "admin", "password": service.password.as_ref().expect("he was just made") });
    let answer = service.answer(sign_in.json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let cookie = answer.cookie.expect("he is signed in");
    assert!(cookie.starts_with("__Host-rowkeep_session=") && cookie.contains("; Secure"), "{cookie}");

    let other = tempfile::tempdir().expect("a folder is made");
    let refused = client(&issue(&other)).get(&url).send().await.expect_err("nobody vouches for it");
    assert!(format!("{refused:?}").contains("InvalidCertificate"), "{refused:?}");
    let mut plain = connect(&service).await;
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it is sent");
    let came = rest(plain).await;
    assert!(!came.starts_with(b"HTTP"), "{came:?}");
}

#[tokio::test]
async fn without_a_certificate_browsers_are_not_bound_to_tls() {
    let service = Service::new().await;
    let answer = reqwest::get(format!("{}/healthz", service.address())).await.expect("it is answered");
    assert!(answer.headers().get("strict-transport-security").is_none());
}

#[tokio::test]
async fn who_says_nothing_holds_up_nobody_and_is_sent_away() {
    let folder = folder();
    let root = issue(&folder);
    let service = service(&folder).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(&service).await;
        // A record of a handshake begins, and never ends.
        stream.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00]).await.expect("it is sent");
        silent.push(stream);
    }
    let answer = client(&root).get(format!("{}/healthz", service.address())).send().await;
    assert_eq!(answer.expect("it is answered").status(), 200);
    for stream in silent {
        assert_eq!(rest(stream).await, b"");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_no_connection_is_dropped() {
    let folder = folder();
    let before = issue(&folder);
    let service = service(&folder).await;
    let url = format!("{}/healthz", service.address());
    let asked = |client: Client| {
        let url = url.clone();
        async move { client.get(url).send().await?.bytes().await }
    };
    let mut kept = Kept::open(&service, &before).await;
    kept.ask().await;
    let root = issue(&folder);
    let mut is_renewed = false;
    for _ in 0..600 {
        // A client of its own makes a connection of its own.
        is_renewed = asked(client(&root)).await.is_ok();
        kept.ask().await;
        if is_renewed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(is_renewed, "the certificate before is still shown");
}
