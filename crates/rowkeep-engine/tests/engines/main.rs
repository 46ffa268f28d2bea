//! The engines against real databases.
#![expect(clippy::disallowed_methods, reason = "waits for real servers and processes, with a bound")]

mod d1;
mod files;
mod postgres;
mod sqlite;
