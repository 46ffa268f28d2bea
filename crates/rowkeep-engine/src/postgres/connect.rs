//! Reaching a server: address, TLS, sessions and their settings, the bytes of a connection, what is said when it fails.

pub(super) mod address;
pub(super) mod cancel_guard;
pub(super) mod commit;
pub(super) mod copy_interceptor;
pub(super) mod copy_sink;
pub(super) mod failure;
pub(super) mod libpq;
pub(super) mod own;
mod parameters;
pub(super) mod pem;
pub(super) mod pool;
pub(super) mod pooling;
pub(super) mod row;
pub(super) mod server;
pub(super) mod session;
pub(super) mod settings;
pub(super) mod terminate;
pub(super) mod tls;
pub(super) mod transport;
