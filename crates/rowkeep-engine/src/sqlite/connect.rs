//! Opening a database file: connections, transactions, statements, errors.

pub(super) mod blocking;
pub(super) mod connection;
pub(super) mod error;
pub(super) mod header;
pub(super) mod interrupt;
pub(super) mod patience;
pub(super) mod raw_statement;
pub(super) mod reserved_lock;
pub(super) mod transaction;
pub(super) mod utf16;
