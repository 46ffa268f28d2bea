//! A certificate and its key as files, and what TLS is spoken with.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rowkeep::config::{ServiceSettings, TlsFiles};
use rustls::crypto::aws_lc_rs;
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// The most bytes that are read of a file: of whole chains of certificates it is some thousands.
const LARGEST: u64 = 1 << 20;

/// What both files hold.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Contents {
    /// Reads both.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, Error> {
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    /// By which it is known whether they have changed.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("rowkeep 2026-11-29 certificate and key");
        hasher.update(&(self.certificate.len() as u64).to_be_bytes());
        hasher.update(&self.certificate).update(&self.key);
        hasher.finalize().into()
    }

    /// What TLS is spoken with: versions 1.2 and 1.3, and HTTP/1.1 within.
    pub(super) fn config(&self, files: &TlsFiles) -> Result<ServerConfig, Error> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| problem(&files.certificate, format!("it is no PEM: {error}")))?;
        if chain.is_empty() {
            return Err(problem(&files.certificate, "there is no certificate in it (PEM is needed)"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                problem(&files.key, "there is no private key in it (PEM without a passphrase is needed)")
            }
            error => problem(&files.key, format!("it is no PEM: {error}")),
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| problem(&files.certificate, error.to_string()))?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let other = files.certificate.display();
                problem(&files.key, format!("it is not the key of the first certificate in {other}"))
            }
            rustls::Error::InvalidCertificate(_) => {
                problem(&files.certificate, format!("its first certificate cannot be used: {error}"))
            }
            error => problem(&files.key, format!("its private key cannot be used: {error}")),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Why the service cannot speak TLS as it is configured; nothing where it can, or is not to.
pub fn tls_problem(settings: &ServiceSettings) -> Option<Error> {
    let files = settings.tls.as_ref()?;
    warn_of_readers(files);
    Contents::read(files).and_then(|contents| contents.config(files)).err()
}

/// Says in the log when everybody on the machine can read the key.
pub(super) fn warn_of_readers(files: &TlsFiles) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(metadata) = std::fs::metadata(&files.key) else { return };
        if metadata.permissions().mode() & 0o007 != 0 {
            let key = files.key.display();
            tracing::warn!("everybody on this machine can use the private key {key}: chmod o= {key}");
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let read = || {
        let mut contents = Vec::new();
        let file = std::fs::File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        io::Read::read_to_end(&mut io::Read::take(file, LARGEST), &mut contents)?;
        Ok(contents)
    };
    read().map_err(|source| Error::File { path: path.to_owned(), source })
}

fn problem(path: &Path, problem: impl Into<String>) -> Error {
    Error::Tls { path: path.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let path = |name: &str| folder.path().join(name);
        let made =
            || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made");
        let (one, other) = (made(), made());
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text) in [
            ("cert", one.cert.pem()),
            ("chain", one.cert.pem() + &other.cert.pem()),
            ("reversed", other.cert.pem() + &one.cert.pem()),
            ("key", one.signing_key.serialize_pem()),
            ("empty", String::new()),
            ("garbage", garbage.to_owned()),
            ("half", "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned()),
        ] {
            std::fs::write(path(name), text).expect("it is written");
        }
        let problem = |certificate: &str, key: &str| {
            let tls = Some(TlsFiles { certificate: path(certificate), key: path(key) });
            tls_problem(&ServiceSettings { tls, ..ServiceSettings::default() })
                .map(|problem| rowkeep::format::in_one_line(&problem))
        };
        assert_eq!(tls_problem(&ServiceSettings::default()).map(|_| ()), None, "nothing is wanted");
        assert_eq!(problem("cert", "key"), None);
        assert_eq!(problem("chain", "key"), None);
        for (certificate, key, told) in [
            ("missing", "key", "missing: No such file"),
            ("cert", "missing", "missing: No such file"),
            ("", "key", "it is no file"),
            ("empty", "key", "empty: there is no certificate in it"),
            ("key", "key", "key: there is no certificate in it"),
            ("cert", "cert", "cert: there is no private key in it"),
            ("half", "key", "half: it is no PEM"),
            ("garbage", "key", "garbage: its first certificate cannot be used"),
            ("reversed", "key", "key: it is not the key of the first certificate in"),
        ] {
            let problem = problem(certificate, key).expect("it cannot be used");
            assert!(problem.contains(told), "{problem}");
        }
    }
}
