//! TLS of the service's own: the certificate that it shows, also after it was renewed.

mod files;
mod renewal;

pub use files::tls_problem;
pub(crate) use renewal::Certificate;
