//! The operations on real databases and an in-memory repository.

mod apply;
mod hashes;
mod postgres;
mod sqlite;
mod translate;
mod world;
