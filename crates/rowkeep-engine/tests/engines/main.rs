//! The engines against real databases.
#![expect(clippy::disallowed_methods, reason = "waits for real servers and processes, with a bound")]

mod files;
mod postgres;
mod sqlite;
