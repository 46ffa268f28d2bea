//! The engines against real databases.

mod postgres;
mod sqlite;
