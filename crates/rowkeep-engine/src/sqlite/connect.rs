//! Opening a database file: connections, transactions, statements, errors.

pub(crate) mod blocking;
pub(crate) mod collations;
pub(super) mod connection;
pub(crate) mod error;
pub(super) mod header;
pub(super) mod interrupt;
pub(super) mod patience;
pub(crate) mod raw_statement;
pub(super) mod reserved_lock;
pub(super) mod transaction;
pub(super) mod utf16;
