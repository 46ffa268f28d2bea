//! TLS to the server, checked as far as the URL asks.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, TlsVersions, Trust};
use crate::{EngineError, ErrorKind};

/// How TLS is spoken to a server, and whom it trusts.
#[derive(Clone)]
pub(crate) struct Tls {
    config: ClientConfig,
    /// The certificates trusted, when they are asked for at all.
    pub(crate) roots: Vec<CertificateDer<'static>>,
}

impl Tls {
    /// Reads the certificates that the address names, or the system's.
    pub(crate) fn new(address: &Address) -> Result<Self, EngineError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (verifier, roots): (Arc<dyn ServerCertVerifier>, _) = if address.trust == Trust::Anybody {
            (Arc::new(Unchecked(provider.clone())), Vec::new())
        } else {
            let roots = roots(address.root_certificates.as_deref())?;
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(roots.iter().cloned());
            let checked = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .map_err(|error| refused("no certificate to trust was found").with_source(error))?;
            match address.trust {
                Trust::Full => (checked, roots),
                _ => (Arc::new(AnyName(checked)), roots),
            }
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(address.versions))
            .map_err(|error| refused("TLS cannot be set up").with_source(error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &address.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key_der)
                    .map_err(|error| unreadable(certificate, error))?
            }
        };
        Ok(Self { config, roots })
    }

    /// What the client library makes connections with.
    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(self.config.clone())
    }
}

static ONLY_1_3: [&SupportedProtocolVersion; 1] = [&TLS13];
static ONLY_1_2: [&SupportedProtocolVersion; 1] = [&TLS12];

fn versions(wanted: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    match wanted {
        TlsVersions { is_newest_only: true, .. } => &ONLY_1_3,
        TlsVersions { is_without_newest: true, .. } => &ONLY_1_2,
        _ => rustls::DEFAULT_VERSIONS,
    }
}

fn refused(message: impl Into<String>) -> EngineError {
    EngineError::new(ErrorKind::Unreachable, message)
}

fn unreadable(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EngineError {
    EngineError::new(ErrorKind::InvalidUrl, format!("{} cannot be used", path.display())).with_source(error)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|error| unreadable(path, error))
}

fn roots(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    match file {
        Some(path) => certificates(path),
        None => Ok(rustls_native_certs::load_native_certs().certs),
    }
}

/// Takes any certificate: `sslmode=require` and below hide the conversation from listeners, and no more.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a certificate of a known authority whatever name it carries: `sslmode=verify-ca`.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
