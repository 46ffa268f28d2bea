//! The operations on real databases and an in-memory repository.

mod apply;
mod hashes;
mod keyed;
mod postgres;
mod sqlite;
mod world;
