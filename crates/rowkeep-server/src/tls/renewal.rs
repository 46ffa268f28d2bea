//! A certificate that is shown, and read again when its files have changed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rowkeep::config::TlsFiles;
use rowkeep::format::in_one_line;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::files::{Contents, warn_of_readers};
use crate::Error;

/// How long it is between two looks at the files.
const PAUSE: Duration = Duration::from_secs(2);

/// The certificate that the service shows at present.
pub(crate) struct Certificate {
    files: TlsFiles,
    shown: RwLock<Arc<ServerConfig>>,
    /// What was in the files when it was read first.
    first: Fingerprint,
}

/// By which it is known whether the files have changed; nothing where they cannot be read.
type Fingerprint = Option<[u8; 32]>;

/// What was found in the files.
struct Looks {
    last: Fingerprint,
    /// What was read for good, whatever came of it.
    settled: Fingerprint,
}

impl Certificate {
    /// Reads a certificate and its key.
    pub(crate) fn open(files: TlsFiles) -> Result<Self, Error> {
        warn_of_readers(&files);
        let contents = Contents::read(&files)?;
        let shown = RwLock::new(Arc::new(contents.config(&files)?));
        Ok(Self { first: Some(contents.fingerprint()), files, shown })
    }

    /// What speaks TLS with somebody who connects now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config().into()
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files until that is to stop. What was renewed is shown to whoever connects from then on; what cannot be
    /// used is said once, and the one before stays.
    pub(crate) async fn renew(&self, stop: &CancellationToken) {
        let mut looks = self.looks();
        loop {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => return,
            }
            match self.look(&mut looks).await {
                None => {}
                Some(Ok(())) => {
                    tracing::info!("the certificate {} was renewed", self.files.certificate.display());
                }
                Some(Err(error)) => {
                    let told = in_one_line(&error);
                    tracing::warn!("{told}; the certificate that was read before is still shown");
                }
            }
        }
    }

    fn looks(&self) -> Looks {
        Looks { last: self.first, settled: self.first }
    }

    /// Looks once; says what came of it where the files have changed.
    async fn look(&self, looks: &mut Looks) -> Option<Result<(), Error>> {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || Contents::read(&files)).await.ok()?;
        let seen = read.as_ref().ok().map(Contents::fingerprint);
        // Two files are not written at one instant: what counts is what stays.
        let is_new = seen == looks.last && seen != looks.settled;
        looks.last = seen;
        if !is_new {
            return None;
        }
        looks.settled = seen;
        Some(read.and_then(|contents| contents.config(&self.files)).map(|config| {
            *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a certificate that was just made, and the key of another one where they are not to fit.
    fn write(files: &TlsFiles, fits: bool) {
        let made =
            || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made");
        let (one, other) = (made(), made());
        let key = if fits { &one.signing_key } else { &other.signing_key };
        std::fs::write(&files.certificate, one.cert.pem()).expect("it is written");
        std::fs::write(&files.key, key.serialize_pem()).expect("it is written");
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_said_once_and_the_certificate_before_stays() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let files =
            TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        write(&files, true);
        let certificate = Certificate::open(files.clone()).expect("it can be used");
        let (mut looks, first) = (certificate.looks(), certificate.config());
        assert!(certificate.look(&mut looks).await.is_none(), "nothing has changed");

        write(&files, false);
        assert!(certificate.look(&mut looks).await.is_none(), "it may be half of what is being written");
        let problem =
            certificate.look(&mut looks).await.expect("it has changed").expect_err("it does not fit");
        assert!(problem.to_string().contains("it is not the key of"), "{problem}");
        assert!(certificate.look(&mut looks).await.is_none(), "it was said");
        std::fs::remove_file(&files.key).expect("it is removed");
        assert!(certificate.look(&mut looks).await.is_none());
        assert!(matches!(certificate.look(&mut looks).await, Some(Err(Error::File { .. }))));
        assert!(certificate.look(&mut looks).await.is_none(), "it was said");
        assert!(Arc::ptr_eq(&first, &certificate.config()), "the first one is shown");

        write(&files, true);
        assert!(certificate.look(&mut looks).await.is_none());
        certificate.look(&mut looks).await.expect("it has changed").expect("it can be used");
        assert!(!Arc::ptr_eq(&first, &certificate.config()), "the new one is shown");
    }
}
